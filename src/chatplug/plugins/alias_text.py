"""The text of `providers.toml` with an alias more, or one less; the rest of it stays as the user wrote it; pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from chatplug.errors import SettingsError
from chatplug.plugins.aliases import Alias, parsed
from chatplug.wire.shape import is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["with_alias", "without_alias"]

_HEAD = re.compile(r"""\s*\[\[?\s*("(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)""")
"""The first part of a table's name."""
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def with_alias(text: str, alias: Alias) -> str:
    """The text with an alias at its end.

    Raises:
        SettingsError: If there is one of that name already, or a value cannot be written.
    """
    before = parsed(text)
    if alias.name in before:
        raise SettingsError(
            f"There is an alias {alias.name!r} already.", hint="Remove it first, or choose another name."
        )
    lines = [f"[{_key(alias.name)}]", f"provider = {_value(alias.provider)}"]
    if alias.key:
        lines.append(f"key = {_value(alias.key)}")
    if alias.replaces:
        lines.append("replaces = true")
    if alias.settings:
        lines.append(f"[{_key(alias.name)}.settings]")
        lines += [f"{_key(name)} = {_value(value)}" for name, value in alias.settings.items()]
    made = "\n".join([*([text.rstrip(), ""] if text.strip() else []), *lines, ""])
    table = parsed(made).pop(alias.name)
    if parsed(made) != {**before, alias.name: table}:
        raise SettingsError("The file cannot be added to.", hint="Write the alias by hand.")
    return made


def without_alias(text: str, name: str) -> str:
    """The text without the table of an alias, and those below it.

    Raises:
        SettingsError: If it has none of that name, or it is not written as tables.
    """
    before = parsed(text)
    if name not in before:
        known = f"There are {', '.join(sorted(before))}." if before else "There are none."
        raise SettingsError(f"There is no alias {name!r}.", hint=known)
    kept: list[str] = []
    is_in = False
    for line in text.splitlines(keepends=True):
        head = _HEAD.match(line)
        if head is not None:
            is_in = name in parsed(f"{head[1]} = true")
        if not is_in:
            kept.append(line)
    made = "".join(kept)
    if parsed(made) != {other: table for other, table in before.items() if other != name}:
        raise SettingsError(f"The alias {name!r} is not written as a table of its own.", hint="Remove it by hand.")
    return made


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name)


def _value(value: Any) -> str:
    """A value as TOML has it. Strings are JSON's, but for DEL, which TOML wants escaped."""
    if isinstance(value, (bool, str)):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (int, float)):
        return repr(value)
    if is_array(value):
        return f"[{', '.join(map(_value, value))}]"
    if is_object(value):
        return f"{{{', '.join(f'{_key(name)} = {_value(item)}' for name, item in _items(value))}}}"
    raise SettingsError(f"TOML has no {'null' if value is None else type(value).__name__}.", hint="Leave it out.")


def _items(value: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return list(value.items())
