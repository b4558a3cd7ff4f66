"""What tokens cost: usage and prices into money.

Input tokens that come from the provider's cache, or go to it, and tokens of sound are parts of the input tokens;
reasoning is a part of the output tokens. Each part is counted once, at its own price.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatplug.messages import UsageMetadata
    from chatplug.profiles.registry import Known

__all__ = ["Cost", "cost_by_genai_prices", "cost_by_profile", "cost_of"]

_MILLION = 1_000_000


@dataclass(slots=True, frozen=True)
class Cost:
    """What something costs, in US dollars."""

    input: Decimal
    """The input tokens, cached ones included."""
    output: Decimal
    """The output tokens, reasoning included."""
    source: str
    """Where the prices come from."""
    assumed: tuple[str, ...] = ()
    """Prices that nobody knows; the price of other input or output stands for them."""

    @property
    def total(self) -> Decimal:
        """All of it."""
        return self.input + self.output

    def __add__(self, other: Cost) -> Cost:
        if not isinstance(other, Cost):  # pyright: ignore[reportUnnecessaryIsInstance]  # Python asks the other side
            return NotImplemented
        sources = dict.fromkeys([*self.source.split("; "), *other.source.split("; ")])
        assumed = tuple(dict.fromkeys([*self.assumed, *other.assumed]))
        return Cost(self.input + other.input, self.output + other.output, "; ".join(sources), assumed)

    def __str__(self) -> str:
        return f"${self.total:.6f}"


def cost_of(usage: UsageMetadata, known: Known, provider: str, model: str) -> Cost | None:
    """What a usage costs; None where nobody knows the prices.

    Prices that the user gave, with the model or in `profiles.toml`, come first, then those of `genai-prices` where
    that is installed, then those of the profile.

    Args:
        usage: The tokens, as the provider counted them.
        known: What is known of the model.
        provider: Who was asked.
        model: The model's name.
    """
    source = known.source_of("input_price")
    if source is not None and source.layer in ("user", "init"):
        return cost_by_profile(usage, known)
    return cost_by_genai_prices(usage, provider, model) or cost_by_profile(usage, known)


def cost_by_profile(usage: UsageMetadata, known: Known) -> Cost | None:
    """What a usage costs by the prices of a profile; None where it has none.

    >>> from chatplug.profiles import Known
    >>> known = Known().with_given({"input_price": 2.0, "cache_read_price": 0.5, "output_price": 8.0})
    >>> usage = {"input_tokens": 1000, "output_tokens": 500, "total_tokens": 1500}
    >>> print(
    ...     cost_by_profile(usage, known), cost_by_profile({**usage, "input_token_details": {"cache_read": 800}}, known)
    ... )
    $0.006000 $0.004800
    """
    profile = known.profile()
    prices: dict[str, Any] = {**profile}
    for tier in sorted(profile.get("price_tiers", ()), key=lambda tier: tier.get("above_input_tokens", 0)):
        if usage["input_tokens"] > tier.get("above_input_tokens", 0):
            prices = {**profile, **tier}
    if "input_price" not in prices or "output_price" not in prices:
        return None
    assumed: list[str] = []

    def money(tokens: int, name: str, otherwise: str) -> Decimal:
        if tokens and name not in prices:
            assumed.append(name)
        price: float = prices[name if name in prices else otherwise]
        return Decimal(tokens) * Decimal(str(price)) / _MILLION

    taken, given = usage.get("input_token_details", {}), usage.get("output_token_details", {})
    plain_in, parts_in = _parts(
        usage["input_tokens"], [taken.get("cache_read", 0), taken.get("cache_creation", 0), taken.get("audio", 0)]
    )
    plain_out, parts_out = _parts(usage["output_tokens"], [given.get("audio", 0), given.get("reasoning", 0)])
    read, written, heard = parts_in
    spoken, reasoned = parts_out
    in_all = (
        money(plain_in, "input_price", "input_price")
        + money(read, "cache_read_price", "input_price")
        + money(written, "cache_write_price", "input_price")
        + money(heard, "audio_input_price", "input_price")
    )
    # Reasoning costs what other output does unless its provider says otherwise, so nothing is assumed there.
    reasoning = "reasoning_price" if "reasoning_price" in prices else "output_price"
    out_all = (
        money(plain_out, "output_price", "output_price")
        + money(spoken, "audio_output_price", "output_price")
        + money(reasoned, reasoning, "output_price")
    )
    return Cost(in_all, out_all, str(known.source_of("input_price")), tuple(assumed))


def _parts(total: int, parts: list[int]) -> tuple[int, list[int]]:
    """What is left of a total beside its parts, and the parts, which are never more than it in all.

    Cached sound is counted twice by some providers, as cached and as sound: the earlier part keeps it.
    """
    left = total
    kept: list[int] = []
    for part in parts:
        part = max(0, min(part, left))
        kept.append(part)
        left -= part
    return left, kept


def cost_by_genai_prices(usage: UsageMetadata, provider: str, model: str) -> Cost | None:
    """What a usage costs by `genai-prices` (extra `prices`); None where that is absent or does not know the model.

    Args:
        usage: The tokens, as the provider counted them.
        provider: Who was asked; a name of `genai-prices` or one that it knows as a beginning of its own.
        model: The model's name.
    """
    try:
        import genai_prices
    except ImportError:
        return None
    taken, given = usage.get("input_token_details", {}), usage.get("output_token_details", {})
    counted = genai_prices.Usage(
        input_tokens=usage["input_tokens"],
        cache_read_tokens=taken.get("cache_read"),
        cache_write_tokens=taken.get("cache_creation"),
        input_audio_tokens=taken.get("audio"),
        output_tokens=usage["output_tokens"],
        output_audio_tokens=given.get("audio"),
    )
    try:
        price = genai_prices.calc_price(counted, model, provider_id=provider)
    except (LookupError, ValueError):
        return None
    return Cost(price.input_price, price.output_price, f"genai-prices {genai_prices.__version__}")
