"""Rate limiters: how often models may ask, given as `rate_limiter=` to any of them.

    limiter = InMemoryRateLimiter(requests_per_second=2)
    model = chatplug.init("openai_compat:tiny", base_url=..., rate_limiter=limiter)

A limiter that is given to several models is one budget for all of them.
"""

from __future__ import annotations

from chatplug.rate_limiters.limiter import BaseRateLimiter, InMemoryRateLimiter
from chatplug.rate_limiters.tokens import TokenRateLimiter

__all__ = ["BaseRateLimiter", "InMemoryRateLimiter", "TokenRateLimiter"]
