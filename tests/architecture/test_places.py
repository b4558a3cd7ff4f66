"""Some lines have one room each; the table says which, and why."""

import re
from collections.abc import Mapping

import pytest

from tests.architecture.sources import ROOT, Module, dotted_uses, modules, text_files

# What may be used only in certain modules of the host or of a plugin (paths inside the package): the reason is what a
# reader needs to judge the next entry.
PLACES: Mapping[str, Mapping[str, str]] = {
    "os.environ": {"credentials.py": "the one reader of the environment"},
    "os.getenv": {"credentials.py": "the one reader of the environment"},
    "urllib.request.getproxies": {
        "http/proxy.py": "HTTP_PROXY and its kin, or the system's settings, as every client reads them"
    },
    "urllib.request.proxy_bypass": {"http/proxy.py": "NO_PROXY, read with the same"},
    "ssl.create_default_context": {"http/tls.py": "SSL_CERT_FILE and SSL_CERT_DIR, which OpenSSL reads itself"},
    "time.sleep": {
        "http/retry.py": "waits between the tries of one request",
        "runnables/retry.py": "waits between attempts",
        "testing/conformance/blocking.py": "knows it when others call it in an event loop",
        "testing/fakes.py": "a fake model that takes its time",
    },
    "concurrent.futures.ThreadPoolExecutor": {
        "callbacks/carrying.py": "what pools are given takes handlers along",
        "runnables/batch.py": "several calls at once",
    },
    "importlib.metadata.entry_points": {"plugins/discovery.py": "reads what is installed"},
    "importlib_metadata.entry_points": {"plugins/discovery.py": "reads what is installed"},
    "importlib_metadata.distributions": {"plugins/discovery.py": "reads what is installed"},
    "pluggy.PluginManager": {"plugins/loading.py": "one for each plugin, which registers and checks it"},
}

# These say nothing about what a module holds.
EMPTY_NAMES = {"base", "common", "helpers", "misc", "util", "utils"}

LINES = 450


def misplaced(module: Module) -> list[str]:
    """The uses in a module that belong elsewhere."""
    found: list[str] = []
    for path, line in dotted_uses(module.tree):
        places = PLACES.get(path)
        if places is not None and module.room not in places:
            found.append(f"{module.where}:{line}: {path} belongs in {', '.join(places)}")
    return found


def test_every_line_is_in_its_room() -> None:
    found = [complaint for module in modules() for complaint in misplaced(module)]

    assert not found, "\n".join(found)


def test_hooks_are_called_through_the_manager_only() -> None:
    call = re.compile(r"\b_?(pm|manager)\.hook\.")
    found = [m.where for m in modules() if m.room != "plugins/manager.py" and call.search(m.path.read_text("utf-8"))]

    assert not found


def test_no_module_is_named_for_nothing() -> None:
    found = [module.where for module in modules() if {module.path.stem, module.path.parent.name} & EMPTY_NAMES]

    assert not found


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.where)
def test_a_module_holds_one_noun(module: Module) -> None:
    length = len(module.path.read_text(encoding="utf-8").splitlines())

    assert length <= LINES, f"{module.where} has {length} lines; look for a second noun in it"


def test_a_module_of_the_tests_holds_one_noun_too() -> None:
    lengths = {where: len(text.splitlines()) for where, text in text_files() if re.search(r"(^|/)tests/.*\.py$", where)}
    found = [f"{where} has {length} lines" for where, length in lengths.items() if length > LINES]

    assert len(lengths) > 100
    assert not found, f"{', '.join(found)}; split it by what is tested, and what is shared goes to a module of its own"


def test_the_echo_plugin_is_small_enough_to_be_read_at_once() -> None:
    echo = [module for module in modules() if module.name.partition(".")[0] == "chatplug_echo"]

    assert sum(len(module.path.read_text(encoding="utf-8").splitlines()) for module in echo) <= 150


def test_the_house_has_every_room_on_its_page() -> None:
    page = (ROOT / "docs" / "house.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|.*\| (planned )?\|$", page, re.MULTILINE)
    rooms = {room for room, _ in rows} - {"chatplug"}
    planned = {room for room, mark in rows if mark}
    built = {module.room.partition("/")[0].removesuffix(".py") for module in modules() if module.is_host}
    built -= {"__init__", "__main__"}

    assert built <= rooms, "a room without a line in docs/house.md"
    assert not built & planned, "a room that is there is still called planned"
