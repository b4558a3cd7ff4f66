"""Undoing a body's compression as it arrives; pure, fed at any split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["Inflater", "Unreadable", "inflater_for"]

# A kilobyte of zeros compresses to a byte; what comes out is handed over in pieces of bounded size.
_MOST = 1 << 18
_GZIP_OR_ZLIB = 32 + 15
_RAW = -15


def inflater_for(headers: Mapping[str, str]) -> Inflater | None:
    """What undoes the coding the headers name; None where there is none. Raises `ValueError` for an unknown one."""
    coding = headers.get("content-encoding")
    if coding is None:
        return None
    coding = coding.strip().lower()
    if coding in ("", "identity"):
        return None
    if coding in ("gzip", "x-gzip", "deflate"):
        return Inflater()
    raise ValueError(f"the body is coded as {coding[:40]!r}, which was not asked for")


class Inflater:
    """Compressed bytes in, pieces out. Both raise `ValueError` when the bytes are not what they should be."""

    __slots__ = ("_began", "_zlib")

    def __init__(self) -> None:
        self._zlib: Any = None
        self._began = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The pieces that these bytes complete."""
        import zlib

        more = False
        try:
            while data or more:
                if self._zlib is None:
                    # "deflate" is meant to be zlib's format; some servers send the raw one instead.
                    is_raw = not self._began and data[0] != 0x1F and data[0] & 0x0F != 8
                    self._zlib = zlib.decompressobj(_RAW if is_raw else _GZIP_OR_ZLIB)
                    self._began = True
                piece = self._zlib.decompress(data, _MOST)
                if piece:
                    yield piece
                data = self._zlib.unconsumed_tail
                more = len(piece) == _MOST
                if self._zlib.eof:
                    # Members of gzip may follow each other, and zeros may pad the last.
                    data = self._zlib.unused_data.lstrip(b"\0")
                    more = False
                    self._zlib = None
        except zlib.error as error:
            raise ValueError(f"the compressed body is damaged ({error})") from None

    def finish(self) -> None:
        """Say so if the compressed body has no end."""
        if self._zlib is not None:
            raise ValueError("the compressed body has no end")


class Unreadable(Inflater):
    """What stands where a coding is unknown and the status counts for more than the body."""

    __slots__ = ("_reason",)

    def __init__(self, reason: str) -> None:
        super().__init__()
        self._reason = reason

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Nothing can be made of it."""
        yield from ()
        raise ValueError(self._reason)

    def finish(self) -> None:
        """Nothing can be made of it."""
        raise ValueError(self._reason)
