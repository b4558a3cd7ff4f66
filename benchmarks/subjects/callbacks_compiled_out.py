"""The driver of a synchronous stream as it is, and with all that is there for handlers taken out by hand.

Both in one process: from one process to the next the same code differs by as much as is looked for here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.subjects import callbacks_of


def _stream(call: Any, source: Iterator[Any]) -> Iterator[Any]:
    try:
        for piece in source:
            take_plain = call.take_plain
            plain = take_plain(piece)
            if plain is not None:
                yield plain
            else:
                yield from call.take(piece)
        yield from call.finish()
    finally:
        close = getattr(source, "close", None)
        if close is not None:
            close()


def cases() -> dict[str, Any]:
    """The one case, both ways."""
    model = callbacks_of.model_of("chatplug")

    def nobody(number: int) -> object:
        text = 0
        for _ in range(number):
            call = model._open("Hello", None, None, {}, "_stream")
            text = sum(len(chunk.content) for chunk in _stream(call, model._stream(call.messages, call.stop)))
        return text

    return {"nobody": callbacks_of.cases("chatplug")["nobody"], "nobody_compiled_out": nobody}
