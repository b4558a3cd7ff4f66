"""What is decided when a call fails or falls silent; pure, the clock is asked by whoever acts on it.

A call is tried again only for what may succeed later, and only while the caller has been given nothing of an answer.
The server's own word on how long to wait wins over ours, or we are throttled for longer; where it asks for more than
anybody would wait in silence, the caller is told instead.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Any, NamedTuple

from chatplug.errors import ProviderTimeoutError, TransientError
from chatplug.http.errors import ProxyError, TLSError
from chatplug.http.transport import Frozen

__all__ = ["Retry", "RetryPolicy", "Stall", "Tries", "may_succeed_later"]

_set = object.__setattr__
_LATE = 0.1
"""By how much of the wait that a server asks for we are later than that, at most: others were told the same."""


class Retry(NamedTuple):
    """One more try of a call that failed."""

    number: int
    """Which one it is, from 1."""
    wait: float
    """Seconds until it is made."""
    error: TransientError
    """What the last try ended with."""


class RetryPolicy(Frozen):
    """How often a call is tried again, and after how long.

    Waits double from `first_wait` to `longest_wait`, and each is shortened by up to half at random, so that those who
    failed together do not come back together.
    """

    __slots__ = ("first_wait", "longest_retry_after", "longest_wait", "max_retries")

    max_retries: int
    """How many tries there may be after the first; 2."""
    first_wait: float
    """Seconds before the first of them; 0.5."""
    longest_wait: float
    """Seconds that no wait of ours exceeds; 8."""
    longest_retry_after: float
    """The longest wait, in seconds, that a server may ask for; where it asks for more the call fails at once; 60."""

    def __init__(
        self,
        max_retries: int = 2,
        *,
        first_wait: float = 0.5,
        longest_wait: float = 8.0,
        longest_retry_after: float = 60.0,
    ) -> None:
        _set(self, "max_retries", max_retries)
        _set(self, "first_wait", first_wait)
        _set(self, "longest_wait", longest_wait)
        _set(self, "longest_retry_after", longest_retry_after)

    def of(self, max_retries: int) -> RetryPolicy:
        """The same waits with another number of tries."""
        return RetryPolicy(
            max_retries,
            first_wait=self.first_wait,
            longest_wait=self.longest_wait,
            longest_retry_after=self.longest_retry_after,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(RetryPolicy, **{name: getattr(self, name) for name in self.__slots__}), ()

    def wait(self, number: int, asked: float | None, chance: float) -> float | None:
        """The seconds before a try; None where there is to be none.

        Args:
            number: Which try after the first.
            asked: What the server asks for, in seconds; None where it does not say.
            chance: A number from 0 to 1, drawn at random.
        """
        if number > self.max_retries:
            return None
        if asked is not None:
            return asked * (1 + _LATE * chance) if asked <= self.longest_retry_after else None
        # The exponent is bounded, since 2.0 ** 1024 is none.
        full = min(self.first_wait * 2.0 ** min(number - 1, 64), self.longest_wait)
        return full * (1 - chance / 2)


def may_succeed_later(error: TransientError) -> bool:
    """Whether another try makes sense: not where the time is up, nor where a proxy or a certificate says no."""
    if isinstance(error, ProviderTimeoutError) and error.phase == "total":
        return False
    cause = error.__cause__
    return not (isinstance(cause, TLSError) or (isinstance(cause, ProxyError) and cause.status is not None))


class Tries:
    """The tries of one call, each a `with` block, which ends well where another one is to follow.

    Args:
        policy: How many there may be.
        total: The seconds that all of them may take, with the waits between; None for no limit.
        clock: The time in seconds, of a clock that does not go back.
        chance: Gives a number from 0 to 1.
    """

    __slots__ = ("_chance", "_clock", "_ends", "_number", "_policy", "has_begun", "retry")

    def __init__(
        self, policy: RetryPolicy, total: float | None, clock: Callable[[], float], chance: Callable[[], float]
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._chance = chance
        self._ends = None if total is None else clock() + total
        self._number = 0
        self.has_begun = False
        """Whether the caller has been given a part of the answer, which cannot be taken back."""
        self.retry: Retry
        """The try that follows."""

    def left(self) -> float | None:
        """The seconds that the next try may take; None for no limit."""
        return None if self._ends is None else max(self._ends - self._clock(), 0.001)

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, TransientError) or self.has_begun or not may_succeed_later(error):
            return False
        self._number += 1
        wait = self._policy.wait(self._number, error.retry_after, self._chance())
        if wait is None or (self._ends is not None and self._clock() + wait >= self._ends):
            return False
        self.retry = Retry(self._number, wait, error)
        return True


class Stall:
    """How long a stream has gone without an event; what keeps a connection open (pings, comments) is none.

    Args:
        limit: The seconds that it may.
        clock: The time in seconds, of a clock that does not go back.
    """

    __slots__ = ("_clock", "_since", "limit")

    def __init__(self, limit: float, clock: Callable[[], float] = monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._since = clock()

    def begin(self) -> None:
        """Wait for the next event: the last one has been dealt with, which may have taken its time."""
        self._since = self._clock()

    @property
    def is_over(self) -> bool:
        """Whether it has been too long."""
        return self._clock() - self._since >= self.limit
