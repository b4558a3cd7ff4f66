"""Ten thousand runs at once, with faults wherever there can be one: starts equal ends, and nothing ends twice."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from chatplug.callbacks import BaseCallbackHandler, Run, aflush, flush
from chatplug.errors import ServerError
from chatplug.messages import AIMessage, AIMessageChunk
from chatplug.runnables import RunnableLambda
from tests.language_models.models import Whole

CALLS = 3_400
"""Each call of the chain is three runs: the chain's, the step's and the model's."""
SECONDS = 60
FAULTS = ["none", "model", "step", "required", "cancel", "leave", "drop", "observer"]
CHOICE = "choice"
"""The key of a run's metadata that says what shall go wrong in it."""


class Counting(BaseCallbackHandler):
    """Counts the starts and ends of each run, from any number of threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.starts: Counter[Any] = Counter()
        self.ends: Counter[Any] = Counter()
        self.runs: Counter[Any] = Counter()
        self.statuses: Counter[Any] = Counter()

    def _count(self, counter: Counter[Any], run_id: Any) -> None:
        with self.lock:
            counter[run_id] += 1

    def on_chat_model_start(self, *args: Any, run_id: Any, **kwargs: Any) -> Any:
        self._count(self.starts, run_id)

    on_chain_start = on_chat_model_start

    def on_llm_end(self, *args: Any, run_id: Any, **kwargs: Any) -> Any:
        self._count(self.ends, run_id)

    on_llm_error = on_chain_end = on_chain_error = on_llm_end

    def on_run_end(self, run: Run) -> Any:
        self._count(self.runs, run.id)
        self._count(self.statuses, run.status)


class InLine(Counting):
    run_inline = True


class Required(Counting):
    """Refuses some runs, at their start or at a token."""

    policy = "required"

    def on_chat_model_start(self, *args: Any, run_id: Any, **kwargs: Any) -> Any:
        self._count(self.starts, run_id)
        if kwargs["metadata"].get(CHOICE) == "required":
            raise LookupError("refused")


class Observing(Counting):
    """Fails now and then, and nobody is any the worse for it; never so often in a row that it is put aside.

    Chance and the threads decide whose runs begin one after the other: they might be ten that fail.
    """

    def __init__(self) -> None:
        super().__init__()
        self.in_a_row = 0
        self.failures = 0

    def on_chain_start(self, *args: Any, run_id: Any, **kwargs: Any) -> Any:
        self._count(self.starts, run_id)
        if kwargs["metadata"].get(CHOICE) == "observer" and self.in_a_row < 5:
            self.in_a_row += 1
            self.failures += 1
            raise LookupError("clumsy")
        self.in_a_row = 0


class Faulty(Whole):
    """Fails where the run's metadata say so."""

    def _fail(self, run_manager: Any) -> None:
        if run_manager.metadata[CHOICE] == "model":
            raise ServerError("broken")

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        self._fail(run_manager)
        return AIMessage("a")

    async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        await asyncio.sleep(0)
        return self._generate(messages, stop, run_manager)

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Iterator[Any]:
        yield AIMessageChunk("a")
        self._fail(run_manager)
        yield AIMessageChunk("b")

    async def _astream(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        for chunk in self._stream(messages, stop, run_manager):
            await asyncio.sleep(0)
            yield chunk


def step(fault: str) -> str:
    if fault == "step":
        raise ValueError("a bad step")
    return fault


CHAIN = RunnableLambda(step) | Faulty()
ERRORS = (LookupError, ServerError, ValueError)


def check(handlers: list[Counting]) -> None:
    for handler in handlers:
        assert handler.starts == handler.ends == handler.runs
        assert set(handler.starts.values()) == {1}
    first, *others = handlers
    assert len(first.starts) > 10_000 * 0.9  # a call that is refused or fails has fewer than three
    for other in others:  # a run that the first one refused the second one has not heard of
        assert other.starts.keys() <= first.starts.keys()


async def test_ten_thousand_runs_of_tasks_start_and_end_each_once() -> None:
    chance = random.Random(1)
    observing = Observing()
    handlers: list[Counting] = [Required(), InLine(), observing]

    async def run(fault: str) -> None:
        config: Any = {"callbacks": handlers, "metadata": {CHOICE: fault}}
        with suppress(*ERRORS):
            if fault in ("leave", "drop"):
                stream: Any = CHAIN.astream(fault, config)
                await anext(stream)
                if fault == "leave":
                    await stream.aclose()
            else:
                await CHAIN.ainvoke(fault, config)

    tasks = [asyncio.create_task(run(fault)) for fault in chance.choices(FAULTS, k=CALLS)]
    for task in chance.sample(tasks, CALLS // 10):
        asyncio.get_running_loop().call_soon(task.cancel)
    await asyncio.gather(*tasks, return_exceptions=True)
    for _ in range(100):  # what nobody holds is closed by the event loop, in tasks of its own
        await asyncio.sleep(0)
    assert await aflush(SECONDS)

    check(handlers)
    assert observing.failures > CALLS / 100
    assert {"ok", "error", "abandoned", "cancelled"} <= set(handlers[0].statuses)


def test_ten_thousand_runs_of_sixty_four_threads_start_and_end_each_once() -> None:
    chance = random.Random(2)
    observing = Observing()
    handlers: list[Counting] = [Required(), InLine(), observing]

    def run(fault: str) -> None:
        config: Any = {"callbacks": handlers, "metadata": {CHOICE: fault}}
        with suppress(*ERRORS):
            if fault in ("leave", "drop"):
                stream: Any = CHAIN.stream(fault, config)
                next(stream)
                if fault == "leave":
                    stream.close()
            else:
                CHAIN.invoke(fault, config)

    with ThreadPoolExecutor(64) as pool:
        list(pool.map(run, chance.choices(FAULTS, k=CALLS)))
    assert flush(SECONDS)

    check(handlers)
    assert observing.failures > CALLS / 100
    assert {"ok", "error", "abandoned"} <= set(handlers[0].statuses)
