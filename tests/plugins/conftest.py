"""A folder to install to."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which `sys.path` is only what a test puts there."""
    monkeypatch.setattr(sys, "path", [])
    return tmp_path
