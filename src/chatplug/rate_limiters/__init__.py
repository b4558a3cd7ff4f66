"""Rate limiters: how often models may ask, given as `rate_limiter=` to any of them.

    limiter = InMemoryRateLimiter(requests_per_second=2)
    model = chatplug.init("openai_compat:tiny", base_url=..., rate_limiter=limiter)

A limiter that is given to several models is one budget for all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatplug.rate_limiters.limiter import BaseRateLimiter, InMemoryRateLimiter

if TYPE_CHECKING:
    from chatplug.rate_limiters.tokens import TokenRateLimiter

__all__ = ["BaseRateLimiter", "InMemoryRateLimiter", "TokenRateLimiter"]


def __getattr__(name: str) -> Any:
    # Every model knows the class of limiters; what counts tokens brings half of the messages with it.
    if name != "TokenRateLimiter":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from chatplug.rate_limiters.tokens import TokenRateLimiter

    return TokenRateLimiter
