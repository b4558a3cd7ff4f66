"""A conversation as a whole: merged, filtered, told, counted, stored."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from chatplug.errors import InvalidRequestError, MessageError
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
    count_tokens_approximately,
    filter_messages,
    get_buffer_string,
    merge_message_runs,
    message_to_dict,
    messages_from_dict,
    messages_to_dict,
)


def call(identity: str) -> dict[str, Any]:
    return {"type": "tool_call", "id": identity, "name": "look", "args": {}}


USAGE: Any = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
EVERY_KIND: list[BaseMessage] = [
    SystemMessage("a", name="Ada", id="m1"),
    SystemMessageChunk("a"),
    HumanMessage([{"type": "text", "text": "a"}, "b"], additional_kwargs={"x": {"y": [1]}}),
    HumanMessageChunk("a"),
    AIMessage("a", tool_calls=[call("c1")], usage_metadata=USAGE, response_metadata={"model_name": "n3"}),
    AIMessage(
        invalid_tool_calls=[{"type": "invalid_tool_call", "id": "c", "name": "look", "args": "{", "error": "not JSON"}]
    ),
    AIMessageChunk("a", tool_call_chunks=[{"id": "c1", "name": "look", "args": "{", "index": 0}], usage_metadata=USAGE),
    AIMessageChunk("a", id="m2") + AIMessageChunk("b", chunk_position="last"),
    ToolMessage("a", "c1", artifact={"rows": [1]}, status="error"),
    ToolMessageChunk("a", "c1"),
    FunctionMessage("a", name="look"),
    FunctionMessageChunk("a", name="look"),
    ChatMessage("a", role="critic"),
    ChatMessageChunk("a", role="critic"),
]


def test_neighbours_of_one_kind_become_one_message() -> None:
    merged = merge_message_runs([HumanMessage("a", id="m1"), ("user", "b"), AIMessage("c"), HumanMessage("d")])

    assert merged == [HumanMessage("a\nb", id="m1"), AIMessage("c"), HumanMessage("d")]


def test_the_separator_stands_between_texts_and_not_beside_empty_ones() -> None:
    assert merge_message_runs(["a", "", "b"], chunk_separator=" | ") == [HumanMessage("a | b")]


def test_blocks_of_merged_messages_stand_in_one_list() -> None:
    block = {"type": "text", "text": "b", "index": 0}

    merged = merge_message_runs([HumanMessage("a"), HumanMessage([block]), HumanMessage([block]), HumanMessage("c")])

    assert merged == [HumanMessage(["a", block, block, "c"])]


def test_tool_messages_are_not_merged() -> None:
    results: list[BaseMessage] = [ToolMessage("a", "c1"), ToolMessage("b", "c2")]

    assert merge_message_runs(results) == results


@pytest.mark.parametrize(
    "talk",
    [
        [ChatMessage("a", role="critic"), ChatMessage("b", role="author")],
        [FunctionMessage("a", name="look"), FunctionMessage("b", name="find")],
        [HumanMessage("a", name="Ada"), HumanMessage("b", name="Bob"), HumanMessage("c")],
    ],
)
def test_messages_of_two_speakers_are_not_merged(talk: list[BaseMessage]) -> None:
    assert merge_message_runs(talk) == talk


def test_merged_answers_have_the_calls_and_the_usage_of_all() -> None:
    merged = merge_message_runs(
        [
            AIMessage("a", tool_calls=[call("c1")], usage_metadata=USAGE, response_metadata={"model_name": "n3"}),
            AIMessage("b", tool_calls=[call("c1")], usage_metadata=USAGE, response_metadata={"model_name": "n1"}),
        ]
    )

    assert merged == [
        AIMessage(
            "a\nb",
            tool_calls=[call("c1"), call("c1")],
            usage_metadata={"input_tokens": 2, "output_tokens": 4, "total_tokens": 6},
            response_metadata={"model_name": "n3"},
        )
    ]


def test_what_stands_beside_the_content_is_added_up() -> None:
    merged = merge_message_runs(
        [AIMessage("a", additional_kwargs={"reasoning_content": "x"}), AIMessage("b", additional_kwargs={"k": [1]})]
    )

    assert merged[0].additional_kwargs == {"reasoning_content": "x", "k": [1]}


def test_a_chunk_is_merged_as_the_message_that_it_makes() -> None:
    assert merge_message_runs([AIMessageChunk("a"), AIMessage("b")]) == [AIMessage("a\nb")]
    assert merge_message_runs([AIMessageChunk("a")]) == [AIMessageChunk("a")]


def test_merging_changes_none_of_the_messages() -> None:
    talk = [HumanMessage([{"type": "text", "text": "a"}]), HumanMessage("b", additional_kwargs={"x": [1]})]
    before = copy.deepcopy(talk)

    merged = merge_message_runs(talk)
    merged[0].content[0]["text"] = "changed"  # type: ignore[index]  # a block
    merged[0].additional_kwargs["x"].append(2)

    assert talk == before


def test_messages_are_not_optional() -> None:
    with pytest.raises(TypeError, match="messages"):
        merge_message_runs()  # type: ignore[call-arg]  # what is tested


TALK: list[BaseMessage] = [
    SystemMessage("a", id="m1"),
    HumanMessage("b", name="Ada", id="m2"),
    AIMessage("c", name="Bob", id="m3", tool_calls=[call("c1"), call("c2")]),
    ToolMessage("d", "c1", id="m4"),
    ToolMessage("e", "c2", id="m5"),
    AIMessageChunk("f", id="m6"),
]


@pytest.mark.parametrize(
    ("choice", "kept"),
    [
        ({}, "m1 m2 m3 m4 m5 m6"),
        ({"include_names": ["Ada"]}, "m2"),
        ({"exclude_names": ["Ada"]}, "m1 m3 m4 m5 m6"),
        ({"include_types": ["human", SystemMessage]}, "m1 m2"),
        ({"include_types": [BaseMessage]}, "m1 m2 m3 m4 m5 m6"),
        ({"exclude_types": ["tool"]}, "m1 m2 m3 m6"),
        ({"include_ids": ["m1"], "include_types": ["human"]}, "m1 m2"),
        ({"include_names": ["Ada"], "exclude_ids": ["m2"]}, ""),
        ({"exclude_ids": {"m2", "m3"}}, "m1 m4 m5 m6"),
        ({"exclude_tool_calls": True}, "m1 m2 m6"),
        ({"exclude_tool_calls": False}, "m1 m2 m3 m4 m5 m6"),
        ({"exclude_tool_calls": ["c1"]}, "m1 m2 m3 m5 m6"),
        ({"exclude_tool_calls": ["c1", "c2"]}, "m1 m2 m6"),
    ],
)
def test_filtering_keeps_what_is_included_and_not_excluded(choice: dict[str, Any], kept: str) -> None:
    assert [message.id for message in filter_messages(TALK, **choice)] == kept.split()


def test_a_message_keeps_its_other_calls_when_one_is_left_out() -> None:
    blocks: list[Any] = [{"type": "text", "text": "a"}, *({"type": "tool_use", "id": c} for c in ("c1", "c2"))]
    message = AIMessage(blocks, tool_calls=[call("c1"), call("c2")])

    (left,) = filter_messages([message], exclude_tool_calls=["c1"])

    assert left == AIMessage([blocks[0], blocks[2]], tool_calls=[call("c2")])
    assert len(message.tool_calls) == 2


@pytest.mark.parametrize(("kind", "kept"), [("ai", ["m3", "m6"]), ("AIMessageChunk", ["m6"])])
def test_the_type_of_a_message_is_also_its_chunks(kind: str, kept: list[str]) -> None:
    assert [message.id for message in filter_messages(TALK, include_types=[kind])] == kept


@pytest.mark.parametrize(
    ("choice", "complaint"),
    [
        ({"include_types": ["humann"]}, r"include_types names the type 'humann'.* Did you mean 'human'\?"),
        ({"exclude_types": ["user"]}, "exclude_types names the type 'user'.* Types are ai, chat, function, human"),
        ({"include_types": [int]}, "include_types names <class 'int'>.* Give a class such as HumanMessage"),
        ({"include_names": "Ada"}, r"include_names is 'Ada'. Give a list: include_names=\[...\]"),
        ({"exclude_tool_calls": "c1"}, "exclude_tool_calls is 'c1'. Give a list"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(choice: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidRequestError, match=complaint):
        filter_messages(TALK, **choice)


def test_what_is_no_message_is_refused_with_its_index() -> None:
    with pytest.raises(MessageError, match=r"messages\[1\]"):
        filter_messages(["a", 3])  # type: ignore[list-item]  # what is tested


def test_a_conversation_is_told_with_the_name_of_each_role() -> None:
    talk: list[Any] = [
        SystemMessage("a"),
        HumanMessage([{"type": "text", "text": "b"}, {"type": "image", "url": "u"}, "c"]),
        AIMessageChunk("d"),
        ToolMessage("e", "c1"),
        FunctionMessage("f", name="look"),
        ChatMessage("g", role="critic"),
    ]

    assert get_buffer_string(talk) == "System: a\nHuman: bc\nAI: d\nTool: e\nFunction: f\ncritic: g"
    assert get_buffer_string(talk[1:3], "You", "Bot", message_separator=" / ") == "You: bc / Bot: d"
    assert get_buffer_string([]) == ""


def test_tool_calls_are_told_behind_the_text() -> None:
    assert get_buffer_string([AIMessage("a", tool_calls=[call("c1")])]) == f"AI: a{[call('c1')]}"
    assert get_buffer_string([AIMessage("a", additional_kwargs={"function_call": {"name": "f"}})]) == (
        "AI: a{'name': 'f'}"
    )


def letters(messages: list[Any], **settings: Any) -> int:
    return count_tokens_approximately(messages, chars_per_token=1, extra_tokens_per_message=0, **settings)


def test_tokens_are_counted_by_letters_for_each_message() -> None:
    assert count_tokens_approximately(["How are you?"]) == 7  # "user" and 12 letters are 4 tokens, and 3 more
    assert count_tokens_approximately(["abc", "ab"], extra_tokens_per_message=0) == 4  # each rounded up
    assert count_tokens_approximately(["", ""], chars_per_token=1, extra_tokens_per_message=3.5) == 15


def test_names_roles_and_ids_are_counted() -> None:
    assert letters([HumanMessage("abc", name="xy")]) == 9
    assert letters([HumanMessage("abc", name="xy")], count_name=False) == 7
    assert letters([AIMessage(""), AIMessageChunk("")]) == 18
    assert letters([ToolMessage("", "abc")]) == 7
    assert letters([ChatMessage("", role="critic")]) == 6


def test_an_image_counts_the_same_whatever_its_size() -> None:
    image = {"type": "image", "base64": "A" * 10_000}

    assert letters([HumanMessage([image])]) == 4 + 85
    assert letters([HumanMessage([image, image])], tokens_per_image=1) == 4 + 2


def test_a_tool_call_is_counted_once() -> None:
    size = len(repr([call("c1")]))

    assert letters([AIMessage("", tool_calls=[call("c1")])]) == 9 + size
    assert letters([AIMessage([{"type": "text", "text": "abc"}], tool_calls=[call("c1")])]) == 12 + size
    assert letters([AIMessage([call("c1")], tool_calls=[call("c1")])]) == 9 + size - 2


def test_a_token_has_letters() -> None:
    with pytest.raises(InvalidRequestError, match="chars_per_token is 0"):
        count_tokens_approximately(["a"], chars_per_token=0)


@pytest.mark.parametrize("message", EVERY_KIND, ids=lambda message: type(message).__name__)
def test_every_message_comes_back_as_it_was_stored(message: BaseMessage) -> None:
    stored = json.loads(json.dumps(messages_to_dict([message])))

    (read,) = messages_from_dict(stored)

    assert type(read) is type(message)
    assert read == message


def test_a_stored_message_has_a_type_and_data() -> None:
    stored = message_to_dict(HumanMessage("a", id="m1"))

    assert stored.keys() == {"type", "data"}
    assert stored["type"] == stored["data"]["type"] == "human"
    assert stored["data"]["content"] == "a"


def test_what_langchain_core_stored_is_read() -> None:
    common: dict[str, Any] = {"additional_kwargs": {}, "response_metadata": {}, "name": None, "id": None}
    fragment = {"name": "look", "args": "{}", "id": "c1", "index": 0, "type": "tool_call_chunk"}
    calls: dict[str, Any] = {"tool_calls": [call("c1")], "invalid_tool_calls": [], "usage_metadata": None}
    stored: list[dict[str, Any]] = [
        {"type": "human", "data": {"content": "a", "type": "human", "example": False, **common}},
        {"type": "ai", "data": {"content": "b", "type": "ai", **common, **calls}},
        {
            "type": "AIMessageChunk",
            "data": {"content": "c", "type": "AIMessageChunk", "tool_call_chunks": [fragment], **common, **calls},
        },
        {"type": "AIMessageChunk", "data": {"content": "", "type": "AIMessageChunk", **common, **calls}},
        {"type": "chat", "data": {"content": "d", "role": "critic"}},
    ]

    human, ai, chunk, other, chat = messages_from_dict(stored)

    assert human == HumanMessage("a")
    assert ai == AIMessage("b", tool_calls=[call("c1")])
    assert chunk == AIMessageChunk("c", tool_call_chunks=[fragment])
    assert isinstance(other, AIMessageChunk)
    assert other.tool_calls == [call("c1")]
    assert chat == ChatMessage("d", role="critic")


def test_a_mark_as_example_is_kept() -> None:
    (read,) = messages_from_dict([{"type": "human", "data": {"content": "a", "example": True}}])

    assert read == HumanMessage("a", additional_kwargs={"example": True})


def test_what_model_dump_gave_is_read() -> None:
    assert messages_from_dict([AIMessage("a", id="m1").model_dump()]) == [AIMessage("a", id="m1")]


@pytest.mark.parametrize(
    ("stored", "complaint"),
    [
        ({"type": "humann", "data": {"content": "a"}}, r"messages\[1\] has the type 'humann'. Did you mean 'human'\?"),
        ({"type": "x", "data": {"content": "a"}}, r"messages\[1\] has the type 'x'. Types are ai, AIMessageChunk, "),
        ({"data": {"content": "a"}}, r"messages\[1\] is no stored message. It is a dict such as"),
        ({"type": "human", "data": "a"}, r"messages\[1\] is no stored message"),
        ("a", r"messages\[1\] is no stored message"),
        ({"type": "human", "data": {"contents": "a"}}, r"messages\[1\]: .*'contents'.* Did you mean 'content'\?"),
        ({"type": "human", "data": {"content": "a", "type": "ai"}}, r"messages\[1\]: .*'ai'"),
        ({"type": "tool", "data": {"content": "a"}}, r"messages\[1\]: A ToolMessage needs the tool_call_id"),
    ],
)
def test_what_is_no_stored_message_is_refused_with_its_index(stored: Any, complaint: str) -> None:
    with pytest.raises(MessageError, match=complaint):
        messages_from_dict([message_to_dict(HumanMessage("a")), stored])
