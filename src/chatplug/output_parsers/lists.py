"""Lists in a text: between commas, numbered, or as Markdown has them; each item when it is whole."""

from __future__ import annotations

import csv
import re
from abc import abstractmethod
from io import StringIO
from typing import TYPE_CHECKING, ClassVar

from chatplug.output_parsers.parser import BaseOutputParser, Reader

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chatplug.messages import BaseMessage

__all__ = [
    "CommaSeparatedListOutputParser",
    "ListOutputParser",
    "MarkdownListOutputParser",
    "NumberedListOutputParser",
]


class ListOutputParser(BaseOutputParser[list[str]]):
    """Reads a list; in a stream, each item as a list of one as soon as the next one begins.

    A subclass writes `parse`, and `whole_items` where an item can be told to be whole before the text ends.
    """

    @abstractmethod
    def parse(self, text: str) -> list[str]:
        """The items of a text."""

    def whole_items(self, text: str) -> tuple[list[str], str]:
        """The items at the beginning of a text that nothing can be added to, and what is left of the text."""
        return [], text

    def reader(self) -> Reader[list[str]]:
        """What gives each item when it is whole."""
        return _Items(self)


class _Items(Reader[list[str]]):
    adds_up = True

    def __init__(self, parser: ListOutputParser) -> None:
        self._parser = parser
        self._rest = ""
        self._is_empty = True

    def feed(self, message: BaseMessage) -> Iterable[list[str]]:
        piece = message.text
        self._rest += piece
        if not any(sign in piece for sign in ",\n"):
            return []
        items, self._rest = self._parser.whole_items(self._rest)
        return self._each(items)

    def end(self) -> Iterable[list[str]]:
        due = self._each(self._parser.parse(self._rest) if self._rest else [])
        return [[]] if self._is_empty else due

    def _each(self, items: list[str]) -> list[list[str]]:
        self._is_empty = self._is_empty and not items
        return [[item] for item in items]


class CommaSeparatedListOutputParser(ListOutputParser):
    """The items between commas and line breaks; one in double quotes may have a comma in it.

    >>> CommaSeparatedListOutputParser().invoke('cats, "dogs, small", birds')
    ['cats', 'dogs, small', 'birds']
    """

    def get_format_instructions(self) -> str:
        """What to tell a model, so that it answers in this form."""
        return "Answer with nothing but a list whose items stand between commas, as in: red, green, blue"

    def parse(self, text: str) -> list[str]:
        """The items of a text."""
        try:
            return [item for row in csv.reader(StringIO(text), skipinitialspace=True) for item in row]
        except csv.Error:
            return [item.strip() for item in text.split(",")]

    def whole_items(self, text: str) -> tuple[list[str], str]:
        """The items before the last comma that stands in no quotes."""
        cut = _last_comma(text)
        # Behind a comma there is one more item, be it empty.
        return ([], text) if cut is None else (self.parse(text[: cut + 1])[:-1], text[cut + 1 :])


def _last_comma(text: str) -> int | None:
    """Where the last comma stands that ends an item for certain, as `csv` reads it."""
    found = None
    is_first, is_quoted, was_closed = True, False, False
    for number, sign in enumerate(text[:-1]):
        if sign == '"' and (is_quoted or is_first or was_closed):
            is_quoted, was_closed = not is_quoted, is_quoted
        elif not is_quoted:
            was_closed = False
            if sign == "," and text[number + 1] not in "\r\n":
                found = number
        is_first = not is_quoted and (sign in ",\r\n" or (is_first and sign == " "))
    return found


class _LinesParser(ListOutputParser):
    pattern: str
    """What an item looks like; its first group is the item."""
    _flags: ClassVar[int] = 0

    def parse(self, text: str) -> list[str]:
        """The items of a text."""
        return [match.group(1) for match in re.finditer(self.pattern, text, self._flags)]

    def whole_items(self, text: str) -> tuple[list[str], str]:
        """The items but the last."""
        found = list(re.finditer(self.pattern, text, self._flags))[:-1]
        return [match.group(1) for match in found], text[found[-1].end() :] if found else text


class NumberedListOutputParser(_LinesParser):
    r"""The items of a numbered list.

    >>> NumberedListOutputParser().invoke("Here you are:\n1. cats\n2. dogs")
    ['cats', 'dogs']
    """

    pattern: str = r"\d+\.\s([^\n]+)"
    """What an item looks like; its first group is the item."""

    def get_format_instructions(self) -> str:
        """What to tell a model, so that it answers in this form."""
        return "Answer with a numbered list, each item on a line of its own, as in:\n\n1. red\n2. green\n3. blue"


class MarkdownListOutputParser(_LinesParser):
    r"""The items of a list as Markdown has it.

    >>> MarkdownListOutputParser().invoke("- cats\n* dogs")
    ['cats', 'dogs']
    """

    pattern: str = r"^\s*[-*]\s([^\n]+)$"
    """What an item looks like; its first group is the item."""
    _flags: ClassVar[int] = re.MULTILINE

    def get_format_instructions(self) -> str:
        """What to tell a model, so that it answers in this form."""
        return "Answer with a Markdown list, as in:\n\n- red\n- green\n- blue"
