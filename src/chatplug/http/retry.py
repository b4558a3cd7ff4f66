"""The waiting between the tries of one call; what is decided there is in `policy`.

These tries are below the model: one request, sent again. `with_retry` of Runnables is above it and repeats a whole
step, whatever that is.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator
from contextlib import closing
from random import random
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar

from chatplug.http.policy import Retry, RetryPolicy, Tries

__all__ = ["OnRetry", "Retrier", "Terms"]

_T = TypeVar("_T")
OnRetry = Callable[[Retry], Any]
"""Told of each try before the wait for it; of an asynchronous call it may give something to await."""


class _Limiter(Protocol):
    """What a rate limiter is asked before a further try, which is one more request."""

    def acquire(self, *, blocking: bool = True) -> bool: ...
    async def aacquire(self, *, blocking: bool = True) -> bool: ...


class Terms(NamedTuple):
    """What holds for one call and all its tries."""

    total: float | None = None
    """The seconds that they may take together, with the waits between; None for no limit."""
    on_retry: OnRetry | None = None
    """Told of each further try."""
    limiter: _Limiter | None = None
    """Asked before each further try."""


async def _sleep_in_loop(seconds: float) -> None:
    import asyncio

    await asyncio.sleep(seconds)


class Retrier:
    """Tries a call again while it fails with what may succeed later (`TransientError`).

    Args:
        policy: How often, and after how long.
        sleep: What waits for a number of seconds.
        asleep: The same for asynchronous calls.
        clock: The time in seconds, of a clock that does not go back.
        chance: Gives a number from 0 to 1.
    """

    __slots__ = ("_asleep", "_chance", "_clock", "_sleep", "policy")

    def __init__(
        self,
        policy: RetryPolicy | None = None,
        *,
        sleep: Callable[[float], object] = time.sleep,
        asleep: Callable[[float], Awaitable[object]] = _sleep_in_loop,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random,
    ) -> None:
        self.policy = policy or RetryPolicy()
        self._sleep = sleep
        self._asleep = asleep
        self._clock = clock
        self._chance = chance

    def of(self, max_retries: int) -> Retrier:
        """The same with another number of tries."""
        changed = self.policy.of(max_retries)
        return Retrier(changed, sleep=self._sleep, asleep=self._asleep, clock=self._clock, chance=self._chance)

    def __reduce__(self) -> tuple[Any, ...]:
        # What waits here may not be what waits where it is unpickled.
        return Retrier, (self.policy,)

    def call(self, attempt: Callable[[float | None], _T], terms: Terms) -> _T:
        """What the first try gives that does not fail.

        Args:
            attempt: One try; gets the seconds that are left for it, None for no limit.
            terms: What holds for this call.
        """
        tries = self._tries(terms)
        while True:
            with tries:
                return attempt(tries.left())
            self._pause(tries.retry, terms)

    async def acall(self, attempt: Callable[[float | None], Awaitable[_T]], terms: Terms) -> _T:
        """The asynchronous twin of `call`."""
        tries = self._tries(terms)
        while True:
            with tries:
                return await attempt(tries.left())
            await self._apause(tries.retry, terms)

    def stream(self, attempt: Callable[[float | None], Generator[_T]], terms: Terms) -> Generator[_T]:
        """What the first stream gives that does not fail before its first piece; after that, failing is its end."""
        tries = self._tries(terms)
        while True:
            with tries, closing(attempt(tries.left())) as source:
                for piece in source:
                    tries.has_begun = True
                    yield piece
                return
            self._pause(tries.retry, terms)

    def astream(self, attempt: Callable[[float | None], AsyncGenerator[_T]], terms: Terms) -> AsyncIterator[_T]:
        """The asynchronous twin of `stream`; close it with `aclose`."""
        return _AsyncStream(attempt, self._tries(terms), lambda retry: self._apause(retry, terms))

    def _tries(self, terms: Terms) -> Tries:
        return Tries(self.policy, terms.total, self._clock, self._chance)

    def _pause(self, retry: Retry, terms: Terms) -> None:
        if terms.on_retry is not None:
            terms.on_retry(retry)
        self._sleep(retry.wait)
        if terms.limiter is not None:
            terms.limiter.acquire()

    async def _apause(self, retry: Retry, terms: Terms) -> None:
        told = terms.on_retry(retry) if terms.on_retry is not None else None
        if isinstance(told, Awaitable):
            await told
        await self._asleep(retry.wait)
        if terms.limiter is not None:
            await terms.limiter.aacquire()


class _AsyncStream(Generic[_T]):
    """The pieces of the first stream that gives one.

    Not a generator: once a piece is out this only hands on, and an asynchronous generator for that would cost each
    piece of a stream a quarter of a microsecond.
    """

    __slots__ = ("_attempt", "_pause", "_source", "_step", "_tries")

    def __init__(
        self,
        attempt: Callable[[float | None], AsyncGenerator[_T]],
        tries: Tries,
        pause: Callable[[Retry], Awaitable[None]],
    ) -> None:
        self._attempt = attempt
        self._tries = tries
        self._pause = pause
        self._source: AsyncGenerator[_T] | None = None
        self._step: Callable[[], Awaitable[_T]] = self._first

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Awaitable[_T]:
        return self._step()

    async def _first(self) -> _T:
        while True:
            source = self._source = self._attempt(self._tries.left())
            with self._tries:
                piece = await anext(source)
                self._step = source.__anext__
                return piece
            await source.aclose()
            await self._pause(self._tries.retry)

    async def aclose(self) -> None:
        """Close the stream that gives the pieces."""
        if self._source is not None:
            await self._source.aclose()
