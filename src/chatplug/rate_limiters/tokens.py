"""The limiter that counts requests and tokens, and listens to what the server says of its limits."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from chatplug.rate_limiters.bucket import Bucket
from chatplug.rate_limiters.limiter import BaseRateLimiter, checked_rate
from chatplug.rate_limiters.line import Clock, Line
from chatplug.wire.rate_limit import Allowance, rate_limits
from chatplug.wire.retry_after import retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, ClassVar

__all__ = ["TokenRateLimiter"]

_MINUTE = 60.0


class TokenRateLimiter(BaseRateLimiter):
    """So many requests and tokens a minute, for all models that it is given to.

    A request takes one request and about as many tokens as it will need: those of its messages, and `max_tokens` for
    the answer where that is set. When the answer is here, what it really took is put right. What the server says in
    its headers is put right too: what is left where others use the same key, its limits where none are given here, and
    the wait that it asks for, which then holds for all who share the limiter.

    Args:
        requests_per_minute: How many requests; None for what the server says, without limit until it has said it.
        tokens_per_minute: How many tokens, of questions and answers together; None as above.
        clock: The time, and waiting.

    Raises:
        SettingsError: If nothing could ever be sent.
    """

    counts_tokens: ClassVar[bool] = True

    def __init__(
        self,
        *,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.requests_per_minute = _given("requests_per_minute", requests_per_minute)
        self.tokens_per_minute = _given("tokens_per_minute", tokens_per_minute)
        self._limits = {"requests": self.requests_per_minute, "tokens": self.tokens_per_minute}
        self._line = Line({name: _bucket(limit) for name, limit in self._limits.items()}, clock or Clock())

    def acquire(self, *, blocking: bool = True, tokens: int = 0) -> bool:
        """Whether a request may be sent now.

        Args:
            blocking: Whether to wait until it may; then the answer is yes.
            tokens: About how many tokens it will take.
        """
        return self._line.acquire({"requests": 1.0, "tokens": float(tokens)}, blocking=blocking)

    async def aacquire(self, *, blocking: bool = True, tokens: int = 0) -> bool:
        """The asynchronous twin of `acquire`."""
        return await self._line.aacquire({"requests": 1.0, "tokens": float(tokens)}, blocking=blocking)

    def reserve(self, tokens: int) -> None:
        """Wait until a request of about so many tokens may be sent."""
        self.acquire(tokens=tokens)

    async def areserve(self, tokens: int) -> None:
        """The asynchronous twin of `reserve`."""
        await self.aacquire(tokens=tokens)

    def settle(self, reserved: int, used: int) -> None:
        """Put right how many tokens a request took for which some had been reserved."""
        if reserved != used:
            self._line.change(lambda _: self._add_tokens(reserved - used))

    def observe(self, headers: Mapping[str, str]) -> None:
        """Put right what the headers of an answer say, names in lower case."""
        told = rate_limits(headers)
        wait = retry_after(headers)
        if told or wait:
            self._line.change(lambda now: self._learn(told, wait, now))

    def _add_tokens(self, number: int) -> None:
        bucket = self._line.buckets["tokens"]
        bucket.level = min(bucket.size, bucket.level + number)

    def _learn(self, told: Mapping[str, Allowance], wait: float | None, now: float) -> None:
        for name, bucket in self._line.buckets.items():
            if wait:
                bucket.opens_at = max(bucket.opens_at, now + wait)
            allowance = told.get(name)
            if allowance is None or allowance.limit == 0:
                continue  # who allows nothing at all, ever, has answered all the same
            if self._limits[name] is None:
                _adopt(bucket, allowance)
            bucket.level = min(bucket.level, allowance.remaining)
            if allowance.remaining == 0 and allowance.reset:
                bucket.opens_at = max(bucket.opens_at, now + allowance.reset)

    def __reduce__(self) -> tuple[Any, ...]:
        # Who waits stays here; where it is unpickled it is a budget of its own.
        return _made, (self.requests_per_minute, self.tokens_per_minute)

    def __repr__(self) -> str:
        return (
            f"TokenRateLimiter(requests_per_minute={self.requests_per_minute}, "
            f"tokens_per_minute={self.tokens_per_minute})"
        )


def _made(requests_per_minute: float | None, tokens_per_minute: float | None) -> TokenRateLimiter:
    return TokenRateLimiter(requests_per_minute=requests_per_minute, tokens_per_minute=tokens_per_minute)


def _given(name: str, limit: float | None) -> float | None:
    return None if limit is None else checked_rate(name, limit, 0)


def _bucket(limit: float | None) -> Bucket:
    """A full bucket; one without end where no limit is known."""
    return Bucket(inf, inf, inf) if limit is None else Bucket(limit / _MINUTE, max(limit, 1.0), max(limit, 1.0))


def _adopt(bucket: Bucket, allowance: Allowance) -> None:
    """Take the server's limit for one's own: what is missing to it will be there when it says that all will be."""
    if allowance.limit is None:
        return
    missing = allowance.limit - allowance.remaining
    if allowance.reset and missing > 0:
        bucket.rate = missing / allowance.reset
    elif bucket.rate == inf:
        bucket.rate = allowance.limit / _MINUTE
    bucket.size = max(allowance.limit, 1.0)
