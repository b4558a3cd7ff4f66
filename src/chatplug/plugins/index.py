"""The picture of what is installed, kept in one small file so that asking costs next to nothing.

For each entry of `sys.path` the file holds what the entry declares and the proof of it (`folder`). An answer is given
only with a proof that still holds: each time the folder and what was read in it are looked at again (a stat each, no
reading); what has changed, or was too young, is read anew. Whoever finds metadata in another way than by `sys.path`
(a foreign finder) makes `importlib_metadata` be asked for everything.

The file is data and never code. It is written whole and renamed into its place, has a checksum, and is ignored if it is
torn, foreign, too large or somebody else's. It may be absent, and nobody is told when it cannot be written. Before a
plugin is imported its entry point is read once more where it stands (`is_declared`): a file that somebody made up, with
the right checksum, can hide a plugin that is there, and cannot invent one.
"""

from __future__ import annotations

import os
import sys
import time
from binascii import crc32
from contextlib import suppress
from operator import attrgetter, is_
from typing import TYPE_CHECKING, NamedTuple

from chatplug.plugins.declaration import GROUPS, PROVIDERS, Declaration, distribution_key, plain_name
from chatplug.plugins.directories import cache_folder
from chatplug.plugins.folder import Contents, Fault, Proof, entries_of, is_current, is_plain, proof_of, read_folder
from chatplug.plugins.index_file import decode, encode, read_file, write_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["Index", "Installed", "default_index", "discover", "is_declared"]


class Installed(NamedTuple):
    """What is installed at one moment."""

    groups: Mapping[str, Mapping[str, list[Declaration]]]
    """For each group the declarations by name; two of one name are both there."""
    faults: tuple[Fault, ...]
    """What is declared in vain."""
    has_pydantic_plugins: bool
    """Whether pydantic would find plugins of its own."""


class Index:
    """What is installed, asked as often as one likes.

    Args:
        file: Where it is kept; None for nowhere.
        clock: The time in nanoseconds, against which the age of what is read is told.
    """

    def __init__(self, file: str | None, clock: Callable[[], int] = time.time_ns) -> None:
        self._file = file
        self._clock = clock
        self._known: dict[str, tuple[Contents, Proof]] = {}
        self._is_read = False
        self._may_write = file is not None
        self._last: tuple[list[Contents], Installed] | None = None

    def installed(self) -> Installed:
        """What is installed now."""
        # Without a lock, which a fork could leave locked: two threads may read the same twice.
        if _has_foreign_finder():
            from chatplug.plugins.discovery import read_all

            contents = [read_all()]
        else:
            contents = self._contents()
        last = self._last
        # The same objects: nothing was read anew.
        if last is None or len(last[0]) != len(contents) or not all(map(is_, last[0], contents)):
            self._last = last = contents, _together(contents)
        return last[1]

    def distrust(self) -> None:
        """Forget everything, and do without the file until it is written anew."""
        self._known, self._is_read = {}, True

    def _contents(self) -> list[Contents]:
        if not self._is_read:
            self._is_read = True
            if self._file is not None:
                self._known = decode(read_file(self._file), _OWN)
        found: list[Contents] = []
        is_new = False
        for path in _path():
            known = self._known.get(path)
            if known is not None and is_current(path, known[1]):
                found.append(known[0])
                continue
            contents, proof = _read(path, self._clock())
            found.append(contents)
            if proof is not None:
                self._known[path] = contents, proof
                # A folder without distributions is read as fast as it would be looked up.
                is_new = is_new or bool(contents.names)
            else:
                self._known.pop(path, None)
        if is_new:
            self._write()
        return found

    def _write(self) -> None:
        # Those of now first; the others are of other programs in the same environment.
        known = self._known
        kept = {path: known[path] for path in (*_path(), *list(known)) if path in known}
        self._known = dict(list(kept.items())[:_MOST])
        if self._may_write and self._file is not None:
            worth = {path: known for path, known in self._known.items() if known[0].names}
            # After a failure it is not tried again: the directory cannot be written.
            self._may_write = write_file(self._file, encode(worth, _OWN))


