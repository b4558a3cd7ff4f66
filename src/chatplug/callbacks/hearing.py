"""`Hearing`: how one handler hears one run.

A handler hears all events of a run in one context of its own: what it sets at the start it finds at the end, and the
caller never.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar, copy_context
from functools import partial
from inspect import isawaitable, iscoroutinefunction
from typing import TYPE_CHECKING, Any

from chatplug.callbacks.calling import CancelledInThread, Rest, call_in_thread, complete
from chatplug.callbacks.event import ENDS, IGNORED_BY, STARTS
from chatplug.callbacks.extension import extension_redactors

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from chatplug.callbacks.event import Event, Hear
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

    __slots__ = ("_context", "_has_start", "_is_deaf", "_place", "handler", "is_required", "listener", "queue")

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
        self._place = [self._context]
        """Where the context is while nobody is in it: taking it out is what no two threads can do."""
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

    def put(self, event: Event, hear: Hear) -> None:
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
        if not self._has_start:
            self._has_start = name in STARTS
        queue.items.append((self, event, hear))
        if not queue.busy.locked():  # to look is quicker than to try
            queue.wake()

    # ---- how a method is called

    def begin(self, event: Event, hear: Hear) -> Rest | None:
        """Call the handler in its own context; what is left to await where its method is asynchronous, else None."""
        listener, place = self.listener, self._place
        if listener.is_aside:
            listener.drop()
            return None
        try:
            context = place.pop()
        except IndexError:  # another thread of the run, or the handler itself, is in it
            context, place = self._context.copy(), []
        rest: Rest | None = None
        try:
            answer = context.run(hear, event)
            if answer is not None and isawaitable(answer):
                rest = Rest(answer, context, place)
        finally:
            if rest is None:
                place.append(context)
        if listener.row and rest is None:
            listener.succeed(event[0])
        return rest

    def end(self, event: Event, rest: Rest) -> None:
        """Have an asynchronous method that was begun run to its end."""
        complete(rest)
        self.listener.succeed(event[0])

    async def aend(self, event: Event, rest: Rest) -> None:
        """The asynchronous twin of `end`."""
        await rest
        self.listener.succeed(event[0])

    def hear(self, event: Event, hear: Hear, queue: Queue) -> None:
        """Hear what waited in the queue, and with it what of the same run waits right behind it."""
        try:
            context, place = self._place.pop(), self._place
        except IndexError:
            context, place = self._context.copy(), []
        try:
            left = context.run(self._hear_on, event, hear, queue)
            if left is not None:
                event, answer = left
                self.end(event, Rest(answer, context, []))
        except BaseException as error:  # it is no caller's
            self.listener.fail(event[0], error)
        finally:
            place.append(context)

    def _hear_on(self, event: Event, hear: Hear, queue: Queue) -> tuple[Event, Awaitable[Any]] | None:
        """Hear as much as can be heard without waiting, in the context of the handler; gives what is to be awaited."""
        listener, items = self.listener, queue.items
        while True:
            if listener.is_aside:
                listener.drop()
            else:
                try:
                    answer = hear(event)
                    if answer is not None and isawaitable(answer):
                        return event, answer
                    if listener.row:
                        listener.succeed(event[0])
                except BaseException as error:  # it is no caller's
                    listener.fail(event[0], error)
            if not items or items[0][0] is not self:
                return None
            _, event, hear = items.popleft()
            queue.done += 1

    async def ahear(self, event: Event, hear: Hear) -> None:
        """The asynchronous twin of `hear`."""
        try:
            rest = self.begin(event, hear)
            if rest is not None:
                await self.aend(event, rest)
        except BaseException as error:
            if not _is_meant_for_the_loop(error):
                self.listener.fail(event[0], error)
                return
            if not isinstance(error, CancelledInThread):
                self.listener.drop()
            elif not error.is_begun and self.queue is not None:
                self.queue.items.appendleft((self, event, hear))  # for the loop that takes over
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
