"""The laws of what is done with a conversation: trimming, filtering, merging, storing, repairing."""

from __future__ import annotations

import json
from collections import Counter
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from chatplug.messages import (
    AIMessage,
    BaseMessage,
    ToolMessage,
    filter_messages,
    merge_message_runs,
    messages_from_dict,
    messages_to_dict,
    repair_messages,
    trim_messages,
)
from chatplug.messages.pairing import pair
from chatplug.testing.strategies import chunks, conversations, disordered_conversations

strategies = st.sampled_from(["first", "last"])
limits = st.integers(0, 40)


def letters(messages: list[BaseMessage]) -> int:
    return sum(len(str(message.content)) + 1 for message in messages)


def dumped(messages: list[BaseMessage]) -> str:
    return json.dumps([message.model_dump() for message in messages])


def calls_and_results(messages: list[BaseMessage]) -> tuple[list[str | None], list[str | None]]:
    """The ids of the calls that the messages tell, and those of the results."""
    calls = [
        call["id"]
        for message in messages
        if isinstance(message, AIMessage)
        for call in [*message.tool_calls, *message.invalid_tool_calls]
    ]
    return calls, [message.tool_call_id for message in messages if isinstance(message, ToolMessage)]


@given(disordered_conversations())
def test_repairing_twice_is_repairing_once(conversation: list[BaseMessage]) -> None:
    repaired, _ = repair_messages(conversation)
    again, repairs = repair_messages(repaired)

    assert repairs == []
    assert again == repaired
    assert all(one is other for one, other in zip(again, repaired, strict=True))


@given(disordered_conversations())
def test_repairing_changes_no_message_that_it_was_given(conversation: list[BaseMessage]) -> None:
    before = dumped(conversation)

    repair_messages(conversation)

    assert dumped(conversation) == before


@given(disordered_conversations())
def test_a_repaired_conversation_has_one_result_right_behind_each_call(conversation: list[BaseMessage]) -> None:
    repaired, _ = repair_messages(conversation)

    pairing = pair(repaired)
    expected: list[int] = []
    for number, call in enumerate(pairing.calls):
        is_next = number > 0 and pairing.calls[number - 1].message == call.message
        expected.append(expected[-1] + 1 if is_next else call.message + 1)

    assert list(pairing.answers) == expected
    assert list(pairing.answers.values()) == list(range(len(pairing.calls)))
    assert sum(isinstance(message, ToolMessage) for message in repaired) == len(pairing.calls)
    assert len({call.id for call in pairing.calls} - {""}) == len(pairing.calls)


@given(disordered_conversations())
def test_repairing_tells_of_every_change(conversation: list[BaseMessage]) -> None:
    repaired, repairs = repair_messages(conversation)

    assert bool(repairs) == (repaired != conversation)


@given(conversations())
def test_a_conversation_in_order_comes_back_as_it_is(conversation: list[BaseMessage]) -> None:
    repaired, repairs = repair_messages(conversation)

    assert repairs == []
    assert repaired == conversation


@given(disordered_conversations(), limits, strategies)
def test_what_is_trimmed_is_within_the_limit(
    conversation: list[BaseMessage], limit: int, strategy: Literal["first", "last"]
) -> None:
    for allow_partial in (False, True):
        trimmed = trim_messages(
            conversation, max_tokens=limit, token_counter=letters, strategy=strategy, allow_partial=allow_partial
        )

        assert letters(trimmed) <= limit


@given(disordered_conversations(), limits, strategies)
def test_trimming_keeps_one_end_of_the_conversation(
    conversation: list[BaseMessage], limit: int, strategy: Literal["first", "last"]
) -> None:
    trimmed = trim_messages(conversation, max_tokens=limit, token_counter=letters, strategy=strategy)

    end = conversation[: len(trimmed)] if strategy == "first" else conversation[len(conversation) - len(trimmed) :]
    assert trimmed == end


@given(conversations(), limits, strategies, st.booleans(), st.sampled_from([None, "human", "ai", "tool"]))
def test_trimming_keeps_a_call_and_its_result_together(
    conversation: list[BaseMessage],
    limit: int,
    strategy: Literal["first", "last"],
    allow_partial: bool,
    kind: str | None,
) -> None:
    trimmed = trim_messages(
        conversation,
        max_tokens=limit,
        token_counter=letters,
        strategy=strategy,
        allow_partial=allow_partial,
        end_on=kind,
        start_on=kind if strategy == "last" else None,
    )

    calls, results = calls_and_results(trimmed)
    assert calls == results


@given(disordered_conversations(), limits, strategies)
def test_trimming_keeps_the_most_that_fits(
    conversation: list[BaseMessage], limit: int, strategy: Literal["first", "last"]
) -> None:
    trimmed = trim_messages(conversation, max_tokens=limit, token_counter=letters, strategy=strategy)

    pairing = pair(conversation)
    links = [*pairing.answers.items(), *pairing.repeated.items()]
    pairs = [tuple(sorted((pairing.calls[call].message, result))) for result, call in links]
    cuts = [c for c in range(len(conversation) + 1) if not any(first < c <= last for first, last in pairs)]
    ways = [conversation[:cut] if strategy == "first" else conversation[cut:] for cut in cuts]
    assert len(trimmed) == max(len(way) for way in ways if letters(way) <= limit)


@given(disordered_conversations(), st.sampled_from(["human", "ai", "tool"]))
def test_including_and_excluding_a_type_parts_the_conversation(conversation: list[BaseMessage], kind: str) -> None:
    included = filter_messages(conversation, include_types=[kind])
    excluded = filter_messages(conversation, exclude_types=[kind])

    together = [*map(id, included), *map(id, excluded)]
    assert sorted(together) == sorted(map(id, conversation))


@given(disordered_conversations())
def test_merging_twice_is_merging_once(conversation: list[BaseMessage]) -> None:
    before = dumped(conversation)

    merged = merge_message_runs(conversation)

    assert merge_message_runs(merged) == merged
    assert [Counter(ids) for ids in calls_and_results(merged)] == [Counter(i) for i in calls_and_results(conversation)]
    assert dumped(conversation) == before


@given(disordered_conversations(), st.lists(chunks(), max_size=2))
def test_what_is_stored_comes_back(conversation: list[BaseMessage], pieces: list[BaseMessage]) -> None:
    talk = [*conversation, *pieces]

    stored = json.loads(json.dumps(messages_to_dict(talk)))

    assert messages_from_dict(stored) == talk
