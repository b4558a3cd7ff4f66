"""The page that says what was read says what was read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.recordings import table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "recordings.md"


@pytest.mark.recordings
def test_the_page_on_recordings_holds_the_table_that_the_recordings_give(recordings: Path) -> None:
    assert table(recordings) in PAGE.read_text(encoding="utf-8")
