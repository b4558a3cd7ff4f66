"""Waiting for handlers that observe to catch up.

Who calls a model and then reads what a handler has kept finds it: the outermost run waits for its handlers, for a short
time, and not for those of a class that has once kept a run waiting in vain.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import sys
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING

from chatplug.callbacks.health import keep_all
from chatplug.callbacks.hearing import is_inside_handler
from chatplug.callbacks.listener import listeners
from chatplug.callbacks.loops import forget_loops
from chatplug.callbacks.queues import LoopQueue, Marker
from chatplug.callbacks.workers import when_working

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatplug.callbacks.audience import Audience
    from chatplug.callbacks.hearing import Hearing
    from chatplug.callbacks.queues import Queue

__all__ = ["aflush", "asettle", "flush", "settle"]

_log = logging.getLogger("chatplug.callbacks")

PATIENCE = 0.25
"""So many seconds the outermost run waits at most for its handlers."""
EXIT_PATIENCE = 5.0
"""So many seconds the end of the interpreter waits at most."""


def flush(timeout: float = 5.0) -> bool:
    """Wait until every handler that observes has heard what has happened so far.

    Code that runs in an event loop awaits `aflush` instead: asynchronous handlers may be heard in that same loop.

    Args:
        timeout: Seconds to wait at most.

    Returns:
        Whether all have; False where the time was too short.
    """
    return not _wait(_waiting(), timeout)


async def aflush(timeout: float = 5.0) -> bool:  # noqa: ASYNC109  # the same as its twin
    """The asynchronous twin of `flush`."""
    return not await _await(_waiting(), timeout)


def settle(audience: Audience) -> None:
    """Let the handlers of an outermost run catch up, those that are likely to."""
    waited_for = _worth_waiting(audience)
    if waited_for:
        _blame(waited_for, _wait([queue for _, queue in waited_for], PATIENCE))


async def asettle(audience: Audience) -> None:
    """The asynchronous twin of `settle`."""
    waited_for = _worth_waiting(audience)
    if waited_for:
        _blame(waited_for, await _await([queue for _, queue in waited_for], PATIENCE))


def _worth_waiting(audience: Audience) -> list[tuple[Hearing, Queue]]:
    if is_inside_handler():
        return []  # it may be the one that is waited for
    return [
        (hearing, queue)
        for hearing in audience.hearings()
        if (queue := hearing.queue) is not None
        and not queue.is_idle
        and not hearing.listener.kind.is_slow
        and queue.seconds_left < PATIENCE
    ]


def _blame(waited_for: Sequence[tuple[Hearing, Queue]], late: Sequence[Queue]) -> None:
    for hearing, queue in waited_for:
        if queue in late:
            hearing.listener.kind.is_slow = True


def _waiting(*, is_last: bool = False) -> list[Queue]:
    found = [queue for listener in listeners() for queue in listener.queues() if not queue.is_idle]
    for queue in found:
        if isinstance(queue, LoopQueue):
            queue.rescue(is_last=is_last)
    return found


def _end() -> None:
    """Let handlers catch up before the process ends, and say what they have not heard."""
    _wait(_waiting(is_last=True), EXIT_PATIENCE)
    forget_loops()
    for listener in listeners():
        left = sum(not isinstance(item[0], Marker) for queue in listener.queues() for item in list(queue.items))
        if left:
            listener.kind.health.dropped += left
            _log.warning("%s has not heard all, the process ends: %d events are lost.", listener.name, left)
    keep_all()


def _mind_the_end() -> None:
    """A process of multiprocessing ends without `atexit`."""
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, _end, exitpriority=100)


atexit.register(_end)
when_working(_mind_the_end)


def _wait(queues: Sequence[Queue], timeout: float) -> list[Queue]:
    """Wait for queues; gives those that are late."""
    here = asyncio._get_running_loop()  # noqa: SLF001  # documented; the public one raises instead
    told: SimpleQueue[Queue] = SimpleQueue()
    late = list(queues)
    # Waiting for a queue of the loop that is kept waiting would be in vain.
    marked = [queue for queue in queues if here is None or not isinstance(queue, LoopQueue) or queue.loop is not here]
    for queue in marked:
        queue.put(Marker(lambda queue=queue: told.put(queue)).as_item())  # type: ignore[misc]  # mypy: cannot infer it
    end = monotonic() + timeout
    with suppress(Empty):
        for _ in marked:
            late.remove(told.get(timeout=max(0.0, end - monotonic())))
    return late


async def _await(queues: Sequence[Queue], timeout: float) -> list[Queue]:  # noqa: ASYNC109  # bounds a wait
    """The asynchronous twin of `_wait`."""
    if not queues:
        return []
    loop = asyncio.get_running_loop()
    told = {loop.create_future(): queue for queue in queues}
    for future, queue in told.items():
        queue.put(Marker(lambda future=future: _tell(loop, future)).as_item())  # type: ignore[misc]  # as above
    _, late = await asyncio.wait(told, timeout=timeout)
    for future in late:
        future.cancel()
    return [told[future] for future in late]


def _tell(loop: asyncio.AbstractEventLoop, future: asyncio.Future[None]) -> None:
    def tell() -> None:
        if not future.done():
            future.set_result(None)

    with suppress(RuntimeError):  # the loop is closed, and nobody waits any more
        loop.call_soon_threadsafe(tell)
