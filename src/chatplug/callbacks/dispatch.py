"""One event to many handlers.

`send` calls each handler that defines the event, and gives back what has to be awaited. Both drivers stand on it, so
that the synchronous and the asynchronous path do the same in the same order.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from concurrent.futures import Future
from contextvars import copy_context
from threading import Thread
from typing import TYPE_CHECKING, Any

from chatplug.callbacks.handler import BaseCallbackHandler

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator, Sequence

__all__ = ["adispatch", "dispatch"]

_log = logging.getLogger("chatplug.callbacks")


def dispatch(handlers: Sequence[BaseCallbackHandler], event: str, *args: Any, **kwargs: Any) -> None:
    """Tell each handler of an event, in order; asynchronous methods have ended when this returns."""
    for handler, method in _listeners(handlers, event):
        try:
            answer = method(*args, **kwargs)
            if inspect.isawaitable(answer):
                _complete(answer)
        except Exception as error:
            _failed(handler, event, error)


async def adispatch(handlers: Sequence[BaseCallbackHandler], event: str, *args: Any, **kwargs: Any) -> None:
    """The asynchronous twin of `dispatch`."""
    for handler, method in _listeners(handlers, event):
        try:
            answer = method(*args, **kwargs)
            if inspect.isawaitable(answer):
                await answer
        except Exception as error:
            _failed(handler, event, error)


def _listeners(handlers: Sequence[BaseCallbackHandler], event: str) -> Iterator[tuple[BaseCallbackHandler, Any]]:
    silent = getattr(BaseCallbackHandler, event)
    for handler in handlers:
        if getattr(type(handler), event, silent) is not silent or event in vars(handler):
            yield handler, getattr(handler, event)


def _complete(answer: Awaitable[Any]) -> None:
    """Run an asynchronous method from a synchronous call, with the caller's context."""

    async def whole() -> Any:
        return await answer

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(whole())
        return
    # A synchronous call inside a running loop: that loop cannot be waited on from within, so another thread does it.
    done: Future[Any] = Future()

    def work() -> None:
        try:
            done.set_result(asyncio.run(whole()))
        except BaseException as error:  # handed to the caller below
            done.set_exception(error)

    thread = Thread(target=copy_context().run, args=(work,), daemon=True)
    thread.start()
    thread.join()
    done.result()


def _failed(handler: BaseCallbackHandler, event: str, error: Exception) -> None:
    if handler.raise_error:
        raise error
    _log.warning("%s.%s failed: %r", type(handler).__name__, event, error, exc_info=error)
