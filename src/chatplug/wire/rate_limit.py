"""What a server says in its headers of how much it still allows."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, NamedTuple

from chatplug.wire.retry_after import number_in

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Allowance", "rate_limits"]


class Allowance(NamedTuple):
    """What is allowed of one thing."""

    limit: float | None
    """How much in all; None where the server does not say. Over which time it does not say either."""
    remaining: float
    """How much is left."""
    reset: float | None
    """The seconds until all of it is there again; None where the server does not say."""


def rate_limits(headers: Mapping[str, str], now: float | None = None) -> dict[str, Allowance]:
    """What the headers of an answer allow of `requests` and `tokens`; empty where they say nothing that can be read.

    Read are `x-ratelimit-limit-requests` and its kin, as OpenAI, Azure, Groq and others send them (API documentation,
    2026-11), and the same without the last word, which some servers mean for requests.

    Args:
        headers: The answer's headers, names in lower case.
        now: The time in seconds since 1970, for moments in the place of durations; the present unless told otherwise.

    >>> rate_limits({"x-ratelimit-remaining-tokens": "1200", "x-ratelimit-reset-tokens": "1m30s"})
    {'tokens': Allowance(limit=None, remaining=1200.0, reset=90.0)}
    """
    found: dict[str, Allowance] = {}
    for name, ends in _ENDS.items():
        for end in ends:
            remaining = number_in(headers.get(f"x-ratelimit-remaining{end}"))
            if remaining is not None:
                limit = number_in(headers.get(f"x-ratelimit-limit{end}"))
                reset = _seconds(headers.get(f"x-ratelimit-reset{end}"), now)
                found.setdefault(name, Allowance(limit, remaining, reset))
    return found


_ENDS = {"requests": ("-requests", ""), "tokens": ("-tokens",)}
_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[dhms]))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])")
_MOMENT = 1e9
"""A number this large is a moment: seconds since 1970, or milliseconds where it is a thousand times as large."""


def _seconds(text: str | None, now: float | None) -> float | None:
    """A duration such as `6m0s`, `2ms` or `17`, or the time until a moment."""
    if text is None:
        return None
    if _DURATION.fullmatch(text):
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    number = number_in(text)
    if number is None or number < _MOMENT:
        return number
    moment = number / 1000 if number >= _MOMENT * 1000 else number
    return max(0.0, moment - (time.time() if now is None else now))
