"""Plugins that are objects of a test, as if their distributions were installed."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from chatplug.plugins import Declaration, PluginManager


def installed(monkeypatch: pytest.MonkeyPatch, **plugins: object) -> PluginManager:
    """A manager of these plugins, each by the name of its provider."""
    module = ModuleType("chatplug_plugins_of_a_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for provider, plugin in plugins.items():
        setattr(module, provider, plugin)
    return PluginManager(
        {name: [Declaration(name, f"{module.__name__}:{name}", f"dist-{name}", "1.0")] for name in plugins}
    )
