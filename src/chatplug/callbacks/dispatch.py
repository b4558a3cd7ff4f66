"""One event to many handlers.

A handler that observes gets the event into its queue, which costs the caller next to nothing. The others hear it here
and now. Both drivers stand on `Told`, so that the synchronous and the asynchronous path do the same in the same order.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from chatplug.callbacks.audience import Audience
from chatplug.callbacks.event import ENDS, STARTS
from chatplug.callbacks.settling import asettle, settle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatplug.callbacks.audience import Heard
    from chatplug.callbacks.event import Event
    from chatplug.callbacks.handler import BaseCallbackHandler
    from chatplug.callbacks.hearing import Hearing

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
    audience = handlers if type(handlers) is Audience else Audience(handlers)
    told = tell(audience, event, audience.tell_those_that_observe(event))
    if event[0] == "on_run_end" and event[1][0].parent is None:
        settle(audience)
    if told is not None:
        told.end()


async def adeliver(handlers: list[BaseCallbackHandler], event: Event) -> None:
    """The asynchronous twin of `deliver`."""
    audience = handlers if type(handlers) is Audience else Audience(handlers)
    told = await atell(audience, event, audience.tell_those_that_observe(event, asyncio.get_running_loop()))
    if event[0] == "on_run_end" and event[1][0].parent is None:
        await asettle(audience)
    if told is not None:
        told.end()


def tell(audience: Audience, event: Event, in_line: Heard) -> Told | None:
    """Tell those who hear an event in line; gives what has failed, if anything has."""
    told: Told | None = None
    for hearing, hear in in_line:
        try:
            rest = hearing.begin(event, hear)
            if rest is not None:
                hearing.end(event, rest)
        except BaseException as error:
            told = (told or Told(audience, event)).after(hearing, error)
    return told


async def atell(audience: Audience, event: Event, in_line: Heard) -> Told | None:
    """The asynchronous twin of `tell`."""
    told: Told | None = None
    for hearing, hear in in_line:
        try:
            rest = hearing.begin(event, hear)
            if rest is not None:
                await hearing.aend(event, rest)
        except BaseException as error:
            told = (told or Told(audience, event)).after(hearing, error)
    return told


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


class Told:
    """What has failed at one event."""

    __slots__ = ("_audience", "_failure", "_name")

    def __init__(self, audience: Audience, event: Event) -> None:
        self._audience = audience
        self._name = event[0]
        self._failure: BaseException | None = None

    def after(self, hearing: Hearing, error: BaseException) -> Told:
        """Raise a failure, log it, or keep it until everybody has heard the end."""
        if isinstance(error, Exception) and not hearing.is_required:
            hearing.listener.fail(self._name, error)
        elif self._name in ENDS:
            # A cancellation must not be lost behind a failure that came before it.
            if self._failure is None or (isinstance(self._failure, Exception) and not isinstance(error, Exception)):
                self._failure = error
        else:
            if self._name in STARTS:
                self._audience.leave_behind(hearing)
            raise error
        return self

    def end(self) -> None:
        """Raise what was kept."""
        if self._failure is not None:
            raise self._failure