_MOST = 64
"""How many entries of `sys.path` are remembered."""
# The hash of a tuple may differ between interpreters.
_OWN = f"{sys.implementation.cache_tag} {sys.maxsize:x}"


_NOTHING = Contents()


def _path() -> Iterable[str]:
    """The entries of `sys.path`, absolute, each once."""
    seen: dict[str, None] = {}
    for entry in sys.path:
        if not isinstance(entry, str):  # nothing can be imported from it, either
            continue
        if not os.path.isabs(entry):
            try:
                entry = os.path.join(os.getcwd(), entry) if entry else os.getcwd()
            except OSError:
                continue
        seen[entry] = None
    return seen


def _read(path: str, now: int) -> tuple[Contents, Proof | None]:
    plain = is_plain(path)
    if plain is None:
        return _NOTHING, None
    if plain:
        return read_folder(path, now)
    from chatplug.plugins.discovery import read_entry

    # A zip file proves what is in it. What is in an egg's folder has no place in the proof.
    return read_entry(path), None if os.path.isdir(path) else proof_of(path, (), now)


def _has_foreign_finder() -> bool:
    """Whether somebody finds distributions in a way of his own."""
    for finder in sys.meta_path:
        if getattr(finder, "find_distributions", None) is not None:
            kind = finder if isinstance(finder, type) else type(finder)
            if kind.__module__ not in ("_frozen_importlib_external", "importlib_metadata"):
                return True
    return False


def _together(contents: Iterable[Contents]) -> Installed:
    """What several folders declare: of a distribution that is in two of them the first counts."""
    groups: dict[str, dict[str, list[Declaration]]] = {group: {} for group in GROUPS}
    faults: list[Fault] = []
    seen: set[str] = set()
    has_pydantic_plugins = False
    for one in contents:
        for declared in one.declarations:
            if distribution_key(os.path.basename(declared.folder).partition("-")[0] or declared.distribution) in seen:
                continue
            named = groups[declared.group]
            same = named.setdefault(plain_name(declared.name) if declared.group == PROVIDERS else declared.name, [])
            # One distribution may write one name in two ways, as long as both mean the same.
            if not any(other[1:3] == declared[1:3] for other in same):
                same.append(declared)
                if len(same) > 1:
                    same.sort(key=attrgetter("distribution"))  # a folder's own order is nobody's wish
        faults += one.faults
        has_pydantic_plugins = has_pydantic_plugins or one.has_pydantic_plugins
        seen.update(one.names)
    return Installed(groups, tuple(faults), has_pydantic_plugins)


def is_declared(declaration: Declaration) -> bool:
    """Whether a distribution still declares what the index says it does; read from its own file."""
    if not declaration.folder:
        return True  # it comes from `importlib_metadata`, now
    try:
        with open(os.path.join(declaration.folder, "entry_points.txt"), encoding="utf-8") as file:
            entries = list(entries_of(file.read()))
    except (OSError, ValueError):
        return False
    return (declaration.group, declaration.name, declaration.value) in entries


_default: Index | None = None


def default_index() -> Index:
    """The index of this process."""
    global _default  # one for each process
    if _default is None:
        _default = Index(_default_file())
    return _default


def _default_file() -> str | None:
    with suppress(OSError, RuntimeError, ImportError):
        tag = f"{crc32(os.fsencode(sys.prefix)):08x}-{sys.implementation.cache_tag}"
        return os.path.join(cache_folder(), f"installed-{tag}.txt")
    return None


def discover(group: str = PROVIDERS) -> dict[str, list[Declaration]]:
    """What installed distributions declare in a group, by name; two declarations of one name are both there.

    Of a distribution that is on the path twice the first one counts, as it does for an import.
    """
    return {name: list(declared) for name, declared in default_index().installed().groups.get(group, {}).items()}
