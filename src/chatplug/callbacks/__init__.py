"""Who listens to runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatplug.callbacks.handler import BaseCallbackHandler
    from chatplug.callbacks.manager import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun

__all__ = ["AsyncCallbackManagerForLLMRun", "BaseCallbackHandler", "CallbackManagerForLLMRun"]

_HOMES = {
    "AsyncCallbackManagerForLLMRun": "manager",
    "BaseCallbackHandler": "handler",
    "CallbackManagerForLLMRun": "manager",
}


def __getattr__(name: str) -> object:
    # Most programs have no handlers: what handlers need is imported when there is one.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
