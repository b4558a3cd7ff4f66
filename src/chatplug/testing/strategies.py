"""Hypothesis strategies for messages, chunks and streams, as providers send them and as programs write them.

They draw what occurs in the wild and is easily forgotten: empty texts, two blocks with one index, fragments of tool
calls without an id, calls that nobody answers. The module needs hypothesis, which comes with the extra `testing`.

    @given(conversations())
    def test_my_trimming_keeps_the_last_question(messages): ...
"""

from __future__ import annotations

import json
from copy import copy
from typing import Any

from hypothesis import strategies as st

from chatplug.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    ToolMessageChunk,
    UsageMetadata,
)

__all__ = [
    "chunks",
    "content_blocks",
    "conversations",
    "disordered_conversations",
    "fragments",
    "messages",
    "splits",
    "stream_blocks",
    "tool_call_streams",
    "usages",
]

_words = st.text(st.sampled_from('ab{}":1 \\é'), max_size=4)
_names = st.sampled_from(["id", "index", "refusal", "reasoning_content", "type", "x"])
_plain: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | _words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_names, inner, max_size=2),
    max_leaves=4,
)
_facts = st.dictionaries(_names, _plain, max_size=2)
_identities = st.sampled_from([None, None, "run-1", "run-2", "lc_3", "msg_4", "msg_5"])
_indices = st.sampled_from([None, 0, 1, "0", "1", "one"])


@st.composite
def stream_blocks(draw: st.DrawFn) -> str | dict[str, Any]:
    """A content block of a chunk: text, reasoning or one that only its maker knows, with an index or without."""
    if draw(st.integers(0, 4)) == 0:
        return draw(_words)
    kind = draw(st.sampled_from(["text", "reasoning", "signed"]))
    block: dict[str, Any] = {"type": kind, kind: draw(_words | _plain if kind == "signed" else _words)}
    for key, values in (("index", _indices), ("id", _identities)):
        value = draw(values)
        if value is not None:
            block[key] = value
    return block


@st.composite
def fragments(draw: st.DrawFn) -> dict[str, Any]:
    """A fragment of a tool call; keys that say nothing may be missing.

    A second name comes with its id: without one, nobody can tell half a name from another name.
    """
    identity = draw(st.sampled_from([None, "", "call_a", "call_b"]))
    fragment: dict[str, Any] = {
        "id": identity,
        "name": draw(st.sampled_from([None, "", "find" if identity == "call_b" else "look"])),
        "args": draw(st.none() | _words | st.dictionaries(_words, st.integers(), max_size=1)),
        "index": draw(_indices),
    }
    return {key: value for key, value in fragment.items() if value is not None or draw(st.booleans())}


@st.composite
def usages(draw: st.DrawFn) -> UsageMetadata:
    """A usage, with details or without."""
    read, written = draw(st.integers(0, 9)), draw(st.integers(0, 9))
    usage = UsageMetadata(input_tokens=read, output_tokens=written, total_tokens=read + written)
    if draw(st.booleans()):
        usage["input_token_details"] = {"cache_read": draw(st.integers(0, 9))}
    if draw(st.booleans()):
        usage["output_token_details"] = {"reasoning": draw(st.integers(0, 9))}
    return usage


@st.composite
def chunks(draw: st.DrawFn) -> AIMessageChunk:
    """A chunk of any kind; most often a text alone, as in a stream."""
    if draw(st.integers(0, 2)) == 0:
        return AIMessageChunk(draw(_words), id=draw(_identities))
    return AIMessageChunk(
        draw(_words | st.lists(stream_blocks(), max_size=3)),
        id=draw(_identities),
        name=draw(st.sampled_from([None, None, "Ada"])),
        additional_kwargs=draw(st.none() | _facts),
        response_metadata=draw(st.none() | _facts),
        tool_call_chunks=draw(st.none() | st.lists(fragments(), max_size=3)),
        usage_metadata=draw(st.none() | usages()),
        chunk_position=draw(st.sampled_from([None, None, None, "last"])),
    )


@st.composite
def tool_call_streams(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[AIMessageChunk]]:
    """Tool calls with an index each, and a stream that brings them, cut and interleaved anywhere."""
    calls: list[dict[str, Any]] = draw(st.lists(_facts, min_size=1, max_size=3))
    queues: list[list[AIMessageChunk]] = []
    for index, args in enumerate(calls):
        text = json.dumps(args)
        cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
        pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        queue = [AIMessageChunk(tool_call_chunks=[{"id": f"call_{index}", "name": "look", "args": "", "index": index}])]
        queue += [AIMessageChunk(tool_call_chunks=[{"args": piece, "index": index}]) for piece in pieces]
        queues.append(queue)
    stream: list[AIMessageChunk] = []
    while any(queues):
        stream.append(draw(st.sampled_from([queue for queue in queues if queue])).pop(0))
    return calls, stream


