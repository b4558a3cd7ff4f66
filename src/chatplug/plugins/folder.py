"""What one entry of `sys.path` declares: read from its `*.dist-info` folders, with the proof that it is still so.

The answer is that of `importlib_metadata`, without its import: a distribution is what has a metadata file, its name
is that of its folder, and of one name in one entry the first counts. A distribution whose entry points cannot be read
declares nothing, and hides nobody else. What is not a plain folder (a zip file, an egg) is read by `discovery`.

The proof is the stat of all that was read: the entry itself, each metadata folder, and the files in it that had a
part in the answer. A change that keeps size, inode and both times to the nanosecond is possible only within one tick
of the file system's clock; so what is younger than `TICK` when the reading begins proves nothing, and is read again
the next time (git treats its index alike).
"""

from __future__ import annotations

import os
from stat import S_ISDIR
from typing import TYPE_CHECKING, NamedTuple

from chatplug.plugins.declaration import (
    GROUPS,
    MODELS,
    PROVIDERS,
    Declaration,
    distribution_key,
    fault_of,
    printable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = [
    "TICK",
    "Contents",
    "Fault",
    "Proof",
    "entries_of",
    "is_current",
    "proof_of",
    "read_folder",
    "requirement_of",
]

TICK = 2_500_000_000
"""Nanoseconds; longer than the coarsest clock of a file system, which is FAT's with two seconds."""
PYDANTIC = "pydantic"
"""The group of pydantic's own plugins, which it would look for in all that is installed."""

_METADATA = ("METADATA", "PKG-INFO")
_MISSING = (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)
"""What `importlib_metadata` takes for a file that is not there."""


class Fault(NamedTuple):
    """What an installed distribution declares in vain."""

    distribution: str
    """The distribution's name."""
    version: str
    """Its version; empty where that cannot be read."""
    reason: str
    """What is wrong, without a full stop."""


class Contents(NamedTuple):
    """What a folder declares."""

    names: tuple[str, ...] = ()
    """The distributions in it, each by its key: they hide those of the same name in later folders."""
    declarations: tuple[Declaration, ...] = ()
    """Their entry points in the groups of the host, in the order in which they were read."""
    faults: tuple[Fault, ...] = ()
    """What cannot be used."""
    has_pydantic_plugins: bool = False
    """Whether one of them is a plugin of pydantic."""


class Proof(NamedTuple):
    """What has to be unchanged for the contents to be right."""

    paths: tuple[str, ...]
    """What was read inside the folder, relative to it."""
    stamp: int
    """The stat of the folder and of all these, in one number."""


def is_plain(path: str) -> bool | None:
    """Whether an entry of `sys.path` is a folder that can be read here; None where nothing is there."""
    try:
        return S_ISDIR(os.stat(path).st_mode) and not path.lower().rstrip("/\\").endswith(".egg")
    except (OSError, ValueError):
        return None


def read_folder(path: str, now: int) -> tuple[Contents, Proof | None]:
    """What a folder declares, and the proof; no proof where it could change without being noticed.

    Args:
        path: An entry of `sys.path`, absolute.
        now: The time at which the reading begins, in nanoseconds.
    """
    try:
        children = os.listdir(path)
    except OSError:
        return Contents(), None
    reader = _Reader(path)
    for child in children:
        if child.lower().endswith((".dist-info", ".egg-info")):
            reader.read(child)
    return reader.contents(), proof_of(path, tuple(reader.paths), now) if reader.is_provable else None


def proof_of(path: str, paths: tuple[str, ...], now: int) -> Proof | None:
    """The proof that nothing has changed since; None where something is too young to prove it."""
    seen = _look(path, paths)
    is_text = path.isprintable() and all(map(str.isprintable, paths))
    if not seen or not is_text or max(*seen[_CHANGED], *seen[_MODIFIED]) >= now - TICK:
        return None
    return Proof(paths, _stamp(seen))


def is_current(path: str, proof: Proof) -> bool:
    """Whether nothing of what was read has changed."""
    seen = _look(path, proof.paths)
    return bool(seen) and _stamp(seen) == proof.stamp


_CHANGED, _MODIFIED = slice(2, None, 4), slice(3, None, 4)


def _look(path: str, paths: Iterable[str]) -> list[int]:
    """The stat of a folder and of what was read in it; empty where one is missing."""
    stat, prefix = os.stat, path if path.endswith(os.sep) else path + os.sep
    try:
        found = stat(path)
        seen = [found.st_dev, found.st_nlink, found.st_ctime_ns, found.st_mtime_ns, found.st_ino, found.st_size]
        for name in paths:
            found = stat(prefix + name)
            seen += (found.st_ctime_ns, found.st_mtime_ns, found.st_ino, found.st_size)
    except (OSError, ValueError):
        return []
    return seen


def _stamp(seen: list[int]) -> int:
    # A tuple of integers has one hash in every process of one interpreter.
    return hash(tuple(seen))


class _Reader:
    """Reads the distributions of one folder, one after the other."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.paths: list[str] = []
        """What was read."""
        self.is_provable = True
        """Whether each change of the answer changes the stat of something that was read."""
        self._names: dict[str, None] = {}
        self._declarations: list[Declaration] = []
        self._faults: list[Fault] = []
        self._has_pydantic_plugins = False

    def contents(self) -> Contents:
        return Contents(tuple(self._names), tuple(self._declarations), tuple(self._faults), self._has_pydantic_plugins)

    def read(self, child: str) -> None:
        """Read one distribution."""
        where = os.path.join(self.folder, child)
        name, _, version = child.rpartition(".")[0].partition("-")
        who = printable(name), printable(version)
        key = distribution_key(name)
        self.paths.append(child)
        metadata = next((file for file in _METADATA if os.path.exists(os.path.join(where, file))), "")
        try:
            text = self._entry_points(child)
            entries = list(entries_of(text))
        except (OSError, ValueError) as error:
            told = error if type(error) is ValueError else type(error).__name__
            self._faults.append(Fault(*who, f"its entry points cannot be read ({told})"))
            return
        if not metadata and not os.path.isfile(where):
            if entries:
                self._faults.append(Fault(*who, "its metadata is missing, as after half an uninstall"))
            return
        if key in self._names:
            return
        self._names[key] = None
        if entries:
            self.paths.append(os.path.join(child, metadata))
            self._add(where, entries, _Head.read(os.path.join(where, metadata), *who))

    def _entry_points(self, child: str) -> str:
        """The text of a distribution's entry points; empty where it has none."""
        path = os.path.join(self.folder, child, "entry_points.txt")
        try:
            with open(path, "rb", buffering=0) as file:
                data = file.read()
        except _MISSING as error:
            if isinstance(error, PermissionError) and os.path.exists(path):
                self.paths.append(os.path.join(child, "entry_points.txt"))
            elif os.path.islink(path):
                self.is_provable = False  # what it points to may come
            return ""
        self.paths.append(os.path.join(child, "entry_points.txt"))
        return data.decode()

    def _add(self, where: str, entries: Sequence[tuple[str, str, str]], head: _Head) -> None:
        """Keep the entry points of one distribution, as far as somebody could ask for them."""
        for group, name, value in entries:
            if group == PYDANTIC:
                self._has_pydantic_plugins = True
                continue
            fault = fault_of(group, name)
            if fault:
                kind = _KINDS.get(group, "entry point")
                self._faults.append(Fault(head.name, head.version, f"the {kind} {name!a} is left out: {fault}"))
                continue
            declared = Declaration(name, printable(value), head.name, head.version, group, where, head.requires)
            self._declarations.append(declared)


_KINDS = {PROVIDERS: "provider", MODELS: "model name"}


class _Head(NamedTuple):
    """What the metadata of a distribution says about it."""

    name: str
    version: str
    requires: str

    @classmethod
    def read(cls, path: str, name: str, version: str) -> _Head:
        """Read it; what is not said, or cannot be read, is what the folder's name says."""
        found = {"name": name, "version": version, "requires": ""}
        seen: set[str] = set()
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                lines = file.read().splitlines()
        except OSError:
            lines = []
        for line in lines:
            if not line:
                break
            field, _, value = line.partition(":")
            field, value = field.lower(), printable(value.strip())
            if field == "requires-dist":
                found["requires"] = requirement_of(value) or found["requires"]
            elif field in found and field not in seen and value:
                seen.add(field)
                found[field] = value
        return cls(**found)


def requirement_of(requirement: str) -> str:
    """The versions of chatplug that a requirement asks for; empty where it asks for none, or not always.

    >>> requirement_of("chatplug[http] (>=0.1,<0.2)")
    '>=0.1,<0.2'
    >>> requirement_of("chatplug-echo>=0.1"), requirement_of("chatplug>=9; extra == 'new'")
    ('', '')
    """
    name, _, marker = requirement.partition(";")
    name = name.strip()
    if marker or name[:8].lower() != "chatplug":
        return ""
    rest = name[8:].lstrip()
    if rest.startswith("["):
        rest = rest.partition("]")[2].lstrip()
    return rest.strip("()").replace(" ", "") if rest[:1] in tuple("(<>=!~") else ""


def entries_of(text: str) -> Iterator[tuple[str, str, str]]:
    """Group, name and value of each entry point of the groups that are read.

    Raises:
        ValueError: If a line is none.
    """
    group = None
    for line in map(str.strip, text.splitlines()):
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            group = line.strip("[]")
        elif group is not None:
            name, equals, value = line.partition("=")
            if not equals:
                raise ValueError("a line without '='")
            if group in GROUPS or group == PYDANTIC:
                yield group, name.strip(), value.strip()
