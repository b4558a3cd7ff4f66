"""Several calls at once, so many at a time: on threads or in tasks, with the caller's context for each.

`Threads` keeps the threads that calls have used, and uses them again; one that nobody needed for a while leaves. They
are daemons, since a thread cannot be stopped: a program that is told to end need not wait for them.
"""

from __future__ import annotations

import os
from contextvars import copy_context
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from time import perf_counter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

T = TypeVar("T")

__all__ = ["THREADS", "Threads", "aas_completed", "abatch", "as_completed", "batch", "threads"]

_QUICK = 0.0001
"""A call of fewer seconds has ended before another thread would have begun."""

_MANY = 4
"""So many calls that others begin while a thread is on its way tell that they wait for nothing."""
_SOON = 0.0005
"""After so many seconds it looks again whether that is still so."""

_FAILED = -1
"""In the place of a call's number: it has ended the batch."""

THREADS = 32
"""How many calls of a batch are under way at once on threads, unless its config says otherwise."""


class _Waiting:
    """The threads that wait for work, and the work that was left for them."""

    __slots__ = ("lock", "number", "work")

    def __init__(self) -> None:
        self.lock = Lock()
        self.work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.number = 0

    def take(self, work: Callable[[], None]) -> bool:
        """Leave work for a thread that waits; gives whether there is one."""
        with self.lock:
            if not self.number:
                return False
            self.number -= 1
            self.work.put(work)
            return True

    def next(self, seconds: float) -> Callable[[], None] | None:
        """Wait for work; None where none came in time."""
        with self.lock:
            self.number += 1
        try:
            return self.work.get(timeout=seconds)
        except Empty:
            with self.lock:
                try:
                    return self.work.get_nowait()  # it came between the end of the time and the lock
                except Empty:
                    self.number -= 1
                    return None


class Threads:
    """Threads that wait for work; there are as many as there is work at once.

    Args:
        kept: For how many seconds a thread waits for more work before it leaves.
    """

    def __init__(self, kept: float = 10.0) -> None:
        self._kept = kept
        self._waiting = _Waiting()

    @property
    def waiting(self) -> int:
        """How many threads wait for work."""
        return self._waiting.number

    def run(self, work: Callable[[], None]) -> None:
        """Have this done on a thread that waits, or on a new one; it has to keep its exceptions to itself."""
        waiting = self._waiting
        if not waiting.take(work):
            Thread(target=self._serve, args=(work, waiting), name="chatplug", daemon=True).start()

    def _serve(self, work: Callable[[], None] | None, waiting: _Waiting) -> None:
        while work is not None:
            work()
            del work  # what was done is not kept alive by who did it
            work = waiting.next(self._kept)

    def forget(self) -> None:
        """Know of no thread any more: after a fork the child has none of them. Those that are there leave in time."""
        self._waiting = _Waiting()


