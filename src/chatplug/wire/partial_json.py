r"""JSON that is still arriving: fed in fragments, read at any moment, in time linear in its length.

`PartialJSON` keeps the containers that are open, each with what is in it so far, and takes up where the last fragment
ended. A reading copies the open containers only; what is closed is shared between readings, and so are texts that have
ended. A text that is still growing is read as far as it has come. A number or a word (`true`) counts when its end is
there: 12 may yet become 120.

The grammar is RFC 8259's. What breaks it ends the reading of fragments, and is told by `error`; what was read stays.

>>> parser = PartialJSON()
>>> for fragment in ('{"city": "Be', 'rn", "days": 1', "2}"):
...     parser.feed(fragment)
...     print(parser.value())
{'city': 'Be'}
{'city': 'Bern'}
{'city': 'Bern', 'days': 12}
"""

from __future__ import annotations

import re
from typing import Any

from pydantic_core import from_json

__all__ = ["ABSENT", "PartialJSON"]

ABSENT: Any = object()
"""What `PartialJSON.value` gives before there is a value."""

_SPACE = re.compile(r"[ \t\n\r]*")
_IN_TEXT = re.compile(r'[^"\\\x00-\x1f]*')
_PLAIN = re.compile(r'[^"\\\x00-\x1f]+')
_CODE = re.compile(r"[0-9a-fA-F]{4}")
_WORD = re.compile(r"[-+.0-9A-Za-z]*")
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_DEEPEST = 200


class _Open:
    """A container that is not closed yet."""

    __slots__ = ("items", "key")

    def __init__(self, items: dict[str, Any] | list[Any]) -> None:
        self.items = items
        self.key: str | None = None
        """In an object, the name whose value comes next."""


