"""How providers come in."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatplug.plugins.declaration import Declaration
    from chatplug.plugins.hookspecs import ChatplugSpecs, hookimpl
    from chatplug.plugins.index import discover
    from chatplug.plugins.manager import PluginManager, default_manager

__all__ = ["ChatplugSpecs", "Declaration", "PluginManager", "default_manager", "discover", "hookimpl"]

# What is installed can be asked without pluggy and pydantic.
_HOMES = {
    "ChatplugSpecs": "hookspecs",
    "Declaration": "declaration",
    "PluginManager": "manager",
    "default_manager": "manager",
    "discover": "index",
    "hookimpl": "hookspecs",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
