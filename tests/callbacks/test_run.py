"""What handlers hear of a run: one start, one end, each token once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import pytest

from chatplug.errors import StreamBrokenError
from chatplug.messages import AIMessage, AIMessageChunk, HumanMessage
from chatplug.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, LLMResult
from tests.callbacks.recording import AsyncRecording, Failing, Recording
from tests.language_models.models import (
    Driver,
    Gives,
    GivesPieces,
    Pieces,
    PiecesNative,
    Whole,
    WholeNative,
    both,
)

handlers = pytest.mark.parametrize("kind", [Recording, AsyncRecording])
START, TOKEN, END, ERROR = "on_chat_model_start", "on_llm_new_token", "on_llm_end", "on_llm_error"


class Announcing(PiecesNative):
    """Announces its chunks itself: with the chunk, or the text alone."""

    with_chunk: bool = True

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Iterator[Any]:
        for piece in super()._stream(messages, stop, run_manager, **kwargs):
            chunk = piece if isinstance(piece, ChatGenerationChunk) else ChatGenerationChunk(message=piece)
            if run_manager:
                run_manager.on_llm_new_token(chunk.text, **({"chunk": chunk} if self.with_chunk else {}))
            yield chunk

    async def _astream(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        async for piece in super()._astream(messages, stop, run_manager, **kwargs):
            chunk = piece if isinstance(piece, ChatGenerationChunk) else ChatGenerationChunk(message=piece)
            if run_manager:
                await run_manager.on_llm_new_token(chunk.text, **({"chunk": chunk} if self.with_chunk else {}))
            yield chunk


class AnnouncingInAThread(Announcing):
    """The same, with `_stream` alone."""

    _astream = Whole._astream


@both
@handlers
@pytest.mark.parametrize("model", [Whole(), WholeNative(), Pieces(), PiecesNative()], ids=lambda m: type(m).__name__)
def test_an_answer_has_one_start_and_one_end(model: Whole, kind: type[Recording], driver: Driver) -> None:
    handler = kind()

    answer = driver.invoke(model, "cat", {"callbacks": [handler]})

    assert handler.names == [START, END]
    result = handler.heard[1][1][0]
    assert isinstance(result, LLMResult)
    assert result.generations[0][0].message == answer
    assert handler.facts(END)["status"] == "ok"


@both
@handlers
@pytest.mark.parametrize("model", [Pieces(), PiecesNative()], ids=lambda m: type(m).__name__)
def test_a_stream_has_one_start_each_token_once_and_one_end(
    model: Pieces, kind: type[Recording], driver: Driver
) -> None:
    handler = kind()

    chunks = driver.stream(model, "cat", {"callbacks": [handler]})

    assert handler.names == [START, *[TOKEN] * 4, END]
    assert handler.tokens == ["c", "a", "t", ""]
    announced = [facts["chunk"].message for name, _, facts in handler.heard if name == TOKEN]
    assert announced == chunks
    whole = handler.heard[-1][1][0].generations[0][0].message
    assert whole == AIMessageChunk() + chunks  # type: ignore[operator]  # a list is added one by one


@both
@handlers
@pytest.mark.parametrize("model", [Announcing, AnnouncingInAThread])
@pytest.mark.parametrize("with_chunk", [True, False])
def test_each_token_is_heard_once_though_the_model_announces_it(
    model: type[Announcing], with_chunk: bool, kind: type[Recording], driver: Driver
) -> None:
    handler = kind()

    driver.stream(model(with_chunk=with_chunk), "cat", {"callbacks": [handler]})

    assert handler.tokens == ["c", "a", "t", ""]
    assert handler.names == [START, *[TOKEN] * 4, END]


@both
def test_the_whole_message_of_a_model_that_cannot_stream_is_one_token(driver: Driver) -> None:
    handler = Recording()

    driver.stream(Whole(), "cat", {"callbacks": [handler]})

    assert handler.names == [START, TOKEN, END]
    assert handler.tokens == ["cat"]


@both
@handlers
def test_a_failed_run_has_an_error_and_no_end(kind: type[Recording], driver: Driver) -> None:
    def fail() -> Any:
        raise StreamBrokenError("It broke.")

    def breaks() -> Iterator[Any]:
        yield AIMessageChunk("a")
        fail()

    whole, pieces = kind(), kind()

    with pytest.raises(StreamBrokenError) as first:
        driver.invoke(Gives(given=fail, callbacks=[whole]), "x")
    with pytest.raises(StreamBrokenError) as second:
        driver.stream(GivesPieces(given=breaks, callbacks=[pieces]), "x")

    assert whole.names == [START, ERROR]
    assert whole.heard[1][1] == (first.value,)
    assert whole.facts(ERROR)["partial"] is None
    assert pieces.names == [START, TOKEN, ERROR]
    assert pieces.heard[2][1] == (second.value,)
    assert pieces.facts(ERROR)["partial"].text == "a"


@both
@handlers
def test_a_stream_that_is_left_early_has_ended_with_what_had_arrived(kind: type[Recording], driver: Driver) -> None:
    handler = kind()

    driver.stream(PiecesNative(), "cat", {"callbacks": [handler]}, at_most=2)

    assert handler.names == [START, TOKEN, TOKEN, END]
    assert handler.facts(END)["status"] == "abandoned"
    assert handler.heard[-1][1][0].generations[0][0].message.text == "ca"


@handlers
@pytest.mark.parametrize("is_stream", [True, False])
def test_a_cancelled_run_has_ended_once_as_cancelled(is_stream: bool, kind: type[Recording]) -> None:
    handler = kind()

    class Waits(WholeNative):
        async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
            await asyncio.Event().wait()

        async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            yield AIMessageChunk("a")
            await asyncio.Event().wait()

    async def read() -> None:
        model = Waits(callbacks=[handler])
        if is_stream:
            async for _ in model.astream("x"):
                pass
        else:
            await model.ainvoke("x")

    async def call() -> None:
        task = asyncio.create_task(read())
        for _ in range(10):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task], timeout=10)
        assert task.cancelled()

    asyncio.run(call())

    assert handler.names == [START, *([TOKEN] if is_stream else []), END]
    assert handler.facts(END)["status"] == "cancelled"


@both
@pytest.mark.parametrize("at", [START, TOKEN, END])
def test_a_failing_handler_does_not_end_the_call(at: str, driver: Driver, caplog: pytest.LogCaptureFixture) -> None:
    failing, other = Failing(at), Recording()

    with caplog.at_level(logging.WARNING, "chatplug.callbacks"):
        chunks = driver.stream(PiecesNative(), "cat", {"callbacks": [failing, other]})

    assert "".join(chunk.text for chunk in chunks) == "cat"
    assert failing.names == other.names == [START, *[TOKEN] * 4, END]
    assert len(caplog.records) == 1


@both
@pytest.mark.parametrize(
    ("at", "names"), [(START, [START, ERROR]), (TOKEN, [START, TOKEN, ERROR]), (END, [START, *[TOKEN] * 4, END])]
)
def test_a_required_handler_that_fails_ends_the_call_and_the_run_ends_once(
    at: str, names: list[str], driver: Driver
) -> None:
    failing = Failing(at, raise_error=True)

    with pytest.raises(LookupError, match=f"failed at {at}"):
        driver.stream(PiecesNative(), "cat", {"callbacks": [failing]})

    assert failing.names == names


@both
@pytest.mark.parametrize(("at", "names"), [(START, [START, ERROR]), (END, [START, END])])
def test_a_required_handler_ends_an_answer_too(at: str, names: list[str], driver: Driver) -> None:
    failing = Failing(at, raise_error=True)

    with pytest.raises(LookupError):
        driver.invoke(WholeNative(), "cat", {"callbacks": [failing]})

    assert failing.names == names


def test_an_asynchronous_handler_is_heard_by_a_synchronous_call_inside_a_running_loop() -> None:
    handler = AsyncRecording()

    async def inside() -> list[AIMessageChunk]:
        return list(Pieces().stream("cat", {"callbacks": [handler]}))

    asyncio.run(inside())

    assert handler.names == [START, *[TOKEN] * 4, END]


@both
def test_the_start_says_what_is_asked_and_of_whom(driver: Driver) -> None:
    handler = Recording()
    model = Whole(tags=["m", "both"], metadata={"a": 1, "b": 1})
    run = UUID(int=7)

    answer = driver.invoke(
        model,
        "cat",
        {"callbacks": [handler], "tags": ["both", "c"], "metadata": {"b": 2}, "run_name": "mine", "run_id": run},
    )

    _, (serialized, messages), facts = handler.heard[0]
    assert serialized == {"model_name": "whole-1", "_type": "test"}
    assert messages == [[HumanMessage("cat")]]
    assert sorted(facts["tags"]) == ["both", "c", "m"]
    assert facts["metadata"] == {"a": 1, "b": 2}
    assert (facts["name"], facts["run_id"], facts["parent_run_id"]) == ("mine", run, None)
    assert answer.id == f"run-{run}-0"


@both
def test_all_events_of_a_run_have_its_id_and_two_runs_have_two(driver: Driver) -> None:
    handler = Recording()
    model = PiecesNative(callbacks=[handler])

    first = driver.stream(model, "cat")
    ids = {facts["run_id"] for _, _, facts in handler.heard}
    driver.stream(model, "cat")

    assert len(ids) == 1
    assert first[0].id == f"run-{ids.pop()}"
    assert len({facts["run_id"] for _, _, facts in handler.heard}) == 2


@both
def test_a_handler_of_both_the_model_and_the_call_hears_once(driver: Driver) -> None:
    handler = Recording()

    driver.invoke(WholeNative(callbacks=[handler]), "cat", {"callbacks": [handler, handler]})

    assert handler.names == [START, END]


@both
def test_the_sum_that_handlers_get_holds_each_fact_once(driver: Driver) -> None:
    handler = Recording()
    last = AIMessageChunk(
        "",
        response_metadata={"logprobs": [1, 2]},
        usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
    )

    driver.stream(GivesPieces(given=lambda: [AIMessageChunk("a"), last], callbacks=[handler]), "x")

    message = handler.heard[-1][1][0].generations[0][0].message
    assert message.response_metadata == {"logprobs": [1, 2]}
    assert message.usage_metadata == {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    assert message.chunk_position == "last"


def test_a_model_is_told_who_listens_and_nothing_where_nobody_does() -> None:
    seen: list[Any] = []

    class Looks(Whole):
        def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            seen.append(run_manager and (run_manager.run_id, run_manager.tags, run_manager.metadata))
            return AIMessage("a")

    Looks().invoke("x")
    Looks(tags=["a"], metadata={"b": 1}).invoke("x", {"callbacks": [Recording()], "run_id": UUID(int=7)})

    assert seen == [None, (UUID(int=7), ["a"], {"b": 1})]


@both
def test_handlers_hear_every_answer_of_a_result_and_the_facts_of_the_whole_call(driver: Driver) -> None:
    handler = Recording()
    first = ChatGeneration(message=AIMessage("a"), generation_info={"finish": "stop"})
    second = ChatGeneration(message=AIMessage("b"))
    model = Gives(given=lambda: ChatResult(generations=[first, second], llm_output={"tokens": 2}))

    answer = driver.invoke(model, "x", {"callbacks": [handler]})

    result = handler.heard[-1][1][0]
    assert result.llm_output == {"tokens": 2}
    assert [generation.text for generation in result.generations[0]] == ["a", "b"]
    assert result.generations[0][0].message is answer
    assert result.generations[0][0].generation_info == {"finish": "stop"}


@both
@handlers
def test_a_chunk_that_the_model_keeps_and_announces_is_heard_once_each_time(
    kind: type[Recording], driver: Driver
) -> None:
    handler, kept = kind(), AIMessageChunk("a")

    class Keeps(PiecesNative):
        def pieces(self, text: str) -> Iterator[Any]:
            return iter([kept, kept])

    class AnnouncingKept(Keeps, Announcing):
        pass

    driver.stream(AnnouncingKept(), "x", {"callbacks": [handler]})

    assert handler.tokens == ["a", "a", ""]
