"""The plugin system for chat models.

>>> import chatplug
>>> chatplug.init("echo:n3").invoke("Meow!").text
'Meo'
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from chatplug.errors import ChatplugError as ChatplugError
    from chatplug.factory import init as init
    from chatplug.plugins.hookspecs import hookimpl as hookimpl

__all__ = ["ChatplugError", "__version__", "hookimpl", "init"]

__version__ = "0.1.0"
"""The version of the host that is installed."""

# Each name is imported when it is first used: `import chatplug` alone costs next to nothing.
_HOMES = {
    "ChatplugError": "chatplug.errors",
    "hookimpl": "chatplug.plugins.hookspecs",
    "init": "chatplug.factory",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'chatplug' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
