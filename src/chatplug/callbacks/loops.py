"""What is heard in an event loop that ends is heard before: within a bounded time, and once.

`asyncio.run` ends a loop in two steps: it cancels every task and waits for them, and then closes the asynchronous
generators of the loop and waits for them. So a task that hears goes on for a while when it is cancelled, and a
generator tells whoever hears in a loop that the loop is about to close.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine

__all__ = ["LOOP_PATIENCE", "Grace", "Guest", "HearingTask", "stay"]

LOOP_PATIENCE = 5.0
"""So many seconds the end of an event loop waits at most for one class of handlers."""


class Grace:
    """How long a task goes on that is told to stop: a time, and no time at all once that was in vain."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float = LOOP_PATIENCE) -> None:
        self.seconds = seconds


class HearingTask(asyncio.Task[None]):
    """A task that is not cancelled at once: it may end what it does, within its grace.

    Args:
        coroutine: What it does.
        grace: For how long it may go on.
        **kwargs: What tasks take.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, None], grace: Grace, **kwargs: Any) -> None:
        super().__init__(coroutine, **kwargs)
        self._grace = grace
        self._timer: asyncio.TimerHandle | None = None
        self.add_done_callback(_forget_timer)

    def cancel(self, msg: Any | None = None) -> bool:
        """Have it end by itself, or be cancelled when its grace is over."""
        if self.done():
            return False
        if not self._grace.seconds:
            return super().cancel(msg)
        if self._timer is None:
            self._timer = self.get_loop().call_later(self._grace.seconds, self._cancel, msg)
        return True

    def _cancel(self, msg: Any | None) -> None:
        self._grace.seconds = 0.0
        super().cancel(msg)

    def forget_timer(self) -> None:
        """Leave nothing behind in the loop."""
        if self._timer is not None:
            self._timer.cancel()


def _forget_timer(task: asyncio.Task[None]) -> None:
    assert isinstance(task, HearingTask), "the callback of no other task"
    task.forget_timer()


class Guest(Protocol):
    """Who works in a loop."""

    def leave(self, loop: asyncio.AbstractEventLoop) -> asyncio.Task[None] | None:
        """Begin no work in this loop any more; gives the task that is at work there."""
        ...


_stays: dict[asyncio.AbstractEventLoop, tuple[WeakSet[Any], AsyncGenerator[None]]] = {}
"""The guests of each loop, and the generator that the loop closes when it ends."""


def stay(guest: Guest, loop: asyncio.AbstractEventLoop) -> None:
    """Have a guest of the loop that is running leave it before it closes."""
    found = _stays.get(loop)
    if found is None:
        for one in list(_stays):
            if one.is_closed():
                _stays.pop(one, None)
        guests: WeakSet[Any] = WeakSet()
        found = _stays[loop] = guests, _until_the_end(loop, guests)
        _step(found[1].__anext__())  # a loop learns of a generator when it is first asked for a value
    found[0].add(guest)


def forget_loops() -> None:
    """Leave nothing to be closed at the end of the interpreter, where no loop runs any more."""
    while _stays:
        guests, generator = _stays.popitem()[1]
        guests.clear()  # so that it does not wait
        _step(generator.aclose())


def _step(awaitable: Any) -> None:
    """Run what never waits."""
    # A RuntimeError says that it is being closed, in a loop that was interrupted.
    with suppress(StopIteration, StopAsyncIteration, RuntimeError):
        awaitable.send(None)


async def _until_the_end(loop: asyncio.AbstractEventLoop, guests: WeakSet[Any]) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        tasks = [task for guest in list(guests) if (task := guest.leave(loop)) is not None and not task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
