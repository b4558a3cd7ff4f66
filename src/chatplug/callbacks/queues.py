"""The queue of one handler that only observes: its events in their order, one at a time.

Adding to a queue waits for nobody. Whoever adds to a queue that nobody works at sees to it that somebody does.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from contextvars import Context
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Protocol, TypeAlias

from chatplug.callbacks.loops import LOOP_PATIENCE, Grace, HearingTask, stay
from chatplug.callbacks.workers import background_loop, submit

if TYPE_CHECKING:
    from collections.abc import Callable

    from chatplug.callbacks.event import Event, Hear

__all__ = ["Item", "LoopQueue", "Marker", "Queue", "ThreadQueue"]


class Hears(Protocol):
    """What an item begins with: it hears the rest. It raises nothing but the cancellation of the task it is in."""

    def hear(self, event: Event, hear: Hear, queue: Queue) -> None: ...
    async def ahear(self, event: Event, hear: Hear) -> None: ...


Item: TypeAlias = "tuple[Hears, Event, Hear]"

_NO_EVENT: Event = ("", (), {})
_TURN = 64
"""After so many events that did not wait, the loop is given to others."""


def _hear_nothing(event: Event) -> None:
    """What a marker hears."""


class Marker:
    """An item that says when all before it have been heard."""

    __slots__ = ("_told",)

    def __init__(self, told: Callable[[], None]) -> None:
        self._told = told

    def as_item(self) -> Item:
        """The marker, ready to be put into a queue."""
        return (self, _NO_EVENT, _hear_nothing)

    def hear(self, event: Event, hear: Hear, queue: Queue) -> None:
        """Say it."""
        self._told()

    async def ahear(self, event: Event, hear: Hear) -> None:
        """Say it."""
        self._told()


class Queue:
    """What both kinds of queue have in common."""

    __slots__ = ("_began", "busy", "done", "items")

    def __init__(self) -> None:
        self.items: deque[Item] = deque()
        """What was not heard yet, the oldest first."""
        self.busy = Lock()
        """Held while somebody works at the queue. Nobody ever waits for it."""
        self._began = 0.0
        self.done = 0
        """How much has been heard since somebody works at it."""

    def put(self, item: Item) -> None:
        """Add one more; it is heard soon."""
        self.items.append(item)
        self.wake()

    def wake(self) -> None:
        """See to it that somebody works at it."""
        if self.busy.acquire(False):
            self._began, self.done = monotonic(), 0
            self._begin()

    def _begin(self) -> None:
        raise NotImplementedError

    @property
    def is_idle(self) -> bool:
        """Whether everything has been heard."""
        return not self.items and not self.busy.locked()

    @property
    def seconds_left(self) -> float:
        """How long what is in the queue will take, as far as can be told from what was heard of late."""
        if not self.busy.locked():
            return 0.0
        elapsed = monotonic() - self._began
        return elapsed * len(self.items) / self.done if self.done else elapsed

    def forget(self) -> None:
        """Begin anew in the child of a fork: what was to be heard the parent hears."""
        self.items.clear()
        self.busy = Lock()

    def _is_finished(self) -> bool:
        """Leave the queue, unless more has come."""
        busy = self.busy
        busy.release()
        return not self.items or not busy.acquire(False)


class ThreadQueue(Queue):
    """The queue of a handler with `def` methods: a worker thread hears."""

    __slots__ = ()

    def _begin(self) -> None:
        submit(self._work)

    def _work(self) -> None:
        while True:
            self._hear()
            if self._is_finished():
                return

    def _hear(self) -> None:
        items = self.items
        while items:
            hears, event, hear = items.popleft()
            hears.hear(event, hear, self)
            self.done += 1


class LoopQueue(Queue):
    """The queue of a handler with `async def` methods: a task of one event loop hears.

    Args:
        loop: The loop; None for the background loop. When it ends it waits for what is heard in it (`loops`); what it
            leaves behind all the same, and what comes later, is heard in the background loop.
        grace: How long the end of a loop waits.
    """

    __slots__ = ("__weakref__", "_grace", "_is_left", "_loop", "_rescuing", "_task")

    def __init__(self, loop: asyncio.AbstractEventLoop | None, grace: Grace | None = None) -> None:
        super().__init__()
        self._loop = loop
        self._grace = grace or Grace()
        self._is_left = loop is None
        """Whether the loop is one no more in which work is begun."""
        self._task: asyncio.Task[None] | None = None
        self._rescuing = Lock()
        """Held by the one who rescues it. Nobody ever waits for it."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop; None for the background loop, before it was needed."""
        return self._loop

    def forget(self) -> None:
        """Begin anew in the child of a fork, which has no loop but its own."""
        super().forget()
        self._rescuing = Lock()
        self._loop = self._task = None
        self._is_left = True

    def _begin(self) -> None:
        loop = self._loop
        try:
            if loop is None or self._is_left:
                self._move()
            elif asyncio._get_running_loop() is loop:  # noqa: SLF001  # documented; the public one raises instead
                self._open()
            else:
                loop.call_soon_threadsafe(self._open)
        except RuntimeError:  # the loop is closed
            self._move()

    def leave(self, loop: asyncio.AbstractEventLoop) -> asyncio.Task[None] | None:
        """Begin no work in this loop any more; gives the task that is at work there."""
        if self._loop is not loop:
            return None
        self._is_left = True
        return self._task if self.busy.locked() else None

    def rescue(self, *, is_last: bool = False) -> None:
        """See to it that what was left in a loop that was closed without ado is heard.

        Args:
            is_last: Whether the process ends: then a loop that stands still is as good as closed.
        """
        if not self._rescuing.acquire(False):
            return
        try:
            loop = self._loop
            is_over = loop is not None and (loop.is_closed() or (is_last and not loop.is_running()))
            if is_over and self.busy.locked() and loop is not background_loop():  # which may be about to run
                self._move()
        finally:
            self._rescuing.release()

    def _open(self) -> None:
        loop = self._loop
        if loop is None or self._is_left:
            self._move()
            return
        stay(self, loop)
        self._task = HearingTask(self._work(), self._grace, loop=loop, name="chatplug-callbacks", context=Context())

    def _move(self) -> None:
        """Go on in the background loop."""
        self._loop = background_loop()
        self._is_left = self._loop is None
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._open)
        else:
            submit(self._hear_alone)

    def _hear_alone(self) -> None:
        """Hear at the end of the interpreter, where no loop can be started in a thread."""
        if asyncio._get_running_loop() is None:  # noqa: SLF001  # as above
            with suppress(TimeoutError):
                asyncio.run(asyncio.wait_for(self._work(), LOOP_PATIENCE))

    async def _work(self) -> None:
        try:
            while True:
                await self._hear()
                if self._is_finished():
                    return
        except asyncio.CancelledError:  # the loop is about to end
            self._move()
            raise

    async def _hear(self) -> None:
        items, task = self.items, asyncio.current_task()
        assert task is not None, "a coroutine that a task runs"
        while items:
            hears, event, hear = items.popleft()
            await hears.ahear(event, hear)
            self.done += 1
            if not self.done % _TURN:
                await asyncio.sleep(0)
            if task.cancelling():  # which the handler kept to itself
                raise asyncio.CancelledError
