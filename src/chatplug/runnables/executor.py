"""Synchronous code from asynchronous code: in a worker thread, with the caller's context."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from concurrent.futures import Executor

    from typing_extensions import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")

__all__ = ["aiter_in_executor", "run_in_executor"]

_END = object()


async def run_in_executor(executor: Executor | None, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of a blocking function, which runs in a worker thread and sees the caller's context variables.

    Args:
        executor: Where to run it; None for the event loop's own threads.
        func: The function.
        *args: Its arguments.
        **kwargs: Its keyword arguments.
    """
    call = partial(copy_context().run, func, *args, **kwargs)
    return cast("T", await asyncio.get_running_loop().run_in_executor(executor, call))


async def aiter_in_executor(make: Callable[[], Iterator[T]]) -> AsyncIterator[T]:
    """The items of a blocking iterator; each is waited for in a worker thread.

    All steps run in one context, so that the iterator finds what it set. Left early, the iterator is closed as soon
    as the step that is under way has ended: a thread cannot be stopped.
    """
    context = copy_context()
    loop = asyncio.get_running_loop()
    iterator: Iterator[T] | None = None
    step: asyncio.Future[Any] | None = None

    def work() -> object:
        nonlocal iterator
        if iterator is None:
            iterator = iter(make())
        return next(iterator, _END)

    def close(_: object = None) -> None:
        stop = getattr(iterator, "close", None)
        if stop is not None:
            context.run(stop)

    try:
        while True:
            step = loop.run_in_executor(None, context.run, work)
            item = await asyncio.shield(step)
            if item is _END:
                return
            yield cast("T", item)
    finally:
        if step is not None and not step.done():
            step.add_done_callback(
                lambda done: (done.cancelled() or done.exception(), loop.run_in_executor(None, close))
            )
        elif iterator is not None:
            await loop.run_in_executor(None, close)
