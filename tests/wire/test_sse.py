"""Server-sent events: what the standard says, and what servers send all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatplug.wire import EventTooLargeError, ServerSentEvent, SSEDecoder, aiter_events, iter_events

Event = tuple[bytes, str, str]

fields = st.sampled_from(["data", "event", "id", "retry", "other", "", "data ", "DATA"])
values = st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=8)
lines = st.one_of(
    st.just(""),
    st.just("data"),
    st.builds("{}:{}".format, fields, values),
    st.builds("{}: {}".format, fields, values),
    st.builds("data: {}".format, values),
    st.text(st.sampled_from(":dat "), max_size=6),
)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Streams in which line ends are mixed, and the end may be anywhere."""
    text = "".join(line + draw(st.sampled_from(["\n", "\r\n", "\r"])) for line in draw(st.lists(lines, max_size=12)))
    if draw(st.booleans()):
        text += draw(lines)
    return (b"\xef\xbb\xbf" if draw(st.booleans()) else b"") + text.encode()


@st.composite
def splits(draw: st.DrawFn) -> list[bytes]:
    """A stream in pieces, some of them empty."""
    stream = draw(streams())
    cuts = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    return [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


def reference(stream: bytes) -> list[Event]:
    """The standard, line by line, with the last event given even where its blank line is missing."""
    text = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    events: list[Event] = []
    data: list[bytes] = []
    names = {b"event": "", b"id": ""}
    for line in [*text.split(b"\n"), b""]:
        if not line:
            if data:
                events.append((b"\n".join(data), names[b"event"], names[b"id"]))
            data, names = [], {b"event": "", b"id": ""}
            continue
        name, colon, value = line.partition(b":")
        if colon and value[:1] == b" ":
            value = value[1:]
        if name == b"data":
            data.append(value)
        elif name in names:
            names[name] = value.decode()
    return events


def read(pieces: list[bytes]) -> list[Event]:
    return [(event.data, event.event, event.id) for event in iter_events(pieces)]


@given(splits())
def test_any_split_of_any_stream_gives_the_events_of_the_standard(pieces: list[bytes]) -> None:
    assert read(pieces) == reference(b"".join(pieces))


@given(streams())
def test_a_stream_that_comes_byte_by_byte_gives_the_same_events(stream: bytes) -> None:
    assert read([bytes([byte]) for byte in stream]) == read([stream])


@given(splits())
def test_the_asynchronous_reader_gives_the_same_events(pieces: list[bytes]) -> None:
    async def source() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    async def collect() -> list[Event]:
        return [(event.data, event.event, event.id) async for event in aiter_events(source())]

    assert asyncio.run(collect()) == read(pieces)


def test_an_event_is_given_with_the_bytes_that_complete_it() -> None:
    decoder = SSEDecoder()

    assert decoder.feed(b"data: one\n") == []
    assert decoder.feed(b"\ndata: two") == [ServerSentEvent(b"one")]
    assert decoder.feed(b"\r\r") == [ServerSentEvent(b"two")]
    assert decoder.feed(b"\ndata: three\n\n") == [ServerSentEvent(b"three")]
    assert decoder.end() == []


def test_an_event_has_its_type_its_id_and_all_its_lines() -> None:
    assert read([b": hello\nevent: delta\nid: 7\ndata: a\ndata:b\ndata:  c\nretry: 5\n\n"]) == [
        (b"a\nb\n c", "delta", "7")
    ]


def test_type_and_id_belong_to_one_event_only() -> None:
    assert read([b"event: a\nid: 1\ndata: x\n\ndata: y\n\n"]) == [(b"x", "a", "1"), (b"y", "", "")]


def test_comments_and_events_without_data_are_passed_over() -> None:
    assert read([b": ping\n\nevent: ping\n\ndata: x\n\n: bye\n\n"]) == [(b"x", "", "")]


def test_the_last_event_is_given_without_its_blank_line() -> None:
    assert read([b"data: a\n\ndata: [DO", b"NE]"]) == [(b"a", "", ""), (b"[DONE]", "", "")]


def test_bytes_that_are_no_text_reach_the_reader_as_they_came() -> None:
    assert read([b"data: \xff\xfe\n\n"]) == [(b"\xff\xfe", "", "")]


@pytest.mark.parametrize("stream", [b"", b"\xef\xbb\xbf", b"\xef", b"\n\n\n", b"\r\r\r\n", b":\n\n"])
def test_a_stream_of_nothing_has_no_events(stream: bytes) -> None:
    assert read([stream]) == []


def test_a_byte_order_mark_counts_only_at_the_beginning() -> None:
    assert read([b"data: a\n\n\xef\xbb\xbfdata: b\n\n"]) == [(b"a", "", "")]


@pytest.mark.parametrize("line_end", [b"", b"\n"])
def test_an_event_that_never_ends_is_refused(line_end: bytes) -> None:
    endless = iter_events([b"data: xxxx" + line_end] * 100, limit=100)

    with pytest.raises(EventTooLargeError, match="100 bytes"):
        list(endless)


def test_many_events_together_may_be_larger_than_the_limit() -> None:
    decoder = SSEDecoder(limit=20)

    events = [event for _ in range(50) for event in decoder.feed(b"data: 0123456789\n\n")]

    assert len(events) == 50
    assert len(list(iter_events([b"data: 0123456789\n\n" * 50], limit=20))) == 50
