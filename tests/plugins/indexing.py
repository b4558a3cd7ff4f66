"""An index of what a test installed, as another process would have it, and who counts what it reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chatplug.plugins import folder, index
from chatplug.plugins.declaration import PROVIDERS
from chatplug.plugins.index import Index, Installed
from tests.plugins.installing import later


def providers(installed: Installed) -> list[str]:
    return sorted(installed.groups[PROVIDERS])


def fresh(place: Path) -> Index:
    """An index as another process would have it: what it knows is in its file."""
    return Index(str(place / "cache" / "index.txt"), later)


def count_readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that are read from now on."""
    read: list[str] = []

    def reading(path: str, now: int) -> Any:
        read.append(path)
        return folder.read_folder(path, now)

    monkeypatch.setattr(index, "read_folder", reading)
    return read
