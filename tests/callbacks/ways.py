"""The ways that a run may take: to its end, left, dropped, cancelled, out of time; one call or several."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

from chatplug.errors import ProviderTimeoutError
from chatplug.runnables import Runnable, RunnableConfig

SECONDS = 30
WHEN_WAITING: ContextVar[Callable[[], object]] = ContextVar("when_waiting")
"""What is to happen when a model waits for ever."""


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


async def read_events(subject: Runnable[Any, Any], config: RunnableConfig) -> None:
    with suppress(LookupError, ProviderTimeoutError):
        async for _ in subject.astream_events("x", config):
            pass


async def leave_events(subject: Runnable[Any, Any], config: RunnableConfig) -> None:
    """Leave at the first token that has been shown."""
    events: Any = subject.astream_events("x", config)
    await _to_the_first_token(events)
    await events.aclose()


async def leave_events_to_the_loop(subject: Runnable[Any, Any], config: RunnableConfig) -> None:
    """Break out, and leave the closing to the event loop."""
    await _to_the_first_token(subject.astream_events("x", config))
    gc.collect()
    for _ in range(20):
        await asyncio.sleep(0)


async def drop_events(subject: Runnable[Any, Any], config: RunnableConfig) -> None:
    """Leave a ring behind that the garbage collector has to find."""
    events: Any = subject.astream_events("x", config)
    ring = [events]
    ring.append(ring)
    await _to_the_first_token(events)
    del events, ring
    gc.collect()
    for _ in range(20):
        await asyncio.sleep(0)


async def cancel_events(subject: Runnable[Any, Any], config: RunnableConfig) -> None:
    await acancel(subject, config, read_events)


async def time_out_events(subject: Runnable[Any, Any], config: RunnableConfig) -> None:
    await atime_out(subject, config, read_events)


async def _to_the_first_token(events: Any) -> None:
    WHEN_WAITING.set(lambda: None)
    async for event in events:
        if event["event"] == "on_chat_model_stream":
            break
    for _ in range(20):  # until the model waits, whatever handlers do meanwhile
        await asyncio.sleep(0)


async def cancel_answer(subject: Runnable[Any, Any], config: RunnableConfig) -> None:
    await acancel(subject, config)


def batch_of_three(subject: Runnable[Any, Any], config: RunnableConfig) -> None:
    subject.batch(["x", "bad", "x"], config, return_exceptions=True)


async def abatch_of_three(subject: Runnable[Any, Any], config: RunnableConfig) -> None:
    await subject.abatch(["x", "bad", "x"], config, return_exceptions=True)


def as_completed(subject: Runnable[Any, Any], config: RunnableConfig) -> None:
    for _ in subject.batch_as_completed(["x", "bad", "x"], config, return_exceptions=True):
        pass


async def aas_completed(subject: Runnable[Any, Any], config: RunnableConfig) -> None:
    async for _ in subject.abatch_as_completed(["x", "bad", "x"], config, return_exceptions=True):
        pass
