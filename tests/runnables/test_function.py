"""Functions and generators as Runnables."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from operator import itemgetter
from typing import Any

import pytest

from chatplug.callbacks import CallbackManagerForChainRun
from chatplug.runnables import RunnableConfig, RunnableGenerator, RunnableLambda, chain
from tests.language_models.models import Whole, WholeNative
from tests.runnables.chains import WAYS, Ends, call, every_way

# ---- functions


@pytest.mark.parametrize("way", WAYS)
def test_a_function_gets_what_it_asks_for(way: str) -> None:
    heard, got = Ends(), list[Any]()

    def asks(text: str, config: RunnableConfig, run_manager: CallbackManagerForChainRun) -> str:
        got.append((config.get("tags"), run_manager.run))
        return text

    call(RunnableLambda(asks), way, "x", {"tags": ["t"], "callbacks": [heard]})

    assert got == [(["t"], heard.named("asks"))]


@pytest.mark.parametrize("way", WAYS)
def test_a_runnable_that_a_function_gives_is_called(way: str) -> None:
    heard = Ends()
    route = RunnableLambda[str, Any](lambda text: Whole(name="model") if text == "x" else text, name="route")

    output = call(route, way, "x", {"callbacks": [heard]})

    assert (output[0] if type(output) is list else output).text == "x"
    assert heard.named("model").parent is heard.named("route")


@pytest.mark.parametrize("way", WAYS)
def test_functions_that_give_runnables_for_ever_come_to_an_end(way: str) -> None:
    calls: list[str] = []

    def again(text: str) -> Any:
        calls.append(text)
        return endless

    endless = RunnableLambda[str, Any](again)

    with pytest.raises(RecursionError, match="recursion_limit"):
        call(endless, way, "x", {"recursion_limit": 5})

    assert len(calls) == 6


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_an_asynchronous_function_says_how_to_call_it(way: str) -> None:
    async def only(text: str) -> str:
        return text

    with pytest.raises(TypeError, match=r"only is asynchronous: use ainvoke"):
        call(RunnableLambda(only), way, "x")
    with pytest.raises(TypeError, match="use ainvoke"):
        call(RunnableLambda[str, Any](lambda text: only(text + "")), way, "x")

    assert call(RunnableLambda[str, Any](lambda text: only(text + "")), f"a{way}", "x") in ("x", ["x"])


def test_a_function_of_the_language_itself_is_a_step() -> None:
    assert every_way(RunnableLambda(itemgetter("a")) | str, {"a": 1}) == ["1", ["1"], "1", ["1"]]


def test_a_synchronous_function_does_not_block_the_loop() -> None:
    where: list[int] = []

    asyncio.run(RunnableLambda[str, None](lambda text: where.append(threading.get_ident())).ainvoke("x"))

    assert where != [threading.get_ident()]


@pytest.mark.parametrize("way", WAYS)
def test_what_a_function_calls_is_part_of_its_run_without_being_told(way: str) -> None:
    heard, model = Ends(), WholeNative(name="model")

    def inner(text: str) -> str:
        return RunnableLambda[str, str](lambda it: model.invoke(it).text, name="deep").invoke(text)

    call(RunnableLambda(inner), way, "x", {"callbacks": [heard], "tags": ["t"], "configurable": {"k": 1}})

    assert heard.named("model").parent is heard.named("deep")
    assert heard.named("deep").parent is heard.named("inner")
    assert heard.named("model").tags == ["t"]


def test_a_decorated_function_is_a_runnable() -> None:
    @chain
    def shout(text: str) -> str:
        return text.upper()

    @chain
    def spell(pieces: Iterator[str]) -> Iterator[str]:
        for piece in pieces:
            yield from piece

    assert shout.get_name() == "shout"
    assert every_way(shout | spell, "ab") == ["AB", ["A", "B"], "AB", ["A", "B"]]


# ---- generators


@pytest.mark.parametrize("way", WAYS)
def test_a_generator_that_raises_half_way_ends_its_run_with_what_it_gave(way: str) -> None:
    heard = Ends()

    def breaks(pieces: Iterator[str]) -> Iterator[str]:
        yield "a"
        yield "b"
        raise LookupError("half-way")

    with pytest.raises(LookupError, match="half-way"):
        call(RunnableGenerator(breaks), way, "x", {"callbacks": [heard]})

    run = heard.named("breaks")
    assert (run.status, run.output) == ("error", "ab")


def test_what_is_no_generator_function_is_refused() -> None:
    with pytest.raises(TypeError, match="'ascii' is no generator function"):
        RunnableGenerator[Any, Any](ascii)  # type: ignore[arg-type]  # the mistake under test


async def test_a_synchronous_generator_in_an_asynchronous_stream_is_left_with_it() -> None:
    closed: list[str] = []

    async def endless(pieces: AsyncIterator[str]) -> AsyncIterator[str]:
        try:
            while True:
                yield "x"
        finally:
            closed.append("source")

    def passes(pieces: Iterator[str]) -> Iterator[str]:
        try:
            yield from pieces
        finally:
            closed.append("step")

    stream = (RunnableGenerator(endless) | passes).astream("a")
    first = await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]  # a generator

    assert first == "x"
    assert closed == ["step", "source"]
    assert len(asyncio.all_tasks()) == 1
