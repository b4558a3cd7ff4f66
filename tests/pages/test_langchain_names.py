"""The page of the names that are known from LangChain says of each of them where it is, and is right."""

from __future__ import annotations

import json
import re
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.sources import ROOT

# What the modules of langchain-core 1.8.3 and langchain 1.5.2 have in `__all__` (of `runnables.config`, which has none,
# what programs import), read on 2026-11-24.
NAMES: dict[str, list[str]] = json.loads((Path(__file__).parent / "langchain_names.json").read_text(encoding="utf-8"))
THERE = {f"{module}.{name}" for module, names in NAMES.items() for name in names}


def rows(heading: str) -> list[list[list[str]]]:
    """The table below a heading: of each cell what stands in code."""
    page = (ROOT / "docs" / "langchain-names.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][2:]
    return [[re.findall(r"`([^`]+)`", cell) for cell in line.strip("| ").split(" | ")] for line in lines]


SAME = [f"{module[0]}.{name}" for module, names in rows("The same") for name in names]
OTHER = [(row[0][0], row[1][0]) for row in rows("Under another name")]
ABSENT = [name for row in rows("Not here") for name in row[-1]]


def ours(there: str) -> str:
    return f"chatplug.{there.partition('.')[2]}"


def imported(name: str) -> Any:
    module, _, last = name.rpartition(".")
    return getattr(import_module(module), last)


def test_every_name_stands_on_the_page_once() -> None:
    listed = Counter([*SAME, *(there for there, _ in OTHER), *ABSENT])

    assert listed == Counter(THERE)


@pytest.mark.parametrize("there", SAME)
def test_a_name_that_is_the_same_can_be_imported(there: str) -> None:
    assert imported(ours(there)) is not None


@pytest.mark.parametrize(("there", "here"), OTHER)
def test_a_name_that_is_another_can_be_imported_and_the_known_one_cannot(there: str, here: str) -> None:
    assert imported(here) is not None
    with pytest.raises((ImportError, AttributeError)):
        imported(ours(there))


@pytest.mark.parametrize("there", ABSENT)
def test_a_name_that_is_said_not_to_be_here_is_not(there: str) -> None:
    with pytest.raises((ImportError, AttributeError)):
        imported(ours(there))
