"""How long a server asks to wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["number_in", "retry_after"]


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """The seconds that the headers of an answer ask to wait; None where they ask for nothing that can be read.

    `retry-after-ms` (milliseconds, sent by OpenAI and Azure) is finer and wins over `retry-after`, which is a number
    of seconds or a date (RFC 9110, section 10.2.3). A date that has passed is 0 seconds; a wait of more than a year is
    none that can be read.

    Args:
        headers: The answer's headers, names in lower case.
        now: The time that a date is compared with; the present unless told otherwise.

    >>> retry_after({"retry-after": "20"})
    20.0
    >>> retry_after({"retry-after-ms": "350", "retry-after": "1"})
    0.35
    """
    milliseconds = number_in(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return _bounded(milliseconds / 1000)
    value = headers.get("retry-after")
    seconds = number_in(value)
    if seconds is not None or value is None:
        return _bounded(seconds)
    return _until(value, now)


def _until(date: str, now: datetime | None) -> float | None:
    """The seconds until a date."""
    # Few answers have one, and these two cost a program without a network 6 ms.
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    try:
        then = parsedate_to_datetime(date)
        if then.tzinfo is None:
            then = then.replace(tzinfo=UTC)
        return _bounded(max(0.0, (then - (now or datetime.now(UTC))).total_seconds()))
    except (OverflowError, ValueError):
        return None


def _bounded(seconds: float | None) -> float | None:
    """The wait, unless it is one that nobody can have meant."""
    return None if seconds is None or seconds > _YEAR else seconds


_YEAR = 366 * 86400.0


def number_in(text: str | None) -> float | None:
    """The number that a header says; None where it says none, or one that is negative or without end."""
    try:
        number = float(text) if text is not None else -1.0
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
