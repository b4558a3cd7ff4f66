r"""JSON as servers write it, also where a text was cut through a character; pure.

Servers that count text in UTF-16 cut an emoji in two and send its halves as escapes, `"\ud83d"`, often in two events.
No parser of Unicode takes that. Halves that belong together are joined; one that stays alone becomes U+FFFD.
"""

from __future__ import annotations

import re
from typing import Any

from pydantic_core import from_json

from chatplug.wire import is_array, is_object

__all__ = ["HALF_LOST", "Halves", "read_json", "read_json_in_halves"]

HALF_LOST = "\ufffd"
"""What stands for a half whose other half never came."""

Halves = dict[tuple[int | str, ...], str]
"""First halves of characters that wait for the second one, by the path of the text that they end."""

_HALF = re.compile(rb"\\u[dD][89a-fA-F]")


def read_json(data: bytes) -> Any:
    """Parsed JSON.

    Raises:
        ValueError: If it is none, or no UTF-8.
    """
    try:
        return from_json(data)
    except ValueError:
        return read_json_in_halves(data, None)


def read_json_in_halves(data: bytes, held: Halves | None) -> Any:
    """Parsed JSON whose texts may hold halves of characters.

    Args:
        data: The JSON.
        held: First halves from events before; those that end a text of this one's choices are put there. None where
            nothing comes after.

    Raises:
        ValueError: If it is none, or no UTF-8.
    """
    import json

    if not (held or _HALF.search(data)):
        raise ValueError("not JSON")
    try:
        return _whole(json.loads(data.decode()), (), held)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _whole(value: Any, path: tuple[int | str, ...], held: Halves | None) -> Any:
    if isinstance(value, str):
        if held is not None and path[:1] == ("choices",):
            value = held.pop(path, "") + value
            if "\ud800" <= value[-1:] < "\udc00":
                held[path] = value[-1]
                value = value[:-1]
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if is_object(value):
        return {_whole(name, (), None): _whole(item, (*path, name), held) for name, item in value.items()}
    return [_whole(item, (*path, index), held) for index, item in enumerate(value)] if is_array(value) else value
