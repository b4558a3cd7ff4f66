"""Two providers whose models say which they are."""

from __future__ import annotations

import pytest

from chatplug.plugins import PluginManager
from tests.language_models.animals import Animals
from tests.language_models.plugins import installed


@pytest.fixture
def animals() -> Animals:
    return Animals()


@pytest.fixture
def manager(animals: Animals, monkeypatch: pytest.MonkeyPatch) -> PluginManager:
    return installed(monkeypatch, cats=animals, dogs=animals)
