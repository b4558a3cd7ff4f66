"""What callers get from a model, whichever of its methods its author has written."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest

from chatplug.errors import ConfigError, MessageError
from chatplug.language_models import BaseChatModel
from chatplug.messages import AIMessage, AIMessageChunk
from tests.language_models.models import (
    DRIVERS,
    KINDS,
    STREAMING,
    Driver,
    Gives,
    GivesPieces,
    Pieces,
    PiecesNative,
    Tuned,
    Whole,
    WholeNative,
    both,
)


@both
@pytest.mark.parametrize("kind", KINDS)
def test_every_model_answers_and_streams_whatever_its_author_wrote(kind: type[Whole], driver: Driver) -> None:
    model = kind()

    answer = driver.invoke(model, "cat")
    chunks = driver.stream(model, "cat")

    assert answer.text == "cat"
    assert type(answer) is AIMessage
    assert "".join(chunk.text for chunk in chunks) == "cat"
    assert all(type(chunk) is AIMessageChunk for chunk in chunks)


@both
@pytest.mark.parametrize("kind", [Whole, WholeNative])
def test_a_model_that_cannot_stream_gives_the_whole_message_once(kind: type[Whole], driver: Driver) -> None:
    (chunk,) = driver.stream(kind(), "cat")

    assert chunk.text == "cat"
    assert chunk.chunk_position == "last"


@both
@pytest.mark.parametrize("kind", STREAMING)
def test_a_stream_comes_in_the_pieces_that_the_model_gives(kind: type[Pieces], driver: Driver) -> None:
    assert [chunk.content for chunk in driver.stream(kind(), "cat")] == ["c", "a", "t", ""]


@both
@pytest.mark.parametrize("kind", KINDS)
def test_the_chunks_of_a_stream_have_one_id_and_the_last_says_that_it_is_the_last(
    kind: type[Whole], driver: Driver
) -> None:
    chunks = driver.stream(kind(), "cat")

    assert len({chunk.id for chunk in chunks}) == 1
    assert (chunks[0].id or "").startswith("run-")
    assert [chunk.chunk_position for chunk in chunks] == [None] * (len(chunks) - 1) + ["last"]


@both
def test_an_answer_has_an_id_unless_the_provider_gave_one(driver: Driver) -> None:
    first, second = (driver.invoke(Whole(), "cat").id for _ in range(2))

    assert first != second
    assert (first or "").startswith("run-")
    assert driver.invoke(Gives(given=lambda: AIMessage("a", id="msg_1")), "cat").id == "msg_1"


@both
def test_the_id_of_the_provider_is_the_id_of_all_chunks(driver: Driver) -> None:
    model = GivesPieces(given=lambda: iter([AIMessageChunk("a", id="msg_1"), AIMessageChunk("b")]))

    assert {chunk.id for chunk in driver.stream(model, "cat")} == {"msg_1"}


def test_native_methods_are_preferred_by_asynchronous_calls() -> None:
    model = WholeNative()

    asyncio.run(model.ainvoke("cat"))
    DRIVERS[1].stream(model, "cat")
    model.invoke("cat")

    assert model.heard == ["native", "native", (None, {})]


def test_a_synchronous_method_is_waited_for_in_a_worker_thread_that_sees_the_context() -> None:
    where: ContextVar[str] = ContextVar("where", default="nowhere")
    seen: list[tuple[bool, str]] = []

    class Looks(Pieces):
        def pieces(self, text: str) -> Iterator[Any]:
            for character in text:
                seen.append((threading.current_thread() is threading.main_thread(), where.get()))
                where.set(character)
                yield AIMessageChunk(character)

    async def call() -> None:
        where.set("outside")
        await Looks().ainvoke("x")
        async for _ in Looks().astream("cat"):
            assert where.get() == "outside"

    asyncio.run(call())

    assert seen == [(False, "outside"), (False, "c"), (False, "a")]


def test_the_event_loop_runs_on_while_a_synchronous_method_works() -> None:
    began, go_on = threading.Event(), threading.Event()

    class Slow(Whole):
        def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            began.set()
            assert go_on.wait(10)
            return AIMessage("done")

    async def call() -> str:
        task = asyncio.create_task(Slow().ainvoke("x"))
        assert await asyncio.to_thread(began.wait, 10)
        go_on.set()
        return (await asyncio.wait_for(task, 10)).text

    assert asyncio.run(call()) == "done"


@both
def test_a_model_that_raises_stop_iteration_does_not_hang(driver: Driver) -> None:
    def stop() -> Any:
        raise StopIteration

    with pytest.raises((StopIteration, RuntimeError)):
        driver.invoke(Gives(given=stop), "cat")
    with pytest.raises((StopIteration, RuntimeError)):
        driver.stream(GivesPieces(given=stop), "cat")


def test_one_model_serves_many_streams_at_once() -> None:
    model = PiecesNative()

    async def read(text: str) -> str:
        return "".join([chunk.text async for chunk in model.astream(text)])

    async def call() -> list[str]:
        return await asyncio.gather(*(read(text * 5) for text in "abcdef"))

    assert asyncio.run(call()) == [text * 5 for text in "abcdef"]
    streams = [model.stream("ab"), model.stream("cd")]
    assert [chunk.text for pair in zip(*streams, strict=True) for chunk in pair] == ["a", "c", "b", "d", "", ""]


@pytest.mark.parametrize("ask", ["invoke", "ainvoke", "stream", "astream"])
def test_bad_input_is_refused_before_anything_is_sent(ask: str) -> None:
    model = Whole()

    def call(*args: Any) -> None:
        result = getattr(model, ask)(*args)
        if ask == "ainvoke":
            asyncio.run(result)

    with pytest.raises(MessageError, match=r"test:whole-1: messages\[0\] is int"):
        call([3])
    with pytest.raises(ConfigError, match=r"config has no key 'tag'. Did you mean 'tags'\?"):
        call("x", {"tag": []})
    assert model.heard == []


@both
def test_stop_is_the_model_s_unless_the_call_says_otherwise(driver: Driver) -> None:
    model = PiecesNative(stop="." if driver is DRIVERS[0] else ["."])  # type: ignore[arg-type]  # a text is as good as a list

    for ask in (driver.invoke, driver.stream):
        ask(model, "x")
        ask(model, "x", stop="!")
        ask(model, "x", stop=["a", "b"])
        ask(model, "x", stop=[])

    assert [stop for stop, _ in model.heard] == [["."], ["!"], ["a", "b"], []] * 2


@both
def test_settings_of_one_call_reach_the_model(driver: Driver) -> None:
    model = PiecesNative()

    for ask in (driver.invoke, driver.stream):
        ask(model, "x", temperature=0, colour="red")

    assert [settings for _, settings in model.heard] == [{"temperature": 0, "colour": "red"}] * 2


def test_a_model_says_who_it_is() -> None:
    model = Tuned(name="my run")

    assert (model.provider, model.model_id) == ("test", "whole-1")
    assert model.identifying_params == {"model_name": "whole-1", "_type": "test"}
    assert (model.get_name(), Tuned().get_name()) == ("my run", "Tuned")


def test_a_class_without_generate_is_no_model() -> None:
    class Nothing(BaseChatModel):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Nothing()  # type: ignore[abstract]  # the mistake under test
