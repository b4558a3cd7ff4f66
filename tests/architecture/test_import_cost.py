"""`import chatplug` costs next to nothing, because everything comes on first use."""

import subprocess
import sys

import pytest

HEAVY = {
    "aiohttp": "an HTTP client",
    "asyncio": "comes with the first asynchronous call",
    "click": "the command line",
    "http.client": "an HTTP client",
    "httpcore": "an HTTP client",
    "httpx": "an HTTP client",
    "httpx2": "an HTTP client",
    "importlib.metadata": "the index is read without it",
    "importlib_metadata": "the index is read without it",
    "inspect": "half of what pluggy costs",
    "openai": "an SDK",
    "platformdirs": "comes with the index",
    "pluggy": "comes with the first plugin",
    "pydantic": "comes with the first model",
    "rich": "the command line",
    "ssl": "comes with the HTTP client",
    "urllib3": "an HTTP client",
}


def imported_by(statement: str) -> set[str]:
    """The modules that a fresh interpreter imports for a statement, according to `-X importtime`."""
    command = [sys.executable, "-X", "importtime", "-c", statement]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    lines = (line for line in done.stderr.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip() for line in lines} - {"imported package"}


@pytest.fixture(scope="module")
def added() -> set[str]:
    return imported_by("import chatplug") - imported_by("pass")


def test_import_chatplug_loads_nothing_heavy(added: set[str]) -> None:
    found = {name: HEAVY[name] for name in sorted(added & set(HEAVY))}

    assert not found


def test_import_chatplug_loads_no_plugin(added: set[str]) -> None:
    plugins = {name for name in added if name.startswith("chatplug_")}

    assert not plugins


def test_import_chatplug_loads_none_of_its_rooms(added: set[str]) -> None:
    rooms = {name for name in added if name.startswith("chatplug.")}

    assert not rooms


# What a first answer may import beside the interpreter's own start, pydantic and the model class that is measured with
# it. A longer list makes each fresh process slower; a name that is added here ought to be worth it.
COLD = {
    "pluggy": "registers and checks the plugin",
    "chatplug": "the host",
    "chatplug_echo": "the plugin",
}
COLD_ROOMS = {
    "callbacks": 8,
    "language_models": 10,
    "messages": 13,
    "plugins": 18,
    "profiles": 2,
    "rate_limiters": 4,
    "runnables": 8,
    "wire": 4,
}
"""How many modules of each room a first answer imports, at most."""
FIRST_ANSWER = "import chatplug; chatplug.init('echo:n3').invoke('Meow!')"
FLOOR = "from pydantic import BaseModel; type('Model', (BaseModel,), {'__module__': '__main__'})()"


@pytest.fixture(scope="module")
def cold() -> set[str]:
    return imported_by(FIRST_ANSWER) - imported_by(FLOOR)


def test_a_first_answer_imports_nothing_but_us_and_pluggy_beside_pydantic(cold: set[str]) -> None:
    found = sorted(name for name in cold if name.partition(".")[0] not in COLD)

    assert not found, "import these where they are used; each costs every program's first answer"


def test_a_first_answer_imports_few_modules_of_each_room(cold: set[str]) -> None:
    rooms: dict[str, list[str]] = {}
    for name in sorted(cold):
        if name.startswith("chatplug."):
            rooms.setdefault(name.split(".")[1], []).append(name)
    grown = {room: names for room, names in rooms.items() if len(names) > COLD_ROOMS.get(room, 1)}

    assert not grown, "defer an import, or raise the number if the module is worth its tenth of a millisecond"


def test_a_first_answer_imports_no_other_plugin(cold: set[str]) -> None:
    plugins = {name.partition(".")[0] for name in cold if name.startswith("chatplug_")}

    assert plugins == {"chatplug_echo"}
