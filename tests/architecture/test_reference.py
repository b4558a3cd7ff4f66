"""The reference has everything that is public, and shows it as it is."""

import re
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT
from tools.reference import ROOMS, TYPES, documentation, expanded, homes, linked

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


NO_GUIDES = {"reference", "decisions", "_build", "langchain-names.md"}
GUIDES = [path for path in (ROOT / "docs").rglob("*.md") if not NO_GUIDES & set(path.parts)]


def test_every_public_name_is_used_or_named_on_a_page_that_is_no_reference() -> None:
    words = {word for page in GUIDES for word in re.findall(r"\w+", page.read_text(encoding="utf-8"))}

    unseen = [path for path in homes().values() if path not in TYPES and path.rpartition(".")[2] not in words]

    assert unseen == ["chatplug.__version__"]


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "coming-from").glob("*.md")), ids=lambda page: page.stem)
def test_every_name_of_ours_that_others_are_told_is_public(page: Path) -> None:
    told = re.findall(r"`(chatplug(?:\.\w+)+)", page.read_text(encoding="utf-8"))
    groups = {f"chatplug.{group}" for group in ("providers", "models", "extensions", "commands")}

    assert [name for name in told if name not in homes() and name not in groups] == []


def test_what_bears_the_same_name_as_in_langchain_is_in_the_module_of_the_same_name() -> None:
    page = (ROOT / "docs" / "coming-from" / "langchain.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `langchain_core.")]
    theirs = {name for row in rows for name in re.findall(r"`langchain_core\.([\w.]+)`", row[0])}
    ours = {name for row in rows for name in re.findall(r"`chatplug\.([\w.]+)`", row[1])}

    elsewhere = {"utils.function_calling.convert_to_openai_tool", "language_models.ModelProfile"}
    elsewhere |= {"exceptions.OutputParserException", "exceptions.ContextOverflowError"}

    assert theirs - ours == elsewhere
