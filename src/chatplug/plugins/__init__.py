"""How providers come in."""

from __future__ import annotations

from chatplug.plugins import damage as damage
from chatplug.plugins.discovery import Declaration, discover
from chatplug.plugins.hookspecs import ChatplugSpecs, hookimpl
from chatplug.plugins.manager import PluginManager, default_manager

__all__ = ["ChatplugSpecs", "Declaration", "PluginManager", "default_manager", "discover", "hookimpl"]
