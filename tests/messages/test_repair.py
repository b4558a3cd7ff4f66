"""A conversation put in order."""

from __future__ import annotations

from typing import Any

import pytest

from chatplug.errors import MessageError
from chatplug.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    Repair,
    SystemMessage,
    ToolMessage,
    repair_messages,
)


def asking(*identities: str | None, content: Any = "") -> AIMessage:
    return AIMessage(content, tool_calls=[{"name": "look", "args": {}, "id": identity} for identity in identities])


def told(repairs: list[Repair]) -> list[tuple[str, str]]:
    return [(repair.path, repair.kind) for repair in repairs]


def contents(messages: list[BaseMessage]) -> list[Any]:
    return [message.content for message in messages]


def test_a_conversation_in_order_comes_back_equal_and_with_no_repairs() -> None:
    talk: list[BaseMessage] = [
        SystemMessage("a"),
        HumanMessage("b", id="m1"),
        asking("c1", "c2"),
        ToolMessage("", "c1"),
        ToolMessage("d", "c2"),
        AIMessageChunk("e", id="m2"),
    ]

    repaired, repairs = repair_messages(talk)

    assert repairs == []
    assert repaired is not talk
    assert all(one is other for one, other in zip(repaired, talk, strict=True))


def test_a_call_without_result_gets_an_error_right_behind_it() -> None:
    talk: list[BaseMessage] = [asking("c1", "c2"), ToolMessage("a", "c2"), HumanMessage("b")]

    repaired, repairs = repair_messages(talk)

    stand_in = repaired[1]
    assert isinstance(stand_in, ToolMessage)
    assert (stand_in.tool_call_id, stand_in.name, stand_in.status) == ("c1", "look", "error")
    assert "no result" in stand_in.text
    assert [repaired[0], *repaired[2:]] == talk
    assert told(repairs) == [("messages[0].tool_calls[0]", "orphaned_tool_call")]


def test_a_result_without_call_is_left_out() -> None:
    repaired, repairs = repair_messages([HumanMessage("a"), ToolMessage("b", "c9"), HumanMessage("c")])

    assert contents(repaired) == ["a", "c"]
    assert told(repairs) == [("messages[1]", "orphaned_tool_result")]
    assert "'c9'" in repairs[0].reason


def test_a_second_result_of_one_call_is_left_out() -> None:
    repaired, repairs = repair_messages([asking("c1"), ToolMessage("a", "c1"), ToolMessage("b", "c1")])

    assert contents(repaired) == ["", "a"]
    assert told(repairs) == [("messages[2]", "orphaned_tool_result")]
    assert "has a result already" in repairs[0].reason


@pytest.mark.parametrize(
    ("talk", "order", "moved"),
    [
        ([asking("c1", "c2"), ToolMessage("b", "c2"), ToolMessage("a", "c1")], ["", "a", "b"], [2]),
        ([asking("c1"), HumanMessage("h"), ToolMessage("a", "c1")], ["", "a", "h"], [2]),
        ([ToolMessage("a", "c1"), asking("c1"), HumanMessage("h")], ["", "a", "h"], [0]),
        (
            [asking("c1"), asking("c2", content="x"), ToolMessage("a", "c1"), ToolMessage("b", "c2")],
            ["", "a", "x", "b"],
            [2],
        ),
    ],
)
def test_a_result_is_moved_right_behind_its_call(talk: list[BaseMessage], order: list[str], moved: list[int]) -> None:
    repaired, repairs = repair_messages(talk)

    assert contents(repaired) == order
    assert told(repairs) == [(f"messages[{position}]", "misplaced_tool_result") for position in moved]


def test_a_call_id_that_is_used_again_becomes_another_and_its_result_follows() -> None:
    turn: list[BaseMessage] = [asking("call_0"), ToolMessage("a", "call_0")]

    repaired, repairs = repair_messages([*turn, *turn, *turn])

    calls = [message.tool_calls[0]["id"] for message in repaired if isinstance(message, AIMessage)]
    results = [message.tool_call_id for message in repaired if isinstance(message, ToolMessage)]
    assert calls == results == ["call_0", "call_0_2", "call_0_3"]
    assert told(repairs) == [(f"messages[{i}].tool_calls[0]", "duplicate_tool_call_id") for i in (2, 4)]
    assert "'call_0_2'" in repairs[0].reason


def test_two_calls_of_one_message_with_one_id_become_two() -> None:
    blocks: list[Any] = [{"type": "tool_use", "id": "c1", "name": "look", "input": {"n": n}} for n in (1, 2)]
    talk: list[BaseMessage] = [
        asking("c1", "c1", content=blocks),
        ToolMessage("a", "c1"),
        ToolMessage("b", "c1"),
    ]

    repaired, _ = repair_messages(talk)

    asked, first, second = repaired
    assert isinstance(asked, AIMessage)
    assert [call["id"] for call in asked.tool_calls] == ["c1", "c1_2"]
    assert asked.content == [blocks[0], {**blocks[1], "id": "c1_2"}]
    assert (first, second) == (ToolMessage("a", "c1"), ToolMessage("b", "c1_2"))


def test_a_new_id_is_none_that_somebody_has() -> None:
    talk: list[BaseMessage] = [
        asking("c1", "c1_2", "c1"),
        *(ToolMessage(identity, identity) for identity in ("c1", "c1_2", "c1")),
    ]

    repaired, _ = repair_messages(talk)

    assert [message.tool_call_id for message in repaired if isinstance(message, ToolMessage)] == ["c1", "c1_2", "c1_3"]


