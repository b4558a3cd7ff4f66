"""Threads that are started in a block and what pools are given there are heard by it; nothing else of them changes."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial, wraps
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chatplug.callbacks import UsageMetadataCallbackHandler, flush, get_usage_metadata_callback
from chatplug.callbacks.ambient import around
from tests.callbacks.test_usage import Counts

SECONDS = 30
OTHER: contextvars.ContextVar[str] = contextvars.ContextVar("other", default="nothing")


def ask() -> None:
    Counts(model_name="it").invoke("x")


def calls(counted: UsageMetadataCallbackHandler) -> int:
    return counted.usage_metadata["it"]["total_tokens"] // 18 if counted.usage_metadata else 0


def in_thread(work: Callable[[], object], kind: type[threading.Thread] = threading.Thread) -> threading.Thread:
    thread = kind(target=work)
    thread.start()
    thread.join(SECONDS)
    return thread


@pytest.fixture
def thread_as_python_has_it() -> Iterator[None]:
    """What a test does to `Thread` and to pools ends with it."""
    start, submit = threading.Thread.start, ThreadPoolExecutor.submit
    yield
    threading.Thread.start, ThreadPoolExecutor.submit = start, submit  # type: ignore[method-assign]  # as they were


def test_a_thread_that_outlives_its_block_counts_as_a_task_does() -> None:
    gate = threading.Event()

    def later() -> None:
        assert gate.wait(SECONDS)
        ask()

    with get_usage_metadata_callback() as counted:
        thread = threading.Thread(target=later)
        thread.start()
    gate.set()
    thread.join(SECONDS)

    assert calls(counted) == 1


def test_what_a_pool_is_given_in_a_block_counts_and_what_it_is_given_later_does_not() -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(ask).result()
        with get_usage_metadata_callback() as first:
            pool.submit(ask).result()
        pool.submit(ask).result()
        with get_usage_metadata_callback() as second:
            list(pool.map(Counts(model_name="it").invoke, "xy"))

    assert (calls(first), calls(second)) == (1, 2)


def test_a_pool_whose_thread_was_started_in_a_block_counts_there_alone() -> None:
    with get_usage_metadata_callback() as first:
        pool = ThreadPoolExecutor(1)
        pool.submit(ask).result()
    with get_usage_metadata_callback() as second:
        pool.submit(ask).result()
    pool.submit(ask).result()
    pool.shutdown()

    assert (calls(first), calls(second)) == (1, 1)


def test_a_thread_that_was_there_before_counts_nothing_of_what_it_takes_from_a_queue() -> None:
    works: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
    done = threading.Semaphore(0)

    def serve() -> None:
        while (work := works.get()) is not None:
            work()
            done.release()

    thread = threading.Thread(target=serve)
    thread.start()
    with get_usage_metadata_callback() as counted:
        works.put(ask)
        works.put(partial(contextvars.copy_context().run, ask))
        assert all(done.acquire(timeout=SECONDS) for _ in range(2))
    works.put(None)
    thread.join(SECONDS)

    assert calls(counted) == 1


def test_blocks_in_a_thread_are_its_own() -> None:
    found: list[int] = []

    def elsewhere() -> None:
        with get_usage_metadata_callback() as own:
            in_thread(ask)
            ask()
        found.append(calls(own))

    with get_usage_metadata_callback() as outer:
        with get_usage_metadata_callback() as inner:
            in_thread(elsewhere)
        in_thread(ask)

    assert (found, calls(inner), calls(outer)) == ([2], 2, 3)


def test_what_a_worker_of_the_host_calls_later_does_not_count_in_the_block_that_started_it() -> None:
    from chatplug.callbacks import BaseCallbackHandler

    class Asks(BaseCallbackHandler):
        def on_run_end(self, run: Any) -> None:
            ask()

    model = Counts(model_name="it")
    with get_usage_metadata_callback() as counted:
        model.invoke("x", {"callbacks": [BaseCallbackHandler()]})
    model.invoke("x", {"callbacks": [Asks()]})

    assert flush(SECONDS)
    assert calls(counted) == 1


async def test_what_an_event_loop_gives_its_own_pool_counts() -> None:
    loop = asyncio.get_running_loop()

    with get_usage_metadata_callback() as counted:
        await asyncio.gather(asyncio.to_thread(ask), loop.run_in_executor(None, ask))
    await loop.run_in_executor(None, ask)

    assert calls(counted) == 2


def test_only_the_handlers_go_along_and_nothing_of_them_comes_back() -> None:
    seen: list[Any] = []
    OTHER.set("something")

    with get_usage_metadata_callback() as counted:
        thread = in_thread(lambda: seen.append((OTHER.get(), len(around.get()))))
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: seen.append((OTHER.get(), len(around.get())))).result()
            seen.append(around.get() == (counted,))

    assert seen == [("nothing", 1), ("nothing", 1), True]
    assert "run" not in vars(thread)
    assert around.get() == ()


class OwnStart(threading.Thread):
    def start(self) -> None:
        super().start()


class OwnRun(threading.Thread):
    def run(self) -> None:
        super().run()


class OwnRunOfEach(threading.Thread):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run = lambda: super(OwnRunOfEach, self).run()  # type: ignore[method-assign]  # the point


def test_threads_that_are_made_in_other_ways_count() -> None:
    def timer(target: Callable[[], None]) -> threading.Thread:
        return threading.Timer(0, target)

    kinds: list[Any] = [OwnStart, OwnRun, OwnRunOfEach, timer]

    with get_usage_metadata_callback() as counted:
        threads = [in_thread(ask, kind) for kind in kinds]

    assert calls(counted) == len(kinds)
    assert [name for thread in threads for name in vars(thread) if name == "run"] == ["run"]  # of the one that had it


def test_a_thread_that_cannot_be_started_is_left_as_it_was() -> None:
    thread = in_thread(ask)

    with get_usage_metadata_callback() as counted, pytest.raises(RuntimeError):
        thread.start()

    assert "run" not in vars(thread)
    assert calls(counted) == 0


def test_a_thread_that_is_given_a_context_has_what_that_says() -> None:
    thread = threading.Thread(target=ask)
    thread._context = contextvars.Context()  # type: ignore[attr-defined]  # as Python 3.14 has it

    with get_usage_metadata_callback() as counted:
        thread.start()
        thread.join(SECONDS)

    assert calls(counted) == 0


def test_a_pool_of_interpreters_is_given_what_it_can_pickle(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []

    class Elsewhere(ThreadPoolExecutor):
        pass

    module: Any = SimpleNamespace(InterpreterPoolExecutor=Elsewhere)
    monkeypatch.setitem(sys.modules, "concurrent.futures.interpreter", module)

    with get_usage_metadata_callback() as counted, Elsewhere(1, initializer=given.append, initargs=(1,)) as pool:
        pool.submit(ask).result()

    assert calls(counted) == 0


def test_an_error_in_what_a_pool_is_given_comes_back_and_a_closed_pool_says_so() -> None:
    with get_usage_metadata_callback(), ThreadPoolExecutor(1) as pool:
        failed = pool.submit(int, "x")
        assert isinstance(failed.exception(SECONDS), ValueError)
        pool.shutdown()
        with pytest.raises(RuntimeError):
            pool.submit(ask)
        assert len(around.get()) == 1


@pytest.mark.usefixtures("thread_as_python_has_it")
def test_those_who_wrap_the_start_of_threads_before_and_after_are_wrapped_once_and_stay() -> None:
    heard: list[str] = []
    begun = threading.Thread.start

    def wrapping(name: str, start: Any, *, says: bool) -> Any:
        def started(self: threading.Thread) -> None:
            heard.append(name)
            start(self)

        return wraps(start)(started) if says else started

    for name, says in (("tracer", True), ("rude tracer", False)):
        threading.Thread.start = wrapping(name, threading.Thread.start, says=says)  # type: ignore[method-assign]  # so they do
        for _ in range(3):
            with get_usage_metadata_callback() as counted:
                in_thread(ask)
            assert calls(counted) == 1
    depth, start = 0, cast("Any", threading.Thread.start)
    while (start := getattr(start, "__wrapped__", None)) is not None:
        depth += 1
    threading.Thread.start = begun  # type: ignore[method-assign]  # one of them puts back what it found
    with get_usage_metadata_callback() as last:
        in_thread(ask)

    assert heard == ["tracer"] * 3 + ["rude tracer", "tracer"] * 3
    assert depth <= 3
    assert calls(last) == 1


@pytest.mark.usefixtures("thread_as_python_has_it")
def test_those_who_wrap_what_a_thread_runs_find_a_method() -> None:
    heard: list[threading.Thread] = []
    start = threading.Thread.start

    def started(self: threading.Thread) -> None:
        run = self.run.__func__  # type: ignore[attr-defined]  # a method has it; error trackers call that

        def run_and_tell() -> None:
            heard.append(self)
            run(self)

        self.run = run_and_tell  # type: ignore[method-assign]  # so they do
        start(self)

    threading.Thread.start = started  # type: ignore[method-assign]  # before the first block, and within
    for _ in range(2):
        with get_usage_metadata_callback() as counted:
            thread = in_thread(ask)
        assert calls(counted) == 1
        assert heard.pop() is thread


@pytest.mark.usefixtures("thread_as_python_has_it")
def test_many_threads_that_open_their_first_block_at_once_count_right() -> None:
    gate = threading.Barrier(16)
    found: list[int] = []

    def count() -> None:
        gate.wait(SECONDS)
        with get_usage_metadata_callback() as counted:
            in_thread(ask)
            ask()
        found.append(calls(counted))

    threads = [threading.Thread(target=count) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)

    assert found == [2] * 16
