"""Conversations as OpenAI's chat completions: what goes out, what is lost, what comes in."""

from __future__ import annotations

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
    export_messages,
    import_messages,
)

Lost = list[tuple[str, str]]


def out(*messages: BaseMessage, provider: str | None = None) -> tuple[Any, Lost]:
    exported = export_messages(messages, "openai", provider=provider)
    return exported.value, [(loss.path, loss.kind) for loss in exported.losses]


def test_each_role_has_its_name() -> None:
    wire, lost = out(
        SystemMessage("a"),
        SystemMessage("b", additional_kwargs={"role": "developer"}),
        HumanMessage("c", name="Ada"),
        AIMessage("d"),
        ChatMessage("e", "critic"),
        FunctionMessage("f", name="look"),
        ToolMessage("g", "call_1", name="look"),
    )

    assert wire == [
        {"role": "system", "content": "a"},
        {"role": "developer", "content": "b"},
        {"role": "user", "content": "c", "name": "Ada"},
        {"role": "assistant", "content": "d"},
        {"role": "critic", "content": "e"},
        {"role": "function", "content": "f", "name": "look"},
        {"role": "tool", "content": "g", "tool_call_id": "call_1"},
    ]
    assert lost == []


def test_calls_good_and_bad_go_out_with_their_arguments_as_text() -> None:
    message = AIMessage(
        "",
        tool_calls=[{"id": "call_1", "name": "look", "args": {"at": "\N{CAT FACE}"}}],
        invalid_tool_calls=[{"type": "invalid_tool_call", "id": "call_2", "name": "look", "args": "{", "error": "no"}],
    )

    wire, lost = out(message)

    assert wire[0]["content"] is None
    assert [call["function"]["arguments"] for call in wire[0]["tool_calls"]] == ['{"at":"\N{CAT FACE}"}', "{"]
    assert lost == []


@pytest.mark.parametrize("kind", ["tool_call", "tool_use"])
def test_a_call_that_is_only_a_block_of_the_content_is_not_lost(kind: str) -> None:
    args = {"args" if kind == "tool_call" else "input": {"at": 1}}
    message = AIMessage(["Let me see.", {"type": kind, "id": "call_1", "name": "look", **args}])

    wire, _ = out(message)

    assert wire[0]["content"] == "Let me see."
    assert [call["id"] for call in wire[0]["tool_calls"]] == ["call_1"]


def test_a_sum_of_chunks_goes_out_as_the_message_that_it_makes() -> None:
    chunk = AIMessageChunk("Hel") + AIMessageChunk(
        "lo", tool_call_chunks=[{"name": "look", "args": '{"at": 1}', "id": "call_1", "index": 0}]
    )

    wire, _ = out(chunk)

    assert wire[0]["content"] == "Hello"
    assert wire[0]["tool_calls"][0]["function"] == {"name": "look", "arguments": '{"at":1}'}


