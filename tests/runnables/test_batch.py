"""Several calls at once: in order, so many at a time, and none that nobody will read."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from contextvars import ContextVar
from types import FrameType
from typing import Any
from uuid import UUID

import pytest

import chatplug
from chatplug.errors import ConfigError
from chatplug.runnables import ConfigurableField, Runnable, RunnableConfig, RunnableLambda
from chatplug.runnables.batch import Threads, threads
from tests.language_models.models import WholeNative
from tests.runnables.chains import Ends

WHERE: ContextVar[str] = ContextVar("where", default="nowhere")


def double(number: int) -> int:
    return number * 2


async def adouble(number: int) -> int:
    await asyncio.sleep(0)
    return number * 2


DOUBLE = RunnableLambda(double, adouble)


async def collect(runnable: Runnable[Any, Any], inputs: list[Any], config: Any = None, **kwargs: Any) -> list[Any]:
    return [pair async for pair in runnable.abatch_as_completed(inputs, config, **kwargs)]


def test_outputs_have_the_order_of_the_inputs() -> None:
    numbers = list(range(200))
    expected = [number * 2 for number in numbers]

    assert DOUBLE.batch(numbers) == expected
    assert asyncio.run(DOUBLE.abatch(numbers)) == expected
    assert sorted(DOUBLE.batch_as_completed(numbers)) == list(enumerate(expected))
    assert sorted(asyncio.run(collect(DOUBLE, numbers))) == list(enumerate(expected))


def test_a_batch_of_nothing_is_nothing() -> None:
    assert DOUBLE.batch([]) == asyncio.run(DOUBLE.abatch([])) == []
    assert list(DOUBLE.batch_as_completed([])) == []
    assert asyncio.run(collect(DOUBLE, [])) == []


def test_inputs_may_come_from_anything_that_can_be_iterated() -> None:
    assert DOUBLE.batch(number for number in range(3)) == [0, 2, 4]
    assert DOUBLE.batch((1, 2)) == [2, 4]


@pytest.mark.parametrize("inputs", ["text", b"bytes", {"a": 1}])
def test_one_text_is_no_list_of_inputs(inputs: Any) -> None:
    with pytest.raises(TypeError, match="A batch takes a list of inputs, not one"):
        DOUBLE.batch(inputs)


class Counting:
    """How many calls are under way at once; each waits until `at_once` are there, and a little for one too many."""

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        self.now = self.most = 0
        self._changed = threading.Condition()
        self._achanged = asyncio.Condition()

    def __call__(self, number: int) -> int:
        with self._changed:
            self._enter()
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most >= self.at_once, timeout=20)
            self._changed.wait_for(lambda: self.most > self.at_once, timeout=0.02)
        with self._changed:
            self.now -= 1
        return number

    async def acall(self, number: int) -> int:
        async with self._achanged:
            self._enter()
            self._achanged.notify_all()
            await self._achanged.wait_for(lambda: self.most >= self.at_once)
        for _ in range(50):
            await asyncio.sleep(0)
        self.now -= 1
        return number

    def _enter(self) -> None:
        self.now += 1
        self.most = max(self.most, self.now)


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


def test_calls_see_the_context_of_who_asks_and_not_each_others() -> None:
    seen: list[str] = []

    def look(number: int) -> int:
        seen.append(WHERE.get())
        WHERE.set(f"call {number}")
        return number

    async def alook(number: int) -> int:
        return look(number)

    WHERE.set("here")
    RunnableLambda(look).batch(range(50))
    list(RunnableLambda(look).batch_as_completed(range(50)))
    asyncio.run(RunnableLambda(alook).abatch(range(50), {"max_concurrency": 2}))

    assert set(seen) == {"here"}
    assert WHERE.get() == "here"


def test_exceptions_take_the_place_of_outputs_where_that_is_asked_for() -> None:
    def fail(number: int) -> int:
        if number % 2:
            raise LookupError(number)
        return number

    runnable = RunnableLambda(fail)
    for outputs in (
        runnable.batch(range(4), return_exceptions=True),
        asyncio.run(runnable.abatch(range(4), return_exceptions=True)),
        [output for _, output in sorted(runnable.batch_as_completed(range(4), return_exceptions=True), key=str)],
    ):
        assert [str(output) for output in outputs] == ["0", "1", "2", "3"]
        assert [type(output) for output in outputs] == [int, LookupError] * 2


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


def test_each_input_may_have_a_config_of_its_own() -> None:
    heard = Ends()
    configs: list[RunnableConfig] = [{"tags": ["a"], "callbacks": [heard]}, {"tags": ["b"], "callbacks": [heard]}]

    RunnableLambda(double).batch([1, 2], configs)

    assert sorted((run.inputs, run.tags) for run in heard.runs) == [(1, ["a"]), (2, ["b"])]


def test_as_many_configs_as_inputs_are_wanted() -> None:
    with pytest.raises(ConfigError, match="A batch of 2 inputs was given 1 configs"):
        DOUBLE.batch([1, 2], [{}])


@pytest.mark.parametrize("as_list", [False, True])
def test_the_id_of_a_run_is_used_once(as_list: bool) -> None:
    heard = Ends()
    config: RunnableConfig = {"run_id": UUID(int=7), "callbacks": [heard]}

    with pytest.warns(RuntimeWarning, match="run_id names one run") as caught:
        DOUBLE.batch([1, 2, 3], [config] * 3 if as_list else config)

    assert [run.inputs for run in heard.runs if run.id == UUID(int=7)] == [1]
    assert len({run.id for run in heard.runs}) == 3
    assert caught[0].filename == __file__


def test_a_batch_of_one_may_have_an_id() -> None:
    heard = Ends()

    DOUBLE.batch([1], {"run_id": UUID(int=7), "callbacks": [heard]})

    assert heard.runs[0].id == UUID(int=7)


def test_an_unknown_key_is_found_before_anything_is_called() -> None:
    wrong: Any = {"tag": ["a"]}

    with pytest.raises(ConfigError, match="tags"):
        WholeNative().batch(["a"], wrong)
    with pytest.raises(ConfigError, match="tags"):
        WholeNative().batch_as_completed(["a"], wrong)


def test_a_model_has_batches() -> None:
    model = WholeNative()

    assert [answer.text for answer in model.batch(["a", "b"])] == ["a", "b"]
    assert sorted((number, answer.text) for number, answer in model.batch_as_completed(["a", "b"])) == [
        (0, "a"),
        (1, "b"),
    ]


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
