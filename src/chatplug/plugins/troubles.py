"""What handlers went through in any process of this user, kept in one small file that `chatplug doctor` reads.

It holds names and numbers alone: nothing of a run, nothing of what an error said. It is written whole and renamed into
its place, by one process at a time; ignored if it is torn, foreign, too large or somebody else's; and nobody is told
when it cannot be written. A trouble is forgotten with the version of the distribution that had it.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager, suppress
from datetime import datetime
from threading import Event
from time import time
from typing import TYPE_CHECKING, Any, NamedTuple

from chatplug.plugins.directories import state_folder
from chatplug.plugins.index_file import read_file, write_file
from chatplug.wire.shape import is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from chatplug.callbacks.extension import Trouble
    from chatplug.plugins.declaration import Declaration

__all__ = ["Troubled", "Troubles", "default_troubles"]

_VERSION = 1
_MOST = 50
"""So many are kept, the latest."""
_LONGEST = 200
"""Letters of a name."""
_LARGEST = 1 << 17
"""Bytes; more than the file ever has."""
_LATEST = 2.5e11
"""Seconds since 1970; the calendar of Python ends in the year 9999."""
_TRIES = 20
_PAUSE = 0.05


class Troubled(NamedTuple):
    """A class of handlers that were put aside or have missed events."""

    environment: str
    """The Python environment in which it happened: its `sys.prefix`."""
    distribution: str
    """Whose plugin gave the handlers; empty where a program has brought its own."""
    version: str
    """The distribution's version."""
    handler: str
    """The class, with its module."""
    failed: int
    """How often they raised, in all processes together."""
    dropped: int
    """How many events they have missed."""
    aside: int
    """How many of them were put aside."""
    error: str
    """The class of what they raised last; empty where they raised nothing."""
    when: float
    """When it was last so, in seconds since 1970."""

    @staticmethod
    def of(handler: str, trouble: Trouble, giver: Declaration | None) -> Troubled:
        """What handlers of a class went through that a plugin gave, or a program brought."""
        whose = ("", "") if giver is None else (_kept(giver.distribution), _kept(giver.version))
        counts = trouble.failed, trouble.dropped, trouble.aside
        return Troubled("", *whose, _kept(handler), *counts, _kept(trouble.error), 0)

    def facts(self) -> dict[str, Any]:
        """What a program is told of it."""
        return {name: getattr(self, name) for name in ("handler", "failed", "dropped", "aside", "error", "when")}

    def told(self) -> str:
        """What a person is told of it, and what to do."""
        parts = [
            f"put aside {_times(self.aside)}" if self.aside else "",
            f"failed {_times(self.failed)}" + (f", at last with {self.error}" if self.error else "")
            if self.failed
            else "",
            f"missed {self.dropped} event{'s' * (self.dropped != 1)}" if self.dropped else "",
        ]
        when = datetime.fromtimestamp(self.when).astimezone().strftime("%Y-%m-%d %H:%M")
        own = "Mend it" if self.failed else "Make it quicker"
        mend = f"Upgrade {self.distribution}, or tell its author" if self.distribution else own
        told = "; ".join(filter(None, parts))
        return f"{told}; last on {when}. {mend}; the program's log says more. `chatplug doctor --forget` forgets it."

    def and_then(self, later: Troubled) -> Troubled:
        """Both together."""
        return later._replace(
            failed=self.failed + later.failed,
            dropped=self.dropped + later.dropped,
            aside=self.aside + later.aside,
            error=later.error or self.error,
        )


class Troubles:
    """The file.

    Args:
        file: Where it is.
        environment: What is kept and shown of; this one unless told otherwise.
        clock: The time in seconds since 1970.
    """

    def __init__(self, file: str, environment: str = sys.prefix, clock: Callable[[], float] = time) -> None:
        self._file = file
        self._environment = environment
        self._clock = clock

    def add(self, troubled: Troubled) -> None:
        """Keep one more, or add to what is kept of its like."""
        one = troubled._replace(environment=self._environment, when=self._clock())
        with suppress(OSError), _locked(f"{self._file}.lock"):
            kept = {_key(old): old for old in self._read()}
            before = kept.pop(_key(one), None)
            kept[_key(one)] = before.and_then(one) if before else one
            self._write(list(kept.values())[-_MOST:])

    def known(self, installed: Iterable[Declaration]) -> list[Troubled]:
        """Those of this environment: of programs' own handlers, and of distributions as they are installed now.

        Args:
            installed: What is declared in this environment.
        """
        present = {("", ""), *((one.distribution, one.version) for one in installed)}
        return [
            one
            for one in self._read()
            if one.environment == self._environment and (one.distribution, one.version) in present
        ]

    def forget(self) -> bool:
        """Forget all of this environment; False if that cannot be."""
        if not os.path.lexists(self._file):
            return True
        with suppress(OSError), _locked(f"{self._file}.lock"):
            return self._write([one for one in self._read() if one.environment != self._environment])
        return False

    def _read(self) -> list[Troubled]:
        """What the file holds, the oldest first."""
        data = read_file(self._file)
        try:
            found: object = json.loads(data) if 0 < len(data) <= _LARGEST else None
        except (ValueError, RecursionError):
            return []
        items = found.get("troubles") if is_object(found) and found.get("version") == _VERSION else None
        return [one for item in items if (one := _troubled(item)) is not None][-_MOST:] if is_array(items) else []

    def _write(self, kept: list[Troubled]) -> bool:
        text = json.dumps({"version": _VERSION, "troubles": [one._asdict() for one in kept]}, indent=1)
        return write_file(self._file, text.encode())


def _kept(name: str) -> str:
    """A name as it is kept."""
    return "".join([letter if letter.isprintable() else "?" for letter in name])[:_LONGEST]


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


_NAMES = ("distribution", "version", "handler", "error")
_KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("environment", *_NAMES), (str,)),
    **dict.fromkeys(("failed", "dropped", "aside"), (int,)),
    "when": (int, float),
}


def _key(one: Troubled) -> tuple[str, ...]:
    return one.environment, one.distribution, one.version, one.handler


def _troubled(item: object) -> Troubled | None:
    """What an item of the file says; None if it is none."""
    if not is_object(item):
        return None
    fields = {name: item.get(name) for name in Troubled._fields}
    if not all(type(fields[name]) in kinds for name, kinds in _KINDS.items()):
        return None
    one = Troubled(**fields)  # type: ignore[arg-type]  # looked at above
    if any(len(getattr(one, name)) > _LONGEST or not getattr(one, name).isprintable() for name in _NAMES):
        return None
    is_possible = all(0 <= number < 1e15 for number in (one.failed, one.dropped, one.aside))
    return one if is_possible and 0 <= one.when < _LATEST else None


@contextmanager
def _locked(path: str) -> Generator[None]:
    """Hold the lock of a file.

    Raises:
        OSError: If others hold it all the time, or there can be none.
    """
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    # Not to wait for a pipe that somebody put in its place.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NONBLOCK", 0), 0o600)
    try:
        for tried in range(_TRIES):
            try:
                _lock(descriptor)
                break
            except OSError:
                if tried == _TRIES - 1:
                    raise
                Event().wait(_PAUSE)
        try:
            yield
        finally:
            _unlock(descriptor)  # closing it would not do: a fork may have copied it meanwhile
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def default_troubles() -> Troubles:
    """This user's."""
    return Troubles(os.path.join(state_folder(), "handlers.json"))
