"""docs/providers says what the table and the recordings say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.providers import PAGES, pages


@pytest.mark.recordings
def test_each_row_has_a_page_that_says_what_was_verified_and_each_page_a_row(recordings: Path) -> None:
    made = pages(recordings)

    for path, text in made.items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run python -m tools.providers"
    assert {path for path in made if path.parent == PAGES} == set(PAGES.glob("*.md"))
