"""What a request will take and cost, before it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from chatplug.messages import convert_to_messages
from chatplug.profiles.cost import cost_of
from chatplug.profiles.estimate import METHOD, Estimate, estimate_length

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatplug.messages import UsageMetadata
    from chatplug.profiles import Cost, Known, ModelProfile

__all__ = ["forecast"]


class Foreseen(Protocol):
    """What has to be known of a model."""

    profile: ModelProfile

    @property
    def provider(self) -> str: ...
    @property
    def model_id(self) -> str | None: ...
    def known(self) -> Known: ...


_COUNTER = "get_num_tokens_from_messages"


def forecast(model: Foreseen, input: Any, tools: Sequence[Any] | None, max_tokens: int | None) -> Estimate:
    """See `ProfiledModel.estimate`."""
    messages = convert_to_messages(input)
    length = estimate_length(messages, list(tools or ()))
    method, tokens, low, high = METHOD, length.tokens(), length.low(), length.high()
    count = getattr(model, _COUNTER, None)
    if callable(count) and not tools:
        method = "model"
        counted: Any = count(messages)
        tokens = low = high = int(counted)
    most = max_tokens or getattr(model, "max_tokens", None) or model.profile.get("max_output_tokens")

    def cost(taken: int, given: int) -> Cost | None:
        usage: UsageMetadata = {"input_tokens": taken, "output_tokens": given, "total_tokens": taken + given}
        return cost_of(usage, model.known(), model.provider, model.model_id or "")

    return Estimate(
        tokens=tokens,
        low=low,
        high=high,
        method=method,
        uncounted=length.uncounted,
        most_output=most,
        cost_low=cost(low, 0),
        cost_high=cost(high, most) if most else None,
    )
