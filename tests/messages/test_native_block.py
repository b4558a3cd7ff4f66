"""Blocks in the form of a wire read as standard blocks."""

from __future__ import annotations

from typing import Any

import pytest

from chatplug.messages import AIMessage, AIMessageChunk, HumanMessage

READ: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}},
        {"type": "image", "url": "https://example.org/a.png", "extras": {"detail": "low"}},
    ),
    (
        {"type": "image_url", "image_url": "data:image/png;base64,AAAA"},
        {"type": "image", "base64": "AAAA", "mime_type": "image/png"},
    ),
    (
        {"type": "video_url", "video_url": {"url": "https://example.org/a.mp4"}},
        {"type": "video", "url": "https://example.org/a.mp4"},
    ),
    (
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
        {"type": "audio", "base64": "AAAA", "mime_type": "audio/mpeg"},
    ),
    ({"type": "file", "file": {"file_id": "file-1"}}, {"type": "file", "file_id": "file-1"}),
    (
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
        {"type": "file", "base64": "AAAA", "mime_type": "application/pdf", "extras": {"filename": "a.pdf"}},
    ),
    (
        {"type": "thinking", "thinking": "Hm.", "signature": "Ab=="},
        {"type": "reasoning", "reasoning": "Hm.", "extras": {"provider": "anthropic", "signature": "Ab=="}},
    ),
    (
        {
            "type": "thinking",
            "thinking": [{"type": "text", "text": "H"}, {"type": "text", "text": "m."}],
            "closed": True,
        },
        {"type": "reasoning", "reasoning": "Hm.", "extras": {"closed": True}},
    ),
    (
        {"type": "redacted_thinking", "data": "Cd=="},
        {"type": "reasoning", "extras": {"provider": "anthropic", "data": "Cd=="}},
    ),
    (
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
        {"type": "image", "base64": "AAAA", "mime_type": "image/png"},
    ),
    (
        {
            "type": "image",
            "source": {"type": "url", "url": "https://example.org/a.png"},
            "cache_control": {"ttl": "1h"},
        },
        {
            "type": "image",
            "url": "https://example.org/a.png",
            "extras": {"provider": "anthropic", "cache_control": {"ttl": "1h"}},
        },
    ),
    ({"type": "document", "source": {"type": "file", "file_id": "file_1"}}, {"type": "file", "file_id": "file_1"}),
    (
        {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "Hello"},
            "title": "A letter",
        },
        {"type": "text-plain", "text": "Hello", "mime_type": "text/plain", "title": "A letter"},
    ),
    (
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": 1}},
        {"type": "tool_call", "id": "toolu_1", "name": "look", "args": {"at": 1}},
    ),
    (
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "cat"}},
        {"type": "server_tool_call", "id": "srvtoolu_1", "name": "web_search", "args": {"query": "cat"}},
    ),
    (
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"url": "https://example.org"}]},
        {
            "type": "server_tool_result",
            "tool_call_id": "srvtoolu_1",
            "status": "success",
            "output": [{"url": "https://example.org"}],
            "extras": {"provider": "anthropic", "type": "web_search_tool_result"},
        },
    ),
    (
        {"type": "text", "text": "A cat.", "citations": [{"type": "char_location", "cited_text": "cat", "url": "u"}]},
        {
            "type": "text",
            "text": "A cat.",
            "annotations": [{"type": "citation", "url": "u", "cited_text": "cat", "extras": {"type": "char_location"}}],
        },
    ),
]


@pytest.mark.parametrize(("native", "standard"), READ, ids=[str(native["type"]) for native, _ in READ])
def test_a_native_block_reads_as_a_standard_one_and_stays_as_it_is(
    native: dict[str, Any], standard: dict[str, Any]
) -> None:
    message = HumanMessage([native])

    assert message.content_blocks == [standard]
    assert message.content == [native]


def test_what_a_model_thinks_in_parts_of_a_stream_is_one_block_and_what_follows_another() -> None:
    def thought(text: str) -> dict[str, Any]:
        return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}

    total = AIMessageChunk([thought("H")]) + AIMessageChunk([thought("m.")]) + AIMessageChunk("Yes.")

    assert total.content_blocks == [{"type": "reasoning", "reasoning": "Hm."}, {"type": "text", "text": "Yes."}]
    assert (total + AIMessageChunk([thought("Oh.")])).content_blocks[2:] == [{"type": "reasoning", "reasoning": "Oh."}]


def test_a_native_block_says_who_made_it_where_the_message_does() -> None:
    thinking = {"type": "thinking", "thinking": "Hm.", "signature": "Ab=="}
    message = AIMessage([thinking], response_metadata={"model_provider": "bedrock"})
    chunk = AIMessageChunk([thinking], response_metadata={"model_provider": "bedrock"})

    assert message.content_blocks == chunk.content_blocks
    assert message.content_blocks[0].get("extras") == {"provider": "bedrock", "signature": "Ab=="}


def test_a_call_that_is_a_native_block_is_not_said_twice() -> None:
    message = AIMessage(
        [{"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}],
        tool_calls=[{"id": "toolu_1", "name": "look", "args": {}}],
    )

    assert [block["type"] for block in message.content_blocks] == ["tool_call"]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image_url"},
        {"type": "image_url", "image_url": 3},
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}, {"type": "reference", "ids": [1]}]},
        {"type": "thinking", "thinking": []},
        {"type": "document"},
        {"type": "document", "source": {"type": "content", "content": []}},
        {"type": "hologram"},
        {"type": 3},
        {},
    ],
)
def test_a_block_in_no_known_form_is_non_standard_and_whole(block: dict[str, Any]) -> None:
    (read,) = HumanMessage([block]).content_blocks

    assert read["type"] == "non_standard"
    assert read["value"] == block


def test_reading_a_sum_in_standard_blocks_does_not_change_it() -> None:
    full = AIMessageChunk("a") + AIMessageChunk("b")
    buffer = full._buffer

    assert [block["type"] for block in full.content_blocks] == ["text"]

    assert (full + AIMessageChunk("c"))._buffer is buffer
