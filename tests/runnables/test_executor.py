"""Synchronous code from asynchronous code."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest

from chatplug.runnables.executor import aiter_in_executor, run_in_executor

where: ContextVar[str] = ContextVar("where", default="nowhere")


def bounded(work: Any) -> Any:
    """Run this, or fail after ten seconds."""
    return asyncio.run(asyncio.wait_for(work, 10))


async def read(make: Any, at_most: int | None = None) -> list[Any]:
    found: list[Any] = []
    stream = aiter_in_executor(make)
    async for item in stream:
        found.append(item)
        if len(found) == at_most:
            await stream.aclose()  # type: ignore[attr-defined]  # a generator
    return found


def test_a_function_runs_in_another_thread_with_its_arguments_and_the_context() -> None:
    def function(a: int, *, b: int) -> tuple[int, str, bool]:
        return a + b, where.get(), threading.current_thread() is threading.main_thread()

    async def call() -> Any:
        where.set("here")
        return await run_in_executor(None, function, 1, b=2)

    assert bounded(call()) == (3, "here", False)


def test_what_a_function_raises_reaches_the_caller() -> None:
    def fail() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        bounded(run_in_executor(None, fail))


def test_stop_iteration_becomes_an_error_that_a_future_can_hold() -> None:
    def stop() -> Any:
        raise StopIteration("mine")

    with pytest.raises(RuntimeError, match="StopIteration") as caught:
        bounded(run_in_executor(None, stop))
    assert isinstance(caught.value.__cause__, StopIteration)
    with pytest.raises(RuntimeError, match="StopIteration"):
        bounded(read(stop))


def test_the_items_of_an_iterator_come_in_order_and_none_is_an_item() -> None:
    assert bounded(read(lambda: iter([1, None, 2]))) == [1, None, 2]
    assert bounded(read(list)) == []


def test_all_steps_of_an_iterator_share_one_context_of_their_own() -> None:
    def steps() -> Iterator[str]:
        for step in "ab":
            yield where.get()
            where.set(step)

    async def call() -> tuple[list[str], str]:
        where.set("here")
        return await read(steps), where.get()

    assert bounded(call()) == (["here", "a"], "here")


def test_an_iterator_that_is_left_early_is_closed_before_the_reader_goes_on() -> None:
    closed: list[str] = []

    def steps() -> Iterator[int]:
        try:
            yield 1
            yield 2
        finally:
            closed.append(threading.current_thread().name)

    async def call() -> list[int]:
        found = await read(steps, at_most=1)
        assert closed
        return found

    assert bounded(call()) == [1]
    assert closed != [threading.main_thread().name]


def test_what_an_iterator_raises_reaches_the_reader_after_its_items() -> None:
    def steps() -> Iterator[int]:
        yield 1
        raise KeyError("mine")

    async def call() -> None:
        stream = aiter_in_executor(steps)
        assert await anext(stream) == 1
        with pytest.raises(KeyError, match="mine"):
            await anext(stream)

    bounded(call())


@pytest.mark.parametrize("end", ["item", "error"])
def test_an_iterator_that_is_cancelled_in_a_step_is_closed_by_the_thread(end: str) -> None:
    began, go_on, closed = threading.Event(), threading.Event(), threading.Event()
    complaints: list[Any] = []

    def steps() -> Iterator[int]:
        try:
            began.set()
            assert go_on.wait(10)
            if end == "error":
                raise KeyError("nobody hears this")
            yield 1
        finally:
            closed.set()

    async def call() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
        task = asyncio.create_task(read(steps))
        assert await asyncio.to_thread(began.wait, 10)
        task.cancel()
        await asyncio.wait([task], timeout=10)
        assert task.cancelled()
        go_on.set()

    asyncio.run(call())

    assert closed.wait(10)
    assert complaints == []
