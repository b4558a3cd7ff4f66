r"""The JSON value in a model's answer, wherever it stands: alone, in a Markdown fence, in prose, behind thoughts.

`JSONInText` is fed fragments and can be read at any moment. It takes the first object or list that JSON's grammar does
not break; what breaks it, such as `{curly}` words in prose, is passed over. Two things make it begin anew, unless they
stand inside an open value: the end of thoughts (`</think>`), since what came before was not the answer, and a Markdown
fence, since what is in it is meant. Nothing is read twice, so it takes time linear in the text's length.

>>> found = JSONInText()
>>> for fragment in ("<think>{a}</think>Here:\n```json", '\n{"city": "Be', 'rn"}\n```\nDone.'):
...     found.feed(fragment)
...     print(found.value())
None
{'city': 'Be'}
{'city': 'Bern'}
"""

from __future__ import annotations

import re
from typing import Any

from chatplug.wire.partial_json import ABSENT, PartialJSON

__all__ = ["JSONInText"]

_MARK = re.compile(r"[{\[]|```|<think(?:ing)?>|</think(?:ing)?>")
_LONGEST = len("</thinking>") - 1
_END_OF_THOUGHTS = re.compile(r"</think(?:ing)?>")


class JSONInText:
    """Fragments of an answer in, the JSON value in it out.

    Args:
        only_objects: Whether a list is passed over as well.
    """

    __slots__ = (
        "_in_fence",
        "_is_fenced",
        "_is_given_up",
        "_is_thinking",
        "_marks",
        "_parser",
        "_passed",
        "_rest",
        "_whole",
    )

    def __init__(self, *, only_objects: bool = False) -> None:
        self._marks = "{" if only_objects else "{["
        self._parser: PartialJSON | None = None
        """What reads the value that is open."""
        self._passed = 0
        """How often values changed that were given up."""
        self._whole: Any = ABSENT
        """The value that was read to its end."""
        self._is_fenced = False
        """Whether that value stood in a fence."""
        self._in_fence = False
        self._is_thinking = self._is_given_up = False
        self._rest = ""
        """The end of the text outside of values, where a mark may have begun."""

    @property
    def is_whole(self) -> bool:
        """Whether a value has been read to its end."""
        return self._whole is not ABSENT

    @property
    def changes(self) -> int:
        """How often the value has changed; a reading is worth while when this has grown."""
        return self._passed + (0 if self._parser is None else self._parser.changes)

    def value(self) -> Any:
        """The value so far, which later fragments do not change; None before there is any."""
        value = ABSENT if self._parser is None else self._parser.value()
        if value is ABSENT:
            value = self._whole
        return None if value is ABSENT else value

    def feed(self, fragment: str) -> None:
        """Read on."""
        while fragment and not self._is_given_up:
            if self._parser is not None:
                fragment = self._read_value(self._parser, fragment)
            else:
                fragment = self._search(self._rest + fragment)

    def _read_value(self, parser: PartialJSON, fragment: str) -> str:
        """Read on in the open value; gives what is left behind its end, or from what broke it on."""
        left = parser.feed_value(fragment)
        if parser.error is None and not parser.is_whole:
            return left
        self._passed += parser.changes
        self._parser = None
        if parser.error is None:
            self._whole = parser.value()
            self._is_fenced = self._in_fence
        elif parser.is_too_deep:
            # What is inside of it would be found next, and is not what was said.
            self._is_given_up = True
        else:
            self._passed += 1  # what was read of it is gone
        return "" if self._is_given_up else left

    def _search(self, text: str) -> str:
        """Look for the beginning of a value; gives what is left from there on."""
        at = 0
        self._rest = ""
        while match := (_END_OF_THOUGHTS if self._is_thinking else _MARK).search(text, at):
            at = match.end()
            mark = match[0]
            if mark == "```":
                self._in_fence = not self._in_fence
            elif mark.startswith("</"):
                if not self._is_thinking:
                    # Some templates open the thoughts themselves, so that the answer only closes them.
                    self._whole, self._is_fenced, self._in_fence = ABSENT, False, False
                self._is_thinking = False
            elif mark.startswith("<"):
                self._is_thinking = True
            elif mark in self._marks and (not self.is_whole or (self._in_fence and not self._is_fenced)):
                self._parser = PartialJSON(allow_control_characters=True)
                return text[match.start() :]
        self._rest = text[max(at, len(text) - _LONGEST) :]
        return ""
