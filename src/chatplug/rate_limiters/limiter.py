"""What a rate limiter is, and the one that counts requests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from chatplug.errors import SettingsError
from chatplug.rate_limiters.bucket import Bucket
from chatplug.rate_limiters.line import Clock, Line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["BaseRateLimiter", "InMemoryRateLimiter", "checked_rate"]


class BaseRateLimiter(ABC):
    """What a model asks before each of its requests.

    A limiter of one's own writes `acquire` and `aacquire`; the rest is for those that count tokens too, or learn.
    """

    counts_tokens: ClassVar[bool] = False
    """Whether `reserve` and `areserve` want to know how many tokens a request will take."""

    @abstractmethod
    def acquire(self, *, blocking: bool = True) -> bool:
        """Whether a request may be sent now.

        Args:
            blocking: Whether to wait until it may; then the answer is yes.
        """

    @abstractmethod
    async def aacquire(self, *, blocking: bool = True) -> bool:
        """The asynchronous twin of `acquire`."""

    def reserve(self, tokens: int) -> None:
        """Wait until a request of about so many tokens may be sent."""
        self.acquire()

    async def areserve(self, tokens: int) -> None:
        """The asynchronous twin of `reserve`."""
        await self.aacquire()

    def settle(self, reserved: int, used: int) -> None:  # noqa: B027  # Most have nothing to settle.
        """Hear how many tokens a request took for which some had been reserved."""

    def observe(self, headers: Mapping[str, str]) -> None:  # noqa: B027  # Most learn nothing.
        """Hear the headers of an answer, names in lower case; a server may tell in them what it allows."""


class InMemoryRateLimiter(BaseRateLimiter):
    """So many requests a second, for all threads and event loops of this process.

    It is a bucket to which `requests_per_second` are added up to `max_bucket_size`, and from which each request takes
    one. At first it is empty. Who came first is served first.

    Args:
        requests_per_second: How many requests are allowed in a second; 1, and less than 1 is fine.
        check_every_n_seconds: Nothing: who waits is woken when it is time, and does not look. It is here for programs
            that give it.
        max_bucket_size: How many requests may be sent at once after a quiet time; 1.
        clock: The time, and waiting.

    Raises:
        SettingsError: If nothing could ever be sent.
    """

    def __init__(
        self,
        *,
        requests_per_second: float = 1,
        check_every_n_seconds: float = 0.1,
        max_bucket_size: float = 1,
        clock: Clock | None = None,
    ) -> None:
        self.requests_per_second = checked_rate("requests_per_second", requests_per_second, 0)
        self.check_every_n_seconds = check_every_n_seconds
        self.max_bucket_size = checked_rate("max_bucket_size", max_bucket_size, 1)
        self._line = Line({"requests": Bucket(self.requests_per_second, self.max_bucket_size, 0.0)}, clock or Clock())

    def acquire(self, *, blocking: bool = True) -> bool:
        """Whether a request may be sent now.

        Args:
            blocking: Whether to wait until it may; then the answer is yes.
        """
        return self._line.acquire(_ONE, blocking=blocking)

    async def aacquire(self, *, blocking: bool = True) -> bool:
        """The asynchronous twin of `acquire`."""
        return await self._line.aacquire(_ONE, blocking=blocking)

    def __reduce__(self) -> tuple[Any, ...]:
        # Who waits stays here; where it is unpickled it is a budget of its own.
        return _made, (self.requests_per_second, self.check_every_n_seconds, self.max_bucket_size)

    def __repr__(self) -> str:
        return (
            f"InMemoryRateLimiter(requests_per_second={self.requests_per_second:g}, "
            f"max_bucket_size={self.max_bucket_size:g})"
        )


_ONE = {"requests": 1.0}


def _made(requests_per_second: float, check_every_n_seconds: float, max_bucket_size: float) -> InMemoryRateLimiter:
    return InMemoryRateLimiter(
        requests_per_second=requests_per_second,
        check_every_n_seconds=check_every_n_seconds,
        max_bucket_size=max_bucket_size,
    )


def checked_rate(name: str, value: float, least: float) -> float:
    """A number that lets something through. Raises `SettingsError`."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise SettingsError(f"{name} is {value!r}.", hint="It is a number.") from None
    if not (least <= number < float("inf") and number > 0):
        wanted = f"at least {least:g}" if least else "more than 0"
        raise SettingsError(f"{name} is {value!r}.", hint=f"It has to be {wanted}, or nothing is ever sent.")
    return number
