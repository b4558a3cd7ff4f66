"""A model server that costs next to nothing: a thread for each connection, answers made beforehand.

It is a process of its own, so that its work is not counted as the client's. What it answers is in the path:
`/call`, `/burst`, `/paced`, `/tools`, for `benchmarks.load` `/slow`, `/large` and `/words500` with its kin, and for
`benchmarks.behaviour` `/broken` (hangs up in mid-stream) and `/short` (ends a stream well that has not said so), each
followed by what OpenAI's paths have. As real servers do, it sends each event as one chunk of HTTP's chunked coding, and
in a burst lets the kernel put together what it can.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import canned

BURST, PACED, FRAGMENTS = 1000, 100, 2000
WORDS = (50, 500, 2000, 4000)
"""How many chunks the streams have that are read at once."""
SLOWNESS = 0.02
"""Seconds until a slow answer."""
LARGE = 50
"""Megabytes of a large answer."""
PAUSE = 0.002
"""Seconds between two events that are to arrive alone: longer than any client takes for one."""

_HEADERS = """\
date: Sun, 30 Nov 2025 10:48:41 GMT
content-type: {kind}
access-control-expose-headers: X-Request-ID
openai-organization: example
openai-processing-ms: 548
openai-version: 2020-10-01
x-ratelimit-limit-requests: 30000
x-ratelimit-limit-tokens: 150000000
x-ratelimit-remaining-requests: 29999
x-ratelimit-remaining-tokens: 149999992
x-ratelimit-reset-requests: 2ms
x-ratelimit-reset-tokens: 0s
x-request-id: req_e0ace4243c3941b29e2fb1372df37315
"""


def _head(kind: str, *more: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", *_HEADERS.format(kind=kind).splitlines(), *more, "", ""]
    return "\r\n".join(lines).encode()


def _chunked(events: list[bytes]) -> list[bytes]:
    return [b"%x\r\n%s\r\n" % (len(event), event) for event in events] + [b"0\r\n\r\n"]


def _whole(body: bytes) -> list[bytes]:
    return [_head("application/json", f"content-length: {len(body)}") + body]


def _stream(events: list[bytes]) -> list[bytes]:
    return [_head("text/event-stream; charset=utf-8", "transfer-encoding: chunked"), *_chunked(events)]


def _answers() -> dict[bytes, list[bytes]]:
    """What is sent for each path, in the pieces in which it is sent."""
    return {
        b"call": _whole(canned.answer()),
        b"burst": [b"".join(_stream(canned.text_events(BURST)))],
        b"paced": _stream(canned.text_events(PACED)),
        b"tools": [b"".join(_stream(canned.tool_events(FRAGMENTS)))],
        b"slow": _whole(canned.answer()),
        b"large": _whole(canned.answer("x" * (LARGE << 20))),
        b"broken": [b"".join(_stream(canned.text_events(100))[:21])],
        b"short": [b"".join([*_stream(canned.text_events(100))[:21], b"0\r\n\r\n"])],
        **{b"words%d" % number: [b"".join(_stream(canned.text_events(number)))] for number in WORDS},
    }


def _serve(connection: socket.socket, answers: dict[bytes, list[bytes]]) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    received = b""
    with connection, contextlib.suppress(ConnectionError):
        while True:
            while b"\r\n\r\n" not in received:
                data = connection.recv(1 << 16)
                if not data:
                    return
                received += data
            head, _, received = received.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            while len(received) < length:
                received += connection.recv(1 << 16)
            received = received[length:]
            case = head.split(b"/", 2)[1]
            if case == b"slow":
                time.sleep(SLOWNESS)
            first, *pieces = answers[case]
            connection.sendall(first)
            for piece in pieces:
                time.sleep(PAUSE)
                connection.sendall(piece)
            if case == b"broken":
                return


def main() -> None:
    """Serve until standard input ends, which it does when the parent does."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    answers = _answers()
    print(listener.getsockname()[1], flush=True)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection, answers), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


@contextlib.contextmanager
def running() -> Iterator[str]:
    """The address of a server that runs while the block does."""
    root = Path(__file__).resolve().parent.parent
    command = [sys.executable, "-m", "benchmarks.server"]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


if __name__ == "__main__":
    main()
