"""Laws of the formats: what comes in goes out, and what goes out has lost nothing without saying so."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatplug.messages import convert_to_messages, export_messages, import_messages
from chatplug.testing.strategies import conversations, disordered_conversations

Json = dict[str, Any]
words = st.text(st.sampled_from("ab \n\N{CAT FACE}"), max_size=5)
values: st.SearchStrategy[Any] = words | st.integers() | st.booleans()
fields: st.SearchStrategy[Json] = st.dictionaries(st.sampled_from(["x", "cache_control", "prefix"]), values, max_size=2)
arguments: st.SearchStrategy[Json] = st.dictionaries(words, values | st.none(), max_size=2)
ids = st.text(st.sampled_from("ab:.-_1"), max_size=50)
accepted = st.text(st.sampled_from("ab-_1"), min_size=1, max_size=40)
"""Ids that anybody takes: those of results whose call is not there, so that nobody can tell who made them."""


def written(value: Any) -> str:
    """JSON as the encoders write it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@st.composite
def with_fields(draw: st.DrawFn, /, **parts: st.SearchStrategy[Any]) -> Json:
    """A dict with these values, and with fields that only its provider knows."""
    return {**draw(fields), **{name: draw(part) for name, part in parts.items()}}


def of_type(kind: str, **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """A block of one type."""
    return with_fields(type=st.just(kind), **parts)


texts = of_type("text", text=words)
parts: st.SearchStrategy[Json] = (
    texts
    | words.filter(bool).map(lambda url: {"type": "image_url", "image_url": {"url": url}})
    | of_type("document_url", document_url=words)
)
functions: st.SearchStrategy[Json] = arguments.map(lambda args: {"name": "look", "arguments": written(args)})
calls = of_type("function", id=ids, function=functions)
contents: st.SearchStrategy[Any] = words | st.lists(parts, min_size=1, max_size=3)
openai_turns: st.SearchStrategy[list[Json]] = st.lists(
    with_fields(role=st.sampled_from(["system", "developer", "user", "assistant"]), content=contents)
    | with_fields(role=st.just("tool"), content=contents, tool_call_id=accepted)
    | with_fields(
        role=st.just("assistant"), content=words.filter(bool), tool_calls=st.lists(calls, min_size=1, max_size=2)
    ),
    max_size=4,
)
"""Conversations as chat completions have them."""

own: list[Json] = [
    {"type": "thinking", "thinking": "Hm.", "signature": "Ab=="},
    {"type": "redacted_thinking", "data": "Cd=="},
    {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
    {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
    {"type": "image", "source": {"type": "file", "file_id": "f"}},
    {"type": "something_new", "x": 1},
]
uses = of_type("tool_use", id=ids, name=st.just("look"), input=arguments)
results = of_type("tool_result", tool_use_id=accepted, content=words | st.lists(texts, max_size=2))


def place(block: Json) -> str:
    """What no two calls of one answer have in common."""
    return str(block.get("id", id(block)))


@st.composite
def anthropic_conversations(draw: st.DrawFn) -> Json:
    """A conversation as Anthropic's messages have it, with signatures."""
    turns: list[Json] = []
    for _ in range(draw(st.integers(0, 3))):
        said: Any = draw(words | st.lists(texts | results, min_size=1, max_size=3))
        blocks = st.lists(texts | st.sampled_from(own) | uses, min_size=1, max_size=4, unique_by=place)
        answer: Any = draw(words | blocks)
        turns += [{"role": "user", "content": said}, {"role": "assistant", "content": answer}]
    system: Any = draw(st.none() | words | st.lists(texts, min_size=1, max_size=2))
    return {"messages": turns} if system is None else {"system": system, "messages": turns}


@given(turns=openai_turns)
def test_chat_completions_go_back_to_their_provider_as_they_came(turns: list[Json]) -> None:
    messages = import_messages(turns, "openai", provider="mine")
    export_messages(messages, "anthropic")

    exported = export_messages(messages, "openai", provider="mine")

    assert exported.value == turns
    assert exported.losses == []


@given(conversation=anthropic_conversations())
def test_anthropic_s_conversations_go_back_as_they_came(conversation: Json) -> None:
    messages = import_messages(conversation, "anthropic")
    export_messages(messages, "openai")

    exported = export_messages(messages, "anthropic")

    assert exported.value == conversation
    assert exported.losses == []


@given(conversation=anthropic_conversations())
def test_what_is_signed_reaches_nobody_but_its_maker(conversation: Json) -> None:
    messages = import_messages(conversation, "anthropic")

    for name in ("openai", "anthropic"):
        exported = export_messages(messages, name, provider="elsewhere")

        wire = written(exported.value)
        assert "Ab==" not in wire
        assert "Cd==" not in wire
        if '"signature"' in written(conversation):
            assert {"reasoning", "signature"} <= {loss.kind for loss in exported.losses}


@given(messages=disordered_conversations() | conversations())
@pytest.mark.parametrize("format", ["openai", "anthropic"])
def test_any_conversation_can_be_exported_and_twice_gives_the_same(messages: list[Any], format: str) -> None:
    exported = export_messages(messages, format)

    assert export_messages(messages, format) == exported
    json.dumps(exported.value)
    for loss in exported.losses:
        assert loss.path.startswith("messages[")
        assert loss.reason


@given(messages=conversations())
@pytest.mark.parametrize("format", ["openai", "anthropic"])
def test_each_result_still_answers_its_call(messages: list[Any], format: str) -> None:
    wire = export_messages(messages, format).value
    turns = wire if format == "openai" else wire["messages"]

    read = convert_to_messages(turns)

    asked = [call["id"] for message in read if message.type == "ai" for call in getattr(message, "tool_calls", [])]
    answered = [message.model_dump()["tool_call_id"] for message in read if message.type == "tool"]
    assert sorted(map(str, asked)) == sorted(answered)
