"""`Audience`: the handlers of one run. Who hears which event is found out once for each run and event."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from chatplug.callbacks.calling import apply
from chatplug.callbacks.event import ENDS
from chatplug.callbacks.handler import BaseCallbackHandler
from chatplug.callbacks.hearing import Hearing, handlers_outside
from chatplug.callbacks.listener import listener_of

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Iterable

    from chatplug.callbacks.event import Event, Hear
    from chatplug.callbacks.run import Run

__all__ = ["Audience", "Heard"]

Heard: TypeAlias = "tuple[tuple[Hearing, Hear], ...]"
"""Who hears an event, and how."""
_Both: TypeAlias = tuple[Heard, Heard]
"""Those who observe, and those in line."""


class Audience(list[BaseCallbackHandler]):
    """The handlers of a run; those that have missed its start are taken out.

    Args:
        handlers: Whom the run has.
        run: The run.
    """

    __slots__ = ("_heard", "_hearings", "_run")

    def __init__(self, handlers: Iterable[BaseCallbackHandler], run: Run | None = None) -> None:
        super().__init__(handlers_outside(handlers))
        self._run = run
        self._hearings: list[Hearing] | None = None
        self._heard: dict[str, _Both] = {}

    def hears(self, event: str) -> bool:
        """Whether anybody hears an event."""
        return any(self._heard.get(event) or self._who_hears(event, None))

    def tell_those_that_observe(self, event: Event, loop: AbstractEventLoop | None = None) -> Heard:
        """Put an event into the queues of those that observe; gives those that hear it in line, in their order.

        The first come first, whatever becomes of the others: who observes hears of a run that was refused, too.

        Args:
            event: The event.
            loop: The event loop of the asynchronous code that tells it.
        """
        observing, in_line = self._heard.get(event[0]) or self._who_hears(event[0], loop)
        for hearing, hear in observing:
            hearing.put(event, hear)
        return in_line

    def _who_hears(self, event: str, loop: AbstractEventLoop | None) -> _Both:
        self.hearings(loop)
        self._heard[event] = found = self.find(event, lambda method: partial(apply, method))
        return found

    def find(self, event: str, hear: Callable[[Any], Hear]) -> _Both:
        """Who hears an event, those who observe and those in line, in order: at the end of a run in the reverse.

        Args:
            event: The event's name.
            hear: Makes of a handler's method what is called with the event.
        """
        methods = [(hearing, hearing.method(event)) for hearing in self.hearings()]
        heard = [(hearing, hear(method)) for hearing, method in methods if method is not None]
        if event in ENDS:
            heard.reverse()
        observing = tuple(one for one in heard if one[0].queue is not None)
        return observing, tuple(one for one in heard if one[0].queue is None)

    def hearings(self, loop: AbstractEventLoop | None = None) -> list[Hearing]:
        """Each handler in this run."""
        if self._hearings is None:
            run = self._run
            # Asynchronous handlers hear a run and those below it in one loop, or they would hear them out of order.
            home: tuple[AbstractEventLoop | None] = (loop,)
            if run is not None:
                run.home = home = (run.parent.home if run.parent is not None else None) or home
            self._hearings = [Hearing(handler, listener_of(handler), home[0]) for handler in self]
        return self._hearings

    def leave_behind(self, hearing: Hearing) -> None:
        """Take out those in line that come after this one, and have not heard the start."""
        hearings = self.hearings()
        place = hearings.index(hearing)
        self._hearings = [one for at, one in enumerate(hearings) if at <= place or one.queue is not None]
        self[:] = [one.handler for one in self._hearings]
        self._heard.clear()
