"""Chunks as providers send them, for the laws in this folder."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from chatplug.messages import AIMessageChunk, UsageMetadata

words = st.text(st.sampled_from('ab{}":1 \\é'), max_size=4)
names = st.sampled_from(["id", "index", "refusal", "reasoning_content", "type", "x"])
plain: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2),
    max_leaves=4,
)
facts = st.dictionaries(names, plain, max_size=2)
identities = st.sampled_from([None, None, "run-1", "run-2", "lc_3", "msg_4", "msg_5"])
indices = st.sampled_from([None, 0, 1, "0", "1", "one"])


@st.composite
def blocks(draw: st.DrawFn) -> str | dict[str, Any]:
    """A content block: text, reasoning or one that only its maker knows, with an index or without."""
    if draw(st.integers(0, 4)) == 0:
        return draw(words)
    kind = draw(st.sampled_from(["text", "reasoning", "signed"]))
    block: dict[str, Any] = {"type": kind, kind: draw(words | plain if kind == "signed" else words)}
    for key, values in (("index", indices), ("id", identities)):
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
        "args": draw(st.none() | words | st.dictionaries(words, st.integers(), max_size=1)),
        "index": draw(indices),
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
        return AIMessageChunk(draw(words), id=draw(identities))
    return AIMessageChunk(
        draw(words | st.lists(blocks(), max_size=3)),
        id=draw(identities),
        name=draw(st.sampled_from([None, None, "Ada"])),
        additional_kwargs=draw(st.none() | facts),
        response_metadata=draw(st.none() | facts),
        tool_call_chunks=draw(st.none() | st.lists(fragments(), max_size=3)),
        usage_metadata=draw(st.none() | usages()),
        chunk_position=draw(st.sampled_from([None, None, None, "last"])),
    )


@st.composite
def tool_call_streams(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[AIMessageChunk]]:
    """Tool calls with an index each, and a stream that brings them, cut and interleaved anywhere."""
    calls: list[dict[str, Any]] = draw(st.lists(facts, min_size=1, max_size=3))
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
