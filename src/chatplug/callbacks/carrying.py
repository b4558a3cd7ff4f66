"""The handlers of the blocks around code, which threads that are started there, and what pools are given, take along.

Tasks inherit context variables. A bare thread does not, unless Python 3.14 is told otherwise, and neither does what is
submitted to a pool; nor does Python keep a record of who started or submitted it. So from the first block on
`Thread.start` and `ThreadPoolExecutor.submit` set this one variable, as if it were inherited. Everything else of the
context stays as Python has it.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial, wraps
from threading import RLock, Thread
from types import MethodType
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import ContextVar

    from chatplug.callbacks.handler import BaseCallbackHandler

__all__ = ["carry"]

Around: TypeAlias = "ContextVar[tuple[BaseCallbackHandler, ...]]"

_installing = RLock()
_installed: dict[str, Any] = {}
"""What stands in the place of each method, as it was left."""


def carry(around: Around) -> None:
    """See to it that threads and pools take the handlers along; it is not taken back, since others may wrap it.

    Args:
        around: Where the handlers are.
    """
    _install(Thread, "start", _carrying_start, around)
    _install(ThreadPoolExecutor, "submit", _carrying_submit, around)


def _install(owner: type, name: str, make: Callable[[Any, Around], Any], around: Around) -> None:
    if getattr(owner, name) is _installed.get(name):
        return
    with _installing:
        present: Any = getattr(owner, name)
        # Others, as tracers do, may have wrapped ours; or have put back what was there before it.
        wrapped, ours = present, _installed.get(name)
        while wrapped is not None and wrapped is not ours:
            wrapped = getattr(wrapped, "__wrapped__", None)
        if wrapped is None:
            _installed[name] = made = make(present, around)
            setattr(owner, name, made)


def _carrying_start(start: Callable[[Thread], None], around: Around) -> Callable[[Thread], None]:
    @wraps(start)
    def start_with_handlers(self: Thread) -> None:
        handlers = around.get()
        if not handlers or _has_context(self):
            start(self)
            return
        run = self.run

        def run_with_handlers(self: Thread) -> None:
            _put_back(self, run)
            around.set(handlers)
            run()

        # A method, as others expect who wrap it in their turn; until the thread has begun.
        self.run = MethodType(run_with_handlers, self)  # type: ignore[method-assign]
        try:
            start(self)
        except BaseException:
            _put_back(self, run)
            raise

    return start_with_handlers


def _has_context(thread: Thread) -> bool:
    """Whether a thread has been given a context, or inherits one (Python 3.14): then it has what it shall have."""
    return getattr(thread, "_context", None) is not None or bool(getattr(sys.flags, "thread_inherit_context", False))


def _put_back(thread: Thread, run: Callable[[], None]) -> None:
    """Leave a thread as it was: with the method of its class, or with one of its own."""
    if getattr(run, "__self__", None) is thread:
        with suppress(AttributeError):
            del thread.run
    else:
        thread.run = run  # type: ignore[method-assign]  # as it was


def _carrying_submit(submit: Callable[..., Any], around: Around) -> Callable[..., Any]:
    @wraps(submit)
    def submit_with_handlers(self: Any, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        handlers = around.get()
        if not handlers:
            return submit(self, fn, *args, **kwargs)
        called = fn if _is_elsewhere(self) else partial(_call, around, handlers, fn)
        # A thread that the pool starts for it outlives the block, and serves others.
        token = around.set(())
        try:
            return submit(self, called, *args, **kwargs)
        finally:
            around.reset(token)

    return submit_with_handlers


def _is_elsewhere(pool: object) -> bool:
    """Whether what a pool is given is pickled, since its threads have interpreters of their own (Python 3.14)."""
    module = sys.modules.get("concurrent.futures.interpreter")
    return module is not None and isinstance(pool, module.InterpreterPoolExecutor)


def _call(
    around: Around, handlers: tuple[BaseCallbackHandler, ...], fn: Callable[..., Any], /, *args: Any, **kwargs: Any
) -> Any:
    token = around.set(handlers)
    try:
        return fn(*args, **kwargs)
    finally:
        around.reset(token)


def _begin_anew() -> None:
    global _installing  # another thread of the parent may have held it
    _installing = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
