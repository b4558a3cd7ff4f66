"""One event to many handlers.

A handler that observes gets the event into its queue, which costs the caller next to nothing. The others hear it here
and now. Both drivers stand on `_Told`, so that the synchronous and the asynchronous path do the same in the same order.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from chatplug.callbacks.audience import Audience
from chatplug.callbacks.event import ENDS, STARTS
from chatplug.callbacks.settling import asettle, settle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatplug.callbacks.event import Event
    from chatplug.callbacks.handler import BaseCallbackHandler
    from chatplug.callbacks.hearing import Hearing
    from chatplug.callbacks.run import Run

__all__ = ["adeliver", "adeliver_all", "adispatch", "deliver", "deliver_all", "dispatch"]


def dispatch(handlers: list[BaseCallbackHandler], event: str, *args: Any, **kwargs: Any) -> None:
    """Tell each handler of an event, in order; asynchronous methods in line have ended when this returns.

    The first failure of a handler that is required ends it, but not at the end of a run: that each handler hears, and
    then the failure is raised. Whoever has not heard the start of a run, because of a failure, is taken out of
    `handlers`, and hears no end.
    """
    deliver(handlers, (event, args, kwargs))


async def adispatch(handlers: list[BaseCallbackHandler], event: str, *args: Any, **kwargs: Any) -> None:
    """The asynchronous twin of `dispatch`."""
    await adeliver(handlers, (event, args, kwargs))


def deliver(handlers: list[BaseCallbackHandler], event: Event) -> None:
    """Tell each handler of an event that is ready."""
    told = _Told(handlers, event)
    for hearing, method in told.in_line(None):
        try:
            hearing.call(event, method)
        except BaseException as error:
            told.failed(hearing, error)
    if told.is_over:
        settle(told.audience)
    told.end()


async def adeliver(handlers: list[BaseCallbackHandler], event: Event) -> None:
    """The asynchronous twin of `deliver`."""
    told = _Told(handlers, event)
    for hearing, method in told.in_line(asyncio.get_running_loop()):
        try:
            await hearing.acall(event, method)
        except BaseException as error:
            told.failed(hearing, error)
    if told.is_over:
        await asettle(told.audience)
    told.end()


def deliver_all(handlers: list[BaseCallbackHandler], events: Sequence[Event]) -> None:
    """Tell each handler of some events; the first failure is raised when all were told, since each may be an end."""
    failure: BaseException | None = None
    for event in events:
        try:
            deliver(handlers, event)
        except BaseException as error:
            failure = failure or error
    if failure is not None:
        raise failure


async def adeliver_all(handlers: list[BaseCallbackHandler], events: Sequence[Event]) -> None:
    """The asynchronous twin of `deliver_all`."""
    failure: BaseException | None = None
    for event in events:
        try:
            await adeliver(handlers, event)
        except BaseException as error:
            failure = failure or error
    if failure is not None:
        raise failure


class _Told:
    """One event: who hears it, and what has failed."""

    __slots__ = ("_event", "_failure", "audience")

    def __init__(self, handlers: list[BaseCallbackHandler], event: Event) -> None:
        self.audience = handlers if type(handlers) is Audience else Audience(handlers)
        self._event = event
        self._failure: BaseException | None = None

    def in_line(self, loop: asyncio.AbstractEventLoop | None) -> Sequence[tuple[Hearing, Any]]:
        """Put the event into the queues of those that observe; gives those that hear it now.

        The first come first, whatever becomes of the others: who observes hears of a run that was refused, too.
        """
        in_line: list[tuple[Hearing, Any]] = []
        for hearing, method in self.audience.who_hears(self._event[0], loop):
            if hearing.queue is not None:
                hearing.put(self._event, method)
            elif hearing.listener.is_aside:
                hearing.listener.drop()
            else:
                in_line.append((hearing, method))
        return in_line

    def failed(self, hearing: Hearing, error: BaseException) -> None:
        """Raise it, log it, or keep it until everybody has heard the end."""
        name = self._event[0]
        if isinstance(error, Exception) and not hearing.is_required:
            hearing.listener.fail(name, error)
        elif name in ENDS:
            # A cancellation must not be lost behind a failure that came before it.
            if self._failure is None or (isinstance(self._failure, Exception) and not isinstance(error, Exception)):
                self._failure = error
        else:
            if name in STARTS:
                self.audience.leave_behind(hearing)
            raise error

    @property
    def is_over(self) -> bool:
        """Whether this ends a run that is part of no other."""
        if self._event[0] != "on_run_end":
            return False
        run: Run = self._event[1][0]
        return run.parent is None

    def end(self) -> None:
        """Raise what was kept."""
        if self._failure is not None:
            raise self._failure