_texts = st.sampled_from(["", "a", "bb", "ccc\nd", "e\n\nff"])
_message_ids = st.sampled_from([None, "m1", "m1_2", "m2"])
_call_ids = st.sampled_from([None, "", "c1", "c1_2", "c2", "call_1"])
_BLOCKS: list[Any] = [
    "text",
    {"type": "text", "text": "one\ntwo"},
    {"type": "text", "text": ""},
    {"type": "image", "url": "https://example.org/a.png"},
    {"type": "reasoning", "reasoning": "Let me see."},
    {"type": "tool_use", "id": "c1", "name": "look", "input": {}},
    {"type": "tool_call", "id": "c2", "name": "look", "args": {}},
]
_contents: st.SearchStrategy[Any] = _texts | st.lists(st.sampled_from(_BLOCKS).map(copy), max_size=3)


def content_blocks() -> st.SearchStrategy[Any]:
    """An item of a message's content: a text, a block of the standard, or one that only its maker knows."""
    return st.sampled_from(_BLOCKS).map(copy)


@st.composite
def _calls(draw: st.DrawFn) -> list[Any]:
    """Tool calls of one message, in no particular order of ids."""
    return [
        {"type": "tool_call", "id": draw(_call_ids), "name": draw(st.sampled_from(["look", "look", ""])), "args": {}}
        for _ in range(draw(st.integers(0, 3)))
    ]


@st.composite
def messages(draw: st.DrawFn) -> BaseMessage:
    """A message of any kind; its ids need not be its own, and nobody need have made the call that it answers."""
    kind = draw(st.sampled_from(["system", "human", "ai", "calls", "calls", "invalid", "tool", "tool", "other"]))
    identity, content = draw(_message_ids), draw(_contents)
    if kind == "tool":
        cls = draw(st.sampled_from([ToolMessage, ToolMessage, ToolMessageChunk]))
        return cls(content, draw(_call_ids) or "", id=identity)
    if kind == "calls":
        cls_ = draw(st.sampled_from([AIMessage, AIMessage, AIMessageChunk]))
        return cls_(content, id=identity, tool_calls=draw(_calls()))
    if kind == "invalid":
        bad: Any = {
            "type": "invalid_tool_call",
            "id": draw(_call_ids),
            "name": "look",
            "args": "{",
            "error": "not JSON",
        }
        return AIMessage(content, id=identity, tool_calls=draw(_calls()), invalid_tool_calls=[bad])
    if kind == "other":
        return draw(st.sampled_from([FunctionMessage(content, name="look"), ChatMessage(content, role="critic")]))
    name = draw(st.sampled_from([None, None, "Ada"]))
    return {"system": SystemMessage, "human": HumanMessage, "ai": AIMessage}[kind](content, id=identity, name=name)


def disordered_conversations() -> st.SearchStrategy[list[BaseMessage]]:
    """Messages in any order, most of which no provider would take."""
    return st.lists(messages(), max_size=9)


@st.composite
def conversations(draw: st.DrawFn) -> list[BaseMessage]:
    """A conversation that every provider takes: each call has its result, right behind it."""
    conversation: list[BaseMessage] = [SystemMessage("Be brief.")] if draw(st.booleans()) else []
    numbers = iter(range(1_000))
    for _ in range(draw(st.integers(0, 5))):
        conversation.append(HumanMessage(draw(_texts.filter(bool)), id=f"m{next(numbers)}"))
        asked = [f"c{next(numbers)}" for _ in range(draw(st.integers(0, 2)))]
        if asked:
            made: Any = [{"name": "look", "args": {}, "id": identity} for identity in asked]
            conversation.append(AIMessage(draw(_texts), tool_calls=made))
            conversation.extend(ToolMessage(draw(_texts), identity) for identity in asked)
        conversation.append(AIMessage(draw(_texts.filter(bool)), id=f"m{next(numbers)}"))
    return conversation


@st.composite
def splits(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """The data in pieces, cut anywhere, as a network cuts it; no piece is empty."""
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(data) - 1)), max_size=8)))
    pieces = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    return [piece for piece in pieces if piece]
