"""Bodies that come in chunks (RFC 9112, section 7.1): wire in, body out; pure, fed at any split.

What can be read in two ways is refused, since whoever reads it otherwise can be sent another answer. Chunks that have
come together are given together: a stream of events has one for each.
"""

from __future__ import annotations

import re

__all__ = ["Dechunker"]

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n\0]*)?\r\n")
_MOST_TRAILERS = 1 << 16
# As many bytes as aiohttp allows.
_LONGEST_LINE = 8190
# What comes next, where it is not so many bytes of a chunk.
_NEXT_IS_SIZE, _NEXT_IS_BREAK, _NEXT_IS_TRAILER = 0, -1, -2


class Dechunker:
    r"""Takes the chunks of one body apart.

    >>> dechunker = Dechunker()
    >>> dechunker.feed(b"5\r\nhel"), dechunker.feed(b"lo\r\n1\r\n!\r\n0\r\n\r\n"), dechunker.is_done
    (b'hel', b'lo!', True)
    """

    __slots__ = ("_next", "_rest", "_trailers", "is_done", "surplus")

    def __init__(self) -> None:
        self._next = _NEXT_IS_SIZE
        self._rest = b""
        self._trailers = 0
        self.is_done = False
        """Whether the last chunk has come, with all that belongs to it."""
        self.surplus = b""
        """What came after that, and belongs to nobody."""

    def feed(self, data: bytes) -> bytes:
        """The part of the body that these bytes hold.

        Raises:
            ValueError: If they are no chunks.
        """
        if self._rest:
            data, self._rest = self._rest + data, b""
        pieces: list[bytes] = []
        at, end = 0, len(data)
        coming = self._next
        while at < end:
            if coming > 0:
                pieces.append(data[at : at + coming])
                at += coming
                coming = at - end if at > end else _NEXT_IS_BREAK
            elif coming == _NEXT_IS_SIZE:
                found = _SIZE.match(data, at)
                if found is None:
                    self._keep(data[at:], "the size of a chunk is no number")
                    break
                at = found.end()
                coming = int(found[1], 16) or _NEXT_IS_TRAILER
            elif coming == _NEXT_IS_BREAK:
                if not data.startswith(b"\r\n", at):
                    self._keep(data[at:], "a chunk does not end where it should", most=1)
                    break
                at += 2
                coming = _NEXT_IS_SIZE
            else:
                ends = data.find(b"\n", at) + 1
                if not ends:
                    self._keep(data[at:], "the end of the body has too long a line")
                    break
                if data[at:ends] in (b"\r\n", b"\n"):
                    self.is_done = True
                    self.surplus = data[ends:]
                    break
                self._trailers += ends - at
                if self._trailers > _MOST_TRAILERS:
                    raise ValueError("the end of the body has too many lines")
                at = ends
        self._next = coming
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _keep(self, rest: bytes, fault: str, most: int = _LONGEST_LINE) -> None:
        """Keep what is not whole yet, unless it never can be."""
        if b"\n" in rest or len(rest) > most or (most == 1 and rest != b"\r"):
            raise ValueError(fault)
        self._rest = rest
