"""Bodies in chunks are taken apart at any split, and refused where they can be read in two ways."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatplug.http.chunked import Dechunker


def taken_apart(pieces: list[bytes]) -> tuple[bytes, bool, bytes]:
    dechunker = Dechunker()
    body = b"".join([dechunker.feed(piece) for piece in pieces if not dechunker.is_done])
    return body, dechunker.is_done, dechunker.surplus


def split_at(data: bytes, places: list[int]) -> list[bytes]:
    cuts = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[begin:end] for begin, end in pairwise(cuts)]


_EXTENSIONS = st.sampled_from([b"", b";a=b", b" ;name", b"\t"])
_TRAILERS = st.sampled_from([b"", b"X-Sum: 1\r\n", b"a: b\r\nc: d\r\n"])


@given(
    st.lists(st.tuples(st.binary(min_size=1, max_size=40), _EXTENSIONS)), _TRAILERS, st.lists(st.integers(0, 10_000))
)
def test_any_split_gives_the_same_body(chunks: list[tuple[bytes, bytes]], trailers: bytes, places: list[int]) -> None:
    wire = b"".join(b"%x%s\r\n%s\r\n" % (len(data), extension, data) for data, extension in chunks)
    wire += b"0\r\n" + trailers + b"\r\n"

    assert taken_apart(split_at(wire, places)) == (b"".join(data for data, _ in chunks), True, b"")


@given(st.binary(max_size=60), st.lists(st.integers(0, 10_000)))
def test_what_is_refused_is_refused_at_any_split(data: bytes, places: list[int]) -> None:
    def outcome(pieces: list[bytes]) -> object:
        try:
            return taken_apart(pieces)[1]
        except ValueError:
            return "refused"

    assert outcome(split_at(b"1\r\nx\r\n" + data, places)) == outcome([b"1\r\nx\r\n" + data])


def test_what_comes_after_the_last_chunk_is_nobodys() -> None:
    assert taken_apart([b"1\r\nx\r\n0\r\n\r\nHTTP/1.1 200 OK"]) == (b"x", True, b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "wire",
    [
        b"-5\r\nhello\r\n",
        b"0x5\r\nhello\r\n",
        b"0_5\r\nhello\r\n",
        b" 5\r\nhello\r\n",
        b"5\nhello\r\n",
        b"five\r\n",
        b"\r\n",
        b"5\r\nhelloXX",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhello\rX",
        b"1" * 17 + b"\r\n",
        b"5;" + b"x" * 8_200,
        b"0\r\n" + b"x" * 8_200,
        b"0\r\n" + b"a: b\r\n" * 12_000,
    ],
)
def test_what_are_no_chunks_is_refused(wire: bytes) -> None:
    with pytest.raises(ValueError, match=r"chunk|line"):
        taken_apart([wire])
    with pytest.raises(ValueError, match=r"chunk|line"):
        taken_apart([wire[index : index + 1] for index in range(len(wire))])
