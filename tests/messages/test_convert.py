"""What people write, as messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chatplug.errors import MessageError
from chatplug.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    convert_to_messages,
    message_to_dict,
)

BLOCKS = [{"type": "text", "text": "hi"}]
SHAPES: list[tuple[Any, list[BaseMessage]]] = [
    ("hi", [HumanMessage("hi")]),
    ("", [HumanMessage("")]),
    (HumanMessage("hi"), [HumanMessage("hi")]),
    (AIMessageChunk("hi"), [AIMessageChunk("hi")]),
    ([], []),
    (["hi", "there"], [HumanMessage("hi"), HumanMessage("there")]),
    ([("system", "a"), ("human", "b"), ("ai", "c")], [SystemMessage("a"), HumanMessage("b"), AIMessage("c")]),
    ([["user", "b"], ("assistant", "c")], [HumanMessage("b"), AIMessage("c")]),
    ([("user", BLOCKS)], [HumanMessage([{"type": "text", "text": "hi"}])]),
    ((HumanMessage("a"), "b"), [HumanMessage("a"), HumanMessage("b")]),
    ([{"role": "user", "content": "a"}], [HumanMessage("a")]),
    ([{"role": "user", "content": None}], [HumanMessage("")]),
    ([{"role": "user", "content": "a", "name": "Ada", "id": "m1"}], [HumanMessage("a", name="Ada", id="m1")]),
    ([{"role": "user", "content": "a", "name": None}], [HumanMessage("a")]),
    ([{"role": "developer", "content": "a"}], [SystemMessage("a", additional_kwargs={"role": "developer"})]),
    ([{"type": "human", "content": "a"}], [HumanMessage("a")]),
    ([{"role": "user", "content": "a", "extra": 1}], [HumanMessage("a", additional_kwargs={"extra": 1})]),
    ([{"role": "tool", "tool_call_id": "call_1", "content": "4"}], [ToolMessage("4", "call_1")]),
    ([{"role": "function", "name": "look", "content": "4"}], [FunctionMessage("4", name="look")]),
    (
        [{"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "look", "arguments": '{"x": 1}'}}]}],
        [AIMessage("", tool_calls=[{"id": "a", "name": "look", "args": {"x": 1}}])],
    ),
    (
        [{"role": "assistant", "content": "", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": {}}}]}],
        [AIMessage("", tool_calls=[{"id": "a", "name": "f", "args": {}}])],
    ),
    (
        [{"role": "assistant", "content": "", "tool_calls": [{"id": "a", "name": "look", "args": {"x": 1}}]}],
        [AIMessage("", tool_calls=[{"id": "a", "name": "look", "args": {"x": 1}}])],
    ),
    (
        [{"role": "assistant", "content": "", "refusal": "no", "tool_calls": None}],
        [AIMessage("", additional_kwargs={"refusal": "no"})],
    ),
]


@pytest.mark.parametrize(("value", "expected"), SHAPES)
def test_whatever_people_write_becomes_messages(value: Any, expected: list[BaseMessage]) -> None:
    assert convert_to_messages(value) == expected


def test_a_generator_and_an_object_that_knows_its_messages_will_do() -> None:
    def words() -> Iterator[str]:
        yield "a"
        yield "b"

    class Prompt:
        def to_messages(self) -> list[BaseMessage]:
            return [SystemMessage("a")]

    assert convert_to_messages(words()) == [HumanMessage("a"), HumanMessage("b")]
    assert convert_to_messages(Prompt()) == [SystemMessage("a")]  # type: ignore[arg-type]  # known by its method


def test_the_list_is_new_and_the_messages_are_the_ones_given() -> None:
    given = [HumanMessage("a"), AIMessage("b")]

    converted = convert_to_messages(given)

    assert converted is not given
    assert all(one is other for one, other in zip(converted, given, strict=True))


def test_what_was_written_is_not_changed() -> None:
    item = {"role": "user", "content": "a", "name": "Ada"}

    convert_to_messages([item])

    assert item == {"role": "user", "content": "a", "name": "Ada"}


@pytest.mark.parametrize(
    "message",
    [
        SystemMessage("a", id="m1"),
        HumanMessage("a", additional_kwargs={"x": 1}, response_metadata={"y": 2}),
        AIMessage(
            "a",
            tool_calls=[{"id": "a", "name": "look", "args": {"x": 1}}],
            invalid_tool_calls=[
                {"type": "invalid_tool_call", "id": "b", "name": "look", "args": "{", "error": "not JSON"}
            ],
            usage_metadata={"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
        ),
        ToolMessage("a", "call_1", status="error", artifact=[1]),
        FunctionMessage("a", name="look"),
    ],
)
def test_a_stored_message_comes_back_as_it_was(message: BaseMessage) -> None:
    assert convert_to_messages([message.model_dump()]) == [message]


def test_broken_arguments_are_kept_as_an_invalid_call() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "look", "arguments": '{"x"'}}

    (message,) = convert_to_messages([{"role": "assistant", "content": None, "tool_calls": [call]}])

    assert isinstance(message, AIMessage)
    assert message.tool_calls == []
    assert message.invalid_tool_calls[0]["args"] == '{"x"'


REFUSED: list[tuple[Any, str]] = [
    (None, "made of NoneType. Give a list"),
    (3, "made of int. Give a list"),
    ({"role": "user", "content": "a"}, "made of dict. Give a list"),
    (b"hi", r"messages\[0\] is int"),
    ([HumanMessage("a"), 3], r"messages\[1\] is int.*a \(role, content\) pair"),
    (["a", None], r"messages\[1\] is NoneType"),
    (["a", ("user", "b", "c")], r"messages\[1\] is tuple"),
    (["a", (1, "b")], r"messages\[1\] is tuple"),
    (["a", {"content": "b"}], r"messages\[1\] has no 'role'"),
    (["a", {"role": "user"}], r"messages\[1\] has no 'content'"),
    (["a", ("asistant", "b")], r"messages\[1\] has the role 'asistant'. Did you mean 'assistant'\?"),
    (["a", ("critic", "b")], r"messages\[1\] has the role 'critic'. Roles are .*give a ChatMessage"),
    (["a", ("user", 3)], r"messages\[1\]: HumanMessage.content is int. Give a string"),
    (["a", {"role": "user", "content": ["b", 3]}], r"messages\[1\]: HumanMessage.content\[1\] is int"),
    (["a", ("tool", "b")], r"messages\[1\]: A ToolMessage needs the tool_call_id"),
    (["a", ("function", "b")], r"messages\[1\]: A FunctionMessage needs the name"),
    (["a", {"role": "tool", "content": "", "tool_call_id": "x", "status": "odd"}], r"messages\[1\]: .*'success'"),
    (["a", {"role": "ai", "tool_calls": [{"name": "x", "args": {}}, "b"]}], r"messages\[1\]: tool_calls\[1\] is not"),
    (["a", {"role": "ai", "tool_calls": [{"function": "x"}]}], r"messages\[1\]: tool_calls\[0\] is not"),
]


@pytest.mark.parametrize(("value", "complaint"), REFUSED)
def test_what_is_no_message_is_refused_with_its_index_and_what_would_be_right(value: Any, complaint: str) -> None:
    with pytest.raises(MessageError, match=complaint) as caught:
        convert_to_messages(value)

    assert caught.value.hint


def test_a_message_in_a_role_of_your_own_is_passed_on() -> None:
    assert convert_to_messages([ChatMessage("a", "critic")]) == [ChatMessage("a", "critic")]


@pytest.mark.parametrize(
    "message",
    [
        ChatMessage("Hm.", role="critic", name="Ann"),
        ChatMessage("Hm.", role="user"),
        AIMessageChunk("Hm.", id="run-1"),
        HumanMessage("Hm."),
    ],
)
def test_a_message_that_was_dumped_or_stored_is_taken_back(message: BaseMessage) -> None:
    assert convert_to_messages([message.model_dump()]) == [message]
    assert convert_to_messages([message_to_dict(message)]) == [message]


def test_what_is_wrong_in_a_stored_message_is_told_with_its_place() -> None:
    with pytest.raises(MessageError, match=r"messages\[1\]: ChatMessage has no field 'rolle'. Did you mean 'role'"):
        convert_to_messages(["Hello", {"type": "chat", "data": {"content": "Hm.", "rolle": "critic"}}])
