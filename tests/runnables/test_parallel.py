"""Dicts of Runnables, and what passes through them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from chatplug.runnables import (
    AddableDict,
    Runnable,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
    RunnablePick,
)
from tests.runnables.chains import WAYS, Ends, call, every_way, letters


def test_steps_of_a_dict_get_the_same_input_at_once() -> None:
    gate = threading.Barrier(3)

    def meets(text: str) -> str:
        gate.wait(20)
        return text

    both: Runnable[Any, Any] = RunnableParallel(a=meets, b=meets, c=meets)

    assert both.invoke("x") == {"a": "x", "b": "x", "c": "x"}
    assert list(both.invoke("x")) == ["a", "b", "c"]
    assert asyncio.run(both.ainvoke("x")) == {"a": "x", "b": "x", "c": "x"}


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_the_pieces_of_a_dict_come_under_their_keys_and_add_up(way: str) -> None:
    pieces: list[Any] = call(RunnableParallel(a=letters, b=len), way, "abc")

    assert [piece for piece in pieces if "a" in piece] == [{"a": "a"}, {"a": "b"}, {"a": "c"}]
    assert sum(pieces[1:], pieces[0]) == {"a": "abc", "b": 3}


def test_dicts_that_add_up_add_up_by_key() -> None:
    first, second = AddableDict(a="x", b=None), AddableDict(a="y", b=1, c=[2])

    assert first + second == {"a": "xy", "b": 1, "c": [2]}
    assert {"a": "w"} + first == {"a": "wx", "b": None}


@pytest.mark.parametrize("way", WAYS)
def test_the_failure_of_one_step_ends_the_others(way: str) -> None:
    heard = Ends()

    def fail(text: str) -> str:
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        call(RunnableParallel(a=letters, b=fail), way, "abc", {"callbacks": [heard]})

    assert {run.name for run in heard.runs if run.status == "error"} >= {"fail", "RunnableParallel<a,b>"}
    assert all(run.status is not None for run in heard.runs)


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_leaving_a_dict_closes_its_steps(way: str) -> None:
    closed = threading.Semaphore(0)

    def endless(pieces: Iterator[str]) -> Iterator[str]:
        try:
            while True:
                yield "x"
        finally:
            closed.release()  # asynchronously by the thread that is in it, which nobody waits for

    both: Runnable[Any, Any] = RunnableParallel(a=endless, b=endless)

    async def leave() -> None:
        stream, seen = both.astream("x"), set[str]()
        async for piece in stream:
            seen |= set(piece)
            if len(seen) == 2:
                break
        await stream.aclose()  # type: ignore[attr-defined]  # a generator
        assert len(asyncio.all_tasks()) == 1

    if way == "stream":
        stream, seen = both.stream("x"), set[str]()
        for piece in stream:
            seen |= set(piece)
            if len(seen) == 2:
                break
        stream.close()  # type: ignore[attr-defined]  # a generator
    else:
        asyncio.run(leave())

    assert all(closed.acquire(timeout=20) for _ in range(2))


@pytest.mark.parametrize("way", WAYS)
def test_a_dict_passes_on_with_more_in_it(way: str) -> None:
    more = RunnablePassthrough.assign(b=lambda given: given["a"] + 1, c=lambda given: given["a"] + 2)

    output: Any = call(more, way, {"a": 1})
    pieces: Any = output if way in ("stream", "astream") else [output]

    assert sum(pieces[1:], pieces[0]) == {"a": 1, "b": 2, "c": 3}


def test_a_runnable_is_assigned_and_picked_from() -> None:
    start = RunnableLambda[int, dict[str, Any]](lambda number: {"a": number})

    assert every_way(start.assign(b=lambda given: given["a"] * 2).pick("b"), 2) == [4, [4], 4, [4]]
    assert start.assign(b=lambda given: 1).pick(["a", "b", "x"]).invoke(2) == {"a": 2, "b": 1}
    assert RunnablePick("x").invoke({"a": 1}) is None
    with pytest.raises(TypeError, match="This step wants a dict, not int"):
        RunnablePick("x").invoke(3)


@pytest.mark.parametrize("way", WAYS)
def test_what_passes_through_may_be_looked_at(way: str) -> None:
    seen: list[str] = []

    output = call(RunnableGenerator(letters) | RunnablePassthrough[str](seen.append), way, "abc")

    assert output in ("abc", ["a", "b", "c"])
    assert seen == ["abc"]