PARTS: list[tuple[Any, Any]] = [
    ("Hello", {"type": "text", "text": "Hello"}),
    ({"type": "text", "text": "a", "id": "b1", "index": 0}, {"type": "text", "text": "a"}),
    (
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
    ),
    ({"type": "text-plain", "text": "a"}, {"type": "text", "text": "a"}),
    ({"type": "image", "url": "u"}, {"type": "image_url", "image_url": {"url": "u"}}),
    (
        {"type": "image", "url": "u", "extras": {"detail": "low"}},
        {"type": "image_url", "image_url": {"url": "u", "detail": "low"}},
    ),
    (
        {"type": "image", "base64": "AA", "mime_type": "image/png"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
    ),
    (
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
    ),
    ({"type": "image_url", "image_url": "u"}, {"type": "image_url", "image_url": "u"}),
    ({"type": "video", "url": "u"}, {"type": "video_url", "video_url": {"url": "u"}}),
    (
        {"type": "audio", "base64": "AA", "mime_type": "audio/x-wav"},
        {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
    ),
    ({"type": "file", "file_id": "f"}, {"type": "file", "file": {"file_id": "f"}}),
    (
        {"type": "file", "base64": "AA", "mime_type": "application/pdf", "filename": "a.pdf"},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"}},
    ),
    (
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AA"}},
        {"type": "file", "file": {"filename": "file", "file_data": "data:application/pdf;base64,AA"}},
    ),
]


@pytest.mark.parametrize(("block", "part"), PARTS)
def test_a_block_goes_out_in_the_form_of_the_wire(block: Any, part: Any) -> None:
    wire, lost = out(HumanMessage([block]))

    assert wire[0]["content"] == [part]
    assert lost == []


HERE = "messages[0].content[0]"
LOST: list[tuple[BaseMessage, Lost]] = [
    (AIMessage([{"type": "reasoning", "reasoning": "Hm."}]), [(HERE, "reasoning")]),
    (
        AIMessage([{"type": "thinking", "thinking": "Hm.", "signature": "Ab=="}]),
        [(HERE, "reasoning"), (f"{HERE}.extras.signature", "signature")],
    ),
    (
        AIMessage([{"type": "redacted_thinking", "data": "Ab=="}]),
        [(HERE, "reasoning"), (f"{HERE}.extras.data", "signature")],
    ),
    (HumanMessage([{"type": "image", "file_id": "f"}]), [(HERE, "media")]),
    (HumanMessage([{"type": "audio", "url": "u"}]), [(HERE, "media")]),
    (HumanMessage([{"type": "file", "url": "u"}]), [(HERE, "media")]),
    (
        HumanMessage([{"type": "file", "file_id": "f", "extras": {"provider": "anthropic"}}]),
        [(HERE, "media")],
    ),
    (
        HumanMessage([{"type": "text-plain", "text": "a", "title": "A letter"}]),
        [(f"{HERE}.title", "non_standard")],
    ),
    (
        AIMessage([{"type": "text", "text": "a", "annotations": [{"type": "citation", "url": "u"}]}]),
        [(f"{HERE}.annotations", "annotation")],
    ),
    (
        AIMessage([{"type": "text", "text": "a", "citations": [{"type": "char_location"}]}]),
        [(f"{HERE}.annotations", "annotation")],
    ),
    (
        AIMessage([{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}]),
        [(HERE, "server_tool")],
    ),
    (
        AIMessage([{"type": "non_standard", "value": {"type": "x"}, "extras": {"provider": "google"}}]),
        [(HERE, "non_standard")],
    ),
    (
        AIMessage([{"type": "hologram"}], response_metadata={"model_provider": "google"}),
        [(HERE, "non_standard")],
    ),
    (
        AIMessage(
            "a", additional_kwargs={"reasoning_content": "Hm."}, response_metadata={"model_provider": "deepseek"}
        ),
        [("messages[0].additional_kwargs.reasoning_content", "reasoning")],
    ),
    (AIMessage("a", additional_kwargs={"x": 1}), [("messages[0].additional_kwargs.x", "non_standard")]),
    (
        AIMessage("a", additional_kwargs={"audio": {"id": "a"}}, response_metadata={"model_provider": "other"}),
        [("messages[0].additional_kwargs.audio", "non_standard")],
    ),
    (ToolMessage("No.", "call_1", status="error"), [("messages[0].status", "status")]),
    (
        AIMessage(
            "",
            tool_calls=[{"name": "x", "args": {}, "id": "c", "extra_content": {"google": {}}}],
            response_metadata={"model_provider": "google"},
        ),
        [("messages[0].tool_calls[0].extra_content", "non_standard")],
    ),
]


@pytest.mark.parametrize(("message", "expected"), LOST)
def test_what_the_wire_has_no_place_for_is_lost_with_its_path_and_kind(message: BaseMessage, expected: Lost) -> None:
    _, lost = out(message)

    assert lost == expected


OWN: list[tuple[BaseMessage, dict[str, Any]]] = [
    (
        AIMessage("a", additional_kwargs={"reasoning_details": [{"data": "Ab=="}]}),
        {"role": "assistant", "content": "a", "reasoning_details": [{"data": "Ab=="}]},
    ),
    (
        AIMessage("a", additional_kwargs={"audio": {"id": "audio_1", "data": "AA"}}),
        {"role": "assistant", "content": "a", "audio": {"id": "audio_1"}},
    ),
    (
        AIMessage("a", additional_kwargs={"tool_calls": [{"id": "c", "type": "custom", "custom": {}}]}),
        {"role": "assistant", "content": "a", "tool_calls": [{"id": "c", "type": "custom", "custom": {}}]},
    ),
    (
        AIMessage([{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]),
        {"role": "assistant", "content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]},
    ),
    (
        AIMessage([{"type": "non_standard", "value": {"type": "x", "y": 1}}]),
        {"role": "assistant", "content": [{"type": "x", "y": 1}]},
    ),
    (
        AIMessage(
            "a", tool_calls=[{"name": "x", "args": {}, "id": "c", "extra_content": {"google": {"signature": "Ab"}}}]
        ),
        {
            "role": "assistant",
            "content": "a",
            "tool_calls": [
                {
                    "id": "c",
                    "type": "function",
                    "function": {"name": "x", "arguments": "{}"},
                    "extra_content": {"google": {"signature": "Ab"}},
                }
            ],
        },
    ),
]


@pytest.mark.parametrize(("message", "wire"), OWN)
def test_what_the_receiver_made_goes_back_as_it_came(message: BaseMessage, wire: dict[str, Any]) -> None:
    message.response_metadata["model_provider"] = "mine"

    assert out(message, provider="mine") == ([wire], [])


def test_a_block_s_own_maker_wins_over_the_message_s() -> None:
    block = {"type": "non_standard", "value": {"type": "x"}, "extras": {"provider": "other"}}
    message = AIMessage([block], response_metadata={"model_provider": "mine"})

    assert out(message, provider="other") == ([{"role": "assistant", "content": [{"type": "x"}]}], [])
    assert out(message, provider="mine")[1] == [(HERE, "non_standard")]


def test_what_only_says_where_a_piece_of_a_stream_belongs_is_not_said_again() -> None:
    message = AIMessage("a", additional_kwargs={"choices": [{}], "token_id": 3})

    assert out(message) == ([{"role": "assistant", "content": "a"}], [])


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ({"type": "hologram"}, "a block of type 'hologram', cannot be sent.*extras"),
        ({"type": "text"}, "a block of type 'text', has no 'text'"),
        ({"type": "image"}, "has no data"),
        ({"type": "image", "base64": "AA"}, "does not say of which type its data is.*'mime_type'"),
        ({"type": "file"}, ".*has no 'url', 'base64' or 'file_id'"),
        ({"type": "audio"}, ".*has no 'url'"),
        ({"type": "text-plain"}, ".*has no 'url'"),
        ({}, "a block of type 'None'"),
    ],
)
def test_a_block_that_says_nothing_is_refused_with_its_place(block: dict[str, Any], complaint: str) -> None:
    with pytest.raises(MessageError, match=rf"messages\[1\].content\[1\],? {complaint}"):
        out(HumanMessage("a"), HumanMessage(["b", block]))


def test_arguments_that_no_json_can_hold_are_refused_with_their_place() -> None:
    with pytest.raises(MessageError, match=r"messages\[0\].tool_calls\[0\].args cannot be written"):
        out(AIMessage("", tool_calls=[{"name": "x", "args": {"a": object()}, "id": "c"}]))


# ---- in


def test_each_role_comes_in_as_its_class() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    messages = import_messages(
        [
            {"role": "system", "content": "a"},
            {"role": "developer", "content": "b"},
            {"role": "user", "content": [{"type": "text", "text": "c"}]},
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "content": "d", "tool_call_id": "call_1"},
            {"role": "assistant", "content": None, "function_call": {"name": "look", "arguments": "{}"}},
            {"role": "function", "content": "e", "name": "look"},
        ],
        "openai",
    )

    mine = {"model_provider": "openai"}
    assert messages == [
        SystemMessage("a"),
        SystemMessage("b", additional_kwargs={"role": "developer"}),
        HumanMessage([{"type": "text", "text": "c"}]),
        AIMessage("", tool_calls=[{"id": "call_1", "name": "look", "args": {}}], response_metadata=mine),
        ToolMessage("d", "call_1"),
        AIMessage("", additional_kwargs={"function_call": {"name": "look", "arguments": "{}"}}, response_metadata=mine),
        FunctionMessage("e", name="look"),
    ]


def test_parts_stay_as_they_are_and_read_as_standard_blocks() -> None:
    part = {"type": "image_url", "image_url": {"url": "u"}}

    (message,) = import_messages([{"role": "user", "content": [part]}], "openai", provider="mine")

    assert message.content == [part]
    assert message.content_blocks == [{"type": "image", "url": "u"}]
    assert message.response_metadata == {"model_provider": "mine"}


def test_a_call_of_another_kind_is_kept_and_goes_back() -> None:
    turn = {"role": "assistant", "content": "a", "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "x"}}]}

    messages = import_messages([turn], "openai")

    assert export_messages(messages, "openai").value == [turn]


def test_convert_to_messages_claims_nothing() -> None:
    (message,) = convert_to_messages([{"role": "assistant", "content": "a", "reasoning_content": "Hm."}])

    assert message.response_metadata == {}
    assert out(message) == (
        [{"role": "assistant", "content": "a"}],
        [("messages[0].additional_kwargs.reasoning_content", "reasoning")],
    )
