"""`Listener`: what the host knows of one handler, whatever runs it hears.

Which events it defines, whether it is heard in line, what it failed at, and where its events wait.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from dataclasses import dataclass
from inspect import iscoroutinefunction
from threading import RLock
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, ref

from chatplug.callbacks.handler import BaseCallbackHandler
from chatplug.callbacks.health import health_of
from chatplug.callbacks.loops import Grace
from chatplug.callbacks.queues import LoopQueue, ThreadQueue
from chatplug.errors import ConfigError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from chatplug.callbacks.queues import Queue

__all__ = ["POLICIES", "HandlerReport", "Listener", "handler_reports", "listener_of", "listeners"]

_log = logging.getLogger("chatplug.callbacks")

_MOST_FAILURES = 10
"""So often in a row an event may fail before its handler is put aside."""
_MOST_GONE = 100
"""So many reports are kept of handlers that are gone and had failed or lost events."""

POLICIES = ("observe", "required")
"""What a handler's `policy` may be."""

_EVENTS = frozenset(name for name in vars(BaseCallbackHandler) if name.startswith("on_"))


@dataclass(frozen=True, slots=True)
class HandlerReport:
    """How a handler has fared in this process."""

    name: str
    """The class of the handler."""
    failed: int
    """How often it raised."""
    dropped: int
    """How many events it has missed, because it was too slow, its event loop had ended or it was put aside."""
    is_aside: bool
    """Whether it was put aside after too many failures in a row; it hears nothing any more."""
    last_error: str | None
    """What it raised last; None where it never failed."""

    @property
    def is_well(self) -> bool:
        """Whether it has heard everything, and never failed."""
        return not (self.failed or self.dropped)


class Kind:
    """What is known of the handlers of one class."""

    __slots__ = ("events", "grace", "has_async", "health", "is_slow")

    def __init__(self, handler: type[BaseCallbackHandler]) -> None:
        base = BaseCallbackHandler
        self.events = frozenset(name for name in _EVENTS if getattr(handler, name) is not getattr(base, name))
        self.has_async = any(iscoroutinefunction(getattr(handler, name)) for name in self.events)
        self.health = health_of(handler)
        """How they have fared, all together."""
        self.grace = Grace()
        """How long the end of a loop waits for one of them."""
        self.is_slow = False
        """Whether a run has once waited in vain for one of them to catch up."""


class Listener:
    """One handler, and how it fares.

    Args:
        handler: The handler; it is not kept alive.
        gone: What is called when it is no more.
    """

    __slots__ = (
        "_loops",
        "_thread",
        "dropped",
        "failed",
        "handler",
        "is_aside",
        "kind",
        "last_error",
        "name",
        "row",
    )

    def __init__(self, handler: BaseCallbackHandler, gone: Callable[[ref[BaseCallbackHandler]], None]) -> None:
        if handler.policy not in POLICIES:
            raise ConfigError(
                f"{type(handler).__name__} has policy {handler.policy!r}.",
                hint=nearest(str(handler.policy), POLICIES) or "Policies: observe, required.",
            )
        self.handler = ref(handler, gone)
        self.kind = _kind_of(type(handler))
        self.name = type(handler).__name__
        self.failed = 0
        self.dropped = 0
        self.is_aside = False
        self.last_error: str | None = None
        self.row: dict[str, int] = {}
        """How often each event has failed in a row."""
        self._thread: ThreadQueue | None = None
        self._loops: dict[asyncio.AbstractEventLoop | None, LoopQueue] = {}

    def queue(self, home: asyncio.AbstractEventLoop | None) -> Queue:
        """Where its events wait that come from this loop, or from synchronous code."""
        if not self.kind.has_async:
            if self._thread is None:
                with _making:
                    self._thread = self._thread or ThreadQueue()
            return self._thread
        found = self._loops.get(home)
        if found is None:
            with _making:
                # Another dict, since others may be reading this one; closed loops are left out whose events are heard.
                loops = {
                    one: queue
                    for one, queue in self._loops.items()
                    if one is None or not (one.is_closed() and queue.is_idle)
                }
                found = self._loops.get(home) or LoopQueue(home, self.kind.grace)
                self._loops = {**loops, home: found}
        return found

    def queues(self) -> Iterable[Queue]:
        """All its queues."""
        if self._thread is not None:
            yield self._thread
        yield from self._loops.values()

    def fail(self, event: str, error: BaseException) -> None:
        """Note that it failed, log it the first time, and put it aside after too many times."""
        health = self.kind.health
        self.last_error, health.error = repr(error), type(error)
        self.failed += 1
        health.failed += 1
        self.row[event] = row = self.row.get(event, 0) + 1
        if self.failed == 1:
            _log.warning("%s.%s failed: %r", self.name, event, error, exc_info=error)
        if row >= _MOST_FAILURES and not self.is_aside:
            self.is_aside = True
            health.aside += 1
            health.keep("aside")
            _log.error(
                "%s is put aside: %s failed %d times in a row, at last with %r. It hears nothing any more.",
                self.name,
                event,
                row,
                error,
            )

    def succeed(self, event: str) -> None:
        """Note that it has heard an event."""
        self.row.pop(event, None)

    def drop(self, number: int = 1) -> None:
        """Note that it has missed events, and log it the first time."""
        is_first = not self.dropped
        self.dropped += number
        self.kind.health.dropped += number
        if is_first:
            self.kind.health.keep("dropped")
        if is_first and not self.is_aside:
            _log.warning("%s misses events: it is too slow, or its event loop has ended.", self.name)

    def report(self) -> HandlerReport:
        """How it fares."""
        return HandlerReport(self.name, self.failed, self.dropped, self.is_aside, self.last_error)


_making = RLock()
_kinds: WeakKeyDictionary[type[BaseCallbackHandler], Kind] = WeakKeyDictionary()
_listeners: dict[int, Listener] = {}
_gone: deque[HandlerReport] = deque(maxlen=_MOST_GONE)


def _kind_of(handler: type[BaseCallbackHandler]) -> Kind:
    kind = _kinds.get(handler)
    if kind is None:
        kind = _kinds[handler] = Kind(handler)
    return kind


def listener_of(handler: BaseCallbackHandler) -> Listener:
    """The listener of a handler."""
    number = id(handler)
    found = _listeners.get(number)
    if found is not None and found.handler() is handler:
        return found

    def gone(dead: ref[BaseCallbackHandler]) -> None:
        listener = _listeners.get(number)
        if listener is not None and listener.handler is dead:
            del _listeners[number]
            if not (report := listener.report()).is_well:
                _gone.append(report)

    with _making:  # two threads may ask at once
        found = _listeners.get(number)
        if found is None or found.handler() is not handler:
            found = _listeners[number] = Listener(handler, gone)
    return found


def listeners() -> list[Listener]:
    """Every handler that has heard something and is still there."""
    return list(_listeners.values())


def handler_reports() -> list[HandlerReport]:
    """How the handlers of this process have fared: those in use, and those gone that failed or missed something."""
    return [*_gone, *(listener.report() for listener in listeners())]


def _begin_anew() -> None:
    global _making  # another thread of the parent may have held it
    _making = RLock()
    for listener in listeners():
        for queue in listener.queues():
            queue.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
