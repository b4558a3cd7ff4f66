"""How long the next step of a call may take; pure but for the clock."""

from __future__ import annotations

from time import monotonic

from chatplug.http.errors import Phase, TimedOut
from chatplug.http.transport import Request

__all__ = ["Deadline", "time_left"]

# A socket with a timeout of 0 does not wait at all and fails in another way.
_SHORTEST = 0.000_001


def time_left(ends: float | None, limit: float | None) -> float | None:
    """The seconds until a moment, but no more than a limit; None where neither is set."""
    if ends is None:
        return limit
    left = max(ends - monotonic(), _SHORTEST)
    return left if limit is None or left < limit else limit


class Deadline:
    """The limits of one call, running since it was made."""

    __slots__ = ("ends", "request", "total")

    ends: float | None
    """When the whole call must be over, on the monotonic clock."""
    total: float | None
    """The limit that is reached then, in seconds."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.total = request.timeout.total
        self.ends = None if self.total is None else monotonic() + self.total

    def limit_rest(self, seconds: float) -> None:
        """Let the call be over in so many seconds, if it would not be before."""
        ends = monotonic() + seconds
        if self.ends is None or ends < self.ends:
            self.ends = ends
            self.total = seconds

    def silence(self) -> float | None:
        """The seconds for which nothing need come."""
        return time_left(self.ends, self.request.timeout.read)

    def connecting(self) -> float | None:
        """When there must be a connection, on the monotonic clock."""
        limit = time_left(self.ends, self.request.timeout.connect)
        return None if limit is None else monotonic() + limit

    def is_over(self) -> bool:
        """Whether the whole call has taken too long."""
        return self.ends is not None and monotonic() >= self.ends

    def timed_out(self, phase: Phase, *, sent: bool | None) -> TimedOut:
        """The error for a step that took too long; it names the total limit where that is what was reached."""
        if self.is_over():
            phase = "total"
        timeout = self.request.timeout
        seconds = {"connect": timeout.connect, "read": timeout.read, "total": self.total}[phase]
        return TimedOut(phase=phase, seconds=seconds, method=self.request.method, url=self.request.url, sent=sent)
