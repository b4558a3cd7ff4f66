"""How batches end early: failed, cancelled, left; no call that nobody will read goes on."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from types import FrameType
from typing import Any

import pytest

from chatplug.runnables import RunnableConfig, RunnableLambda
from chatplug.runnables.batch import threads
from tests.runnables.batches import collect, double
from tests.runnables.chains import Ends


def test_the_first_failure_begins_no_more_calls() -> None:
    begun: list[int] = []

    def fail(number: int) -> int:
        begun.append(number)
        raise LookupError(number)

    for at_once in (1, 3):
        begun.clear()
        with pytest.raises(LookupError):
            RunnableLambda(fail).batch(range(1000), {"max_concurrency": at_once})
        assert len(begun) <= at_once * 2

        begun.clear()
        with pytest.raises(LookupError):
            list(RunnableLambda(fail).batch_as_completed(range(1000), {"max_concurrency": at_once}))
        assert len(begun) <= at_once * 2


def test_when_a_failed_batch_raises_no_call_is_under_way() -> None:
    now: list[int] = []
    is_there = threading.Event()

    def work(number: int) -> int:
        now.append(number)
        if number == 0:
            is_there.wait(20)
            raise LookupError
        is_there.set()
        for _ in range(1000):
            time.monotonic()
        now.remove(number)
        return number

    with pytest.raises(LookupError):
        RunnableLambda(work).batch(range(4), {"max_concurrency": 4})

    assert now == [0]


async def test_the_first_failure_cancels_the_calls_that_are_under_way() -> None:
    ended: list[str] = []

    async def work(number: int) -> int:
        if number == 2:
            raise LookupError
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return number

    with pytest.raises(LookupError):
        await RunnableLambda(work).abatch(range(10), {"max_concurrency": 3})

    assert ended == ["cancelled"] * 2
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("way", ["abatch", "abatch_as_completed"])
async def test_cancelling_a_batch_cancels_its_calls_and_leaves_no_task(way: str) -> None:
    heard, under_way = Ends(), asyncio.Event()

    async def work(number: int) -> int:
        under_way.set()
        await asyncio.Event().wait()
        return number

    runnable = RunnableLambda(work)
    config: RunnableConfig = {"callbacks": [heard]}
    pending = runnable.abatch(range(5), config) if way == "abatch" else collect(runnable, list(range(5)), config)
    task = asyncio.create_task(pending)
    await under_way.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert [run.status for run in heard.runs] == ["cancelled"] * 5
    assert len(asyncio.all_tasks()) == 1


async def test_leaving_a_batch_early_cancels_the_rest() -> None:
    ended: list[int] = []

    async def work(number: int) -> int:
        if number:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(number)
        return number

    stream = RunnableLambda(work).abatch_as_completed(range(4))
    first = await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]  # a generator

    assert first == (0, 0)
    assert sorted(ended) == [1, 2, 3]
    assert len(asyncio.all_tasks()) == 1


def test_leaving_a_synchronous_batch_early_begins_no_more_calls() -> None:
    begun, release, ended = list[int](), threading.Event(), threading.Event()

    def work(number: int) -> int:
        begun.append(number)
        if number:
            release.wait(20)
            ended.set()
        return number

    stream = RunnableLambda(work).batch_as_completed(range(1000), {"max_concurrency": 1})
    first = next(stream)
    stream.close()  # type: ignore[attr-defined]  # a generator
    release.set()
    if len(begun) > 1:
        ended.wait(20)

    assert first == (0, 0)
    assert len(begun) <= 2


def test_ctrl_c_leaves_at_once_and_the_threads_find_nothing_more_to_do(request: pytest.FixtureRequest) -> None:
    # A shell that runs the tests in the background has them ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    release, begun = threading.Event(), list[int]()
    main = threading.main_thread()

    def work(number: int) -> int:
        begun.append(number)
        if threading.current_thread() is main:
            signal.raise_signal(signal.SIGINT)
        release.wait(20)
        return number

    with pytest.raises(KeyboardInterrupt):
        RunnableLambda(work).batch(range(100), {"max_concurrency": 4})
    count = len(begun)
    release.set()

    assert count <= 4
    assert RunnableLambda(double).batch(range(10)) == [number * 2 for number in range(10)]
    assert len(begun) <= 4


def test_of_two_failures_at_once_neither_is_taken_for_an_output(request: pytest.FixtureRequest) -> None:
    both_fail, second_is_told = threading.Barrier(2, timeout=20), threading.Event()

    def let_the_second_go_first(frame: FrameType, event: str, called: Any) -> None:
        if frame.f_code.co_name == "_make" and getattr(called, "__name__", "") == "put":
            is_first = frame.f_locals["self"].failure is frame.f_locals["outcome"]
            if event == "c_return" and not is_first:
                second_is_told.set()
            elif event == "c_call" and is_first:
                second_is_told.wait(20)

    def fail(number: int) -> int:
        both_fail.wait()
        raise ValueError(number)

    threads.forget()
    threading.setprofile(let_the_second_go_first)
    request.addfinalizer(lambda: threading.setprofile(None))
    got: list[Any] = []
    with pytest.raises(ValueError, match=r"[01]"):
        got.extend(RunnableLambda(fail).batch_as_completed([0, 1]))

    assert got == []
    assert second_is_told.is_set()
