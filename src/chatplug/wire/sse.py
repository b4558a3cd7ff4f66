"""Server-sent events, fed at any split.

The format is the WHATWG's (HTML standard, section 9.2, "Server-sent events"): lines end in LF, CR LF or CR, a
blank line ends an event, a byte order mark may open the stream, and a colon opens a comment. Two things differ,
because model servers are what is read here. Data stays bytes: JSON parsers read bytes, and invalid UTF-8 has to
be an error there instead of a replacement character here. And an event that the end of the stream left without
its blank line is given by `end` instead of being dropped: several servers never send the last one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator

__all__ = ["EventTooLargeError", "SSEDecoder", "ServerSentEvent", "aiter_events", "iter_events"]

_BOM = b"\xef\xbb\xbf"
# As numbers, because a search for a number takes a seventh of the time of a search for bytes.
_LF, _CR = b"\n\r"
_new_tuple = cast("Any", tuple).__new__


class EventTooLargeError(ValueError):
    """One event is larger than the decoder's limit."""


class ServerSentEvent(NamedTuple):
    """One event of a stream."""

    data: bytes
    """The data lines, joined by newlines; UTF-8 if the server keeps to the standard."""
    event: str = ""
    """The event's type; empty where the server names none."""
    id: str = ""
    """The event's own id; empty where it has none."""


class SSEDecoder:
    r"""Bytes in, events out; does no I/O and may be fed at any split.

    Args:
        limit: The most bytes that one event may have, 64 MiB unless told otherwise. A server that never ends an
            event would otherwise fill the memory.

    >>> decoder = SSEDecoder()
    >>> [event.data for event in decoder.feed(b"data: one\n\nda")]
    [b'one']
    >>> [event.data for event in decoder.feed(b"ta: two\r\n\r\n")]
    [b'two']
    """

    __slots__ = ("_after_cr", "_at_start", "_limit", "_rest", "_searched")

    def __init__(self, limit: int = 64 * 2**20) -> None:
        self._limit = limit
        self._rest = bytearray()
        self._searched = 0
        self._after_cr = False
        self._at_start = True

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """The events that these bytes complete, in order.

        Raises:
            EventTooLargeError: If an event grows beyond the limit.
        """
        if self._at_start:
            data = self._without_bom(data)
        if self._after_cr or _CR in data:
            data = self._with_plain_line_ends(data)
        rest = self._rest
        if rest:
            rest += data
            end = rest.rfind(b"\n\n", self._searched)
            if end < 0:
                self._keep_searching()
                return []
            data = bytes(rest[:end])
            del rest[: end + 2]
            self._keep_searching()
        else:
            end = data.rfind(b"\n\n")
            if end < 0:
                rest += data
                self._keep_searching()
                return []
            if end + 2 < len(data):
                rest += data[end + 2 :]
                self._keep_searching()
            data = data[:end]
        return _events(data)

    def end(self) -> list[ServerSentEvent]:
        """The event that the end of the stream left without its blank line, if there is one.

        Its last line may have been cut off: only who reads the data can tell.
        """
        events = _events(bytes(self._rest))
        self._rest.clear()
        return events

    def _keep_searching(self) -> None:
        held = len(self._rest)
        self._searched = held - 1 if held else 0
        if held > self._limit:
            raise EventTooLargeError(f"an event of more than {self._limit} bytes")

    def _without_bom(self, data: bytes) -> bytes:
        data = bytes(self._rest) + data
        self._rest.clear()
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._rest += data
            return b""
        self._at_start = False
        return data.removeprefix(_BOM)

    def _with_plain_line_ends(self, data: bytes) -> bytes:
        if self._after_cr and data:
            # The CR before was taken as a whole line end; its LF came only now.
            data = data.removeprefix(b"\n")
            self._after_cr = False
        if data.endswith(b"\r"):
            self._after_cr = True
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _events(data: bytes) -> list[ServerSentEvent]:
    """The events in runs of lines with blank lines between them."""
    if _LF not in data:
        event = _read(data)
        return [] if event is None else [event]
    lines = data.split(b"\n")
    # Where each event is one line, as in most streams of models, the cheap split has done it.
    blocks = data.split(b"\n\n") if any(lines[1::2]) else lines[::2]
    events: list[ServerSentEvent] = []
    for block in blocks:
        if block.startswith(b"data: ") and _LF not in block:
            # Nearly all of them. Called by its name, the class takes three times as long.
            events.append(_new_tuple(ServerSentEvent, (block[6:], "", "")))
        elif (event := _read(block)) is not None:
            events.append(event)
    return events


def _read(block: bytes) -> ServerSentEvent | None:
    """The event that a run of lines makes; None where it holds no data."""
    data: list[bytes] = []
    event = identity = ""
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value.decode("utf-8", "replace")
        elif name == b"id":
            identity = value.decode("utf-8", "replace")
    return ServerSentEvent(b"\n".join(data), event, identity) if data else None


def iter_events(source: Iterable[bytes], limit: int = 64 * 2**20) -> Iterator[ServerSentEvent]:
    """The events of a stream of bytes, each as soon as it is whole."""
    decoder = SSEDecoder(limit)
    for data in source:
        yield from decoder.feed(data)
    yield from decoder.end()


async def aiter_events(source: AsyncIterable[bytes], limit: int = 64 * 2**20) -> AsyncIterator[ServerSentEvent]:
    """The asynchronous twin of `iter_events`."""
    decoder = SSEDecoder(limit)
    async for data in source:
        for event in decoder.feed(data):
            yield event
    for event in decoder.end():
        yield event
