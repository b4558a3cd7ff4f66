"""Plugins that are objects of a test, as if their distributions were installed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType

import pytest

from chatplug.plugins import Declaration, PluginManager
from chatplug.plugins.declaration import MODELS


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