def test_a_call_without_id_gets_one() -> None:
    repaired, repairs = repair_messages([HumanMessage("a"), asking(None), ToolMessage("b", "")])

    assert repaired[1:] == [asking("call_1"), ToolMessage("b", "call_1")]
    assert told(repairs) == [("messages[1].tool_calls[0]", "missing_tool_call_id")]


def test_a_message_id_that_is_used_again_becomes_another() -> None:
    repaired, repairs = repair_messages([HumanMessage("a", id="m"), AIMessage("b", id="m"), HumanMessage("c")])

    assert [message.id for message in repaired] == ["m", "m_2", None]
    assert told(repairs) == [("messages[1]", "duplicate_message_id")]


@pytest.mark.parametrize(
    "empty", [HumanMessage(""), AIMessage([]), AIMessage([{"type": "text", "text": ""}, ""]), SystemMessage("")]
)
def test_a_message_that_says_nothing_is_left_out(empty: BaseMessage) -> None:
    repaired, repairs = repair_messages([HumanMessage("a"), empty])

    assert repaired == [HumanMessage("a")]
    assert told(repairs) == [("messages[1]", "empty_message")]


@pytest.mark.parametrize(
    "message",
    [
        AIMessage([{"type": "reasoning", "reasoning": "hm"}]),
        AIMessage("", additional_kwargs={"refusal": "No."}),
        HumanMessage([{"type": "image", "url": "https://example.org/a.png"}]),
        HumanMessage(" "),
    ],
)
def test_a_message_that_says_something_in_another_way_is_kept(message: BaseMessage) -> None:
    assert repair_messages([message]) == ([message], [])


def test_the_model_is_told_that_a_call_cannot_be_read() -> None:
    bad: Any = {"type": "invalid_tool_call", "id": "c1", "name": "look", "args": "{", "error": "not JSON: EOF"}
    asked = AIMessage("", invalid_tool_calls=[bad])

    repaired, repairs = repair_messages([asked])

    assert repaired[0] is asked
    assert repaired[1].text == "The tool was not called: its arguments cannot be read (not JSON: EOF)."
    assert told(repairs) == [("messages[0].invalid_tool_calls[0]", "invalid_tool_call")]


def test_an_invalid_call_with_a_result_is_in_order() -> None:
    bad: Any = {"type": "invalid_tool_call", "id": "c1", "name": "look", "args": "{", "error": "not JSON: EOF"}
    talk: list[BaseMessage] = [AIMessage("", invalid_tool_calls=[bad]), ToolMessage("a", "c1")]

    assert repair_messages(talk) == (talk, [])


def test_a_call_that_names_no_tool_is_left_out_with_its_result() -> None:
    nameless: Any = {"type": "invalid_tool_call", "id": "c1", "name": None, "args": "{", "error": "not JSON"}
    talk: list[BaseMessage] = [AIMessage("a", invalid_tool_calls=[nameless]), ToolMessage("b", "c1")]

    repaired, repairs = repair_messages(talk)

    assert repaired == [AIMessage("a")]
    assert told(repairs) == [
        ("messages[0].invalid_tool_calls[0]", "invalid_tool_call"),
        ("messages[1]", "orphaned_tool_result"),
    ]


def test_a_call_whose_arguments_are_no_dict_becomes_an_invalid_one() -> None:
    asked = AIMessage("a")
    asked.tool_calls.append({"type": "tool_call", "id": "c1", "name": "look", "args": ["x"]})  # type: ignore[typeddict-item]  # what is tested

    repaired, repairs = repair_messages([asked])

    (first, second) = repaired
    assert isinstance(first, AIMessage)
    assert first.tool_calls == []
    assert first.invalid_tool_calls[0]["args"] == '["x"]'
    assert isinstance(second, ToolMessage)
    assert [kind for _, kind in told(repairs)] == ["invalid_tool_call", "invalid_tool_call"]
    assert len(asked.tool_calls) == 1


def test_a_chunk_is_changed_as_the_message_that_it_makes() -> None:
    chunk = AIMessageChunk("a", tool_call_chunks=[{"name": "look", "args": "{}", "id": "c1", "index": 0}])
    talk: list[BaseMessage] = [chunk, ToolMessage("b", "c1")]

    assert repair_messages(talk) == (talk, [])
    assert repair_messages([*talk, *talk])[0][2:] == [asking("c1_2", content="a"), ToolMessage("b", "c1_2")]


def test_repairs_are_told_in_the_order_of_the_conversation() -> None:
    talk: list[BaseMessage] = [
        ToolMessage("a", "c9"),
        asking("c1"),
        HumanMessage("", id="m"),
        HumanMessage("b", id="m"),
        AIMessage("c", id="m"),
    ]

    _, repairs = repair_messages(talk)

    assert told(repairs) == [
        ("messages[0]", "orphaned_tool_result"),
        ("messages[1].tool_calls[0]", "orphaned_tool_call"),
        ("messages[2]", "empty_message"),
        ("messages[4]", "duplicate_message_id"),
    ]


def test_dicts_and_pairs_are_repaired_too() -> None:
    repaired, _ = repair_messages([{"role": "user", "content": "a"}, ("ai", "")])

    assert repaired == [HumanMessage("a")]


def test_what_is_no_message_is_refused() -> None:
    with pytest.raises(MessageError, match=r"messages\[0\]"):
        repair_messages([3])  # type: ignore[list-item]  # what is tested


def test_a_thousand_calls_of_one_id_become_a_thousand_calls() -> None:
    turn: list[BaseMessage] = [asking("call_0"), ToolMessage("a", "call_0")]

    repaired, repairs = repair_messages(turn * 1_000)

    assert len({message.tool_call_id for message in repaired if isinstance(message, ToolMessage)}) == 1_000
    assert len(repairs) == 999
    assert repair_messages(repaired) == (repaired, [])
