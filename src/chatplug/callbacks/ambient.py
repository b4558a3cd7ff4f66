"""Handlers that hear runs without being named in a config: those of a `with` block around, and those of extensions.

What a block says reaches its tasks, and the threads that copy its context, as the host's do. A bare thread begins with
an empty context (unless Python 3.14 is told otherwise), and Python keeps no record of who started it: so from the first
block on `Thread.start` notes the handlers around it. It changes nothing else, and the thread's context stays empty.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from threading import Thread, current_thread
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from chatplug.callbacks.extension import extension_handlers

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from chatplug.callbacks.handler import BaseCallbackHandler

__all__ = ["ambient_handlers", "heard_by"]

_around: ContextVar[tuple[BaseCallbackHandler, ...] | None] = ContextVar("chatplug_handlers", default=None)
"""The handlers of the blocks around this code, the outermost first; None where nothing was ever said."""
_started_in: WeakKeyDictionary[Thread, tuple[BaseCallbackHandler, ...]] = WeakKeyDictionary()
"""For each thread that was started inside blocks, their handlers."""
_is_watching = False


def ambient_handlers() -> Sequence[BaseCallbackHandler]:
    """The handlers that hear what is called here: those of the blocks around, then those of extensions."""
    around = _handlers_around()
    return (*around, *extension_handlers()) if around else extension_handlers()


@contextmanager
def heard_by(handler: BaseCallbackHandler) -> Generator[None]:
    """Have a handler hear whatever is called in the block, and in the tasks and threads that are started in it."""
    _watch()
    _around.set((*_handlers_around(), handler))
    try:
        yield
    finally:
        # Not reset by a token: the block may end in another context, as those of generators do.
        _around.set(tuple(one for one in _handlers_around() if one is not handler))


def _handlers_around() -> tuple[BaseCallbackHandler, ...]:
    around = _around.get()
    if around is None:
        return _started_in.get(current_thread(), ()) if _is_watching else ()
    return around


def _watch() -> None:
    global _is_watching  # once for each process: others may have wrapped it since, so it is not taken back
    if _is_watching:
        return
    _is_watching = True
    start = Thread.start

    @wraps(start)
    def start_and_note(self: Thread) -> None:
        around = _handlers_around()
        if around:
            _started_in[self] = around
        start(self)

    Thread.start = start_and_note  # type: ignore[method-assign]  # see above
