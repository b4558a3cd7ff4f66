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
    from collections.abc import Awaitable, Iterator

__all__ = ["adispatch", "dispatch"]

_log = logging.getLogger("chatplug.callbacks")


def dispatch(handlers: list[BaseCallbackHandler], event: str, *args: Any, **kwargs: Any) -> None:
    """Tell each handler of an event, in order; asynchronous methods have ended when this returns.

    The first failure ends it, but not at the end of a run: that each handler hears, and then the failure is raised.
    Whoever has not heard the start of a run, because of a failure, is taken out of `handlers`, and hears no end.
    """
    told = _Told(handlers, event)
    for handler, method in told.listeners():
        try:
            answer = method(*args, **kwargs)
            if inspect.isawaitable(answer):
                _complete(answer)
        except BaseException as error:
            told.failed(handler, error)
    told.end()


async def adispatch(handlers: list[BaseCallbackHandler], event: str, *args: Any, **kwargs: Any) -> None:
    """The asynchronous twin of `dispatch`."""
    told = _Told(handlers, event)
    for handler, method in told.listeners():
        try:
            answer = method(*args, **kwargs)
            if inspect.isawaitable(answer):
                await answer
        except BaseException as error:
            told.failed(handler, error)
    told.end()


_STARTS = frozenset({"on_chat_model_start", "on_chain_start", "on_tool_start"})
_ENDS = frozenset(
    {
        "on_chain_end",
        "on_chain_error",
        "on_llm_end",
        "on_llm_error",
        "on_run_end",
        "on_tool_end",
        "on_tool_error",
    }
)


class _Told:
    """One event: who has to hear it, and what has failed."""

    __slots__ = ("_event", "_failure", "_handlers")

    def __init__(self, handlers: list[BaseCallbackHandler], event: str) -> None:
        self._event = event
        self._failure: BaseException | None = None
        self._handlers = handlers

    def listeners(self) -> Iterator[tuple[BaseCallbackHandler, Any]]:
        """The handlers that define the event, and their methods for it."""
        silent = getattr(BaseCallbackHandler, self._event)
        for handler in tuple(self._handlers):
            if getattr(type(handler), self._event, silent) is not silent or self._event in vars(handler):
                yield handler, getattr(handler, self._event)

    def failed(self, handler: BaseCallbackHandler, error: BaseException) -> None:
        """Raise it, log it, or keep it until everybody has heard the end."""
        if isinstance(error, Exception) and not handler.raise_error:
            _log.warning("%s.%s failed: %r", type(handler).__name__, self._event, error, exc_info=error)
        elif self._event in _ENDS:
            # A cancellation must not be lost behind a failure that came before it.
            if self._failure is None or (isinstance(self._failure, Exception) and not isinstance(error, Exception)):
                self._failure = error
        else:
            if self._event in _STARTS:
                place = next(index for index, other in enumerate(self._handlers) if other is handler)
                del self._handlers[place + 1 :]
            raise error

    def end(self) -> None:
        """Raise what was kept."""
        if self._failure is not None:
            raise self._failure


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
