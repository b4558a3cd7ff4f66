"""Calling what other people wrote: a method that may be `def` or `async def`, from code of either kind."""

from __future__ import annotations

import asyncio
import inspect
from concurrent.futures import Future
from contextvars import Context, copy_context
from functools import partial
from typing import TYPE_CHECKING, Any

from chatplug.callbacks.workers import background_loop, is_background_thread, submit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator

    from chatplug.callbacks.event import Event

__all__ = ["CancelledInThread", "Rest", "apply", "call_in_thread", "complete"]


class CancelledInThread(asyncio.CancelledError):
    """A task was cancelled that waited for a worker thread; what had begun there goes on."""

    def __init__(self, *, is_begun: bool) -> None:
        super().__init__()
        self.is_begun = is_begun


def apply(method: Callable[..., Any], event: Event) -> Any:
    """Call a method with an event. `Context.run` takes this twice as fast as it takes keyword arguments."""
    return method(*event[1], **event[2])


async def call_in_thread(method: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Call a method in a worker thread, so that the event loop goes on."""
    done: Future[Any] = Future()
    context = copy_context()

    def work() -> None:
        if not done.set_running_or_notify_cancel():
            return  # the event loop has ended meanwhile
        try:
            done.set_result(context.run(method, *args, **kwargs))
        except BaseException as error:  # handed to whoever waits
            done.set_exception(error)

    submit(work)
    try:
        answer = await asyncio.wrap_future(done)
    except asyncio.CancelledError:
        raise CancelledInThread(is_begun=not done.cancel()) from None
    _take_over(context)
    if answer is not None and inspect.isawaitable(answer):
        await answer


def _take_over(context: Context) -> None:
    """Set here what was set in a copy of this context."""
    nothing = object()
    here = copy_context()
    for variable, value in context.items():
        if here.get(variable, nothing) is not value:
            variable.set(value)


class Rest:
    """What is left to await of an asynchronous method. Each step runs in one context; the task stays the caller's.

    Args:
        answer: What the method gave.
        context: The context.
        place: Where the context is put when nobody is in it any more.
    """

    __slots__ = ("_answer", "_context", "_place")

    def __init__(self, answer: Awaitable[Any], context: Context, place: list[Context]) -> None:
        self._answer = answer
        self._context = context
        self._place = place

    def __await__(self) -> Generator[Any, Any, Any]:
        run = self._context.run
        try:
            steps = self._answer.__await__()
            step: Any = steps.__next__
            given: tuple[Any, ...] = ()
            while True:
                try:
                    waits_for = run(step, *given)
                except StopIteration as end:
                    return end.value
                try:
                    yield waits_for
                except BaseException as error:
                    step, given = _thrower(steps), (error,)
                else:
                    step, given = steps.__next__, ()  # what asyncio waits for gives nothing back
        finally:
            self._place.append(self._context)


def _thrower(steps: Any) -> Any:
    def throw(error: BaseException) -> Any:
        raise error

    return getattr(steps, "throw", throw)


async def _whole(rest: Rest) -> None:
    await rest


def complete(rest: Rest) -> None:
    """Run an asynchronous method to its end from synchronous code."""
    whole = _whole(rest)
    loop = None if is_background_thread() else background_loop()
    if loop is not None:
        done = asyncio.run_coroutine_threadsafe(whole, loop)
    else:  # that loop cannot be waited for from within, nor started at the end of the interpreter
        done = Future[None]()
        submit(partial(_run_alone, whole, done))
    try:
        done.result()
    except BaseException:
        done.cancel()
        raise


def _run_alone(whole: Coroutine[Any, Any, None], done: Future[None]) -> None:
    done.set_running_or_notify_cancel()
    try:
        done.set_result(asyncio.run(whole))
    except BaseException as error:  # handed to whoever waits
        done.set_exception(error)
