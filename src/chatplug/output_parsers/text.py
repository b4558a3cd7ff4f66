"""`StrOutputParser`: the text of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatplug.output_parsers.parser import BaseOutputParser, Reader

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chatplug.messages import BaseMessage

__all__ = ["StrOutputParser"]


class _Pieces(Reader[str]):
    adds_up = True

    def __init__(self) -> None:
        self._is_empty = True

    def feed(self, message: BaseMessage) -> Iterable[str]:
        text = message.text
        if not text:
            return ()
        self._is_empty = False
        return (text,)

    def end(self) -> Iterable[str]:
        return ("",) if self._is_empty else ()


class StrOutputParser(BaseOutputParser[str]):
    """The text of an answer, as it arrives.

    >>> StrOutputParser().invoke("Meow")
    'Meow'
    """

    def parse(self, text: str) -> str:
        """The text."""
        return text

    def reader(self) -> Reader[str]:
        """What gives each piece of the text."""
        return _Pieces()
