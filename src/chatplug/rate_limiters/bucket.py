"""A bucket that fills by itself and is taken from; pure, the time is handed in."""

from __future__ import annotations

from math import inf

__all__ = ["Bucket"]


class Bucket:
    """An amount that grows with time up to a size.

    It may be taken below nothing: what costs more than the bucket holds has to wait until it is full, and those after
    it until the debt is paid.

    Args:
        rate: What is added in a second; infinity while no limit is known.
        size: The most that it holds.
        level: What it holds at first.
    """

    __slots__ = ("_filled_at", "level", "opens_at", "rate", "size")

    def __init__(self, rate: float, size: float, level: float) -> None:
        self.rate = rate
        self.size = size
        self.level = level
        self.opens_at = -inf
        """Until then nothing is given, whatever it holds."""
        self._filled_at: float | None = None

    def fill(self, now: float) -> None:
        """Add what has come since the last time."""
        if self._filled_at is not None and now > self._filled_at and self.level < self.size:
            self.level = min(self.size, self.level + (now - self._filled_at) * self.rate)
        self._filled_at = now

    def wait(self, cost: float, now: float) -> float:
        """The seconds until so much can be taken; 0 for now."""
        self.fill(now)
        missing = min(cost, self.size) - self.level
        # What is missing by less than a rounding error is there.
        waits = missing / self.rate if missing > 1e-9 * max(1.0, cost) else 0.0
        return max(waits, self.opens_at - now, 0.0)
