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
    from uuid import UUID

__all__ = ["adispatch", "dispatch"]

_log = logging.getLogger("chatplug.callbacks")


def dispatch(handlers: Sequence[BaseCallbackHandler], event: str, *args: Any, **kwargs: Any) -> None:
    """Tell each handler of an event, in order; asynchronous methods have ended when this returns.

    The first failure ends it, but not at the end of a run: that each handler hears, and then the failure is raised.
    A handler that has not heard the start of a run, because of a failure, does not hear its end.
    """
    told = _Told(handlers, event, kwargs)
    for handler, method in told.listeners():
        try:
            answer = method(*args, **kwargs)
            if inspect.isawaitable(answer):
                _complete(answer)
        except BaseException as error:
            told.failed(handler, error)
    told.end()


async def adispatch(handlers: Sequence[BaseCallbackHandler], event: str, *args: Any, **kwargs: Any) -> None:
    """The asynchronous twin of `dispatch`."""
    told = _Told(handlers, event, kwargs)
    for handler, method in told.listeners():
        try:
            answer = method(*args, **kwargs)
            if inspect.isawaitable(answer):
                await answer
        except BaseException as error:
            told.failed(handler, error)
    told.end()


_ENDS = frozenset({"on_llm_end", "on_llm_error"})
_unstarted: dict[UUID, list[BaseCallbackHandler]] = {}
"""Of runs whose start failed on its way: who has not heard it. Their end, which follows at once, removes them."""


class _Told:
    """One event: who has to hear it, and what has failed."""

    __slots__ = ("_event", "_failure", "_handlers", "_run_id")

    def __init__(self, handlers: Sequence[BaseCallbackHandler], event: str, facts: dict[str, Any]) -> None:
        self._event = event
        self._run_id: UUID | None = facts.get("run_id")
        self._failure: BaseException | None = None
        self._handlers = handlers
        if _unstarted and event in _ENDS and self._run_id is not None:
            deaf = {id(handler) for handler in _unstarted.pop(self._run_id, ())}
            self._handlers = [handler for handler in handlers if id(handler) not in deaf]

    def listeners(self) -> Iterator[tuple[BaseCallbackHandler, Any]]:
        """The handlers that define the event, and their methods for it."""
        silent = getattr(BaseCallbackHandler, self._event)
        for handler in self._handlers:
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
            if self._event == "on_chat_model_start" and self._run_id is not None:
                place = next(index for index, other in enumerate(self._handlers) if other is handler)
                _unstarted[self._run_id] = list(self._handlers[place + 1 :])
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
