"""Standard output, as the commands use it, and what may be shown on a terminal."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

__all__ = [
    "ClosedOutputError",
    "Output",
    "is_output_failure",
    "one_line",
    "print_json",
    "printable",
    "reconfigured",
    "shortened",
]

# C0 without tab and newline, DEL, C1: with these a text could move the cursor, rename the window or clear the screen.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    r"""The text without control characters; tabs and newlines stay.

    >>> printable("\x1b[31mred\x07\n")
    '[31mred\n'
    """
    return _CONTROL.sub("", text)


def one_line(text: str) -> str:
    r"""The text in one line: whatever space it has is one blank.

    >>> one_line("Bad request:\r\n  no such\tmodel\n")
    'Bad request: no such model'
    """
    return printable(" ".join(text.split()))


def shortened(text: str) -> str:
    """The text, without its middle where it is longer than anybody reads.

    >>> len(shortened("x" * 5000))
    955
    """
    if len(text) <= _MOST:
        return text
    return f"{text[:_HEAD]} ... {text[-_TAIL:]}"


_MOST, _HEAD, _TAIL = 1000, 700, 250


def reconfigured(stream: TextIO, *, errors: str) -> TextIO:
    """The stream, which from now on treats what it cannot encode or decode as `errors` says; see `codecs`."""
    # `TextIO` is the type of the standard streams and has no such method; what they are, has.
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors=errors)
    return stream


class ClosedOutputError(Exception):
    """Nobody reads standard output any more."""


def is_output_failure(error: BaseException) -> bool:
    """Whether click could not write a text, such as its help; what is still to be written is then given up."""
    trace = error.__traceback__
    if not isinstance(error, OSError) or trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    if trace.tb_frame.f_globals.get("__name__") != click.utils.__name__:
        return False
    _abandon(sys.stdout)
    return True


def _abandon(stream: TextIO) -> None:
    """Send what is still in the buffer nowhere; Python would try to write it once more, and complain."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


class Output:
    """Standard output: each text is there as soon as it is written, and the last line has its end.

    Used in `with`: what was written is ended by a newline, also when the block fails.
    """

    def __init__(self) -> None:
        if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison]  # where it was closed from the start
            raise click.ClickException("Standard output is closed.")
        # A model may send half a surrogate pair, and not every terminal is UTF-8.
        self._stream = reconfigured(sys.stdout, errors="backslashreplace")
        self._last: str | None = None
        self.is_terminal = self._stream.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            if self._last != "\n":
                self.write("\n")
        elif self._last not in (None, "\n") and kind is not ClosedOutputError:
            with contextlib.suppress(ClosedOutputError, click.ClickException):
                self.write("\n")

    def write(self, text: str) -> None:
        """Write a text at once; on a terminal without its control characters.

        Raises:
            ClosedOutputError: If nobody reads it.
            click.ClickException: If it cannot be written, as on a full disk.
        """
        if self.is_terminal:
            text = printable(text)
        if not text:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError as error:
            _abandon(self._stream)
            if isinstance(error, BrokenPipeError):
                raise ClosedOutputError from error
            raise click.ClickException(f"Standard output cannot be written: {error.strerror}.") from error
        self._last = text[-1]

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write a table: drawn on a terminal, otherwise in columns that are as wide as what is in them."""
        if self.is_terminal:
            self._draw(head, rows)
            return
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        for row in (head, *rows):
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.write(f"{line.rstrip()}\n")

    def _draw(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table()
        for name in head:
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(*(Text(printable(cell)) for cell in row))
        Console(file=self._stream).print(table)
        self._last = "\n"


def print_json(value: object) -> None:
    """Print a value as JSON, for programs."""
    import json

    with Output() as output:
        output.write(json.dumps(value, ensure_ascii=False, indent=2))
