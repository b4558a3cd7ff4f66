"""Which plugins may run: an allow-list, a block-list, and a lock.

`CHATPLUG_PLUGINS` and `CHATPLUG_DISABLE_PLUGINS` name distributions, with commas between them. The lists `allow` and
`block` of `plugins.toml` in the configuration folder hold besides: a plugin has to pass all of them. The lock is the
file that `CHATPLUG_PLUGINS_LOCK` names, or `lock` in `plugins.toml`, or `plugins.lock` in the configuration folder if
it is there (`lock`).

All of it is asked before anything of a plugin is imported. What cannot be read lets nobody in.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from chatplug.credentials import read_variable
from chatplug.errors import PluginRefusedError
from chatplug.plugins.declaration import distribution_key, printable
from chatplug.plugins.directories import config_folder
from chatplug.wire.shape import is_array

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chatplug.plugins.declaration import Declaration
    from chatplug.plugins.lock import Lock

__all__ = ["ALLOW", "BLOCK", "LOCK", "Trust", "config_file", "lock_file", "trust"]

ALLOW = "CHATPLUG_PLUGINS"
"""The variable with the allow-list."""
BLOCK = "CHATPLUG_DISABLE_PLUGINS"
"""The variable with the block-list."""
LOCK = "CHATPLUG_PLUGINS_LOCK"
"""The variable that names the lock."""


class _List(NamedTuple):
    """Some distributions, and where they are named."""

    where: str
    names: tuple[str, ...]

    def has(self, distribution: str) -> bool:
        key = distribution_key(distribution)
        return any(distribution_key(name) == key for name in self.names)


class Trust(NamedTuple):
    """What decides which plugins may run."""

    allowed: tuple[_List, ...] = ()
    blocked: tuple[_List, ...] = ()
    lock: Lock | None = None
    fault: str = ""
    """Why nobody is let in: a file that cannot be read."""

    def is_open(self) -> bool:
        """Whether everybody may run."""
        return not (self.allowed or self.blocked or self.lock or self.fault)

    def refusal(self, declaration: Declaration) -> tuple[str, str]:
        """Why a plugin may not run and what to do, two sentences; empty where it may."""
        name, version = declaration.distribution, declaration.version
        if self.fault:
            return self.fault, "Mend or remove it; until then no plugin is let in."
        for one in self.blocked:
            if one.has(name):
                return f"{one.where} blocks it.", f"Take {name} out of it to let it in."
        for one in self.allowed:
            if not one.has(name):
                names = ", ".join(one.names) or "nobody"
                return f"{one.where} allows {names} only.", f"Add {name} to it to let it in."
        return self.lock.refusal(name, version) if self.lock else ("", "")

    def is_blocked(self, declaration: Declaration) -> bool:
        """Whether a block-list names a plugin."""
        return any(one.has(declaration.distribution) for one in self.blocked)

    def those_let_in(self, declarations: Iterable[Declaration]) -> list[Declaration]:
        """Those that may run."""
        return [one for one in declarations if not self.refusal(one)[0]]

    def check(self, declaration: Declaration) -> None:
        """Look at the files of a plugin that is about to be imported, where a lock is in force.

        Raises:
            PluginRefusedError: If they are not what the lock names.
        """
        why, hint = self.refusal(declaration)
        if not why and self.lock:
            why, hint = self.lock.difference(declaration)
        if why:
            who = f"{declaration.distribution} {declaration.version}"
            raise PluginRefusedError(f"The plugin {who} is kept out: {why}", hint=hint)


def config_file() -> str:
    """The file in which a user's lists are."""
    return os.path.join(config_folder(), "plugins.toml")


def lock_file() -> str:
    """The file that the lock is written to and read from, whether it is there or not."""
    named = read_variable(LOCK) or _config(_stamp(config_file())).get("lock")
    return os.path.join(config_folder(), named if isinstance(named, str) else "plugins.lock")


_last: tuple[tuple[object, ...], Trust] | None = None


def trust() -> Trust:
    """What holds now; the files are read again when they have changed."""
    global _last  # one for each process
    config = config_file()
    stamp = _stamp(config)
    try:
        lock = lock_file()
    except PluginRefusedError as error:
        return Trust(fault=error.message)
    facts = (read_variable(ALLOW), read_variable(BLOCK), config, stamp, lock, _stamp(lock))
    if _last is None or _last[0] != facts:
        _last = facts, _read(config, stamp, lock)
    return _last[1]


def _read(config: str, stamp: tuple[int, ...] | None, lock: str) -> Trust:
    try:
        found = _config(stamp)
        allowed = [_List(config, tuple(found["allow"]))] if "allow" in found else []
        blocked = [_List(config, tuple(found["block"]))] if "block" in found else []
        is_named = bool(read_variable(LOCK) or found.get("lock"))
        locked = None
        if is_named or _stamp(lock) is not None:
            from chatplug.plugins.lock import read_lock

            locked = read_lock(lock)
    except PluginRefusedError as error:
        return Trust(fault=error.message)
    for variable, lists in ((ALLOW, allowed), (BLOCK, blocked)):
        value = read_variable(variable)
        if value is not None:
            lists.append(_List(variable, tuple(filter(None, (name.strip() for name in value.split(","))))))
    return Trust(tuple(allowed), tuple(blocked), locked)


def _config(stamp: tuple[int, ...] | None) -> dict[str, Any]:
    """What the user's file says, checked.

    Raises:
        PluginRefusedError: If it cannot be read, or says what it must not.
    """
    if stamp is None:
        return {}
    from tomllib import TOMLDecodeError, load

    file = config_file()
    try:
        with open(file, "rb") as opened:
            found = load(opened)
    except (OSError, UnicodeDecodeError, TOMLDecodeError) as error:
        raise PluginRefusedError(f"{file} cannot be read ({printable(str(error))}).") from error
    for name, value in found.items():
        if name == "lock" and isinstance(value, str):
            continue
        if name in ("allow", "block") and is_array(value) and all(isinstance(one, str) for one in value):
            continue
        raise PluginRefusedError(f"{file} has {name!r}, which is not allow or block (lists of names) or lock (a path).")
    return found


def _stamp(path: str) -> tuple[int, ...] | None:
    """What changes when a file does; None where it is not there."""
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        return ()  # it is there, and reading it will say what is wrong
    return found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size
