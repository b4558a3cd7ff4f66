"""Heads that are read at a glance, held to what `http.client` reads and to what is refused of it."""

from __future__ import annotations

import io
from http.client import HTTPException

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatplug.http.connection import Answer
from chatplug.http.head import Head, read_plain

USUAL = (
    b"HTTP/1.1 200 OK\r\nDate: Sun, 30 Nov 2025 10:48:41 GMT\r\nContent-Type: application/json\r\n"
    b"Content-Length: 5\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nConnection: keep-alive\r\nx-empty:\r\n\r\n"
)


class Socket:
    """What `http.client` asks of one."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str, /) -> io.BytesIO:
        return io.BytesIO(self._data)


def read_by_http_client(head: bytes) -> Answer:
    answer = Answer(Socket(head), method="POST")  # type: ignore[arg-type]  # It calls makefile only.
    answer.begin()
    answer.check(head)
    return answer


def test_a_usual_head_is_read_at_a_glance() -> None:
    headers = {
        "date": "Sun, 30 Nov 2025 10:48:41 GMT",
        "content-type": "application/json",
        "content-length": "5",
        "set-cookie": "a=1, b=2",
        "connection": "keep-alive",
        "x-empty": "",
    }

    assert read_plain(USUAL) == Head(200, headers, 5)
    assert read_plain(b"HTTP/1.1 503\r\nTransfer-Encoding: Chunked\r\n\r\n") == Head(
        503, {"transfer-encoding": "Chunked"}, None
    )


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 2_0 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1  20 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 12345678901234567890\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: a\r\n b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: a\rContent-Length: 3\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: a\nContent-Length: 3\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: a\0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n: no name\r\n\r\n",
    ],
)
def test_a_head_that_is_not_plain_is_left_to_http_client(head: bytes) -> None:
    assert read_plain(head) is None


def _head(first: bytes, lines: list[tuple[bytes, bytes, bytes, bytes]]) -> bytes:
    return first + b"".join(b"".join(line) for line in lines) + b"\r\n"


_NAMES = st.sampled_from(
    [
        b"Content-Length",
        b"content-length",
        b"Transfer-Encoding",
        b"Connection",
        b"X-A",
        b"Set-Cookie",
        b" X",
        b"",
        b"X\0",
    ]
)
_VALUES = st.sampled_from(
    [b"5", b"05", b"-5", b"5, 5", b"chunked", b"gzip, chunked", b"keep-alive", b"close", b"", b"a\0", b"a\rb", b"\xe9"]
)
_GAPS = st.sampled_from([b":", b": ", b":\t", b" :", b":  ", b" "])
_ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b" \r\n", b"\n", b"\r", b"\r\n\t"])
_FIRSTS = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 500\r\n",
        b"HTTP/1.1 404 \r\n",
        b"HTTP/1.0 200 OK\r\n",
        b"HTTP/1.1 200 O\nK\r\n",
    ]
)
_HEADS = st.builds(_head, _FIRSTS, st.lists(st.tuples(_NAMES, _GAPS, _VALUES, _ENDS), max_size=5))


@given(_HEADS)
@example(USUAL)
def test_what_is_read_at_a_glance_is_what_http_client_reads_and_is_not_refused(head: bytes) -> None:
    # As it is found in what has come: to the first blank line.
    head = head[: head.find(b"\r\n\r\n") + 4]
    plain = read_plain(head) if len(head) > 4 else None
    if plain is None:
        return

    answer = read_by_http_client(head)

    assert (plain.status, plain.headers) == (answer.status, answer.fields)
    assert (plain.length, plain.length is None) == (answer.length, answer.chunked)
    assert not answer.will_close


def test_a_head_that_http_client_alone_reads_is_checked() -> None:
    with pytest.raises(HTTPException, match="told twice"):
        read_by_http_client(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n")