class PartialJSON:
    """Fragments of JSON in, the value so far out.

    Args:
        allow_control_characters: Whether a text may hold a line break as it is, as models write it that nothing
            forces to write JSON.
    """

    __slots__ = (
        "_allows_control",
        "_escape",
        "_expects",
        "_is_key",
        "_open",
        "_text",
        "_value",
        "_word",
        "changes",
        "error",
    )

    def __init__(self, *, allow_control_characters: bool = False) -> None:
        self._allows_control = allow_control_characters
        self._open: list[_Open] = []
        self._value: Any = ABSENT
        self._text: list[str] | None = None
        """The pieces of the text that is being read."""
        self._escape = ""
        """An escape in that text that is not whole yet."""
        self._is_key = False
        self._word = ""
        self._expects = "value"
        self.error: str | None = None
        """What broke the grammar; None while nothing has."""
        self.changes = 0
        """How often the value has changed; a reading is worth while when this has grown."""

    @property
    def is_whole(self) -> bool:
        """Whether one whole value has been read, and nothing but spaces behind it."""
        return self.error is None and self._expects == "end"

    @property
    def has_ended(self) -> bool:
        """Whether one whole value has been read, whatever came behind it."""
        return self._expects == "end"

    @property
    def is_too_deep(self) -> bool:
        """Whether it was given up because more containers stand within each other than are read."""
        return self.error is not None and len(self._open) >= _DEEPEST

    @property
    def is_begun(self) -> bool:
        """Whether anything but spaces has come."""
        return bool(self._expects != "value" or self._open or self._text is not None or self._word)

    def feed(self, fragment: str) -> None:
        """Read on."""
        if self._text is not None and not self._escape and _PLAIN.fullmatch(fragment):
            # Most fragments are a piece of a text.
            self._text.append(fragment)
            if not self._is_key:
                self.changes += 1
            return
        at, end = 0, len(fragment)
        while at < end and self.error is None:
            at = self._step(fragment, at)

    def feed_value(self, fragment: str) -> str:
        """Read on, to the end of the value or to what breaks the grammar; gives what is left from there on."""
        at = before = 0
        while at < len(fragment) and self._expects != "end":
            before, at = at, self._step(fragment, at)
            if self.error is not None:
                return fragment[before:]
        return fragment[at:]

    def end(self) -> None:
        """Say that nothing more comes: a number or a word at the end is whole."""
        if self._word and self.error is None:
            self._end_word()

    def _step(self, fragment: str, at: int) -> int:
        if self._text is not None:
            return self._read_text(fragment, at)
        if self._word:
            return self._read_word(fragment, at)
        return self._read_structure(fragment, at)

    def value(self) -> Any:
        """The value so far, which later fragments do not change; `ABSENT` before there is any."""
        value = ABSENT
        if self._text is not None and not self._is_key:
            value = "".join(self._text)
            self._text = [value]
        if not self._open:
            return self._value if value is ABSENT else value
        for container in reversed(self._open):
            items = container.items.copy()
            if value is not ABSENT:
                if isinstance(items, list):
                    items.append(value)
                elif container.key is not None:
                    items[container.key] = value
            value = items
        return value

    # ---- the parts of the grammar

    def _read_text(self, fragment: str, at: int) -> int:
        pieces = self._text
        assert pieces is not None
        if self._escape:
            return self._read_escape(fragment, at)
        match = _IN_TEXT.match(fragment, at)
        assert match is not None
        if match.end() > at:
            self._add(pieces, match[0])
        at = match.end()
        if at == len(fragment):
            return at
        if fragment[at] == '"':
            self._text = None
            self._end_text("".join(pieces))
        elif fragment[at] == "\\":
            self._escape = "\\"
        elif self._allows_control:
            self._add(pieces, fragment[at])
        else:
            self.error = "a control character in a text"
        return at + 1

    def _add(self, pieces: list[str], text: str) -> None:
        pieces.append(text)
        if not self._is_key:
            self.changes += 1

    def _read_escape(self, fragment: str, at: int) -> int:
        pieces = self._text
        assert pieces is not None
        self._escape += fragment[at]
        escape = self._escape
        if len(escape) == 2 and escape[1] != "u":  # a backslash and a letter
            if escape[1] not in _ESCAPES:
                self.error = f"the escape {escape!r}"
            else:
                self._add(pieces, _ESCAPES[escape[1]])
                self._escape = ""
        elif len(escape) in (6, 12):
            self._end_code(escape, pieces)
        elif (len(escape) == 7 and escape[6] != "\\") or (len(escape) == 8 and escape[7] != "u"):
            # Half of a pair, and the other half does not come.
            self._add(pieces, "\ufffd")
            self._escape = ""
            return at + 1 - (len(escape) - 6)
        return at + 1

    def _end_code(self, escape: str, pieces: list[str]) -> None:
        parts = escape.split("\\u")[1:]
        if not all(_CODE.fullmatch(part) for part in parts):
            self.error = f"the escape {escape!r}"
            return
        codes = [int(part, 16) for part in parts]
        if len(codes) == 1 and 0xD800 <= codes[0] < 0xDC00:  # the first half of a pair (UTF-16)
            return
        self._escape = ""
        text = b"".join(code.to_bytes(2, "big") for code in codes).decode("utf-16-be", "replace")
        self._add(pieces, text)

    def _end_text(self, text: str) -> None:
        if not self._is_key:
            self._end_value(text)
            return
        self._is_key = False
        self._open[-1].key = text
        self._expects = "colon"

    def _read_word(self, fragment: str, at: int) -> int:
        match = _WORD.match(fragment, at)
        assert match is not None
        self._word += match[0]
        if match.end() < len(fragment):
            self._end_word()
        return match.end()

    def _end_word(self) -> None:
        word, self._word = self._word, ""
        try:
            value = from_json(word, allow_inf_nan=False)
        except (TypeError, ValueError):  # a TypeError for text that is no Unicode
            self.error = f"{word[:20]!r}, which is no value"
            return
        self.changes += 1
        self._end_value(value)

    def _read_structure(self, fragment: str, at: int) -> int:
        match = _SPACE.match(fragment, at)
        assert match is not None
        at = match.end()
        if at == len(fragment):
            return at
        mark = fragment[at]
        if mark == '"' and self._expects in ("value", "value or end", "key", "key or end"):
            self._is_key = self._expects.startswith("key")
            self._text = []
            self.changes += not self._is_key
        elif mark in "{[" and self._expects.startswith("value"):
            self._begin(mark)
        elif mark in "}]":
            self._close(mark)
        elif mark == ":" and self._expects == "colon":
            self._expects = "value"
        elif mark == "," and self._expects == "comma or end":
            self._expects = "key" if isinstance(self._open[-1].items, dict) else "value"
        elif self._expects.startswith("value") and _WORD.fullmatch(mark):
            self._word = mark
        else:
            self.error = f"{mark!r} where {_WANTED[self._expects]} should be"
        return at + 1

    def _begin(self, mark: str) -> None:
        if len(self._open) >= _DEEPEST:
            self.error = f"more than {_DEEPEST} containers within each other"
            return
        self._open.append(_Open({} if mark == "{" else []))
        self.changes += 1
        self._expects = "key or end" if mark == "{" else "value or end"

    def _close(self, mark: str) -> None:
        is_object = bool(self._open) and isinstance(self._open[-1].items, dict)
        allowed = ("key or end", "comma or end") if is_object else ("value or end", "comma or end")
        if not self._open or is_object != (mark == "}") or self._expects not in allowed:
            self.error = f"{mark!r} where {_WANTED[self._expects]} should be"
            return
        self._end_value(self._open.pop().items)

    def _end_value(self, value: Any) -> None:
        if not self._open:
            self._value = value
            self._expects = "end"
            return
        container = self._open[-1]
        if isinstance(container.items, list):
            container.items.append(value)
        elif container.key is not None:
            container.items[container.key] = value
            container.key = None
        self._expects = "comma or end"


_WANTED = {
    "colon": "a colon",
    "comma or end": "a comma or the end",
    "end": "the end",
    "key": "a name",
    "key or end": "a name or the end",
    "value": "a value",
    "value or end": "a value or the end",
}
