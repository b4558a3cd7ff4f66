"""Messages as values: made, shown, compared, copied, stored and read again."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from chatplug.errors import MessageError
from chatplug.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    ChatMessageChunk,
    FunctionMessage,
    FunctionMessageChunk,
    HumanMessage,
    HumanMessageChunk,
    SystemMessage,
    SystemMessageChunk,
    ToolMessage,
    ToolMessageChunk,
)

Make = Callable[..., BaseMessage]
REQUIRED: dict[Make, dict[str, Any]] = {
    SystemMessage: {},
    SystemMessageChunk: {},
    HumanMessage: {},
    HumanMessageChunk: {},
    AIMessage: {},
    AIMessageChunk: {},
    ToolMessage: {"tool_call_id": "call_1"},
    ToolMessageChunk: {"tool_call_id": "call_1"},
    FunctionMessage: {"name": "look"},
    FunctionMessageChunk: {"name": "look"},
    ChatMessage: {"role": "critic"},
    ChatMessageChunk: {"role": "critic"},
}
FULL: dict[Make, dict[str, Any]] = {
    AIMessage: {
        "tool_calls": [{"type": "tool_call", "id": "call_1", "name": "look", "args": {"at": ["x"]}}],
        "invalid_tool_calls": [
            {"type": "invalid_tool_call", "id": None, "name": "look", "args": "{", "error": "not JSON"}
        ],
        "usage_metadata": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
    },
    AIMessageChunk: {
        "tool_call_chunks": [{"type": "tool_call_chunk", "id": "call_1", "name": "look", "args": "{", "index": 0}],
        "usage_metadata": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        "chunk_position": "last",
    },
    ToolMessage: {"artifact": {"rows": [1, 2]}, "status": "error"},
    ToolMessageChunk: {"artifact": {"rows": [1, 2]}, "status": "error"},
}


def bare(kind: Make) -> BaseMessage:
    """A message with nothing but what it must have."""
    return kind("hello", **REQUIRED[kind])


def full(kind: Make) -> BaseMessage:
    """A message with something in every field."""
    fields = {
        "id": "m1",
        "name": "Ada",
        "additional_kwargs": {"extra": {"deep": [1]}},
        "response_metadata": {"model_name": "n3"},
        **REQUIRED[kind],
        **FULL.get(kind, {}),
    }
    return kind([{"type": "text", "text": "hello"}, "there"], **fields)


CASES = [pytest.param(make(kind), id=f"{make.__name__} {kind.__name__}") for kind in REQUIRED for make in (bare, full)]


@pytest.mark.parametrize("kind", REQUIRED)
def test_content_comes_first_without_a_name(kind: Make) -> None:
    assert bare(kind).content == "hello"
    assert kind(content="hello", **REQUIRED[kind]) == bare(kind)


@pytest.mark.parametrize("kind", REQUIRED)
def test_containers_are_never_shared_between_messages(kind: Make) -> None:
    first, second = bare(kind), bare(kind)

    first.additional_kwargs["seen"] = True
    first.response_metadata["seen"] = True

    assert second.additional_kwargs == {}
    assert second.response_metadata == {}
    assert first.additional_kwargs == {"seen": True}


def test_the_tool_calls_of_two_messages_are_never_shared() -> None:
    first, second = AIMessage("a"), AIMessage("b")

    first.tool_calls.append({"type": "tool_call", "id": "1", "name": "look", "args": {}})

    assert second.tool_calls == []
    assert second.invalid_tool_calls == []
    assert second.usage_metadata is None


def test_a_message_keeps_no_hold_on_the_containers_it_was_given() -> None:
    extra: dict[str, Any] = {"a": 1}
    blocks: list[str | dict[str, Any]] = ["hello"]
    message = HumanMessage(blocks, additional_kwargs=extra)

    extra["b"] = 2
    blocks.append("there")

    assert message.additional_kwargs == {"a": 1}
    assert message.content == ["hello"]


def test_a_message_shows_what_matters_and_no_more() -> None:
    assert repr(HumanMessage("hi")) == "HumanMessage(content='hi')"
    assert repr(AIMessageChunk("", response_metadata={"a": 1})) == (
        "AIMessageChunk(content='', response_metadata={'a': 1})"
    )
    assert repr(ToolMessage("4", "call_1", id="m1")) == (
        "ToolMessage(content='4', id='m1', tool_call_id='call_1', status='success')"
    )


@pytest.mark.parametrize("message", CASES)
def test_looking_at_a_message_does_not_change_it(message: BaseMessage) -> None:
    before = message.model_dump()

    repr(message)
    message.pretty_repr()
    str(message.content_blocks)

    assert message.model_dump() == before


@pytest.mark.parametrize("message", CASES)
def test_a_message_equals_its_copies_and_nothing_else(message: BaseMessage) -> None:
    other = message.model_copy(update={"content": "something else"})

    for same in (copy.copy(message), copy.deepcopy(message), message.model_copy(), message.model_copy(deep=True)):
        assert same == message
        assert type(same) is type(message)
        assert same is not message
    assert other != message
    assert message != "hello"


def test_a_chunk_is_not_equal_to_a_message_and_messages_have_no_hash() -> None:
    assert AIMessage("a") != AIMessageChunk("a")
    with pytest.raises(TypeError, match="unhashable"):
        hash(AIMessage("a"))


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("message", CASES)
def test_a_message_survives_another_process(message: BaseMessage, protocol: int) -> None:
    assert pickle.loads(pickle.dumps(message, protocol)) == message  # noqa: S301  # written on the same line


@pytest.mark.parametrize("message", CASES)
def test_the_dump_of_a_message_makes_it_again(message: BaseMessage) -> None:
    stored = json.loads(message.model_dump_json())

    assert stored == message.model_dump()
    assert type(message).model_validate(stored) == message
    assert type(message).model_validate(message) is message


@pytest.mark.parametrize("message", CASES)
def test_a_dump_is_a_copy_in_depth(message: BaseMessage) -> None:
    before = repr(message)
    dump = message.model_dump()

    dump["additional_kwargs"].setdefault("extra", {})["deep"] = "changed"
    dump["response_metadata"]["new"] = 1

    assert repr(message) == before


def test_a_deep_copy_shares_no_containers_and_a_shallow_one_does() -> None:
    message = HumanMessage("hi", additional_kwargs={"a": {"b": 1}})
    shallow, deep = message.model_copy(), message.model_copy(deep=True)

    message.additional_kwargs["a"]["b"] = 2

    assert shallow.additional_kwargs == {"a": {"b": 2}}
    assert deep.additional_kwargs == {"a": {"b": 1}}


def test_text_is_the_text_and_nothing_else() -> None:
    assert AIMessage("plain").text == "plain"
    blocks: list[str | dict[str, Any]] = [
        {"type": "reasoning", "reasoning": "hm"},
        {"type": "text", "text": "a"},
        "b",
        {"type": "text", "text": None},
        {"type": "image", "text": "no"},
    ]
    assert AIMessage(blocks).text == "ab"


def test_content_blocks_are_the_standard_view() -> None:
    message = AIMessage(
        ["hi", {"type": "text", "text": "there"}, {"type": "thinking", "signature": "s"}],
        additional_kwargs={"reasoning_content": "hm"},
        tool_calls=[{"id": "call_1", "name": "look", "args": {}}],
    )

    assert message.content_blocks == [
        {"type": "reasoning", "reasoning": "hm"},
        {"type": "text", "text": "hi"},
        {"type": "text", "text": "there"},
        {"type": "non_standard", "value": {"type": "thinking", "signature": "s"}},
        {"type": "tool_call", "id": "call_1", "name": "look", "args": {}},
    ]


def test_a_tool_call_that_is_a_block_already_is_not_said_twice() -> None:
    call: dict[str, Any] = {"type": "tool_call", "id": "call_1", "name": "look", "args": {}}

    assert AIMessage([call], tool_calls=[call]).content_blocks == [call]
    assert AIMessage("").content_blocks == []


def test_a_tool_message_says_which_call_it_answers_and_whether_it_worked() -> None:
    assert ToolMessage("4", "call_1") == ToolMessage("4", tool_call_id="call_1", status="success")
    with pytest.raises(MessageError, match="tool_call_id"):
        ToolMessage("4")
    with pytest.raises(MessageError, match="'success' or 'error'"):
        ToolMessage("4", "call_1", status="broken")  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(MessageError, match="name of the function"):
        FunctionMessage("4")
    with pytest.raises(MessageError, match="role"):
        ChatMessage("4")


@pytest.mark.parametrize("content", [None, 3, b"bytes", {"type": "text", "text": "x"}])
def test_content_of_another_kind_is_refused(content: Any) -> None:
    with pytest.raises(MessageError, match=rf"HumanMessage.content is {type(content).__name__}. Give a string"):
        HumanMessage(content)


def test_a_wrong_block_is_named_by_its_index() -> None:
    with pytest.raises(MessageError, match=r"AIMessage.content\[1\] is int\."):
        AIMessage(["a", 3])  # type: ignore[list-item]  # the mistake under test


@pytest.mark.parametrize("kind", [AIMessage, AIMessageChunk])
@pytest.mark.parametrize(
    "call", [None, "look", {}, {"name": "look"}, {"name": 3, "args": {}}, {"name": "x", "args": 3}]
)
def test_a_wrong_tool_call_is_named_by_its_index(kind: type[AIMessage], call: Any) -> None:
    good: dict[str, Any] = {"id": "call_1", "name": "look", "args": {}}

    with pytest.raises(MessageError, match=r"tool_calls\[1\] is not a tool call"):
        kind("", tool_calls=[good, call])


def test_arguments_may_be_given_as_json_text() -> None:
    message = AIMessage("", tool_calls=[{"id": "call_1", "name": "look", "args": '{"at": "x"}'}])

    assert message.tool_calls == [{"type": "tool_call", "id": "call_1", "name": "look", "args": {"at": "x"}}]


def test_data_of_another_message_is_refused() -> None:
    with pytest.raises(MessageError, match="'human' is no AIMessage"):
        AIMessage.model_validate(HumanMessage("a").model_dump())
    with pytest.raises(MessageError, match="HumanMessage is no AIMessage"):
        AIMessage.model_validate(HumanMessage("a"))
    with pytest.raises(MessageError, match=r"no field 'contents'. Did you mean 'content'\?"):
        AIMessage.model_validate({"contents": "a"})
    with pytest.raises(MessageError, match="made of str"):
        AIMessage.model_validate("a")  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(MessageError, match="no field 'colour'"):
        AIMessage("a").model_copy(update={"colour": "red"})


def test_a_field_that_does_not_exist_is_an_attribute_error() -> None:
    missing = "contents"

    for message in (AIMessage("a"), AIMessageChunk("a"), HumanMessageChunk("a")):
        with pytest.raises(AttributeError, match="no attribute 'contents'"):
            getattr(message, missing)


def test_a_message_can_be_matched() -> None:
    match AIMessage("hello"):
        case AIMessage("hello"):
            matched = True
        case _:
            matched = False

    assert matched


def test_a_message_is_shown_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    message = AIMessage("hello", name="Ada", tool_calls=[{"id": "call_1", "name": "look", "args": {"at": "x"}}])

    message.pretty_print()

    title, *rest = capsys.readouterr().out.splitlines()
    assert " Ai Message " in title
    assert len(title) == 80
    assert rest == ["Name: Ada", "", "hello", "  look (call_1)", "    at: x"]
