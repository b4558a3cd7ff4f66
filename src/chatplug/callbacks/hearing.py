"""`Hearing`: how one handler hears one run.

A handler hears all events of a run in one context of its own: what it sets at the start it finds at the end, and the
caller never.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar, copy_context
from functools import partial
from inspect import iscoroutinefunction
from threading import Lock
from typing import TYPE_CHECKING, Any

from chatplug.callbacks.calling import CancelledInThread, afinish, apply, call_in_thread, finish
from chatplug.callbacks.event import ENDS, IGNORED_BY, STARTS
from chatplug.callbacks.extension import extension_redactors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chatplug.callbacks.event import Event
    from chatplug.callbacks.handler import BaseCallbackHandler
    from chatplug.callbacks.listener import Listener
    from chatplug.callbacks.queues import Queue
    from chatplug.messages import BaseMessage

__all__ = ["Hearing", "handlers_outside", "is_inside_handler"]

_MOST_WAITING = 10_000
"""So many events may wait for a handler; what comes then is dropped."""

_inside: ContextVar[tuple[Listener, ...]] = ContextVar("chatplug_inside_handlers", default=())
"""The handlers in whose code we are. What they call they do not hear, or they would hear themselves for ever."""


def is_inside_handler() -> bool:
    """Whether this is the code of a handler."""
    return bool(_inside.get())


def handlers_outside(handlers: Iterable[BaseCallbackHandler]) -> Iterable[BaseCallbackHandler]:
    """The handlers without those in whose code this is."""
    inside = _inside.get()
    return [one for one in handlers if all(one is not it.handler() for it in inside)] if inside else handlers


class Hearing:
    """One handler in one run."""

    __slots__ = ("_context", "_has_start", "_is_deaf", "_turn", "handler", "is_required", "listener", "queue")

    def __init__(
        self, handler: BaseCallbackHandler, listener: Listener, home: asyncio.AbstractEventLoop | None
    ) -> None:
        self.handler = handler
        self.listener = listener
        self.is_required = handler.raise_error or handler.policy == "required"
        self.queue: Queue | None = None if self.is_required or handler.run_inline else listener.queue(home)
        """Where its events wait; None where it hears in line."""
        self._context = copy_context()
        self._context.run(_inside.set, (*_inside.get(), listener))
        self._turn = Lock()
        self._has_start = False
        self._is_deaf = False

    def method(self, event: str) -> Any:
        """What hears an event; None where the handler does not define it."""
        handler, events = self.handler, self.listener.kind.events
        ignored = IGNORED_BY.get(event)
        if ignored is not None and getattr(handler, ignored, False):
            return None
        if event in events or event in vars(handler):
            method = getattr(handler, event)
        elif event == "on_chat_model_start" and (method := self.method("on_llm_start")) is not None:
            return partial(_start_with_prompts, method)  # the method sees what may be shown
        else:
            return None
        is_async = iscoroutinefunction(method)
        redactors = extension_redactors() if handler.is_redacted else ()
        if redactors:
            from chatplug.callbacks.redaction import Redaction

            method = Redaction(redactors).around(event, method)
        if self.queue is not None and self.listener.kind.has_async and not is_async:
            return partial(call_in_thread, method)  # which must not keep the loop from others
        return method

    def put(self, event: Event, method: Any) -> None:
        """Let the handler hear it soon, if it can keep up."""
        listener, queue, name = self.listener, self.queue, event[0]
        assert queue is not None, "a handler that does not hear in line"
        if self._is_deaf or listener.is_aside:
            listener.drop()
            return
        # Who has heard the start hears the end: there are no more of these than runs under way.
        if len(queue.items) >= _MOST_WAITING and not (self._has_start and name in ENDS):
            self._is_deaf = name in STARTS
            listener.drop()
            return
        if name in STARTS:
            self._has_start = True
        queue.put((self, event, method))

    # ---- how a method is called

    def call(self, event: Event, method: Any) -> None:
        """Call the handler in its own context; an asynchronous method has ended when this returns."""
        listener, turn = self.listener, self._turn
        if listener.is_aside:
            listener.drop()
            return
        has_turn = turn.acquire(False)
        # A copy while another thread of the run, or the handler itself, is in it.
        context = self._context if has_turn else self._context.copy()
        try:
            answer = context.run(apply, method, event)
            if answer is not None:
                finish(answer, context)
        finally:
            if has_turn:
                turn.release()
        if listener.row:
            listener.succeed(event[0])

    async def acall(self, event: Event, method: Any) -> None:
        """The asynchronous twin of `call`."""
        if self.listener.is_aside:
            self.listener.drop()
            return
        has_turn = self._turn.acquire(False)
        # A copy while another thread of the run, or the handler itself, is in it.
        context = self._context if has_turn else self._context.copy()
        try:
            answer = context.run(apply, method, event)
            if answer is not None:
                await afinish(answer, context)
        finally:
            if has_turn:
                self._turn.release()
        self.listener.succeed(event[0])

    def hear(self, event: Event, method: Any) -> None:
        """Hear what waited in the queue."""
        try:
            self.call(event, method)
        except BaseException as error:  # it is no caller's
            self.listener.fail(event[0], error)

    async def ahear(self, event: Event, method: Any) -> None:
        """The asynchronous twin of `hear`."""
        try:
            await self.acall(event, method)
        except BaseException as error:
            if not _is_meant_for_the_loop(error):
                self.listener.fail(event[0], error)
                return
            if not isinstance(error, CancelledInThread):
                self.listener.drop()
            elif not error.is_begun and self.queue is not None:
                self.queue.items.appendleft((self, event, method))  # for the loop that takes over
            raise


def _is_meant_for_the_loop(error: BaseException) -> bool:
    """Whether it ends the loop, which may be the caller's, or its tasks."""
    if isinstance(error, GeneratorExit):  # the loop is gone, and its task with it
        return True
    task = asyncio.current_task()
    is_cancelled = isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0
    return is_cancelled or isinstance(error, KeyboardInterrupt)


def _start_with_prompts(
    method: Any, serialized: dict[str, Any], messages: list[list[BaseMessage]], **kwargs: Any
) -> Any:
    """Tell a handler that knows `on_llm_start` alone."""
    from chatplug.messages import get_buffer_string

    return method(serialized, [get_buffer_string(one) for one in messages], **kwargs)
