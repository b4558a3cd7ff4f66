"""How many tokens a call took."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given

from chatplug.messages import UsageMetadata, add_usage
from chatplug.testing.strategies import usages


@given(usages(), usages(), usages())
def test_adding_usages_is_associative_and_commutative(a: UsageMetadata, b: UsageMetadata, c: UsageMetadata) -> None:
    assert add_usage(add_usage(a, b), c) == add_usage(a, add_usage(b, c))
    assert add_usage(a, b) == add_usage(b, a)


@given(usages(), usages())
def test_adding_usages_changes_neither(a: UsageMetadata, b: UsageMetadata) -> None:
    before = copy.deepcopy((a, b))

    total = add_usage(a, b)
    total["total_tokens"] = -1
    total.setdefault("input_token_details", {})["cache_read"] = -1

    assert (a, b) == before


@given(usages())
def test_a_usage_and_none_make_that_usage(usage: UsageMetadata) -> None:
    assert add_usage(usage, None) == add_usage(None, usage) == usage
    assert add_usage(usage, None) is not usage


def test_two_nones_make_zero() -> None:
    assert add_usage(None, None) == {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}


def test_counts_that_only_one_side_has_are_kept() -> None:
    left: Any = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2, "input_token_details": {"audio": 1}}
    right: Any = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2, "input_token_details": {"cache_read": 2}}
    right["tool_tokens"] = 5

    total = add_usage(left, right)

    assert total == {
        "input_tokens": 2,
        "output_tokens": 2,
        "total_tokens": 4,
        "input_token_details": {"audio": 1, "cache_read": 2},
        "tool_tokens": 5,
    }


def test_what_is_counted_in_parts_of_one_is_added_too() -> None:
    one: Any = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2, "credits": 0.5}

    assert add_usage(one, one) == {"input_tokens": 2, "output_tokens": 2, "total_tokens": 4, "credits": 1.0}
