"""Synchronous code from asynchronous code: in a worker thread, with the caller's context.

asyncio is imported by the functions: where one of them runs there is an event loop, so it is there already, and a
program without one does not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import copy_context
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator
    from concurrent.futures import Executor

    from typing_extensions import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")

__all__ = ["END", "Steps", "aiter_in_executor", "run_in_executor"]

END = object()
"""What an iterator gives that has no more items."""


async def run_in_executor(executor: Executor | None, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of a blocking function, which runs in a worker thread and sees the caller's context variables.

    Args:
        executor: Where to run it; None for the event loop's own threads.
        func: The function.
        *args: Its arguments.
        **kwargs: Its keyword arguments.
    """
    import asyncio

    context = copy_context()

    def call() -> T:
        return context.run(_without_stop, partial(func, *args, **kwargs))

    return await asyncio.get_running_loop().run_in_executor(executor, call)


async def aiter_in_executor(make: Callable[[], Iterator[T]]) -> AsyncIterator[T]:
    """The items of a blocking iterator; each is waited for in a worker thread.

    All steps run in one context, so that the iterator finds what it set. Left early, the iterator is closed as soon
    as the step that is under way has ended: a thread cannot be stopped.
    """
    import asyncio

    steps = Steps(make)
    loop, context = asyncio.get_running_loop(), copy_context()
    step: asyncio.Future[object] | None = None
    try:
        while True:
            steps.begin()
            step = loop.run_in_executor(None, partial(context.run, steps.step))
            # Not cancelled with the task: the thread would go on, and nobody would hear how it ended.
            await asyncio.wait([step])
            item = step.result()
            if item is END:
                return
            yield cast("T", item)
    finally:
        if steps.leave():
            await loop.run_in_executor(None, partial(context.run, steps.close))
        elif step is not None:
            step.add_done_callback(lambda done: done.cancelled() or done.exception())


class Steps:
    """A blocking iterator that is stepped in worker threads, and closed by whoever has it last."""

    def __init__(self, make: Callable[[], Iterator[Any]]) -> None:
        self._make = make
        self._iterator: Iterator[Any] | None = None
        self._lock = Lock()
        self._is_busy = self._is_left = False

    def begin(self) -> None:
        """Say that a step is on its way to a thread."""
        self._is_busy = True

    def step(self) -> object:
        """The next item, or `END`."""
        try:
            if self._is_left:
                return END
            if self._iterator is None:
                self._iterator = _without_stop(lambda: iter(self._make()))
            return next(self._iterator, END)
        finally:
            with self._lock:
                self._is_busy = False
                is_left = self._is_left
            if is_left:
                self.close()

    def leave(self) -> bool:
        """Ask for no more steps; gives whether no step is under way, which would close the iterator itself."""
        with self._lock:
            self._is_left = True
            return not self._is_busy

    def close(self) -> None:
        """Close the iterator, where it can be."""
        close = getattr(self._iterator, "close", None)
        if close is not None:
            close()


def _without_stop(call: Callable[[], T]) -> T:
    try:
        return call()
    except StopIteration as error:
        # A future cannot hold it: whoever awaits the future would wait for ever.
        raise RuntimeError("A function in a worker thread raised StopIteration.") from error