threads = Threads()
"""The threads of this process's batches."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=threads.forget)


class _Calls(Generic[T]):
    """The calls of one batch on threads: which is next, and whether there is one.

    Args:
        call: Makes the call of this number.
        count: How many calls there are.
        at_once: How many are made at once.
        return_exceptions: Whether an exception is an outcome like any other.
        deliver: Gets each outcome with its number, and of a call that ended the batch its exception with `_FAILED`.
    """

    def __init__(
        self,
        call: Callable[[int], T],
        count: int,
        at_once: int,
        deliver: Callable[[tuple[int, T | BaseException]], object],
        *,
        return_exceptions: bool,
    ) -> None:
        self._call = call
        self._count = count
        self._at_once = at_once
        self._deliver = deliver
        self._return_exceptions = return_exceptions
        self._context = copy_context()
        self._lock = Lock()
        self._next = self._helpers = self._working = 0
        self._is_coming = False
        """Whether a thread was hired that has not begun."""
        self._hired_at = 0
        """How many calls had begun when it was hired."""
        self._is_idle = Event()
        self._is_idle.set()
        self.failure: BaseException | None = None
        """The first exception that ended the batch."""

    def hire(self) -> bool:
        """Have one more thread work, if there is work for it and no other is on its way; gives whether one comes."""
        with self._lock:
            if self._is_coming or self._next >= self._count or self._helpers >= self._at_once:
                return self._is_coming
            self._is_coming = True
            self._hired_at = self._next
            self._helpers += 1
            self._working += 1
            self._is_idle.clear()
        try:
            threads.run(self._help)
        except RuntimeError:  # there can be no more threads: those that are there do all of it
            with self._lock:
                self._is_coming = False
                self._helpers -= 1
                self._has_left()
            return False
        return True

    def work(self) -> None:
        """Make calls until there are no more; the thread that began the batch works without being hired."""
        while (number := self._take()) is not None:
            self._make(number)

    def _make(self, number: int) -> None:
        # Hired before the call and not after it, since nobody knows how long it will wait.
        self.hire()
        try:
            outcome: T | BaseException = self._context.copy().run(self._call, number)
        except Exception as error:
            if not self._return_exceptions:
                self._fail(error)
                number = _FAILED
            outcome = error
        self._deliver((number, outcome))

    def _help(self) -> None:
        self._arrive()
        try:
            while (number := self._take()) is not None:
                begun = perf_counter()
                self._make(number)
                if perf_counter() - begun < _QUICK and self._is_not_needed():
                    return
        except BaseException as error:  # of a thread that nobody waits for: the batch ends with it
            self._fail(error)
            self._deliver((_FAILED, error))
        finally:
            with self._lock:
                self._has_left()

    def _arrive(self) -> None:
        """Be there, as soon as those that work begin no more than a few calls in the time that it takes to come.

        Threads that do nothing but compute keep each other waiting: then one of them is enough. Where all wait for
        something else, no call has begun meanwhile, and this thread is there at once.
        """
        while self._next - self._hired_at > _MANY and self._next < self._count:
            self._hired_at = self._next
            self._is_idle.wait(_SOON)
        with self._lock:
            self._is_coming = False

    def _has_left(self) -> None:
        """One thread less works; said with the lock."""
        self._working -= 1
        if not self._working:
            self._is_idle.set()

    def _is_not_needed(self) -> bool:
        """Whether this thread may leave, because its call was quick and another one is on its way.

        Threads that do nothing but compute keep each other waiting. Whoever is on its way comes when somebody waits
        for something else, and then hires in its turn.
        """
        with self._lock:
            if not self._is_coming:
                return False
            self._helpers -= 1
            return True

    def _take(self) -> int | None:
        with self._lock:
            number = self._next
            if number >= self._count:
                return None
            self._next = number + 1
            return number

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            self._next = self._count
            if self.failure is None:
                self.failure = error

    def stop(self) -> None:
        """Begin no more calls."""
        with self._lock:
            self._next = self._count

    def wait(self) -> None:
        """Wait until no other thread works for this batch."""
        self._is_idle.wait()


def batch(call: Callable[[int], T], count: int, at_once: int | None, *, return_exceptions: bool) -> list[Any]:
    """The outcomes of calls on threads, in their order; the thread that asks makes some of them itself.

    The first exception begins no more calls; it is raised when those have ended that were under way. What interrupts
    the thread that asks is raised at once.

    Args:
        call: Makes the call of this number.
        count: How many calls there are.
        at_once: How many are made at once; None for `THREADS`.
        return_exceptions: Whether an exception is an outcome like any other.
    """
    outcomes: list[Any] = [None] * count

    def keep(outcome: tuple[int, object]) -> None:
        outcomes[outcome[0]] = outcome[1]

    calls = _Calls(call, count, (at_once or THREADS) - 1, keep, return_exceptions=return_exceptions)
    try:
        calls.work()
        calls.wait()
    finally:
        calls.stop()
    if calls.failure is not None:
        raise calls.failure
    return outcomes


def as_completed(
    call: Callable[[int], T], count: int, at_once: int | None, *, return_exceptions: bool
) -> Iterator[tuple[int, Any]]:
    """The numbers and outcomes of calls on threads, as they end; left early, no more calls begin."""
    arrived: SimpleQueue[tuple[int, T | BaseException]] = SimpleQueue()
    calls = _Calls(call, count, at_once or THREADS, arrived.put, return_exceptions=return_exceptions)
    try:
        if not calls.hire():
            calls.work()
        for _ in range(count):
            number, outcome = arrived.get()
            if number == _FAILED:
                calls.wait()
                assert calls.failure is not None, "a call has failed"
                raise calls.failure
            yield number, outcome
    finally:
        calls.stop()


class _Tasks(Generic[T]):
    """The calls of one batch in tasks."""

    def __init__(
        self, call: Callable[[int], Coroutine[Any, Any, T]], count: int, at_once: int, *, return_exceptions: bool
    ) -> None:
        import asyncio

        self._asyncio = asyncio
        self._call = call
        self._count = count
        self._return_exceptions = return_exceptions
        self._next = 0
        self._running: dict[asyncio.Task[T], int] = {}
        self._arrived: list[tuple[int, T | BaseException]] = []
        self._awaited: asyncio.Future[None] | None = None
        self._failure: BaseException | None = None
        for _ in range(min(at_once, count)):
            self._begin()

    def _begin(self) -> None:
        number = self._next
        if number < self._count:
            self._next = number + 1
            task = self._asyncio.create_task(self._call(number))
            self._running[task] = number
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[T]) -> None:
        number = self._running.pop(task)
        error = self._asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is None or (self._return_exceptions and isinstance(error, Exception)):
            self._arrived.append((number, task.result() if error is None else error))
            self._begin()
        else:
            self._next = self._count
            self._failure = self._failure or error
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_result(None)

    async def arrived(self) -> list[tuple[int, T | BaseException]]:
        """What has ended since it was last asked, at least one; the first failure is raised."""
        while not self._arrived and self._failure is None:
            self._awaited = self._asyncio.get_running_loop().create_future()
            await self._awaited
        if self._failure is not None:
            raise self._failure
        arrived, self._arrived = self._arrived, []
        return arrived

    async def stop(self) -> None:
        """Cancel what runs, begin no more, and wait until nothing runs."""
        self._next = self._count
        for task in self._running:
            task.cancel()
        while self._running:
            await self._asyncio.wait(list(self._running))


async def aas_completed(
    call: Callable[[int], Coroutine[Any, Any, T]], count: int, at_once: int | None, *, return_exceptions: bool
) -> AsyncIterator[tuple[int, Any]]:
    """The numbers and outcomes of calls in tasks, as they end; an exception, or leaving early, cancels the others.

    Args:
        call: Makes the call of this number.
        count: How many calls there are.
        at_once: How many are made at once; None for all.
        return_exceptions: Whether an exception is an outcome like any other.
    """
    tasks = _Tasks(call, count, at_once or count, return_exceptions=return_exceptions)
    left = count
    try:
        while left:
            for number, outcome in await tasks.arrived():
                left -= 1
                yield number, outcome
    finally:
        await tasks.stop()


async def abatch(
    call: Callable[[int], Coroutine[Any, Any, T]], count: int, at_once: int | None, *, return_exceptions: bool
) -> list[Any]:
    """The outcomes of calls in tasks, in their order; the first exception cancels the others."""
    outcomes: list[Any] = [None] * count
    async for number, outcome in aas_completed(call, count, at_once, return_exceptions=return_exceptions):
        outcomes[number] = outcome
    return outcomes
