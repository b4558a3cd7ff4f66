"""Handlers that hear runs without being named in a config: those of a `with` block around, and those of extensions."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from chatplug.callbacks.extension import extension_handlers

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from chatplug.callbacks.handler import BaseCallbackHandler

__all__ = ["ambient_handlers", "around", "heard_by"]

around: ContextVar[tuple[BaseCallbackHandler, ...]] = ContextVar("chatplug_handlers", default=())
"""The handlers of the blocks around this code, the outermost first."""


def ambient_handlers() -> Sequence[BaseCallbackHandler]:
    """The handlers that hear what is called here: those of the blocks around, then those of extensions."""
    handlers = around.get()
    return (*handlers, *extension_handlers()) if handlers else extension_handlers()


@contextmanager
def heard_by(handler: BaseCallbackHandler) -> Generator[None]:
    """Have a handler hear whatever is called in the block, and in the tasks and threads that are started in it."""
    from chatplug.callbacks.carrying import carry

    carry(around)
    around.set((*around.get(), handler))
    try:
        yield
    finally:
        # Not reset by a token: the block may end in another context, as those of generators do.
        around.set(tuple(one for one in around.get() if one is not handler))
