"""What an extension may give as its handlers."""

from __future__ import annotations

from typing import TypeGuard

from chatplug.callbacks.handler import BaseCallbackHandler

__all__ = ["HANDLERS", "HANDLERS_KIND", "is_handler"]

HANDLERS = "chatplug_callback_handlers"
"""The hook."""
HANDLERS_KIND = "list of handlers with policy 'observe' or 'required'"
"""What it gives."""


def is_handler(one: object) -> TypeGuard[BaseCallbackHandler]:
    """Whether it is a handler that may hear runs."""
    return isinstance(one, BaseCallbackHandler) and one.policy in ("observe", "required")
