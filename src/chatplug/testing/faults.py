"""Everything that goes wrong on a wire, as a table: what the server does, and how a call ends that meets it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from chatplug.errors import (
    AuthenticationError,
    InvalidResponseError,
    OverloadedError,
    ProviderConnectionError,
    ProviderTimeoutError,
    RateLimitError,
    ServerError,
    StreamBrokenError,
)
from chatplug.testing.fault_server import Fault, Play, Scene

__all__ = ["FAULTS", "RETRIES"]

RETRIES = 2
"""How often the faults expect a call to be sent again; give it to the model as `max_retries`."""
_ALL = RETRIES + 1
_SOON = 0.3
"""Seconds of a limit that has to be reached. No fault has both a short limit and an answer in time."""


def _refusing(status: int, *headers: str, times: int | None = None) -> Play:
    """Say no with this status: always, or some times before answering well."""

    def play(scene: Scene) -> None:
        if times is not None and scene.number > times:
            scene.well()
        else:
            scene.whole(scene.answers.error, *headers, status=status)

    return play


def _asking_for_a_date(scene: Scene) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    _refusing(429, f"Retry-After: {date}", times=1)(scene)


def _sending(make: Callable[[Scene], bytes]) -> Play:
    """Send these bytes, whatever they are, and hang up."""

    def play(scene: Scene) -> None:
        scene.exchange.send(make(scene))
        scene.exchange.hang_up()

    return play


def _whole(make: Callable[[Scene], bytes], kind: str | None = None) -> Play:
    """Answer with this body."""
    return lambda scene: scene.whole(make(scene), kind=kind)


def _pieces(make: Callable[[Scene], list[bytes]]) -> Play:
    """Stream these pieces, and end as one should."""
    return lambda scene: scene.pieces(*make(scene))


def _changed(change: Callable[[bytes], bytes]) -> Play:
    """Stream with other bytes."""
    return lambda scene: scene.pieces(change(scene.stream))


def _first(scene: Scene) -> bytes:
    return scene.answers.events[0]


def _bytes_of(data: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in data]


def _of_length(scene: Scene, length: int) -> bytes:
    """The head of a whole answer that says it is so long."""
    kind = scene.answers.body_type.encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (kind, length)


def _shorter_than_its_length(scene: Scene) -> None:
    body = scene.answers.body
    scene.exchange.send(_of_length(scene, len(body) + 10) + body)
    scene.exchange.hang_up()


def _longer_than_its_length(scene: Scene) -> None:
    body = scene.answers.body
    scene.exchange.send(_of_length(scene, len(body) - 10) + body[:-10])
    # What comes with the rest is no answer to aiohttp, and what comes later is nobody's.
    if not scene.exchange.client_left(0.1):
        scene.exchange.send(body[-10:])
    scene.exchange.hang_up()


def _resetting_in_its_head(scene: Scene) -> None:
    scene.exchange.send(b"HTTP/1.1 200 OK\r\nContent-Ty")
    scene.exchange.hang_up(reset=True)


def _redirecting(scene: Scene) -> None:
    scene.whole(b"", f"Location: {scene.elsewhere}/v1", status=307)


def _hinting(scene: Scene) -> None:
    scene.exchange.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
    scene.well()


def _breaking_off(scene: Scene) -> None:
    scene.begin(_first(scene))
    scene.exchange.hang_up()


def _breaking_off_at_the_end(scene: Scene) -> None:
    scene.begin(*scene.answers.events)
    scene.exchange.hang_up()


def _dripping(scene: Scene) -> None:
    """Stream the first event byte by byte, each a moment after the last."""
    scene.begin()
    for byte in _bytes_of(scene.answers.events[0]):
        if scene.exchange.client_left(0.001):
            return
        scene.exchange.piece(byte)
    for event in (*scene.answers.events[1:], scene.answers.end):
        scene.exchange.piece(event)
    scene.exchange.end()


def _open_after(make: Callable[[Scene], list[bytes]], again: Callable[[Scene], bytes] = lambda _: b"") -> Play:
    """Stream these pieces and leave the body open: silent, or with the same again and again."""

    def play(scene: Scene) -> None:
        scene.begin(*make(scene))
        scene.until_the_client_leaves(again(scene))

    return play


def _silent(scene: Scene) -> None:
    scene.until_the_client_leaves()


_PAGE = b"<!doctype html><html><head><title>Please log in</title></head></html>"
_PAST = "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT"
_SILENCE = {"read": _SOON}
_HUGE = 2 << 20

_REFUSALS = (
    Fault(name="503 twice, then well", play=_refusing(503, times=RETRIES), requests=_ALL),
    Fault(name="500 once, then well", play=_refusing(500, times=1), requests=2),
    Fault(name="500 always", play=_refusing(500), error=ServerError, requests=_ALL),
    Fault(name="503 always", play=_refusing(503), error=OverloadedError, requests=_ALL),
    Fault(name="401", play=_refusing(401), error=AuthenticationError),
    Fault(
        name="429 with Retry-After in seconds",
        play=_refusing(429, "Retry-After: 7", times=1),
        requests=2,
        waits=(7,),
    ),
    Fault(name="429 with Retry-After as a date", play=_asking_for_a_date, requests=2, waits=(30,)),
    Fault(name="429 with Retry-After in the past", play=_refusing(429, _PAST, times=1), requests=2, waits=(0,)),
    Fault(
        name="429 with retry-after-ms",
        play=_refusing(429, "retry-after-ms: 350", "Retry-After: 9", times=1),
        requests=2,
        waits=(0.35,),
    ),
    Fault(name="429 always", play=_refusing(429, "Retry-After: 1"), error=RateLimitError, requests=_ALL, waits=(1, 1)),
    Fault(name="429 for an hour", play=_refusing(429, "Retry-After: 3600"), error=RateLimitError, waits=()),
    Fault(name="a redirect to another host", play=_redirecting, error=InvalidResponseError),
)
_HEADS = (
    Fault(
        name="a hang-up without an answer",
        play=_sending(lambda _: b""),
        error=ProviderConnectionError,
        requests=_ALL,
    ),
    Fault(name="a reset in mid-header", play=_resetting_in_its_head, error=ProviderConnectionError, requests=_ALL),
    Fault(
        name="no HTTP",
        play=_sending(lambda _: b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
        error=ProviderConnectionError,
        requests=_ALL,
    ),
    Fault(name="early hints before the answer", play=_hinting),
    Fault(
        name="no answer",
        play=_silent,
        error=ProviderTimeoutError,
        requests=_ALL,
        timeout=_SILENCE,
        phase="read",
    ),
)
_BODIES = (
    Fault(name="a web page", play=_whole(lambda _: _PAGE, "text/html"), error=InvalidResponseError),
    Fault(name="an empty body", play=_whole(lambda _: b""), error=InvalidResponseError),
    Fault(
        name="half an answer of the right length",
        play=_whole(lambda scene: scene.answers.body[: len(scene.answers.body) // 2]),
        error=InvalidResponseError,
        of="whole",
    ),
    Fault(
        name="an answer that is no UTF-8",
        play=_whole(lambda scene: scene.answers.body.replace(b"e", b"\xff")),
        error=InvalidResponseError,
        of="whole",
    ),
    Fault(
        name="an error with status 200", play=_whole(lambda scene: scene.answers.error), error=ServerError, requests=3
    ),
    Fault(name="a body of another type", play=_whole(lambda scene: scene.answers.body, "text/plain"), of="whole"),
    Fault(
        name="a body shorter than its length",
        play=_shorter_than_its_length,
        error=ProviderConnectionError,
        requests=_ALL,
        of="whole",
    ),
    Fault(name="a body longer than its length", play=_longer_than_its_length, error=InvalidResponseError, of="whole"),
)
_STREAMS = (
    Fault(name="a stream byte by byte", play=_pieces(lambda scene: _bytes_of(scene.stream)), of="stream"),
    Fault(name="a slow drip", play=_dripping, of="stream"),
    Fault(name="lines that end in CR LF", play=_changed(lambda data: data.replace(b"\n", b"\r\n")), of="stream"),
    Fault(name="lines that end in CR", play=_changed(lambda data: data.replace(b"\n", b"\r")), of="stream"),
    Fault(name="a byte order mark", play=_changed(lambda data: b"\xef\xbb\xbf" + data), of="stream"),
    Fault(name="a huge comment", play=_changed(lambda data: b": " + b"x" * _HUGE + b"\n\n" + data), of="stream"),
    Fault(
        name="pings between the events",
        play=_pieces(
            lambda scene: [scene.answers.ping + event for event in scene.answers.events] + [scene.answers.end]
        ),
        of="stream",
    ),
    Fault(
        name="a stream that is called JSON",
        play=lambda scene: scene.whole(scene.stream, kind="application/json"),
        of="stream",
    ),
    Fault(name="a whole answer in the place of a stream", play=_whole(lambda scene: scene.answers.body), of="stream"),
    Fault(
        name="a stream that is not closed after its end",
        play=_open_after(lambda scene: [scene.stream]),
        of="stream",
    ),
    Fault(
        name="a stream without its last word that is not closed",
        play=_open_after(lambda scene: list(scene.answers.events)),
        stall_timeout=_SOON,
        of="stream",
    ),
    Fault(name="a stream that breaks after its last event", play=_breaking_off_at_the_end, of="stream"),
)
_BROKEN_STREAMS = (
    Fault(
        name="an error in the place of the first event",
        play=_pieces(lambda scene: [scene.answers.error_event]),
        error=ServerError,
        requests=_ALL,
        of="stream",
    ),
    Fault(
        name="an error in mid-stream",
        play=_pieces(lambda scene: [_first(scene), scene.answers.error_event]),
        error=ServerError,
        has_partial=True,
        of="stream",
    ),
    Fault(
        name="a stream without an end",
        play=_pieces(lambda scene: [_first(scene)]),
        error=StreamBrokenError,
        has_partial=True,
        of="stream",
    ),
    Fault(
        name="a stream that stops in an event",
        play=_pieces(lambda scene: [_first(scene), scene.answers.events[1][:-6]]),
        error=StreamBrokenError,
        has_partial=True,
        of="stream",
    ),
    Fault(name="a hang-up in mid-stream", play=_breaking_off, error=StreamBrokenError, has_partial=True, of="stream"),
    Fault(
        name="silence in mid-stream",
        play=_open_after(lambda scene: [_first(scene)]),
        error=ProviderTimeoutError,
        has_partial=True,
        timeout=_SILENCE,
        phase="read",
        of="stream",
    ),
    Fault(
        name="a stall in mid-stream",
        play=_open_after(lambda scene: [_first(scene)]),
        error=ProviderTimeoutError,
        has_partial=True,
        stall_timeout=_SOON,
        phase="stall",
        of="stream",
    ),
    Fault(
        name="pings without end in mid-stream",
        play=_open_after(lambda scene: [_first(scene)], lambda scene: scene.answers.ping),
        error=ProviderTimeoutError,
        has_partial=True,
        stall_timeout=_SOON,
        phase="stall",
        of="stream",
    ),
    Fault(
        name="pings without end and no event",
        play=_open_after(lambda _: [], lambda scene: scene.answers.ping),
        error=ProviderTimeoutError,
        requests=_ALL,
        stall_timeout=_SOON,
        phase="stall",
        of="stream",
    ),
    Fault(
        name="events without end",
        play=_open_after(lambda scene: [_first(scene)], _first),
        error=ProviderTimeoutError,
        has_partial=True,
        timeout={"total": _SOON},
        phase="total",
        of="stream",
    ),
)

FAULTS: tuple[Fault, ...] = (*_REFUSALS, *_HEADS, *_BODIES, *_STREAMS, *_BROKEN_STREAMS)
"""All of them; `fault.name` tells them apart."""
