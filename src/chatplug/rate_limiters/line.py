"""A line of those who wait for a budget, threads and tasks alike: who came first is served first.

Only the first of the line looks at the clock; it waits for as long as its budget needs, the others until they are
the first. Nobody polls.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from chatplug.rate_limiters.bucket import Bucket

__all__ = ["Clock", "Line"]

_LIFETIME = 1e9


class Clock:
    """The time, and waiting; another one makes a limiter testable."""

    def now(self) -> float:
        """The time in seconds, of a clock that does not go back."""
        return time.monotonic()

    def wait(self, signal: threading.Event, seconds: float) -> None:
        """Wait for the signal, but no longer than so many seconds; infinity for no limit."""
        # More than some hundred years is too much for a lock.
        signal.wait(None if seconds > _LIFETIME else seconds)

    async def await_(self, signal: asyncio.Event, seconds: float) -> None:
        """The same in an event loop."""
        import asyncio

        with suppress(TimeoutError):
            async with asyncio.timeout(None if seconds > _LIFETIME else seconds):
                await signal.wait()


class _Turn:
    """One who waits."""

    __slots__ = ("costs", "is_gone", "wake")

    def __init__(
        self, costs: Mapping[str, float], wake: Callable[[], object], is_gone: Callable[[], bool] | None = None
    ) -> None:
        self.costs = costs
        self.wake = wake
        self.is_gone = is_gone
        """Whether it can never be woken; None for one that always can."""


class Line:
    """Those who wait for the same buckets, and the buckets.

    Args:
        buckets: What is taken from, by name.
        clock: The time, and waiting.
    """

    def __init__(self, buckets: Mapping[str, Bucket], clock: Clock) -> None:
        self.buckets = buckets
        self._clock = clock
        # Garbage may be collected while it is held, and a waiting coroutine among it leaves the line.
        self._lock = threading.RLock()
        self._waiting: deque[_Turn] = deque()

    def acquire(self, costs: Mapping[str, float], *, blocking: bool) -> bool:
        """Wait for one's turn and take the costs; at once or not at all unless it may block."""
        if (is_free := self._took(costs)) or not blocking:
            return is_free
        signal = threading.Event()
        turn = self._join(_Turn(costs, signal.set))
        try:
            while seconds := self._step(turn):
                self._clock.wait(signal, seconds)
                signal.clear()
        except BaseException:
            self._leave(turn)
            raise
        return True

    async def aacquire(self, costs: Mapping[str, float], *, blocking: bool) -> bool:
        """The asynchronous twin of `acquire`."""
        if (is_free := self._took(costs)) or not blocking:
            return is_free
        import asyncio

        loop, signal = asyncio.get_running_loop(), asyncio.Event()
        turn = self._join(_Turn(costs, lambda: loop.call_soon_threadsafe(signal.set), loop.is_closed))
        try:
            while seconds := self._step(turn):
                await self._clock.await_(signal, seconds)
                signal.clear()
        except BaseException:
            self._leave(turn)
            raise
        return True

    def change(self, change: Callable[[float], object]) -> None:
        """Change the buckets; whoever waits reckons anew.

        Args:
            change: Does it; gets the time.
        """
        with self._lock:
            now = self._clock.now()
            for bucket in self.buckets.values():
                bucket.fill(now)
            change(now)
            self._wake_first()

    def _took(self, costs: Mapping[str, float]) -> bool:
        """Whether the costs could be taken at once, before nobody who waits."""
        with self._lock:
            self._forget_gone()
            is_free = not self._waiting and not self._wait(costs)
            if is_free:
                self._take(costs)
            return is_free

    def _join(self, turn: _Turn) -> _Turn:
        with self._lock:
            self._waiting.append(turn)
        return turn

    def _step(self, turn: _Turn) -> float:
        """The seconds to wait: infinity until it is woken, 0 when its costs have been taken."""
        with self._lock:
            if self._waiting[0] is not turn:
                return inf
            seconds = self._wait(turn.costs)
            if not seconds:
                self._take(turn.costs)
                self._waiting.remove(turn)
                self._wake_first()
            return seconds

    def _leave(self, turn: _Turn) -> None:
        """Let the others go on without one who was interrupted."""
        with self._lock, suppress(ValueError):
            self._waiting.remove(turn)
            self._wake_first()

    def _wake_first(self) -> None:
        self._forget_gone()
        if self._waiting:
            self._waiting[0].wake()

    def _forget_gone(self) -> None:
        """Let the first ones go whose event loop was closed while they waited."""
        while self._waiting and (is_gone := self._waiting[0].is_gone) and is_gone():
            self._waiting.popleft()

    def _wait(self, costs: Mapping[str, float]) -> float:
        now = self._clock.now()
        return max(self.buckets[name].wait(cost, now) for name, cost in costs.items())

    def _take(self, costs: Mapping[str, float]) -> None:
        for name, cost in costs.items():
            self.buckets[name].level -= cost
