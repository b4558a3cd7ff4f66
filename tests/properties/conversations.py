"""Conversations in every state of order, for the laws in this folder."""

from __future__ import annotations

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
)

texts = st.sampled_from(["", "a", "bb", "ccc\nd", "e\n\nff"])
identities = st.sampled_from([None, "m1", "m1_2", "m2"])
call_ids = st.sampled_from([None, "", "c1", "c1_2", "c2", "call_1"])
BLOCKS: list[Any] = [
    "text",
    {"type": "text", "text": "one\ntwo"},
    {"type": "text", "text": ""},
    {"type": "image", "url": "https://example.org/a.png"},
    {"type": "reasoning", "reasoning": "Let me see."},
    {"type": "tool_use", "id": "c1", "name": "look", "input": {}},
    {"type": "tool_call", "id": "c2", "name": "look", "args": {}},
]
blocks: st.SearchStrategy[Any] = st.sampled_from(BLOCKS).map(copy)
contents: st.SearchStrategy[Any] = texts | st.lists(blocks, max_size=3)


@st.composite
def calls(draw: st.DrawFn) -> list[Any]:
    """Tool calls of one message, in no particular order of ids."""
    return [
        {"type": "tool_call", "id": draw(call_ids), "name": draw(st.sampled_from(["look", "look", ""])), "args": {}}
        for _ in range(draw(st.integers(0, 3)))
    ]


@st.composite
def messages(draw: st.DrawFn) -> BaseMessage:
    """A message of any kind; its ids need not be its own, and nobody need have made the call that it answers."""
    kind = draw(st.sampled_from(["system", "human", "ai", "calls", "calls", "invalid", "tool", "tool", "other"]))
    identity, content = draw(identities), draw(contents)
    if kind == "tool":
        cls = draw(st.sampled_from([ToolMessage, ToolMessage, ToolMessageChunk]))
        return cls(content, draw(call_ids) or "", id=identity)
    if kind == "calls":
        cls_ = draw(st.sampled_from([AIMessage, AIMessage, AIMessageChunk]))
        return cls_(content, id=identity, tool_calls=draw(calls()))
    if kind == "invalid":
        bad: Any = {"type": "invalid_tool_call", "id": draw(call_ids), "name": "look", "args": "{", "error": "not JSON"}
        return AIMessage(content, id=identity, tool_calls=draw(calls()), invalid_tool_calls=[bad])
    if kind == "other":
        return draw(st.sampled_from([FunctionMessage(content, name="look"), ChatMessage(content, role="critic")]))
    name = draw(st.sampled_from([None, None, "Ada"]))
    return {"system": SystemMessage, "human": HumanMessage, "ai": AIMessage}[kind](content, id=identity, name=name)


disordered = st.lists(messages(), max_size=9)


@st.composite
def in_order(draw: st.DrawFn) -> list[BaseMessage]:
    """A conversation that every provider takes: each call has its result, right behind it."""
    conversation: list[BaseMessage] = [SystemMessage("Be brief.")] if draw(st.booleans()) else []
    numbers = iter(range(1_000))
    for _ in range(draw(st.integers(0, 5))):
        conversation.append(HumanMessage(draw(texts.filter(bool)), id=f"m{next(numbers)}"))
        asked = [f"c{next(numbers)}" for _ in range(draw(st.integers(0, 2)))]
        if asked:
            made: Any = [{"name": "look", "args": {}, "id": identity} for identity in asked]
            conversation.append(AIMessage(draw(texts), tool_calls=made))
            conversation.extend(ToolMessage(draw(texts), identity) for identity in asked)
        conversation.append(AIMessage(draw(texts.filter(bool)), id=f"m{next(numbers)}"))
    return conversation
