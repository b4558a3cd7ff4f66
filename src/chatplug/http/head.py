"""The head of an answer as nearly every server sends it, read at a glance; pure.

`http.client` hands a head to the standard library's parser of e-mail, which takes as long as all the rest of a call.
What is read here is the part of HTTP that can be read in one way only. Anything else is not read here but left to
`http.client` and to the questions that `connection` asks of what that has read.
"""

from __future__ import annotations

from typing import NamedTuple

from chatplug.http.target import lower_name

__all__ = ["Head", "read_plain"]

_MOST_DIGITS = 19
"""Of a length; one more and it might not fit where other programs keep theirs."""
_FRAMING = frozenset({"content-length", "transfer-encoding"})


class Head(NamedTuple):
    """A head that can be read in one way only."""

    status: int
    headers: dict[str, str]
    """Names in lower case; a name that came twice has its values joined by a comma."""
    length: int | None
    """Of the body in bytes; None for one that comes in chunks."""


def read_plain(head: bytes) -> Head | None:
    """A plain head, or None: a final answer of HTTP/1.1 with a body whose end it tells, on a connection that stays.

    Args:
        head: All lines to the blank one, which is the first.
    """
    text = head.decode("latin-1")
    first, *lines = text[:-4].split("\r\n")
    breaks = len(lines) + 2
    if text.count("\r") != breaks or text.count("\n") != breaks or "\0" in text:
        return None
    status = _status(first)
    if status is None:
        return None
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        lower = lower_name(name)
        if lower is None or not colon:
            return None
        value = value.strip(" \t")
        if lower in headers:
            if lower in _FRAMING:
                return None
            value = f"{headers[lower]}, {value}"
        headers[lower] = value
    if headers.get("connection", "keep-alive").lower() != "keep-alive":
        return None
    length = headers.get("content-length")
    if "transfer-encoding" in headers:
        is_plain = length is None and headers["transfer-encoding"].lower() == "chunked"
        return Head(status, headers, None) if is_plain else None
    if length is None or len(length) > _MOST_DIGITS or not (length.isascii() and length.isdigit()):
        return None
    return Head(status, headers, int(length))


def _status(line: str) -> int | None:
    """The status of a final answer that has a body."""
    digits = line[9:12]
    if not line.startswith("HTTP/1.1 ") or line[12:13] not in ("", " ") or len(digits) != 3:
        return None
    if not (digits.isascii() and digits.isdigit()) or digits in ("204", "304"):
        return None
    return int(digits) if digits >= "200" else None
