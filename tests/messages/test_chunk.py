"""Chunks add up as the streams of real providers need it, field by field and of each role."""

from __future__ import annotations

from typing import Any

import pytest

from chatplug.errors import MessageError
from chatplug.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessageChunk,
    ChatMessage,
    ChatMessageChunk,
    FunctionMessageChunk,
    HumanMessage,
    HumanMessageChunk,
    SystemMessageChunk,
    ToolMessage,
    ToolMessageChunk,
    message_chunk_to_message,
)
from tests.messages.adding import joined


def test_an_empty_delta_that_claims_the_role_changes_nothing() -> None:
    whole = joined(AIMessageChunk("", id="m1"), AIMessageChunk("a"), AIMessageChunk(""), AIMessageChunk("b"))

    assert whole == AIMessageChunk("ab", id="m1")


def test_usage_adds_up_and_absent_stays_absent() -> None:
    whole = joined(
        AIMessageChunk("a"),
        AIMessageChunk("", usage_metadata={"input_tokens": 3, "output_tokens": 0, "total_tokens": 3}),
        AIMessageChunk(
            "",
            usage_metadata={
                "input_tokens": 0,
                "output_tokens": 5,
                "total_tokens": 5,
                "output_token_details": {"reasoning": 2},
            },
        ),
    )

    assert whole.usage_metadata == {
        "input_tokens": 3,
        "output_tokens": 5,
        "total_tokens": 8,
        "output_token_details": {"reasoning": 2},
    }
    assert joined(AIMessageChunk("a"), AIMessageChunk("b")).usage_metadata is None


def test_metadata_said_again_is_not_doubled() -> None:
    again = {"model_name": "n3", "finish_reason": None, "deep": {"a": "x"}}

    whole = joined(*(AIMessageChunk("x", response_metadata=again) for _ in range(3)))

    assert whole.response_metadata == again


def test_a_later_fact_replaces_an_earlier_one_and_null_replaces_nothing() -> None:
    whole = joined(
        AIMessageChunk("", response_metadata={"finish_reason": None, "model_name": "n3"}),
        AIMessageChunk("", response_metadata={"finish_reason": "stop"}),
        AIMessageChunk("", response_metadata={"finish_reason": None}),
    )

    assert whole.response_metadata == {"finish_reason": "stop", "model_name": "n3"}


def test_texts_beside_the_content_continue_and_names_do_not() -> None:
    whole = joined(
        AIMessageChunk(
            additional_kwargs={"reasoning_content": "I ", "function_call": {"name": "look", "arguments": "{"}}
        ),
        AIMessageChunk(
            additional_kwargs={"reasoning_content": "see", "function_call": {"name": "look", "arguments": "}"}}
        ),
    )

    assert whole.additional_kwargs == {
        "reasoning_content": "I see",
        "function_call": {"name": "look", "arguments": "{}"},
    }


def test_a_value_beside_the_content_may_change_its_kind() -> None:
    parts = ("a", "b", [{"x": 1}], "c", {"y": 1}, 3)

    whole = joined(*(AIMessageChunk(additional_kwargs={"odd": part}) for part in parts))

    assert whole.additional_kwargs == {"odd": 3}


def test_blocks_with_one_index_are_one_block() -> None:
    whole = joined(
        AIMessageChunk([{"type": "reasoning", "index": 0, "reasoning": "h"}]),
        AIMessageChunk([{"type": "reasoning", "index": 0, "reasoning": "m", "signature": "s"}]),
        AIMessageChunk([{"type": "text", "index": 1, "text": "a"}, {"type": "text", "index": 1, "text": "b"}]),
    )

    assert whole.content == [
        {"type": "reasoning", "index": 0, "reasoning": "hm", "signature": "s"},
        {"type": "text", "index": 1, "text": "ab"},
    ]


def test_a_block_that_takes_the_index_of_another_id_is_a_block_of_its_own() -> None:
    whole = joined(
        AIMessageChunk([{"type": "text", "index": 0, "id": "a", "text": "1"}]),
        AIMessageChunk([{"type": "text", "index": 0, "id": "b", "text": "2"}]),
        AIMessageChunk([{"type": "text", "index": 0, "text": "3"}]),
    )

    assert whole.content == [
        {"type": "text", "index": 0, "id": "a", "text": "1"},
        {"type": "text", "index": 0, "id": "b", "text": "23"},
    ]


