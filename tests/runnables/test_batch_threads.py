"""So many calls at a time as the config says, and the threads that they are in."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

import chatplug
from chatplug.runnables import ConfigurableField, Runnable, RunnableConfig, RunnableLambda
from chatplug.runnables.batch import Threads, threads
from tests.runnables.batches import DOUBLE, Counting, collect


def bound_again(bound: Runnable[int, int]) -> Runnable[int, int]:
    return bound.bind()


def fields_of_bound(bound: Runnable[int, int]) -> Runnable[int, int]:
    return bound.configurable_fields(kwargs=ConfigurableField("x"))


def bound_tried_again(bound: Runnable[int, int]) -> Runnable[int, int]:
    return bound.with_retry()


def bound_with_another(bound: Runnable[int, int]) -> Runnable[int, int]:
    return bound.with_fallbacks([DOUBLE])


def bound_as_a_step(bound: Runnable[int, int]) -> Runnable[int, int]:
    return DOUBLE | bound.with_retry() | DOUBLE


def alternatives_of_bound(bound: Runnable[int, int]) -> Runnable[int, int]:
    return bound.configurable_alternatives(ConfigurableField("x"), y=bound)


@pytest.mark.parametrize("at_once", [1, 2, 5])
@pytest.mark.parametrize("way", ["batch", "batch_as_completed", "abatch", "abatch_as_completed"])
@pytest.mark.parametrize(
    "around",
    [
        None,
        bound_again,
        fields_of_bound,
        alternatives_of_bound,
        bound_tried_again,
        bound_with_another,
        bound_as_a_step,
    ],
)
def test_so_many_calls_are_under_way_as_the_config_says(way: str, at_once: int, around: Any) -> None:
    counting, inputs = Counting(at_once), list(range(12))
    runnable: Runnable[int, int] = RunnableLambda[int, int](counting, counting.acall)
    config: RunnableConfig | None = {"max_concurrency": at_once}
    if around is not None:
        runnable, config = around(runnable.with_config(config)), None

    outputs: list[Any] = []
    if way == "batch":
        outputs = runnable.batch(inputs, config)
    elif way == "batch_as_completed":
        outputs = list(runnable.batch_as_completed(inputs, config))
    elif way == "abatch":
        outputs = asyncio.run(runnable.abatch(inputs, config))
    else:
        outputs = asyncio.run(collect(runnable, inputs, config))

    assert len(outputs) == 12
    assert counting.most == at_once


def test_a_batch_in_a_batch_does_not_wait_for_itself() -> None:
    def inner(number: int) -> int:
        return sum(DOUBLE.batch([number] * 40)) + sum(output for _, output in DOUBLE.batch_as_completed([number] * 40))

    outputs = RunnableLambda(inner).batch(range(40))

    assert outputs == [number * 160 for number in range(40)]


def test_threads_are_used_again() -> None:
    crew, names, done = Threads(), set[str](), threading.Semaphore(0)

    def work() -> None:
        names.add(threading.current_thread().name + str(threading.get_ident()))
        done.release()

    for _ in range(20):
        crew.run(work)
        done.acquire(timeout=20)
        for _ in range(100_000):  # until the thread waits again
            if crew.waiting:
                break
            time.sleep(0)  # lets the other thread go on

    assert len(names) == 1


def test_threads_that_nobody_needs_leave() -> None:
    crew, thread = Threads(kept=0.0), list[threading.Thread]()

    crew.run(lambda: thread.append(threading.current_thread()))
    for _ in range(100_000):
        if thread:
            break
        time.sleep(0)  # lets the other thread go on
    thread[0].join(20)

    assert not thread[0].is_alive()
    assert crew.waiting == 0


def test_a_child_process_does_not_wait_for_its_parents_threads() -> None:
    DOUBLE.batch(range(10))

    threads.forget()

    assert DOUBLE.batch(range(10)) == [number * 2 for number in range(10)]


def test_threads_that_were_forgotten_leave_without_being_counted_among_the_new_ones() -> None:
    crew, old, done = Threads(kept=0.05), list[threading.Thread](), threading.Semaphore(0)
    crew.run(lambda: old.append(threading.current_thread()))
    for _ in range(100_000):
        if crew.waiting:
            break
        time.sleep(0)  # lets the other thread go on

    crew.forget()
    old[0].join(20)
    crew.run(done.release)

    assert not old[0].is_alive()
    assert done.acquire(timeout=20)


def test_a_model_that_each_call_chooses_has_as_many_under_way_as_its_config_says() -> None:
    counting = Counting(2)
    model = chatplug.init(configurable_fields="any").with_config(max_concurrency=2)

    told = model.with_listeners(on_end=lambda run: counting(0))
    told.batch(["a"] * 8, {"configurable": {"model": "echo:n1"}})

    assert counting.most == 2


@pytest.mark.parametrize("way", ["batch", "batch_as_completed"])
@pytest.mark.parametrize("there_may_be", [0, 2])
def test_a_batch_goes_on_where_no_thread_can_be_started_any_more(
    way: str, there_may_be: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, started = threading.Thread.start, list[threading.Thread]()

    def start_a_few(thread: threading.Thread) -> None:
        if len(started) == there_may_be:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    threads.forget()
    monkeypatch.setattr(threading.Thread, "start", start_a_few)

    outputs = DOUBLE.batch(range(50)) if way == "batch" else sorted(DOUBLE.batch_as_completed(range(50)))

    expected = [number * 2 for number in range(50)]
    assert outputs == (expected if way == "batch" else list(enumerate(expected)))


@pytest.mark.parametrize("at_once", [2, 8])
@pytest.mark.parametrize("is_as_completed", [False, True])
def test_calls_that_wait_behind_many_quick_ones_are_still_under_way_at_once(
    at_once: int, is_as_completed: bool
) -> None:
    gate = threading.Barrier(at_once, timeout=30)

    def quick_or_together(number: int) -> int:
        if number >= 2000:
            gate.wait()
        return number

    config: RunnableConfig = {"max_concurrency": at_once}
    runnable, numbers = RunnableLambda(quick_or_together), range(2000 + at_once)

    if is_as_completed:
        outcomes = sorted(number for number, _ in runnable.batch_as_completed(numbers, config))
    else:
        outcomes = runnable.batch(numbers, config)

    assert outcomes == list(numbers)
