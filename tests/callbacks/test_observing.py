"""A handler that observes has heard a call when it ends, and holds up neither the call nor another handler."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from chatplug.callbacks import BaseCallbackHandler, aflush, flush
from chatplug.callbacks.listener import listener_of
from tests.callbacks.observing import END, SECONDS, START, TOKEN, Held, Observing, ObservingAsync
from tests.language_models.models import Driver, Pieces, PiecesNative, Whole, WholeNative, both


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


def test_more_stuck_handlers_than_there_are_threads_hold_up_nobody_for_ever() -> None:
    handlers = [Held() for _ in range(80)]
    for handler in handlers:
        Whole().invoke("cat", {"callbacks": [handler]})

    for handler in handlers:
        handler.gate.set()

    assert flush(SECONDS)
    assert [handler.names for handler in handlers] == [[START, END]] * 80
