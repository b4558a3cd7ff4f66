"""What a handler may do to a call: nothing where it observes, end it where it is required."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextvars import ContextVar
from typing import Any

import pytest

from chatplug.callbacks import BaseCallbackHandler, aflush, flush, handler_reports
from chatplug.callbacks.listener import listener_of
from chatplug.errors import ConfigError
from chatplug.messages import HumanMessage
from tests.callbacks.recording import Heard
from tests.language_models.models import DRIVERS, Driver, Pieces, PiecesNative, Whole, WholeNative

both = pytest.mark.parametrize("driver", DRIVERS, ids=repr)
START, TOKEN, END, ERROR = "on_chat_model_start", "on_llm_new_token", "on_llm_end", "on_llm_error"
SECONDS = 30
"""What is waited for comes at once; a test that waits so long has failed."""


class Observing(BaseCallbackHandler):
    """Keeps what it hears, in a worker of its own."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.threads: set[int] = set()

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.heard]

    def keep(self, name: str, args: Any, kwargs: Any) -> None:
        self.heard.append((name, args, kwargs))
        self.threads.add(threading.get_ident())

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> Any:
        self.keep(START, args, kwargs)

    def on_llm_new_token(self, *args: Any, **kwargs: Any) -> Any:
        self.keep(TOKEN, args, kwargs)

    def on_llm_end(self, *args: Any, **kwargs: Any) -> Any:
        self.keep(END, args, kwargs)


class ObservingAsync(Observing):
    """The same with asynchronous methods, and one that is not."""

    async def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        await asyncio.sleep(0)
        self.keep(START, args, kwargs)

    async def on_llm_end(self, *args: Any, **kwargs: Any) -> None:
        await asyncio.sleep(0)
        self.keep(END, args, kwargs)


