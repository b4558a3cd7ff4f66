"""Models that answer from a script."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel

from chatplug.language_models import (
    BaseChatModel,
    FakeListChatModel,
    FakeMessagesListChatModel,
    GenericFakeChatModel,
    ParrotFakeChatModel,
)
from chatplug.language_models.fake_chat_models import FakeListChatModelError
from chatplug.messages import AIMessage, AIMessageChunk, message_chunk_to_message
from chatplug.testing import FakeCall, FakeChatModel


def invoke(how: str, model: BaseChatModel, value: Any = "Hello", **call: Any) -> AIMessage:
    return model.invoke(value, **call) if how == "sync" else asyncio.run(model.ainvoke(value, **call))


def stream(how: str, model: Any, value: Any = "Hello", **call: Any) -> list[AIMessageChunk]:
    if how == "sync":
        return list(model.stream(value, **call))

    async def collect() -> list[AIMessageChunk]:
        return [chunk async for chunk in model.astream(value, **call)]

    return asyncio.run(collect())


both = pytest.mark.parametrize("how", ["sync", "async"])


class Movie(BaseModel):
    title: str


RICH = AIMessage(
    "Meow",
    tool_calls=[
        {"name": "weather", "args": {"city": "Bern", "days": [1, 2]}, "id": "call_1"},
        {"name": "purr", "args": {}, "id": "call_2"},
    ],
    usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
    additional_kwargs={"reasoning_content": "hm"},
)


@both
@pytest.mark.parametrize("fragment", [1, 3, 100])
def test_a_message_is_streamed_in_fragments_that_add_up_to_it(how: str, fragment: int) -> None:
    model = FakeChatModel(script=[RICH], repeat=True, fragment=fragment)

    whole = invoke(how, model)
    chunks = stream(how, model)

    total: Any = message_chunk_to_message(sum(chunks[1:], chunks[0]))
    assert total.model_copy(update={"id": None}) == whole.model_copy(update={"id": None})
    assert whole.tool_calls == RICH.tool_calls
    assert (len(chunks) > 10) == (fragment < 100)


@both
def test_what_was_asked_is_remembered(how: str) -> None:
    model = FakeChatModel(script=["a", "b"])

    invoke(how, model, "One", stop=["x"], temperature=0)
    stream(how, model, "Two")

    first, second = model.calls
    assert (first.messages[0].text, first.stop, dict(first.settings), first.is_stream) == (
        "One",
        ["x"],
        {"temperature": 0},
        False,
    )
    assert (second.messages[0].text, second.is_stream) == ("Two", True)


@both
def test_a_call_too_many_is_an_error(how: str) -> None:
    model = FakeChatModel(script=["a"])
    invoke(how, model)

    with pytest.raises(AssertionError, match="called 2 times; its script has 1 turns"):
        invoke(how, model)


@both
def test_an_exception_is_raised_at_its_place(how: str) -> None:
    model = FakeChatModel(script=[KeyError("now"), ["Me", "ow", KeyError("later")]])
    seen: list[str] = []

    def read() -> None:
        for chunk in model.stream("x"):
            seen.append(chunk.text)  # noqa: PERF401  # what came before the exception

    async def aread() -> None:
        async for chunk in model.astream("x"):
            seen.append(chunk.text)  # noqa: PERF401  # what came before the exception

    with pytest.raises(KeyError, match="now"):
        invoke(how, model)
    with pytest.raises(KeyError, match="later"):
        read() if how == "sync" else asyncio.run(aread())
    assert seen == ["Me", "ow"]


@both
def test_a_function_is_asked_what_to_do(how: str) -> None:
    def turn(call: FakeCall) -> str:
        return call.messages[-1].text.upper()

    assert invoke(how, FakeChatModel(script=[turn]), "meow").text == "MEOW"


@both
@pytest.mark.parametrize("value", [Movie(title="Up"), {"title": "Up"}])
def test_structure_comes_in_the_form_that_is_wanted(how: str, value: Any) -> None:
    model = FakeChatModel(script=[value], repeat=True)
    tools = [{"type": "function", "function": {"name": "Movie"}}]

    as_text = invoke(how, model, response_format={"type": "json_object"})
    as_call = invoke(how, model, tools=tools, tool_choice="Movie")
    free = invoke(how, model, tools=tools)

    assert as_text.text == free.text == '{"title":"Up"}'
    assert [(call["name"], call["args"]) for call in as_call.tool_calls] == [("Movie", {"title": "Up"})]


@both
def test_delays_pass_before_each_piece(how: str) -> None:
    model = FakeChatModel(script=["abcd"], repeat=True, delay=0.001, fragment=2)

    assert invoke(how, model).text == "abcd"
    assert "".join(chunk.text for chunk in stream(how, model)) == "abcd"


@both
def test_the_models_that_are_known_by_name(how: str) -> None:
    generic = GenericFakeChatModel(messages=iter(["a b", AIMessage("c")]))
    texts = FakeListChatModel(responses=["one", "two"])

    assert [chunk.text for chunk in stream(how, generic) if chunk.text] == ["a", " ", "b"]
    assert invoke(how, generic).text == "c"
    assert [invoke(how, texts).text for _ in range(3)] == ["one", "two", "one"]
    assert [chunk.text for chunk in stream(how, texts) if chunk.text] == ["t", "w", "o"]
    assert invoke(how, FakeMessagesListChatModel(responses=[AIMessage("m")])).text == "m"
    assert invoke(how, ParrotFakeChatModel(), "Polly").text == "Polly"
    with pytest.raises(FakeListChatModelError):
        stream(how, FakeListChatModel(responses=["one"], error_on_chunk_number=1))
