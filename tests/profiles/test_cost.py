"""What tokens cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import pytest

from chatplug.messages import UsageMetadata
from chatplug.profiles import Cost, Entry, Known, Source, cost_by_profile, cost_of
from chatplug.profiles.cost import cost_by_genai_prices

PRICES: Any = {
    "input_price": 2.0,
    "output_price": 8.0,
    "cache_read_price": 0.5,
    "cache_write_price": 2.5,
    "audio_input_price": 10.0,
    "audio_output_price": 20.0,
}


def known(layer: str = "plugin", **facts: Any) -> Known:
    return Known((Entry("cat", facts, Source(layer, "a page", "2026-11-24")),))  # type: ignore[arg-type]


def usage(taken: int, given: int, taken_of: Any = None, given_of: Any = None) -> UsageMetadata:
    counted: Any = {"input_tokens": taken, "output_tokens": given, "total_tokens": taken + given}
    if taken_of:
        counted["input_token_details"] = taken_of
    if given_of:
        counted["output_token_details"] = given_of
    return cast("UsageMetadata", counted)


def total(counted: UsageMetadata, **facts: Any) -> Decimal:
    cost = cost_by_profile(counted, known(**facts))
    assert cost is not None
    return cost.total


def test_input_and_output_have_their_own_prices() -> None:
    cost = cost_by_profile(usage(1_000_000, 500_000), known(**PRICES))

    assert cost is not None
    assert (cost.input, cost.output, cost.total) == (Decimal(2), Decimal(4), Decimal(6))
    assert (cost.source, cost.assumed) == ("a page, 2026-11-24", ())


@pytest.mark.parametrize(
    ("details", "dollars"),
    [
        ({"cache_read": 1_000_000}, "0.5"),
        ({"cache_read": 400_000}, "1.4"),
        ({"cache_creation": 1_000_000}, "2.5"),
        ({"cache_read": 500_000, "cache_creation": 500_000}, "1.5"),
        ({"audio": 100_000}, "2.8"),
        ({"cache_read": 0, "audio": 0}, "2"),
    ],
)
def test_a_part_of_the_input_is_counted_once_at_its_own_price(details: Any, dollars: str) -> None:
    assert total(usage(1_000_000, 0, details), **PRICES) == Decimal(dollars)


def test_reasoning_is_a_part_of_the_output_and_costs_the_same_unless_it_has_a_price() -> None:
    counted = usage(0, 1_000_000, None, {"reasoning": 600_000})

    assert total(counted, **PRICES) == Decimal(8)
    assert total(counted, **PRICES, reasoning_price=3.0) == Decimal("5.0")


def test_parts_that_are_more_than_the_whole_do_not_cost_more_than_it() -> None:
    counted = usage(1_000_000, 0, {"cache_read": 1_000_000, "audio": 1_000_000, "cache_creation": -5})

    assert total(counted, **PRICES) == Decimal("0.5")


def test_a_price_that_nobody_knows_is_assumed_and_said() -> None:
    cost = cost_by_profile(usage(1_000_000, 0, {"cache_read": 500_000}), known(input_price=2.0, output_price=8.0))

    assert cost is not None
    assert (cost.total, cost.assumed) == (Decimal(2), ("cache_read_price",))


def test_a_long_request_costs_what_its_tier_says() -> None:
    tiers = [
        {"above_input_tokens": 500_000, "input_price": 6.0},
        {"above_input_tokens": 200_000, "input_price": 4.0, "output_price": 12.0},
    ]

    assert total(usage(200_000, 0), **PRICES, price_tiers=tiers) == Decimal("0.4")
    assert total(usage(200_001, 0), **PRICES, price_tiers=tiers) == Decimal("0.800004")
    assert total(usage(1_000_000, 1_000_000), **PRICES, price_tiers=tiers) == Decimal(14)


def test_without_prices_a_cost_is_unknown_and_not_nothing() -> None:
    assert cost_by_profile(usage(1, 1), known(input_price=1.0)) is None
    assert cost_by_profile(usage(1, 1), Known()) is None
    assert total(usage(1000, 1000), input_price=0, output_price=0) == 0


def test_small_prices_are_exact() -> None:
    assert total(usage(3, 0), input_price=0.1, output_price=0) == Decimal("3e-7")


def test_costs_add_up_with_all_their_sources() -> None:
    first = Cost(Decimal(1), Decimal(2), "a", ("cache_read_price",))
    second = Cost(Decimal(3), Decimal(4), "b")

    both = first + second + first

    assert (both.total, both.source, both.assumed) == (Decimal(13), "a; b", ("cache_read_price",))
    assert str(second) == "$7.000000"


def test_genai_prices_is_asked_where_it_is_installed() -> None:
    pytest.importorskip("genai_prices")
    counted = usage(1_000_000, 0, {"cache_read": 400_000})

    cost = cost_by_genai_prices(counted, "openai", "gpt-4.1-2025-04-14")

    assert cost is not None
    # $2 for a million input tokens, $0.50 for cached ones: OpenAI's price list since 2025-04-14.
    assert cost.total == Decimal("1.4")
    assert cost.source.startswith("genai-prices ")
    assert cost_by_genai_prices(counted, "openai", "no-such-model") is None
    assert cost_by_genai_prices(counted, "no-such-provider", "gpt-4.1") is None


def test_prices_that_the_user_gave_come_before_those_of_genai_prices() -> None:
    pytest.importorskip("genai_prices")
    counted = usage(1_000_000, 0)

    theirs = cost_of(counted, known(**PRICES), "openai", "gpt-4.1")
    mine = cost_of(counted, known(**PRICES).with_given({"input_price": 7.0}), "openai", "gpt-4.1")
    others = cost_of(counted, known(**PRICES), "cats", "cat-4")

    assert theirs is not None
    assert theirs.source.startswith("genai-prices ")
    assert mine is not None
    assert (mine.total, mine.source) == (Decimal(7), "profile=")
    assert others is not None
    assert others.source == "a page, 2026-11-24"
