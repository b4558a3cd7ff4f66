"""Conversations as Anthropic's messages: what goes out, what is lost, what comes in."""

from __future__ import annotations

from typing import Any

import pytest

from chatplug.errors import MessageError
from chatplug.messages import (
    AIMessage,
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
THINKING = {"type": "thinking", "thinking": "Hm.", "signature": "Ab=="}
SEALED = {"type": "redacted_thinking", "data": "Cd=="}
USE = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": 1}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "A cat."}


def out(*messages: BaseMessage, provider: str | None = None) -> tuple[Any, Lost]:
    exported = export_messages(messages, "anthropic", provider=provider)
    return exported.value, [(loss.path, loss.kind) for loss in exported.losses]


CONVERSATION: dict[str, Any] = {
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": "What is there?"},
        {"role": "assistant", "content": [THINKING, SEALED, {"type": "text", "text": "Let me see."}, USE]},
        {"role": "user", "content": [{**RESULT, "is_error": False, "cache_control": {"type": "ephemeral"}}]},
        {"role": "assistant", "content": [{"type": "text", "text": "A cat.", "citations": None}]},
    ],
}


def test_a_conversation_goes_out_as_it_came_in() -> None:
    assert export_messages(import_messages(CONVERSATION, "anthropic"), "anthropic").value == CONVERSATION


def test_results_come_in_as_tool_messages_and_the_rest_of_the_turn_between_them() -> None:
    failed = {
        "type": "tool_result",
        "tool_use_id": "toolu_2",
        "content": [{"type": "text", "text": "No."}],
        "is_error": True,
    }
    turn = {"role": "user", "content": [RESULT, failed, {"type": "text", "text": "And now?"}]}

    messages = import_messages([turn], "anthropic")

    assert messages == [
        ToolMessage("A cat.", "toolu_1"),
        ToolMessage([{"type": "text", "text": "No."}], "toolu_2", status="error"),
        HumanMessage([{"type": "text", "text": "And now?"}]),
    ]
    assert export_messages(messages, "anthropic").value == {"messages": [turn]}


def test_an_answer_keeps_its_blocks_and_has_its_calls() -> None:
    (message,) = import_messages({"role": "assistant", "content": [THINKING, USE], "id": "msg_1"}, "anthropic")

    assert isinstance(message, AIMessage)
    assert message.content == [THINKING, USE]
    assert message.tool_calls == [{"type": "tool_call", "id": "toolu_1", "name": "look", "args": {"at": 1}}]
    assert (message.id, message.response_metadata) == ("msg_1", {"model_provider": "anthropic"})
    assert [block["type"] for block in message.content_blocks] == ["reasoning", "tool_call"]


def test_a_mixed_list_is_read_without_saying_its_format() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    messages = convert_to_messages(
        [
            ("system", "Be brief."),
            "Hello",
            {"role": "assistant", "content": [{"type": "text", "text": "Let me see."}, USE]},
            {"role": "user", "content": [RESULT, {"type": "text", "text": "Well?"}]},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "content": "A dog.", "tool_call_id": "call_1"},
            HumanMessage("Bye"),
        ]
    )

    assert [message.type for message in messages] == ["system", "human", "ai", "tool", "human", "ai", "tool", "human"]
    assert [getattr(message, "tool_calls", [])[:1] for message in messages if isinstance(message, AIMessage)] == [
        [{"type": "tool_call", "id": "toolu_1", "name": "look", "args": {"at": 1}}],
        [{"type": "tool_call", "id": "call_1", "name": "look", "args": {}}],
    ]


@pytest.mark.parametrize(
    ("turn", "complaint"),
    [
        ("Hello", "is no turn of Anthropic's form"),
        ({"role": "tool", "content": ""}, "is no turn"),
        ({"role": "user"}, "is no turn"),
        ({"role": "user", "content": 3}, "HumanMessage.content is int"),
        ({"role": "user", "content": [{"type": "tool_result"}]}, r".*content\[0\] does not say which call"),
        ({"role": "assistant", "content": [{"type": "tool_use"}]}, r".*content\[0\] is no tool call"),
    ],
)
def test_what_is_no_turn_is_refused_with_its_place(turn: Any, complaint: str) -> None:
    with pytest.raises(MessageError, match=rf"messages\[1\].*{complaint}"):
        import_messages([{"role": "user", "content": "a"}, turn], "anthropic")


