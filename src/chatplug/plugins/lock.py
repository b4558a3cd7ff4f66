"""The lock: which plugins were installed when it was written, each with its version and a digest of its RECORD.

RECORD is the list that an installer keeps of a distribution's files with their hashes. The digest is of the files that
came with the distribution; what an installer adds on one machine (scripts, notes of its own, compiled code) is left
out, so a lock holds on every machine that has the same wheels. Before a locked plugin is imported its RECORD is
compared with the lock, and its files with its RECORD.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from chatplug.errors import PluginRefusedError
from chatplug.plugins.declaration import distribution_key, printable
from chatplug.wire.shape import is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from chatplug.plugins.declaration import Declaration

__all__ = ["Lock", "Locked", "is_editable", "lock_of", "read_lock", "write_lock"]

_VERSION = 1
_AGAIN = "If that is intended, run: chatplug plugins lock"


class Locked(NamedTuple):
    """One plugin as it was when the lock was written."""

    name: str
    version: str
    record: str


class Lock(NamedTuple):
    """The plugins that may run."""

    file: str
    plugins: Mapping[str, Locked]
    """By the key of their distribution."""

    def refusal(self, distribution: str, version: str) -> tuple[str, str]:
        """Why a distribution may not run, and what to do; empty where it may."""
        locked = self.plugins.get(distribution_key(distribution))
        if locked is None:
            return f"the lock {self.file} does not name it.", _AGAIN
        if locked.version != version:
            return f"the lock {self.file} has version {locked.version}.", _AGAIN
        return "", ""

    def difference(self, declaration: Declaration) -> tuple[str, str]:
        """What is not as it was locked, and what to do; empty where everything is."""
        locked = self.plugins.get(distribution_key(declaration.distribution))
        if locked is None or locked.record != digest_of(declaration.folder):
            return f"its RECORD is not the one that the lock {self.file} has.", _AGAIN
        changed = next(_changed(declaration.folder), "")
        if changed:
            return f"its file {changed} is not what its RECORD says.", f"Reinstall {declaration.distribution}."
        return "", ""


def lock_of(declarations: Iterable[Declaration]) -> tuple[list[Locked], list[str]]:
    """What a lock of these plugins holds, and the distributions that have no RECORD and so cannot be locked."""
    locked: dict[str, Locked] = {}
    without: dict[str, None] = {}
    for one in declarations:
        record = digest_of(one.folder)
        if record:
            locked[distribution_key(one.distribution)] = Locked(one.distribution, one.version, record)
        else:
            without[one.distribution] = None
    return [locked[key] for key in sorted(locked)], sorted(without)


def is_editable(declaration: Declaration) -> bool:
    """Whether a distribution's code is somewhere else, where a RECORD does not reach it."""
    try:
        with open(os.path.join(declaration.folder, "direct_url.json"), encoding="utf-8") as file:
            return '"editable":true' in file.read().replace(" ", "")
    except (OSError, ValueError):
        return False


def read_lock(file: str) -> Lock:
    """Read a lock.

    Raises:
        PluginRefusedError: If it cannot be read, or is none.
    """
    import json

    try:
        with open(file, encoding="utf-8") as opened:
            found: object = json.load(opened)
    except (OSError, ValueError, RecursionError) as error:
        raise PluginRefusedError(f"The lock {file} cannot be read ({printable(str(error))}).") from error
    plugins = found.get("plugins") if is_object(found) and found.get("version") == _VERSION else None
    if not is_array(plugins):
        raise PluginRefusedError(f"{file} is no lock of plugins.")
    locked: dict[str, Locked] = {}
    for one in plugins:
        fields: list[Any] = [one.get(name) for name in Locked._fields] if is_object(one) else [None]
        if not all(isinstance(value, str) and value for value in fields):
            raise PluginRefusedError(f"The lock {file} has a plugin without name, version or record.")
        locked[distribution_key(fields[0])] = Locked(*fields)
    return Lock(file, locked)


def write_lock(file: str, locked: Iterable[Locked]) -> None:
    """Write a lock, whole and at once.

    Raises:
        OSError: If it cannot be written.
    """
    import json

    text = json.dumps({"version": _VERSION, "plugins": [one._asdict() for one in locked]}, indent=2)
    os.makedirs(os.path.dirname(os.path.abspath(file)), exist_ok=True)
    temporary = f"{file}.{os.getpid()}.tmp"
    with open(temporary, "w", encoding="utf-8") as opened:
        opened.write(text + "\n")
    os.replace(temporary, file)


def digest_of(folder: str) -> str:
    """The digest of what came with a distribution; empty where there is no list of it."""
    from hashlib import sha256

    rows = "\n".join(sorted(",".join(row) for row in _rows(folder)))
    return f"sha256:{sha256(rows.encode()).hexdigest()}" if rows else ""


# What an installer writes beside what came in the wheel.
_NOTES = {"INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "uv_build.json", "uv_cache.json"}


def _rows(folder: str) -> Iterator[tuple[str, str, str]]:
    """Path, hash and size of each file that came with a distribution."""
    import csv

    if not folder:
        return
    own = os.path.basename(folder)
    try:
        with open(os.path.join(folder, "RECORD"), encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                path, hashed = (row[0], row[1]) if len(row) == 3 else ("", "")
                head, _, name = path.rpartition("/")
                is_outside = path.startswith(("/", "..")) or (head == own and name in _NOTES)
                if hashed and not is_outside:
                    yield path, hashed, row[2]
    except (OSError, ValueError, csv.Error):
        return


def _changed(folder: str) -> Iterator[str]:
    """The files of a distribution that are not what its RECORD says."""
    from base64 import urlsafe_b64encode
    from hashlib import new

    site = os.path.dirname(folder)
    for path, hashed, _ in _rows(folder):
        kind, _, expected = hashed.partition("=")
        try:
            with open(os.path.join(site, *path.split("/")), "rb") as file:
                found = new(kind, file.read()).digest()
        except (OSError, ValueError):
            yield path
            continue
        if urlsafe_b64encode(found).rstrip(b"=").decode() != expected.rstrip("="):
            yield path
