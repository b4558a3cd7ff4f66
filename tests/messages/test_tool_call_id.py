"""Ids of tool calls that the target would refuse."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatplug.messages import (
    ANTHROPIC_IDS,
    MISTRAL_IDS,
    OPENAI_IDS,
    AIMessage,
    ToolCallIdRule,
    ToolMessage,
    export_messages,
    mapped_id,
)

rules = st.sampled_from([ANTHROPIC_IDS, MISTRAL_IDS, OPENAI_IDS])


@given(identity=st.text(max_size=60), rule=rules)
def test_a_mapped_id_fits_the_rule_and_maps_to_itself(identity: str, rule: ToolCallIdRule) -> None:
    mapped = mapped_id(identity, rule)

    assert rule.accepts(mapped)
    assert mapped_id(mapped, rule) == mapped


@pytest.mark.parametrize(
    ("identity", "rule"),
    [
        ("toolu_01A-b_c", ANTHROPIC_IDS),
        ("call_abc", ANTHROPIC_IDS),
        ("x" * 128, ANTHROPIC_IDS),
        ("D681PevKs", MISTRAL_IDS),
        ("x" * 40, OPENAI_IDS),
        ("functions.look:0", OPENAI_IDS),
        ("", OPENAI_IDS),
    ],
)
def test_an_id_that_fits_is_left_alone(identity: str, rule: ToolCallIdRule) -> None:
    assert mapped_id(identity, rule) == identity


@pytest.mark.parametrize(
    ("identity", "rule"),
    [
        ("functions.look:0", ANTHROPIC_IDS),
        ("", ANTHROPIC_IDS),
        ("call_1\n", ANTHROPIC_IDS),
        ("caf\N{LATIN SMALL LETTER E WITH ACUTE}", ANTHROPIC_IDS),
        ("call_1", MISTRAL_IDS),
        ("\ud800", MISTRAL_IDS),
        ("D681PevK\n", MISTRAL_IDS),
        ("x" * 41, OPENAI_IDS),
        ("\n" * 41, OPENAI_IDS),
    ],
)
def test_an_id_that_would_be_refused_is_replaced(identity: str, rule: ToolCallIdRule) -> None:
    assert re.fullmatch(r"(call_)?[0-9A-Za-z]+", mapped_id(identity, rule))


@pytest.mark.parametrize("rule", [ANTHROPIC_IDS, MISTRAL_IDS, OPENAI_IDS])
def test_different_ids_stay_different(rule: ToolCallIdRule) -> None:
    ids = [f"functions.look:{number}:{'x' * 40}" for number in range(20_000)]

    assert len({mapped_id(identity, rule) for identity in ids}) == len(ids)


def test_a_mapped_id_is_the_same_in_every_process() -> None:
    program = "from chatplug.messages import MISTRAL_IDS, mapped_id; print(mapped_id('functions.look:0', MISTRAL_IDS))"

    said = [
        subprocess.run([sys.executable, *("-R", "-c", program)], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]

    assert said == ["jqtEhGcQx\n"] * 2


def test_a_call_has_one_id_in_the_whole_conversation_and_keeps_its_own_in_the_messages() -> None:
    call: Any = {"name": "look", "args": {}, "id": "functions.look:0"}
    messages = [AIMessage("", tool_calls=[call]), ToolMessage("A cat.", "functions.look:0")]

    turns = export_messages(messages, "anthropic").value["messages"]

    assert turns[0]["content"][0]["id"] == turns[1]["content"][0]["tool_use_id"] == "call_jqtEhGcQxH99d78z5Kbutqg3"
    assert messages[0] == AIMessage("", tool_calls=[call])
    assert messages[1] == ToolMessage("A cat.", "functions.look:0")


def test_an_id_that_the_target_made_itself_is_never_mapped() -> None:
    identity = "chatcmpl-tool-" + "0" * 32
    messages = [
        AIMessage(
            "", tool_calls=[{"name": "look", "args": {}, "id": identity}], response_metadata={"model_provider": "mine"}
        ),
        ToolMessage("A cat.", identity),
    ]

    own = export_messages(messages, "openai", provider="mine").value
    others = export_messages(messages, "openai").value

    assert own[0]["tool_calls"][0]["id"] == own[1]["tool_call_id"] == identity
    assert others[0]["tool_calls"][0]["id"] == others[1]["tool_call_id"] == mapped_id(identity, OPENAI_IDS) != identity