def test_text_and_blocks_keep_their_order() -> None:
    image = {"type": "image", "url": "x"}

    assert joined(AIMessageChunk("a"), AIMessageChunk([image]), AIMessageChunk("b"), AIMessageChunk("c")).content == [
        "a",
        image,
        "bc",
    ]


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["run-1", "run-1", None], "run-1"),
        ([None, "run-1", "msg_1"], "msg_1"),
        (["msg_1", "run-1", "msg_2"], "msg_1"),
        (["run-1", "lc_2"], "run-1"),
        ([None, None], None),
    ],
)
def test_the_id_that_the_provider_gave_first_is_the_id_of_the_sum(ids: list[str | None], expected: str | None) -> None:
    whole = AIMessageChunk("x", id=ids[0])
    for identity in ids[1:]:
        whole = whole + AIMessageChunk("x", id=identity)

    assert whole.id == expected


def test_the_last_chunk_makes_the_sum_the_last() -> None:
    whole = joined(AIMessageChunk("a", chunk_position="last"), AIMessageChunk("b"))

    assert whole.chunk_position == "last"


def test_what_only_names_something_is_not_said_twice_when_blocks_add_up() -> None:
    piece = {"type": "audio", "index": 0, "base64": "QQ", "mime_type": "audio/wav", "extras": {"provider": "meow"}}

    total = AIMessageChunk([piece]) + AIMessageChunk([piece])

    assert total.content == [{**piece, "base64": "QQQQ"}]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"additional_kwargs": [1]}, "AIMessageChunk.additional_kwargs is list"),
        ({"response_metadata": "x"}, "AIMessageChunk.response_metadata is str"),
        ({"tool_call_chunks": ["x"]}, r"tool_call_chunks\[0\] is str"),
    ],
)
def test_a_field_of_another_kind_is_refused_when_a_chunk_is_made(fields: Any, words: str) -> None:
    with pytest.raises(MessageError, match=words):
        AIMessageChunk("", **fields)


def test_sum_and_lists_and_tuples_add_up() -> None:
    chunks = [AIMessageChunk(text) for text in "abc"]

    assert sum(chunks) == AIMessageChunk("abc")
    assert chunks[0] + (chunks[1], chunks[2]) == AIMessageChunk("abc")  # type: ignore[operator]  # more than the types say
    assert chunks[0] + [chunks[1], chunks[2]] == AIMessageChunk("abc")  # type: ignore[operator]  # as above


@pytest.mark.parametrize("other", ["b", 1, None, AIMessage("b"), HumanMessageChunk("b")])
def test_chunks_add_up_with_their_own_kind_only(other: Any) -> None:
    with pytest.raises(MessageError, match=rf"AIMessageChunk \+ {type(other).__name__} is not a sum of chunks"):
        _ = AIMessageChunk("a") + other


@pytest.mark.parametrize("kind", [SystemMessageChunk, HumanMessageChunk])
def test_chunks_of_other_roles_add_up_alike(kind: type[BaseMessageChunk]) -> None:
    whole = kind("a", id="m1") + kind("b", response_metadata={"x": 1}) + kind("c", name="Ada")

    assert whole == kind("abc", id="m1", name="Ada", response_metadata={"x": 1})
    assert type(whole) is kind


def test_a_piece_of_a_tool_s_result_that_failed_makes_a_failed_result() -> None:
    parts = [ToolMessageChunk("a", "call_1"), ToolMessageChunk("b", "call_1", status="error")]

    for first, second in (parts, parts[::-1]):
        whole = first + second
        assert whole.status == "error"
        assert whole.tool_call_id == "call_1"


def test_chunks_of_different_calls_roles_and_functions_do_not_add_up() -> None:
    with pytest.raises(MessageError, match="tool_call_id 'call_1' and 'call_2'"):
        _ = ToolMessageChunk("a", "call_1") + ToolMessageChunk("b", "call_2")
    with pytest.raises(MessageError, match="role 'a' and 'b'"):
        _ = ChatMessageChunk("a", "a") + ChatMessageChunk("b", "b")
    with pytest.raises(MessageError, match="name 'a' and 'b'"):
        _ = FunctionMessageChunk("a", name="a") + FunctionMessageChunk("b", name="b")


def test_chunks_make_the_message_of_their_role() -> None:
    assert message_chunk_to_message(HumanMessageChunk("a", id="m1")) == HumanMessage("a", id="m1")
    assert message_chunk_to_message(ChatMessageChunk("a", "critic") + ChatMessageChunk("b", "critic")) == ChatMessage(
        "ab", "critic"
    )
    assert message_chunk_to_message(ToolMessageChunk("a", "call_1", artifact=[1])) == ToolMessage(
        "a", "call_1", artifact=[1]
    )
    message = AIMessage("a")
    assert message_chunk_to_message(message) is message
