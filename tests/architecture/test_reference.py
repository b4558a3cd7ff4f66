"""The reference has everything that is public, and shows it as it is."""

import re

import pytest

from tests.architecture.sources import ROOT
from tools.reference import ROOMS, documentation, expanded, homes, linked

PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs" / "reference").glob("*.md"))}
_LISTED = re.compile(r"^```\{public\} (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LISTED = [
    f"{room}.{name}" for page in PAGES.values() for room, names in _LISTED.findall(page) for name in names.split()
]


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_is_on_the_reference_once(room: str) -> None:
    public = [path for path in homes() if path.rpartition(".")[0] == room]
    # What another module describes may be left out here.
    wrong = {path: LISTED.count(path) for path in public if LISTED.count(path) != 1}

    assert {path for path, count in wrong.items() if count or homes()[path] == path} == set()


def test_the_reference_lists_only_what_is_there() -> None:
    assert [path for path in LISTED if path not in homes()] == []


def test_every_public_name_says_what_it_is() -> None:
    assert [path for path in homes().values() if not documentation(path).strip()] == []


def test_every_command_is_on_the_page_of_the_command_line() -> None:
    pytest.importorskip("click")
    from chatplug.cli.app import app

    page = expanded(PAGES["command-line"])

    assert [name for name in app.commands if f"\n## `chatplug {name}`\n" not in page] == []


def test_what_is_between_backquotes_in_an_example_stays_as_it_is() -> None:
    lines = ["Gives `x`.", "", ">>> print('`x`')", "`x`", ""]

    assert linked(lines) == ["Gives ``x``.", "", ">>> print('`x`')", "`x`", ""]


def test_every_variable_that_the_sources_read_is_on_the_page_of_the_environment() -> None:
    sources = [
        path
        for folder in ("src", "plugins", "conftest.py", "tools")
        for path in ROOT.glob(f"{folder}/**/*.py")
        if "tests" not in path.parts
    ]
    read = {
        name
        for path in sources
        for name in re.findall(r'"(CHATPLUG_(?:[A-Z]+_)*[A-Z]+)"', path.read_text(encoding="utf-8"))
    }

    assert sorted(name for name in read if f"`{name}`" not in PAGES["environment"]) == []
