"""Plugins that are objects of a test, as if their distributions were installed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pytest

from chatplug import hookimpl
from chatplug.language_models import BaseChatModel
from chatplug.plugins import Declaration, PluginManager
from chatplug.plugins.declaration import MODELS
from tests.language_models.models import Whole


class Facts:
    """A plugin whose models have these facts, and which counts how often it is asked for them."""

    def __init__(self, facts: Any) -> None:
        self.facts, self.asked = facts, 0

    @hookimpl
    def chatplug_create_model(self, model: str, settings: Any) -> BaseChatModel:
        return Whole(model_name=model, **settings)

    @hookimpl
    def chatplug_model_profiles(self, provider: str) -> Any:
        self.asked += 1
        return self.facts


def installed(
    monkeypatch: pytest.MonkeyPatch, claims: Mapping[str, str] | None = None, **plugins: object
) -> PluginManager:
    """A manager of these plugins, each by the name of its provider; a claim says whose a beginning of names is."""
    module = ModuleType("chatplug_plugins_of_a_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for provider, plugin in plugins.items():
        setattr(module, provider, plugin)
    return PluginManager(
        {name: [Declaration(name, f"{module.__name__}:{name}", f"dist-{name}", "1.0")] for name in plugins},
        models={
            beginning: [Declaration(beginning, f"{module.__name__}:{name}", f"dist-{name}", "1.0", MODELS)]
            for beginning, name in (claims or {}).items()
        },
    )