class Held(Observing):
    """Hears nothing before it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def keep(self, name: str, args: Any, kwargs: Any) -> None:
        assert self.gate.wait(SECONDS)
        super().keep(name, args, kwargs)


class Failing(Observing):
    """Fails at every event of one name."""

    def __init__(self, at: str = TOKEN) -> None:
        super().__init__()
        self.at = at

    def keep(self, name: str, args: Any, kwargs: Any) -> None:
        super().keep(name, args, kwargs)
        if name == self.at:
            raise LookupError(f"failed at {name}")


# ---- who observes


@both
@pytest.mark.parametrize("kind", [Observing, ObservingAsync])
@pytest.mark.parametrize("model", [Pieces(), PiecesNative()], ids=lambda model: type(model).__name__)
def test_what_an_observing_handler_keeps_is_there_when_the_call_has_ended(
    model: Pieces, kind: type[Observing], driver: Driver
) -> None:
    handler = kind()

    driver.stream(model, "cat", {"callbacks": [handler]})

    assert handler.names == [START, *[TOKEN] * 4, END]


@both
def test_a_call_does_not_wait_for_a_handler_that_is_stuck_and_what_it_missed_comes_later(driver: Driver) -> None:
    handler = Held()

    driver.stream(PiecesNative(), "cat", {"callbacks": [handler]})
    names_then = handler.names
    handler.gate.set()

    assert names_then == []
    assert flush(SECONDS)
    assert handler.names == [START, *[TOKEN] * 4, END]


@both
def test_once_a_run_has_waited_in_vain_no_run_waits_for_handlers_of_that_class(driver: Driver) -> None:
    class Stuck(Held):
        pass

    first, second = Stuck(), Stuck()
    driver.invoke(WholeNative(), "cat", {"callbacks": [first]})
    was_slow = listener_of(second).kind.is_slow
    first.gate.set()
    second.gate.set()

    assert was_slow
    assert not listener_of(Observing()).kind.is_slow
    assert flush(SECONDS)


@both
def test_a_stuck_handler_holds_up_no_other(driver: Driver) -> None:
    stuck, other = Held(), Observing()

    driver.invoke(WholeNative(), "cat", {"callbacks": [stuck, other]})

    assert other.names == [START, END]
    stuck.gate.set()
    assert flush(SECONDS)


def test_a_flush_says_that_the_time_was_too_short() -> None:
    handler = Held()
    Whole().invoke("cat", {"callbacks": [handler]})

    in_time = [flush(0), asyncio.run(aflush(0))]
    handler.gate.set()

    assert in_time == [False, False]
    assert asyncio.run(aflush(SECONDS))
    assert handler.names == [START, END]


def test_synchronous_methods_are_called_in_another_thread_and_asynchronous_ones_in_the_callers_loop() -> None:
    loops: list[Any] = []

    class Looks(BaseCallbackHandler):
        async def on_llm_end(self, *args: Any, **kwargs: Any) -> None:
            loops.append(asyncio.get_running_loop())

    async def main() -> None:
        await WholeNative().ainvoke("cat", {"callbacks": [handler, Looks()]})
        loops.append(asyncio.get_running_loop())

    handler = Observing()
    asyncio.run(main())

    assert len(loops) == 2
    assert loops[0] is loops[1]
    assert handler.names == [START, END]
    assert threading.get_ident() not in handler.threads


async def test_an_asynchronous_handler_may_use_what_belongs_to_the_callers_loop() -> None:
    class Tokens(BaseCallbackHandler):
        def __init__(self) -> None:
            self.queue: asyncio.Queue[str | None] = asyncio.Queue()

        async def on_llm_new_token(self, token: str, **kwargs: Any) -> None:
            await self.queue.put(token)

        async def on_llm_end(self, *args: Any, **kwargs: Any) -> None:
            await self.queue.put(None)

    async def ask() -> None:
        async for _ in PiecesNative().astream("cat", {"callbacks": [handler]}):
            pass

    handler, tokens = Tokens(), list[str]()
    task = asyncio.create_task(ask())
    while (token := await asyncio.wait_for(handler.queue.get(), SECONDS)) is not None:
        tokens.append(token)
    await task

    assert tokens == ["c", "a", "t", ""]


def test_runs_below_are_heard_in_the_order_of_what_happened_though_some_are_in_threads() -> None:
    class Outer(Whole):
        def _generate(self, *args: Any, **kwargs: Any) -> Any:  # in a worker thread, below an asynchronous call
            return Whole(name="inner").invoke("cat")

    class Names(BaseCallbackHandler):
        def __init__(self) -> None:
            self.names: list[str] = []

        async def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
            self.names.append(f"start {kwargs['name']}")

        async def on_run_end(self, run: Any) -> None:
            self.names.append(f"end {run.name}")

    handler = Names()

    asyncio.run(Outer(name="outer").ainvoke("cat", {"callbacks": [handler]}))

    assert handler.names == ["start outer", "start inner", "end inner", "end outer"]


# ---- how it fares


@both
def test_a_failure_of_a_handler_that_observes_is_logged_once_with_its_name(
    driver: Driver, caplog: pytest.LogCaptureFixture
) -> None:
    handler = Failing()

    with caplog.at_level(logging.WARNING, "chatplug.callbacks"):
        chunks = driver.stream(PiecesNative(), "cat", {"callbacks": [handler]})

    assert "".join(chunk.text for chunk in chunks) == "cat"
    assert handler.names == [START, *[TOKEN] * 4, END]
    assert [record.getMessage() for record in caplog.records] == [
        "Failing.on_llm_new_token failed: LookupError('failed at on_llm_new_token')"
    ]
    assert caplog.records[0].exc_info is not None
    report = listener_of(handler).report()
    assert (report.failed, report.dropped, report.is_aside, report.is_well) == (4, 0, False, False)
    assert report in handler_reports()


@both
@pytest.mark.parametrize("is_inline", [True, False])
def test_a_handler_that_fails_too_often_in_a_row_is_put_aside_and_said_so(
    is_inline: bool, driver: Driver, caplog: pytest.LogCaptureFixture
) -> None:
    handler = Failing()
    handler.run_inline = is_inline

    with caplog.at_level(logging.WARNING, "chatplug.callbacks"):
        for _ in range(5):
            driver.stream(PiecesNative(), "cat", {"callbacks": [handler]})

    report = listener_of(handler).report()
    assert (report.name, report.failed, report.is_aside) == ("Failing", 10, True)
    assert report.dropped > 0
    assert report.last_error == "LookupError('failed at on_llm_new_token')"
    assert handler.names.count(TOKEN) == 10
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]
    assert "Failing is put aside" in caplog.text


@both
def test_a_handler_that_fails_now_and_then_goes_on_hearing(driver: Driver) -> None:
    class Odd(Observing):
        def keep(self, name: str, args: Any, kwargs: Any) -> None:
            super().keep(name, args, kwargs)
            if name == TOKEN and args[0] == "a":
                raise LookupError

    handler = Odd()

    for _ in range(12):
        driver.stream(PiecesNative(), "cat", {"callbacks": [handler]})

    assert handler.names.count(END) == 12
    assert not listener_of(handler).is_aside


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, asyncio.CancelledError, StopIteration])
def test_whatever_an_observing_handler_raises_the_call_and_the_worker_go_on(kind: type[BaseException]) -> None:
    class Raises(Observing):
        def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
            raise kind

    handler = Raises()

    for _ in range(2):
        Whole().invoke("cat", {"callbacks": [handler]})

    assert handler.names == [END, END]
    assert listener_of(handler).failed == 2


def test_events_that_a_handler_cannot_keep_up_with_are_dropped_counted_and_said_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    handler = Held()
    words = "x" * 12_000

    with caplog.at_level(logging.WARNING, "chatplug.callbacks"):
        for _ in Pieces().stream(words, {"callbacks": [handler]}):
            pass
        Whole().invoke("late", {"callbacks": [handler]})  # its start is dropped, and so is all of it
        waiting = len(next(iter(listener_of(handler).queues())).items)
    handler.gate.set()

    assert flush(SECONDS)
    assert 10_000 <= waiting <= 10_001
    assert handler.names.count(START) == handler.names.count(END) == 1
    assert handler.names[-1] == END
    assert len(handler.heard) + listener_of(handler).dropped == 1 + 12_000 + 1 + 1 + 2
    assert [record.getMessage() for record in caplog.records] == ["Held is too slow: events are dropped from now on."]


def test_a_handler_that_is_gone_is_remembered_where_it_failed() -> None:
    class Gone(Failing):
        pass

    handler = Gone(at=START)
    Whole().invoke("cat", {"callbacks": [handler]})
    well = Observing()
    Whole().invoke("cat", {"callbacks": [well]})
    assert flush(SECONDS)
    del handler, well

    reports = [report for report in handler_reports() if report.name == "Gone"]
    assert [report.failed for report in reports] == [1]


# ---- who is required


class Refuses(BaseCallbackHandler):
    """Refuses every call."""

    policy = "required"

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> Any:
        raise PermissionError("not today")


class RefusesAsync(Refuses):
    """The same, after a while."""

    async def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        await asyncio.sleep(0)
        raise PermissionError("not today")


class RefusesInLangChain(BaseCallbackHandler):
    """The same in other words, and it knows models by their old name."""

    raise_error = True

    def on_llm_start(self, *args: Any, **kwargs: Any) -> Any:
        raise PermissionError("not today")


@both
@pytest.mark.parametrize("is_stream", [True, False])
@pytest.mark.parametrize("kind", [Refuses, RefusesAsync, RefusesInLangChain])
def test_a_required_handler_that_fails_ends_the_call_before_the_model_is_asked(
    kind: type[BaseCallbackHandler], is_stream: bool, driver: Driver
) -> None:
    model, other = WholeNative(), Observing()

    with pytest.raises(PermissionError, match="not today"):
        (driver.stream if is_stream else driver.invoke)(model, "cat", {"callbacks": [other, kind()]})

    assert model.heard == []
    assert other.names == [START]


def test_a_policy_that_does_not_exist_is_refused() -> None:
    handler = Refuses()
    handler.policy = "require"  # type: ignore[assignment]  # the point

    with pytest.raises(ConfigError, match=r"policy 'require'.*required"):
        Whole().invoke("cat", {"callbacks": [handler]})


# ---- what every handler may count on


@both
@pytest.mark.parametrize("is_inline", [True, False])
@pytest.mark.parametrize("is_async", [True, False])
def test_what_a_handler_sets_in_a_context_variable_it_finds_again_and_nobody_else(
    is_async: bool, is_inline: bool, driver: Driver
) -> None:
    mine: ContextVar[str] = ContextVar("mine", default="nobody's")
    found: list[str] = []

    class Sets(BaseCallbackHandler):
        run_inline = is_inline

        def on_chat_model_start(self, *args: Any, **kwargs: Any) -> Any:
            self.token = mine.set("the handler's")

        def on_llm_end(self, *args: Any, **kwargs: Any) -> Any:
            found.append(mine.get())
            mine.reset(self.token)

    class SetsLater(Sets):
        async def on_chat_model_start(self, *args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(0)
            super().on_chat_model_start()

        async def on_llm_end(self, *args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(0)
            super().on_llm_end()

    class Looks(WholeNative):
        def _generate(self, *args: Any, **kwargs: Any) -> Any:
            found.append(mine.get())
            return super()._generate(*args, **kwargs)

        async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
            found.append(mine.get())
            return await super()._agenerate(*args, **kwargs)

    mine.set("the caller's")
    driver.invoke(Looks(), "cat", {"callbacks": [SetsLater() if is_async else Sets()]})

    assert found == ["the caller's", "the handler's"]
    assert mine.get() == "the caller's"


@both
def test_starts_are_heard_in_the_order_of_handlers_and_ends_in_the_reverse(driver: Driver) -> None:
    order: list[str] = []

    class Named(BaseCallbackHandler):
        run_inline = True

        def __init__(self, name: str) -> None:
            self.name = name

        def on_chat_model_start(self, *args: Any, **kwargs: Any) -> Any:
            order.append(f"start {self.name}")

        def on_llm_end(self, *args: Any, **kwargs: Any) -> Any:
            order.append(f"end {self.name}")

        def on_run_end(self, run: Any) -> Any:
            order.append(f"run {self.name}")

    driver.invoke(WholeNative(callbacks=[Named("model")]), "cat", {"callbacks": [Named("a"), Named("b")]})

    assert order == ["start a", "start b", "start model", "end model", "end b", "end a", "run model", "run b", "run a"]


@both
@pytest.mark.parametrize("is_inline", [True, False])
def test_a_handler_does_not_hear_what_it_calls_itself_and_others_do(is_inline: bool, driver: Driver) -> None:
    class Asks(BaseCallbackHandler):
        run_inline = is_inline

        def __init__(self) -> None:
            self.ended: list[str] = []

        def on_run_end(self, run: Any) -> Any:
            self.ended.append(run.name)
            Whole(name="inner", callbacks=[self, other]).invoke("cat")

    handler, other = Asks(), Observing()

    driver.invoke(WholeNative(name="outer"), "cat", {"callbacks": [handler]})

    assert flush(SECONDS)
    assert handler.ended == ["outer"]
    assert other.names == [START, END]


@both
def test_a_handler_that_knows_prompts_alone_gets_the_conversation_as_a_text(driver: Driver) -> None:
    heard: list[Any] = []

    class Old(BaseCallbackHandler):
        def on_llm_start(self, serialized: dict[str, Any], prompts: list[str], **kwargs: Any) -> Any:
            heard.append((prompts, kwargs["name"]))

    class New(Old):
        def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> Any:
            heard.append((messages, kwargs["name"]))

    driver.invoke(WholeNative(name="it"), [("system", "Be brief."), ("user", "cat")], {"callbacks": [Old()]})
    driver.invoke(WholeNative(name="it"), "cat", {"callbacks": [New()]})

    assert heard == [(["System: Be brief.\nHuman: cat"], "it"), ([[HumanMessage("cat")]], "it")]


@both
def test_a_handler_that_ignores_models_hears_nothing_of_them(driver: Driver) -> None:
    class Ignores(Observing):
        ignore_llm = True
        ignore_chat_model = True

    handler = Ignores()

    driver.stream(PiecesNative(), "cat", {"callbacks": [handler]})

    assert handler.names == []


def test_more_stuck_handlers_than_there_are_threads_hold_up_nobody_for_ever() -> None:
    handlers = [Held() for _ in range(80)]
    for handler in handlers:
        Whole().invoke("cat", {"callbacks": [handler]})

    for handler in handlers:
        handler.gate.set()

    assert flush(SECONDS)
    assert [handler.names for handler in handlers] == [[START, END]] * 80
