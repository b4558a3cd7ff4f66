"""One call's way through its model's rate limiter: what was reserved for it, and what it took."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatplug.language_models.call import ModelCall
    from chatplug.rate_limiters import BaseRateLimiter

__all__ = ["Admission"]


class Admission:
    """A call before its limiter.

    Args:
        limiter: What is asked.
        call: The call.
    """

    __slots__ = ("_call", "_is_in", "_limiter", "_reserved")

    def __init__(self, limiter: BaseRateLimiter, call: ModelCall) -> None:
        self._call = call
        self._limiter = limiter
        self._is_in = False
        self._reserved = 0
        if limiter.counts_tokens:
            from chatplug.messages import count_tokens_approximately

            self._reserved = count_tokens_approximately(call.messages)
            most = call.settings.get("max_tokens", getattr(call.model, "max_tokens", None))
            if isinstance(most, int):
                self._reserved += most

    def enter(self) -> None:
        """Wait until the call may be made."""
        self._limiter.reserve(self._reserved)
        self._is_in = True

    async def aenter(self) -> None:
        """The asynchronous twin of `enter`."""
        await self._limiter.areserve(self._reserved)
        self._is_in = True

    def leave(self) -> None:
        """Tell the limiter what the call took.

        Where nothing came, nothing will have been counted; where the provider did not say, it is what was reserved.
        """
        if not self._is_in or not self._limiter.counts_tokens:
            return
        answer = self._call.arrived
        used = 0 if answer is None else self._reserved
        if answer is not None and answer.usage_metadata is not None:
            used = answer.usage_metadata["total_tokens"]
        self._limiter.settle(self._reserved, used)
