"""Who works for handlers that only observe: a few threads, and one event loop.

An event may come from the garbage collector, in any thread and at any line: a stream that nobody reads any more ends
there. So nothing here waits for a lock that the same thread may hold already. A fork leaves threads behind: the child
begins with none.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from queue import Empty, SimpleQueue
from sys import is_finalizing
from threading import RLock, Thread, get_ident
from typing import TypeAlias

__all__ = ["Work", "background_loop", "is_background_thread", "submit", "when_working"]

Work: TypeAlias = Callable[[], None]
"""What a thread does; it raises nothing."""

_MOST_THREADS = 64
"""So many handlers may be busy at once; the events of others wait in their queues."""
_IDLE_SECONDS = 5.0
"""So long a thread waits for work before it ends."""


class _Threads:
    """Threads that are started when there is work for one more, up to a number."""

    def __init__(self) -> None:
        self._works: SimpleQueue[Work] = SimpleQueue()
        self._idle: list[None] = []
        """One item for each thread that waits for work, and was not promised any."""
        self._places: list[None] = [None] * _MOST_THREADS
        """One item for each thread that may be started yet."""

    def submit(self, work: Work) -> None:
        """Have a thread do it. At the end of the interpreter, where no thread can be started, it is done here."""
        try:
            self._idle.pop()
        except IndexError:
            if not self._start():
                work()
                return
        self._works.put(work)

    def _start(self) -> bool:
        """Start one more thread, if there may be one more; False where the interpreter starts none any more."""
        try:
            self._places.pop()
        except IndexError:
            return True
        _begin_to_work()
        try:
            _start(Thread(target=self._run, name="chatplug-callbacks", daemon=True))
        except RuntimeError:
            self._places.append(None)
            return len(self._places) < _MOST_THREADS
        return True

    def _run(self) -> None:
        work: Work | None = self._works.get()  # that for which the thread was started, or an older one
        while work is not None:
            work()
            work = None  # what it holds is not kept while the thread waits
            work = self._next()
        self._places.append(None)

    def _next(self) -> Work | None:
        """The next work; None where there was none for a while."""
        with suppress(Empty):
            return self._works.get_nowait()
        self._idle.append(None)
        while True:
            try:
                return self._works.get(timeout=_IDLE_SECONDS)
            except Empty:
                try:
                    self._idle.pop()
                except IndexError:
                    continue  # somebody counts on this thread
                return None


class _Loop:
    """An event loop in a thread of its own, which ends with the process."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.thread_id: int | None = None

    def get(self) -> asyncio.AbstractEventLoop | None:
        """The loop, which is running or about to; None where the interpreter starts no thread any more."""
        with self._lock:
            if self._loop is None:
                _begin_to_work()
                loop = asyncio.new_event_loop()
                thread = Thread(target=self._run, args=(loop,), name="chatplug-callbacks-loop", daemon=True)
                try:
                    _start(thread)
                except RuntimeError:
                    loop.close()
                    return None
                self._loop = loop
            return self._loop

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        self.thread_id = get_ident()
        loop.run_forever()


_threads = _Threads()
_loop = _Loop()
_is_working = False
_working: list[Work] = []


def when_working(work: Work) -> None:
    """Leave here what is to be done in each process before its first worker begins."""
    _working.append(work)


def _begin_to_work() -> None:
    global _is_working  # once for each process
    if not _is_working:
        _is_working = True
        for work in _working:
            work()


def _start(thread: Thread) -> None:
    """Start a thread that takes nothing along from whoever was the first to need it (`carrying`)."""
    if is_finalizing():  # before Python 3.12 it would be waited for in vain
        raise RuntimeError("The interpreter ends.")
    Context().run(thread.start)


def submit(work: Work) -> None:
    """Have a thread do it, soon."""
    _threads.submit(work)


def background_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop for asynchronous handlers of synchronous programs; None at the end of the interpreter."""
    return _loop.get()


def is_background_thread() -> bool:
    """Whether this code runs in that loop's thread, and so must not wait for it."""
    return _loop.thread_id == get_ident()


def _begin_anew() -> None:
    global _threads, _loop, _is_working  # what belongs to the parent process stays there
    _is_working = False
    _threads = _Threads()
    _loop = _Loop()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
