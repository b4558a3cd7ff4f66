"""What the methods of a model may give, and what becomes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from chatplug.errors import PluginHookError
from chatplug.messages import AIMessage, AIMessageChunk, HumanMessage
from chatplug.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from tests.language_models.models import (
    DRIVERS,
    Driver,
    Gives,
    GivesNative,
    GivesPieces,
    GivesPiecesNative,
    PiecesNative,
    Whole,
    both,
)


@both
@pytest.mark.parametrize(
    "given",
    [
        lambda: AIMessage("a"),
        lambda: AIMessageChunk("a"),
        lambda: ChatResult(generations=[ChatGeneration(message=AIMessage("a"))]),
        lambda: ChatResult(generations=[ChatGeneration(message=AIMessageChunk("a"))]),
    ],
)
def test_an_answer_may_be_a_result_or_simply_a_message(given: Any, driver: Driver) -> None:
    assert type(driver.invoke(Gives(given=given), "x")) is AIMessage
    assert driver.invoke(Gives(given=given), "x").text == "a"
    assert [chunk.text for chunk in driver.stream(Gives(given=given), "x")] == ["a"]


def test_facts_beside_an_answer_are_in_its_metadata() -> None:
    generation = ChatGeneration(message=AIMessage("a", response_metadata={"x": 1}), generation_info={"x": 0, "y": 2})
    piece = ChatGenerationChunk(
        message=AIMessageChunk("a", response_metadata={"x": 1}), generation_info={"x": 0, "y": 2}
    )

    answer = Gives(given=lambda: ChatResult(generations=[generation])).invoke("x")
    first, *_ = GivesPieces(given=lambda: iter([piece])).stream("x")

    assert answer.response_metadata == first.response_metadata == {"x": 1, "y": 2}


def test_everything_in_a_whole_answer_is_in_its_one_chunk() -> None:
    answer = AIMessage(
        [{"type": "text", "text": "a"}],
        id="msg_1",
        additional_kwargs={"x": 1},
        response_metadata={"y": 2},
        tool_calls=[{"id": "a", "name": "look", "args": {"z": 1}}],
        usage_metadata={"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
    )

    (chunk,) = Gives(given=lambda: answer).stream("x")

    assert (chunk.content, chunk.id, chunk.additional_kwargs) == (answer.content, "msg_1", {"x": 1})
    assert (chunk.response_metadata, chunk.usage_metadata) == ({"y": 2}, answer.usage_metadata)
    assert chunk.tool_calls == answer.tool_calls


async def _coroutine() -> AIMessage:
    return AIMessage("a")


WRONG: list[tuple[Any, str]] = [
    (lambda: "a", "str"),
    (lambda: None, "NoneType"),
    (lambda: HumanMessage("a"), "HumanMessage"),
    (lambda: ChatResult(generations=[]), "a ChatResult without generations"),
    (lambda: ChatResult(generations=[ChatGeneration(message=HumanMessage("a"))]), "HumanMessage"),
    (_coroutine, "coroutine"),
]


@pytest.mark.parametrize(("given", "what"), WRONG)
def test_a_wrong_answer_is_an_error_that_names_the_method(given: Any, what: str) -> None:
    hint = r"It has to give a ChatResult or an AIMessage\."

    for driver in DRIVERS:
        for ask in (driver.invoke, driver.stream):
            with pytest.raises(PluginHookError, match=rf"test:whole-1: Gives._generate gave {what}\. {hint}"):
                ask(Gives(given=given), "x")
    for ask in (DRIVERS[1].invoke, DRIVERS[1].stream):
        with pytest.raises(PluginHookError, match=rf"GivesNative._agenerate gave {what}\. {hint}"):
            ask(GivesNative(given=given), "x")


def _agives(*pieces: Any) -> Any:
    async def source() -> AsyncIterator[Any]:
        for piece in pieces:
            yield piece

    return source


@pytest.mark.parametrize(
    ("pieces", "what"), [(["a"], "str"), ([AIMessage("a")], "AIMessage"), ([None], "NoneType"), ([], "no chunk at all")]
)
def test_a_wrong_piece_is_an_error_that_names_the_method(pieces: list[Any], what: str) -> None:
    hint = "It has to give ChatGenerationChunk or AIMessageChunk"

    for driver in DRIVERS:
        with pytest.raises(PluginHookError, match=rf"GivesPieces._stream gave {what}\. {hint}"):
            driver.stream(GivesPieces(given=lambda: iter(pieces)), "x")
    with pytest.raises(PluginHookError, match=rf"GivesPiecesNative._astream gave {what}\. {hint}"):
        DRIVERS[1].stream(GivesPiecesNative(given=_agives(*pieces)), "x")


@pytest.mark.parametrize(("given", "what"), [(lambda: None, "NoneType"), (_coroutine, "coroutine")])
def test_a_stream_that_is_none_is_an_error_that_names_the_method(given: Any, what: str) -> None:
    with pytest.raises(PluginHookError, match=rf"GivesPieces._stream gave {what}\."):
        DRIVERS[0].stream(GivesPieces(given=given), "x")
    with pytest.raises(PluginHookError, match=rf"GivesPiecesNative._astream gave {what}\."):
        DRIVERS[1].stream(GivesPiecesNative(given=given), "x")


def test_a_stream_may_be_any_iterable() -> None:
    assert [chunk.text for chunk in GivesPieces(given=lambda: [AIMessageChunk("a")]).stream("x")] == ["a", ""]


@both
def test_a_message_that_the_model_keeps_is_not_changed_by_an_answer(driver: Driver) -> None:
    kept = AIMessage("a", response_metadata={"x": 1})
    result = ChatResult(generations=[ChatGeneration(message=kept, generation_info={"y": 2})])
    model = Gives(given=lambda: result, seed=1, on_unsupported="allow")  # type: ignore[call-arg]  # a standard setting

    first, second = driver.invoke(model, "x"), driver.invoke(model, "x")

    assert kept == AIMessage("a", response_metadata={"x": 1})
    assert first.id != second.id
    assert first.response_metadata == {"x": 1, "y": 2, "unsupported_settings": ["seed"]}


def test_a_message_of_an_author_s_own_class_keeps_its_class_and_its_fields() -> None:
    class Marked(AIMessage):
        __slots__ = ()

    answer = Gives(given=lambda: Marked("a", additional_kwargs={"x": 1})).invoke("x")

    assert type(answer) is Marked
    assert (answer.text, answer.additional_kwargs) == ("a", {"x": 1})
    assert answer.id is not None


@both
def test_a_message_of_the_conversation_may_be_the_answer_and_is_not_changed(driver: Driver) -> None:
    asked = AIMessage("a")

    class Returns(Whole):
        def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            return messages[-1]

    assert driver.invoke(Returns(), [asked]).id is not None
    assert asked.id is None


@both
@pytest.mark.parametrize(
    "fields", [{}, {"response_metadata": {"x": 1}}, {"usage_metadata": {"input_tokens": 1, "output_tokens": 0}}]
)
@pytest.mark.parametrize("text", ["", "a"])
def test_a_chunk_that_is_yielded_twice_and_in_two_streams_is_not_changed(
    text: str, fields: dict[str, Any], driver: Driver
) -> None:
    kept = AIMessageChunk(text, **fields)
    before = kept.model_dump()

    class Keeps(PiecesNative):
        def pieces(self, text: str) -> Iterator[Any]:
            yield from [kept, AIMessageChunk("b"), kept, kept]

    first, second = driver.stream(Keeps(), "x"), driver.stream(Keeps(), "x")

    assert kept.model_dump() == before
    for chunks in (first, second):
        assert len({chunk.id for chunk in chunks}) == 1
        assert [chunk.chunk_position for chunk in chunks] == [None] * (len(chunks) - 1) + ["last"]
        assert sum(chunks[1:], chunks[0]).text == f"{text}b{text}{text}"
    assert first[0].id != second[0].id
