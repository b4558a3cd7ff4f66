"""The fields of a profile, and what is wrong with one."""

from __future__ import annotations

from typing import Any, get_type_hints

import pytest

from chatplug.profiles.model_profile import FIELDS, ModelProfile, PriceTier, faults

# The fields of langchain-core 1.8.4's ModelProfile.
LANGCHAIN = {
    *("name", "status", "release_date", "last_updated", "open_weights", "max_input_tokens", "text_inputs"),
    *("image_inputs", "image_url_inputs", "pdf_inputs", "audio_inputs", "video_inputs", "image_tool_message"),
    *("pdf_tool_message", "max_output_tokens", "reasoning_output", "reasoning_effort_levels"),
    *("reasoning_effort_default", "text_outputs", "image_outputs", "audio_outputs", "video_outputs", "tool_calling"),
    *("tool_choice", "tool_call_streaming", "mid_conversation_system_messages", "mid_conversation_tools"),
    *("structured_output", "attachment", "temperature"),
}


def test_every_field_of_langchains_profile_is_one_of_ours() -> None:
    missing = LANGCHAIN - set(ModelProfile.__annotations__)

    assert not missing


def test_every_field_knows_what_its_value_is() -> None:
    kinds = {str: "a text", bool: "true or false", int: "a number of tokens", float: "a price in dollars"}
    hints = get_type_hints(ModelProfile)

    assert {name: kind for name, (kind, _) in FIELDS.items() if not kind.startswith("a list")} == {
        name: kinds[hint] for name, hint in hints.items() if hint in kinds
    }
    assert FIELDS["price_tiers"][0] == "a list of price tiers"
    assert {kind for name, (kind, _) in FIELDS.items() if hints[name] not in kinds and name != "price_tiers"} == {
        "a list of texts"
    }


def test_a_tier_has_the_prices_that_a_profile_has() -> None:
    prices = {name for name in ModelProfile.__annotations__ if name.endswith("_price")}

    assert set(PriceTier.__annotations__) == {"above_input_tokens", *prices}


@pytest.mark.parametrize(
    ("facts", "complaint"),
    [
        ({"name": 3}, "is 3, not a text"),
        ({"name": "x" * 501}, "not a text"),
        ({"tool_calling": 1}, "is 1, not true or false"),
        ({"max_input_tokens": True}, "is True, not a number of tokens"),
        ({"max_input_tokens": -1}, "is -1, not a number of tokens"),
        ({"max_input_tokens": 1e6}, "not a number of tokens"),
        ({"max_input_tokens": 10**5000}, "is a huge number, not a number of tokens"),
        ({"input_price": float("nan")}, "is nan, not a price in dollars"),
        ({"input_price": float("inf")}, "is inf, not a price in dollars"),
        ({"input_price": "1"}, "is '1', not a price in dollars"),
        ({"reasoning_effort_levels": "low"}, "is 'low', not a list of texts"),
        ({"price_tiers": [{"input_price": 1}]}, "is a list, not a list of price tiers"),
        ({"price_tiers": [{"above_input_tokens": 1, "name": "x"}]}, "not a list of price tiers"),
        ({"tool_caling": True}, "is no field; did you mean 'tool_calling'?"),
        ({"wings": 2}, "is no field"),
    ],
)
def test_a_wrong_fact_is_told(facts: dict[str, Any], complaint: str) -> None:
    told = list(faults(facts))

    assert len(told) == 1
    assert told[0][0] in facts
    assert complaint in told[0][1]


def test_a_user_may_keep_keys_of_their_own_and_take_facts_away() -> None:
    assert not list(faults({"key": "value", "max_input_tokens": None, "audio_tool_message": True}, own_keys=True))
    assert list(faults({"max_input_token": 3}, own_keys=True)) == [
        ("max_input_token", "is no field; did you mean 'max_input_tokens'?")
    ]
