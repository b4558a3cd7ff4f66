"""Whatever way a run takes: one start, one end, the right status and usage, the right parent.

The rows are the ways, the columns what is expected of each run. Every cell is run from synchronous and from
asynchronous code, for a model alone and in a chain, and for each way a handler may listen.
"""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from chatplug.callbacks import BaseCallbackHandler, Run, flush
from chatplug.errors import ProviderTimeoutError
from chatplug.messages import AIMessage, AIMessageChunk
from chatplug.runnables import Runnable, RunnableConfig, RunnableLambda
from tests.language_models.models import Whole

SECONDS = 30
USAGE: Any = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}

WHEN_WAITING: ContextVar[Callable[[], object]] = ContextVar("when_waiting")
"""What is to happen when a model waits for ever."""

STARTS = {"on_chat_model_start", "on_chain_start"}
ENDS = {"on_llm_end", "on_llm_error", "on_chain_end", "on_chain_error"}


class Listens(BaseCallbackHandler):
    """Keeps what it hears of runs, whatever their kind."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.statuses: dict[Any, str] = {}
        self.runs: list[Run] = []

    def keep(self, name: str, kwargs: dict[str, Any]) -> None:
        self.events.append((name, kwargs["run_id"]))
        if name in ENDS:
            self.statuses[kwargs["run_id"]] = kwargs.get("status", "error")

    def on_run_end(self, run: Run) -> Any:
        self.runs.append(run)

    def on_llm_new_token(self, *args: Any, **kwargs: Any) -> Any:
        self.keep("on_llm_new_token", kwargs)


def _hearing(name: str, is_async: bool) -> Any:
    def hear(self: Listens, *args: Any, **kwargs: Any) -> None:
        self.keep(name, kwargs)

    async def hear_later(self: Listens, *args: Any, **kwargs: Any) -> None:
        if name in STARTS:
            self.keep(name, kwargs)  # at once: what is cancelled while it starts is told to those that were being told
        await asyncio.sleep(0)
        if name not in STARTS:
            self.keep(name, kwargs)

    return hear_later if is_async else hear


def listener(kind: str) -> Listens:
    """A handler that listens in one of the ways."""
    members: dict[str, Any] = {name: _hearing(name, "async" in kind) for name in STARTS | ENDS}
    members["run_inline"] = "inline" in kind
    members["policy"] = "required" if "required" in kind else "observe"
    made: Listens = type("Listener", (Listens,), members)()
    return made


class Refuses(BaseCallbackHandler):
    """Is required, and fails at one event of models."""

    policy = "required"

    def __init__(self, at: str) -> None:
        def fail(*args: Any, **kwargs: Any) -> Any:
            raise LookupError(at)

        setattr(self, at, fail)


class Talks(Whole):
    """Gives `a`, with what it used so far, and then does what it was told."""

    then: Literal["end", "fail", "time out", "interrupt", "wait"] = "end"

    def _act(self) -> None:
        if self.then == "fail":
            raise LookupError("the model failed")
        if self.then == "time out":
            raise ProviderTimeoutError("It took too long.")
        if self.then == "interrupt":
            raise KeyboardInterrupt

    def _generate(self, *args: Any, **kwargs: Any) -> Any:
        self._act()
        return AIMessage("ab", usage_metadata=USAGE)

    async def _wait(self) -> None:
        if self.then == "wait":
            WHEN_WAITING.get()()
            await asyncio.Event().wait()

    async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
        await self._wait()
        return self._generate()

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        yield AIMessageChunk("a", usage_metadata=USAGE)
        self._act()
        yield AIMessageChunk("b")

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        yield AIMessageChunk("a", usage_metadata=USAGE)
        await self._wait()
        self._act()
        yield AIMessageChunk("b")


# ---- the ways


def invoke(subject: Runnable[Any, Any], config: RunnableConfig) -> None:
    with suppress(LookupError, ProviderTimeoutError, KeyboardInterrupt):
        subject.invoke("x", config)


async def ainvoke(subject: Runnable[Any, Any], config: RunnableConfig) -> None:
    with suppress(LookupError, ProviderTimeoutError):
        await subject.ainvoke("x", config)


def stream(subject: Runnable[Any, Any], config: RunnableConfig) -> None:
    with suppress(LookupError, ProviderTimeoutError, KeyboardInterrupt):
        for _ in subject.stream("x", config):
            pass


async def astream(subject: Runnable[Any, Any], config: RunnableConfig) -> None:
    with suppress(LookupError, ProviderTimeoutError):
        async for _ in subject.astream("x", config):
            pass


def leave(subject: Runnable[Any, Any], config: RunnableConfig) -> None:
    reading: Any = subject.stream("x", config)
    next(reading)
    reading.close()


async def aleave(subject: Runnable[Any, Any], config: RunnableConfig) -> None:
    reading: Any = subject.astream("x", config)
    await anext(reading)
    await reading.aclose()


def drop(subject: Runnable[Any, Any], config: RunnableConfig) -> None:
    reading: Any = subject.stream("x", config)
    ring = [reading]
    ring.append(ring)
    next(reading)
    del reading, ring
    gc.collect()


async def adrop(subject: Runnable[Any, Any], config: RunnableConfig) -> None:
    reading: Any = subject.astream("x", config)
    ring = [reading]
    ring.append(ring)
    await anext(reading)
    del reading, ring
    gc.collect()
    # The event loop closes it in a task of its own, and has time for that: here, and when it ends itself.
    for _ in range(20):
        await asyncio.sleep(0)


async def acancel(subject: Runnable[Any, Any], config: RunnableConfig, read: Any = ainvoke) -> None:
    tasks: list[asyncio.Task[None]] = []
    WHEN_WAITING.set(lambda: [task.cancel() for task in tasks])
    task = asyncio.create_task(read(subject, config))
    tasks.append(task)
    await asyncio.wait([task], timeout=SECONDS)
    assert task.cancelled()


async def acancel_stream(subject: Runnable[Any, Any], config: RunnableConfig) -> None:
    await acancel(subject, config, astream)


async def atime_out(subject: Runnable[Any, Any], config: RunnableConfig, read: Any = ainvoke) -> None:
    limit = asyncio.timeout(SECONDS)
    with suppress(TimeoutError):
        async with limit:
            WHEN_WAITING.set(lambda: limit.reschedule(0))
            await read(subject, config)
    assert limit.expired()


async def atime_out_stream(subject: Runnable[Any, Any], config: RunnableConfig) -> None:
    await atime_out(subject, config, astream)


def batch(subject: Runnable[Any, Any], config: RunnableConfig) -> None:
    subject.batch(["x", "x", "x"], config, return_exceptions=True)


async def abatch(subject: Runnable[Any, Any], config: RunnableConfig) -> None:
    await subject.abatch(["x", "x", "x"], config, return_exceptions=True)


Sync = Callable[[Runnable[Any, Any], RunnableConfig], None]
Async = Callable[[Runnable[Any, Any], RunnableConfig], Awaitable[None]]


@dataclass(frozen=True)
class Row:
    """One way, and what is expected of the run of the model and of the chain around it."""

    name: str
    sync: Sync | None
    asynchronous: Async | None
    status: str
    usage: str
    then: Any = "end"
    refused_at: str | None = None
    count: int = 1
    chain: str | None = None
    """The status of the chain, where it is another one."""
    tokens: int = 0


TABLE = [
    # the way                                                     status       usage
    Row("invoke", invoke, ainvoke, "ok", "reported"),
    Row("a stream to the end", stream, astream, "ok", "reported", tokens=3),
    Row("a stream that is left", leave, aleave, "abandoned", "partial", tokens=1),
    Row("a stream that nobody holds", drop, adrop, "abandoned", "partial", tokens=1),
    Row("an answer that is cancelled", None, acancel, "cancelled", "unknown", then="wait"),
    Row("a stream that is cancelled", None, acancel_stream, "cancelled", "partial", then="wait", tokens=1),
    Row("an answer that is interrupted", invoke, None, "cancelled", "unknown", then="interrupt"),
    Row("a stream that is interrupted", stream, None, "cancelled", "partial", then="interrupt", tokens=1),
    Row("an answer that takes too long", None, atime_out, "cancelled", "unknown", then="wait"),
    Row("a stream that takes too long", None, atime_out_stream, "cancelled", "partial", then="wait", tokens=1),
    Row("a provider that takes too long", invoke, ainvoke, "error", "unknown", then="time out"),
    Row("a model that fails", invoke, ainvoke, "error", "unknown", then="fail"),
    Row("a stream that fails", stream, astream, "error", "partial", then="fail", tokens=1),
    Row("a handler fails first", invoke, ainvoke, "error", "unknown", refused_at="on_chat_model_start"),
    Row("a handler fails first in a stream", stream, astream, "error", "unknown", refused_at="on_chat_model_start"),
    Row("a handler fails at a token", stream, astream, "error", "partial", refused_at="on_llm_new_token", tokens=1),
    Row("a handler fails last", invoke, ainvoke, "ok", "reported", refused_at="on_llm_end", chain="error"),
    Row("a handler fails at a run's end", invoke, ainvoke, "ok", "reported", refused_at="on_run_end", chain="error"),
    Row("a batch", batch, abatch, "ok", "reported", count=3),
    Row("a batch that fails", batch, abatch, "error", "unknown", then="fail", count=3),
]

WAYS = [
    pytest.param(row, way, id=f"{row.name}-{'async' if way is row.asynchronous else 'sync'}")
    for row in TABLE
    for way in (row.sync, row.asynchronous)
    if way is not None
]
LISTENING = ["inline", "inline async", "observing", "observing async", "required", "required async"]


def prepare(value: str) -> str:
    return value


@pytest.mark.parametrize("kind", LISTENING)
@pytest.mark.parametrize("is_chain", [False, True], ids=["model", "chain"])
@pytest.mark.parametrize(("row", "way"), WAYS)
def test_every_run_has_one_start_and_one_end(row: Row, way: Any, is_chain: bool, kind: str) -> None:
    heard = listener(kind)
    refusing: list[BaseCallbackHandler] = [Refuses(row.refused_at)] if row.refused_at else []
    model = Talks(name="model", then=row.then, callbacks=refusing)
    subject: Runnable[Any, Any] = RunnableLambda(prepare) | model if is_chain else model
    config: RunnableConfig = {"callbacks": [heard], "tags": ["t"], "metadata": {"m": 1}}

    done = way(subject, config)
    if done is not None:
        asyncio.run(whole(done))
    assert flush(SECONDS)

    check_laws(heard)
    models = [run for run in heard.runs if run.kind == "chat_model"]
    assert [(run.status, run.usage_status) for run in models] == [(row.status, row.usage)] * row.count
    assert [name for name, _ in heard.events].count("on_llm_new_token") == row.tokens
    assert all(run.tags[0] == "t" and run.metadata == {"m": 1} for run in models)
    chains = [run for run in heard.runs if run.name == "RunnableSequence"]
    assert [run.status for run in chains] == ([row.chain or row.status] * row.count if is_chain else [])
    assert {run.parent for run in models} == (set(chains) if is_chain else {None})


async def whole(way: Awaitable[None]) -> None:
    await way


def check_laws(heard: Listens) -> None:
    """What holds for all runs, whatever they are."""
    starts = [run_id for name, run_id in heard.events if name in STARTS]
    ends = [run_id for name, run_id in heard.events if name in ENDS]
    assert Counter(starts) == Counter(ends) == Counter(run.id for run in heard.runs)
    assert len(set(starts)) == len(starts)
    for run in heard.runs:
        assert run.status == heard.statuses[run.id]
        assert run.end is not None
        assert run.end >= run.start
        assert (run.error is None) == (run.status == "ok")
        events = [name for name, run_id in heard.events if run_id == run.id]
        assert events[0] in STARTS
        assert events[-1] in ENDS
        if run.parent is not None:  # it began before, and ends after
            order = [run_id for name, run_id in heard.events if name in STARTS | ENDS]
            assert order.index(run.parent.id) < order.index(run.id)
            assert order[::-1].index(run.parent.id) < order[::-1].index(run.id)
