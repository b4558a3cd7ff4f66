"""How the handlers of one class have fared in this process, and what of it is kept for the doctor.

Kept is that handlers were put aside or have missed events: at once when it first happens, in a worker thread, and the
rest when the process ends. A class is what a person can mend; its handlers may be made for each request.
"""

from __future__ import annotations

import os
from sys import is_finalizing
from threading import RLock
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, ref

from chatplug.callbacks.extension import Trouble, keep_trouble
from chatplug.callbacks.workers import submit

if TYPE_CHECKING:
    from chatplug.callbacks.handler import BaseCallbackHandler

__all__ = ["Health", "health_of", "keep_all"]


class Health:
    """How the handlers of one class have fared.

    Args:
        handler: The class.
    """

    __slots__ = ("_handler", "_kept", "_told", "aside", "dropped", "error", "failed")

    def __init__(self, handler: type[BaseCallbackHandler]) -> None:
        self._handler = ref(handler)
        self._told: set[str] = set()
        self._kept = (0, 0, 0)
        self.failed = 0
        self.dropped = 0
        self.aside = 0
        self.error: type[BaseException] | None = None

    def keep(self, what: str) -> None:
        """Have it kept, soon, that there is trouble of a kind; once for each process and kind."""
        # What is collected while the interpreter ends may say so: after `keep_all`, when there are no threads any more.
        if what not in self._told and not is_finalizing():
            self._told.add(what)
            submit(self.keep_now)

    def keep_now(self) -> None:
        """Have kept what was not yet."""
        if not (self.aside or self.dropped):
            return
        with _keeping:  # all the while: the end of the process waits for what a worker has begun to write
            now, before = (self.failed, self.dropped, self.aside), self._kept
            handler, error = self._handler(), self.error
            if now == before or handler is None:
                return
            self._kept = now
            name = f"{error.__module__}.{error.__qualname__}".removeprefix("builtins.") if error is not None else ""
            failed, dropped, aside = (new - old for new, old in zip(now, before, strict=True))
            keep_trouble(handler, Trouble(failed, dropped, aside, name))

    def begin_anew(self) -> None:
        """Leave to the parent of a fork what happened there."""
        self._told.clear()
        self._kept = (self.failed, self.dropped, self.aside)


_making = RLock()
_keeping = RLock()
_healths: WeakKeyDictionary[type[BaseCallbackHandler], Health] = WeakKeyDictionary()


def health_of(handler: type[BaseCallbackHandler]) -> Health:
    """How the handlers of a class have fared."""
    found = _healths.get(handler)
    if found is None:
        with _making:
            found = _healths.setdefault(handler, Health(handler))
    return found


def keep_all() -> None:
    """Have kept what was not yet, of all classes."""
    for health in list(_healths.values()):
        health.keep_now()


def _begin_anew() -> None:
    global _making, _keeping  # another thread of the parent may have held them
    _making, _keeping = RLock(), RLock()
    for health in list(_healths.values()):
        health.begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