def test_a_turn_of_that_form_is_checked_by_convert_to_messages_too() -> None:
    with pytest.raises(MessageError, match=r"messages\[1\].content\[0\] does not say which call"):
        convert_to_messages(["a", {"role": "user", "content": [{"type": "tool_result"}]}])


def test_a_call_with_input_that_is_no_object_is_an_invalid_one() -> None:
    (message,) = import_messages([{"role": "assistant", "content": [{**USE, "input": "{"}]}], "anthropic")

    assert isinstance(message, AIMessage)
    assert message.tool_calls == []
    assert message.invalid_tool_calls[0]["args"] == "{"


# ---- out


def test_each_class_has_its_turn() -> None:
    call: Any = {"name": "look", "args": {"at": 1}, "id": "toolu_1"}
    wire, lost = out(
        SystemMessage("a"),
        SystemMessage("b", additional_kwargs={"role": "developer"}),
        HumanMessage("c"),
        AIMessage("d", tool_calls=[call]),
        ToolMessage("e", "toolu_1", name="look"),
        ToolMessage("f", "toolu_2", status="error"),
        HumanMessage("g"),
        ChatMessage("h", "assistant"),
    )

    assert wire == {
        "system": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
        "messages": [
            {"role": "user", "content": "c"},
            {"role": "assistant", "content": [{"type": "text", "text": "d"}, USE]},
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_1", "content": "e"},
                    {"type": "tool_result", "tool_use_id": "toolu_2", "content": "f", "is_error": True},
                    {"type": "text", "text": "g"},
                ],
            },
            {"role": "assistant", "content": "h"},
        ],
    }
    assert lost == []


def test_arguments_that_a_program_has_changed_are_the_ones_that_go_out() -> None:
    (message,) = import_messages(
        [{"role": "assistant", "content": [{**USE, "cache_control": {"ttl": "1h"}}]}], "anthropic"
    )
    assert isinstance(message, AIMessage)
    message.tool_calls[0]["args"] = {"at": 2}

    wire, _ = out(message)

    assert wire["messages"][0]["content"] == [{**USE, "input": {"at": 2}, "cache_control": {"ttl": "1h"}}]


BLOCKS: list[tuple[Any, Any]] = [
    ({"type": "image", "url": "u"}, {"type": "image", "source": {"type": "url", "url": "u"}}),
    (
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}},
    ),
    ({"type": "file", "file_id": "f"}, {"type": "document", "source": {"type": "file", "file_id": "f"}}),
    (
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,AA"}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AA"}},
    ),
    (
        {"type": "text-plain", "text": "a", "title": "b"},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a"}, "title": "b"},
    ),
    ({"type": "text", "text": "a", "id": "b"}, {"type": "text", "text": "a"}),
    ({"type": "reasoning", "reasoning": "Hm.", "extras": {"provider": "anthropic", "signature": "Ab=="}}, THINKING),
    ({"type": "reasoning", "extras": {"provider": "anthropic", "data": "Cd=="}}, SEALED),
    (THINKING, THINKING),
    ({**SEALED, "extras": {"provider": "anthropic"}}, SEALED),
    (
        {
            "type": "server_tool_call",
            "id": "s",
            "name": "web_search",
            "args": {},
            "extras": {"provider": "anthropic"},
        },
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
    ),
    (
        {
            "type": "server_tool_result",
            "tool_call_id": "s",
            "status": "success",
            "output": [],
            "extras": {"provider": "anthropic", "type": "web_search_tool_result"},
        },
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
    ),
    (
        {"type": "non_standard", "value": {"type": "container_upload"}, "extras": {"provider": "anthropic"}},
        {"type": "container_upload"},
    ),
]


@pytest.mark.parametrize(("block", "native"), BLOCKS)
def test_a_block_goes_out_in_the_form_of_the_wire(block: Any, native: Any) -> None:
    wire, lost = out(HumanMessage([block]))

    assert wire["messages"][0]["content"] == [native]
    assert lost == []


