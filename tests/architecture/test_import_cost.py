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
