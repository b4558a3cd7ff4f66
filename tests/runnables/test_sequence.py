"""One step after another: what each gives the next one gets, whole or in pieces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from chatplug.runnables import (
    Runnable,
    RunnableConfig,
    RunnableGenerator,
    RunnableLambda,
    RunnableSequence,
    coerce_to_runnable,
)
from tests.language_models.models import Pieces, Whole
from tests.runnables.chains import WAYS, Ends, call, every_way


class Double(Runnable[int, int]):
    def invoke(self, input: int, config: RunnableConfig | None = None, **kwargs: Any) -> int:
        return input * 2 + int(kwargs.get("plus", 0))


def words(pieces: Iterator[str]) -> Iterator[str]:
    for piece in pieces:
        yield from piece


async def awords(pieces: AsyncIterator[str]) -> AsyncIterator[str]:
    async for piece in pieces:
        for letter in piece:
            yield letter


def upper(pieces: Iterator[str]) -> Iterator[str]:
    for piece in pieces:
        yield piece.upper()


def test_each_step_gets_what_the_one_before_gave() -> None:
    chain = Double() | (lambda number: number + 1) | Double() | str

    assert every_way(chain, 1) == ["6", ["6"], "6", ["6"]]


def test_keyword_arguments_go_to_the_first_step() -> None:
    chain = Double() | Double()

    assert chain.invoke(1, plus=1) == 6
    assert list(chain.stream(1, plus=1)) == [6]
    assert asyncio.run(chain.ainvoke(1, plus=1)) == 6


def test_a_stream_goes_through_every_step_that_passes_it_on() -> None:
    chain = RunnableLambda(str) | words | upper

    assert every_way(chain, "abc") == ["ABC", ["A", "B", "C"], "ABC", ["A", "B", "C"]]


def test_pieces_come_as_they_are_made() -> None:
    made: list[str] = []

    def slowly(pieces: Iterator[str]) -> Iterator[str]:
        for piece in pieces:
            for letter in piece:
                made.append(letter)
                yield letter

    stream = (RunnableGenerator(slowly) | upper).stream("abc")

    assert next(stream) == "A"
    assert made == ["a"]


def test_a_step_that_cannot_pass_a_stream_on_waits_for_the_whole() -> None:
    chain = RunnableGenerator(words) | (lambda text: text + "!") | upper

    assert every_way(chain, "abc") == ["ABC!", ["ABC!"], "ABC!", ["ABC!"]]


def test_a_model_streams_through_a_generator() -> None:
    def texts(chunks: Iterator[Any]) -> Iterator[str]:
        for chunk in chunks:
            yield chunk.text.upper()

    chain = Pieces() | texts

    assert "".join(chain.stream("cat")) == chain.invoke("cat") == "CAT"
    assert len([piece for piece in chain.stream("cat") if piece]) == 3


def test_sequences_without_names_are_one_sequence() -> None:
    one, two = Double() | Double(), (Double() | Double()).with_config(run_name="kept")
    three = RunnableSequence(Double(), Double(), name="named")

    assert len((one | one).steps) == 4
    assert len((one | two).steps) == 3
    assert len((three | one).steps) == 3
    assert (three | one).invoke(1) == 16
    assert isinstance(one.first, Double)
    assert (one.middle, (one | one).middle) == ([], [one.steps[1], one.steps[0]])
    assert one.last is one.steps[1]


@pytest.mark.parametrize("way", WAYS)
def test_the_runs_of_the_steps_are_parts_of_the_run_of_the_sequence(way: str) -> None:
    heard = Ends()
    chain = RunnableLambda(str, name="first") | Whole(name="second")

    call(chain, way, "a", {"callbacks": [heard], "tags": ["t"], "run_name": "whole"})

    runs = {run.name: run for run in heard.runs}
    assert heard.names[-1] == "whole"
    assert set(runs) == {"first", "second", "whole"}
    assert runs["first"].parent is runs["second"].parent is runs["whole"]
    assert [runs[name].tags for name in ("first", "second", "whole")] == [
        ["t", "seq:step:1"],
        ["t", "seq:step:2"],
        ["t"],
    ]
    assert [run.status for run in heard.runs] == ["ok"] * 3


def fail(value: object) -> str:
    raise LookupError(f"no {value}")


@pytest.mark.parametrize("way", WAYS)
def test_a_failure_says_in_which_step_it_happened(way: str) -> None:
    chain = RunnableLambda(str) | RunnableLambda(fail) | upper
    heard = Ends()

    with pytest.raises(LookupError) as caught:
        call(chain, way, "a", {"callbacks": [heard]})

    assert caught.value.__notes__ == ["chatplug: in step 2 of 3, fail"]
    assert {run.name: run.status for run in heard.runs}["RunnableSequence"] == "error"


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_leaving_a_stream_closes_every_step(way: str) -> None:
    closed: list[str] = []
    heard = Ends()

    def endless(pieces: Iterator[str], name: str) -> Iterator[str]:
        try:
            while True:
                yield next(pieces, "x")
        finally:
            closed.append(name)

    async def aendless(pieces: AsyncIterator[str], name: str) -> AsyncIterator[str]:
        try:
            while True:
                yield await anext(pieces, "x")
        finally:
            closed.append(name)

    def first(pieces: Iterator[str]) -> Iterator[str]:
        yield from endless(pieces, "first")

    def second(pieces: Iterator[str]) -> Iterator[str]:
        yield from endless(pieces, "second")

    async def afirst(pieces: AsyncIterator[str]) -> AsyncIterator[str]:
        async for piece in aendless(pieces, "first"):
            yield piece

    async def asecond(pieces: AsyncIterator[str]) -> AsyncIterator[str]:
        async for piece in aendless(pieces, "second"):
            yield piece

    async def leave() -> None:
        stream = (RunnableGenerator(afirst, name="first") | asecond).astream("a", {"callbacks": [heard]})
        await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]  # a generator

    if way == "stream":
        stream = (RunnableGenerator(first) | second).stream("a", {"callbacks": [heard]})
        next(stream)
        stream.close()  # type: ignore[attr-defined]  # a generator
    else:
        asyncio.run(leave())

    assert sorted(closed) == ["first", "second"]
    assert {run.status for run in heard.runs} == {"abandoned"}
    assert len(heard.runs) == 3


@pytest.mark.parametrize("thing", [3, None, [str], "text"])
def test_what_is_no_step_is_refused_when_the_sequence_is_made(thing: Any) -> None:
    with pytest.raises(TypeError, match=r"^Step 2 of 2: \w+ is no step\. A step is a Runnable, a function"):
        RunnableSequence(Double(), thing)

    with pytest.raises(TypeError, match="is no step"):
        coerce_to_runnable(thing)


def test_a_sequence_of_one_is_none() -> None:
    with pytest.raises(ValueError, match="two steps or more"):
        RunnableSequence(Double())


def test_dicts_and_functions_may_stand_on_the_left() -> None:
    def add(both: dict[str, int]) -> int:
        return both["a"] + both["b"]

    chain = {"a": Double(), "b": Double()} | RunnableLambda(add)

    assert every_way(chain, 2) == [8, [8], 8, [8]]
    assert (add | Double()).invoke({"a": 1, "b": 2}) == 6
    assert Double().pipe(str, len, name="piped").get_name() == "piped"