HERE = "messages[0].content[1]"
LOST: list[tuple[Any, Lost]] = [
    ({"type": "audio", "base64": "AA", "mime_type": "audio/wav"}, [(HERE, "media")]),
    ({"type": "video", "url": "u"}, [(HERE, "media")]),
    ({"type": "file", "base64": "AA", "mime_type": "text/csv"}, [(HERE, "media")]),
    ({"type": "file", "file_id": "f", "extras": {"provider": "openai"}}, [(HERE, "media")]),
    ({"type": "image_url", "image_url": {"url": "u", "detail": "low"}}, [(f"{HERE}.extras.detail", "non_standard")]),
    ({"type": "reasoning", "reasoning": "Hm."}, [(HERE, "reasoning")]),
    ({"type": "reasoning", "reasoning": "Hm.", "extras": {"provider": "anthropic"}}, [(HERE, "reasoning")]),
    (
        {"type": "reasoning", "reasoning": "Hm.", "extras": {"provider": "bedrock", "signature": "Ab=="}},
        [(HERE, "reasoning"), (f"{HERE}.extras.signature", "signature")],
    ),
    (
        {"type": "text", "text": "a", "annotations": [{"type": "citation"}]},
        [(f"{HERE}.annotations", "annotation")],
    ),
    (
        {"type": "server_tool_call", "id": "s", "name": "x", "args": {}, "extras": {"provider": "openai"}},
        [(HERE, "server_tool")],
    ),
    ({"type": "non_standard", "value": {}, "extras": {"provider": "openai"}}, [(HERE, "non_standard")]),
]


@pytest.mark.parametrize(("block", "expected"), LOST)
def test_what_the_wire_has_no_place_for_is_lost_with_its_path_and_kind(block: Any, expected: Lost) -> None:
    _, lost = out(AIMessage(["Hello", block]))

    assert lost == expected


def test_a_thought_of_another_provider_never_gets_a_signature() -> None:
    message = AIMessage([THINKING, {"type": "text", "text": "a"}], response_metadata={"model_provider": "bedrock"})

    wire, lost = out(message)

    assert wire["messages"][0]["content"] == [{"type": "text", "text": "a"}]
    assert [kind for _, kind in lost] == ["reasoning", "signature"]
    assert out(message, provider="bedrock")[0]["messages"][0]["content"] == message.content


def test_names_and_fields_of_others_are_lost_with_their_paths() -> None:
    _, lost = out(
        HumanMessage("a", name="Ada"),
        AIMessage(
            "b", additional_kwargs={"reasoning_content": "Hm."}, response_metadata={"model_provider": "deepseek"}
        ),
        FunctionMessage("c", name="look"),
        ChatMessage("d", "critic"),
    )

    assert lost == [
        ("messages[0].name", "name"),
        ("messages[1].additional_kwargs.reasoning_content", "reasoning"),
        ("messages[2]", "role"),
        ("messages[3]", "role"),
    ]


def test_instructions_in_the_middle_move_to_the_front_and_the_loss_says_so() -> None:
    wire, lost = out(SystemMessage("a"), HumanMessage("b"), SystemMessage("c"))

    assert wire["system"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "c"}]
    assert lost == [("messages[2]", "order")]


def test_instructions_that_came_among_the_turns_stay_there() -> None:
    turns = [{"role": "user", "content": "a"}, {"role": "system", "content": "b"}]

    assert export_messages(import_messages(turns, "anthropic"), "anthropic").value == {"messages": turns}


def test_a_turn_of_which_nothing_is_left_is_left_out() -> None:
    wire, lost = out(HumanMessage("a"), AIMessage([{"type": "reasoning", "reasoning": "Hm."}]), HumanMessage("b"))

    assert [turn["content"] for turn in wire["messages"]] == ["a", "b"]
    assert lost == [("messages[1].content[0]", "reasoning"), ("messages[1]", "message")]


def test_a_call_with_broken_arguments_stays_so_that_its_result_has_a_call() -> None:
    bad: Any = {"type": "invalid_tool_call", "id": "toolu_1", "name": "look", "args": "{", "error": "no"}

    wire, lost = out(AIMessage("", invalid_tool_calls=[bad]), ToolMessage("Bad arguments.", "toolu_1"))

    assert wire["messages"][0]["content"] == [{**USE, "input": {}}]
    assert lost == [("messages[0].tool_calls[0].args", "arguments")]


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ({"type": "hologram"}, "a block of type 'hologram', cannot be sent.*extras"),
        ({"type": "text"}, "a block of type 'text', has no 'text'"),
        ({"type": "image"}, "has no data"),
        ({"type": "image", "base64": "AA"}, "does not say of which type.*'mime_type'"),
    ],
)
def test_a_block_that_says_nothing_is_refused_with_its_place(block: dict[str, Any], complaint: str) -> None:
    with pytest.raises(MessageError, match=rf"messages\[0\].content\[0\],? {complaint}"):
        out(HumanMessage([block]))
