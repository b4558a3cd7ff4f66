"""Synchronous calls, over the standard library's `http.client` (docs/decisions/0002-sync-http-client.md).

`http.client` reads the answers. Keeping connections, choosing the proxy and watching the clock is done here, because
the contract asks for what no pool tells: whether a connection had been used before, whether a byte of the answer had
come, and how long the whole call has taken.

A server may close an unused connection at any time, also while the next request is on its way. Therefore a request
that was written to a *used* connection which then ended *before the first byte of an answer* is sent once more, on a
new connection, POST or not. This is what browsers do; a server that does work and then hangs up without a word is
not told apart, and for a model's answer the harm is a second answer that is paid for.
"""

from __future__ import annotations

import http.client
import io
import select
import socket
import ssl
from collections import deque
from collections.abc import Iterator, Mapping
from time import monotonic
from types import TracebackType
from typing import Any, NoReturn, Self

from chatplug.http.coding import inflater_for
from chatplug.http.deadline import Deadline
from chatplug.http.errors import (
    BodyTooLarge,
    BrokenBody,
    ConnectError,
    Disconnected,
    ProxyError,
    TLSError,
    TransportError,
)
from chatplug.http.options import TransportOptions
from chatplug.http.proxy import Proxy, choose_proxy
from chatplug.http.sockets import KEEP_ALIVE, prepare, track
from chatplug.http.target import Target, headers_of, needs_length, target_of
from chatplug.http.tls import explain, tls_context
from chatplug.http.transport import ERROR_BODY_LIMIT, Request, Response

__all__ = ["SyncStream", "SyncTransport"]

_READ = 1 << 16


class _Wire(io.RawIOBase):
    """The socket as `http.client` reads it: within the limits, and knowing whether anything came."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.deadline: Deadline | None = None
        self.has_answered = False
        self.is_muted = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        if self.is_muted:
            return None
        deadline = self.deadline
        if deadline is not None and deadline.ends is not None:
            self.sock.settimeout(deadline.allow(deadline.request.timeout.read))
        count = self.sock.recv_into(buffer)
        if count:
            self.has_answered = True
        return count


class _Reader(io.BufferedReader):
    """One buffer for the life of a connection; `http.client` closes it after each answer."""

    def close(self) -> None:
        pass


class _Connection:
    """A socket that is leased to one call at a time."""

    __slots__ = ("_poll", "reader", "sock", "unused_since", "was_used", "wire")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.wire = _Wire(sock)
        self.reader = _Reader(self.wire, _READ)
        self.was_used = False
        self.unused_since = 0.0

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What `http.client` asks a socket for."""
        return self.reader

    def answer(self, method: str) -> http.client.HTTPResponse:
        """The head of the next answer. Notices such as 103 Early Hints go before it and are passed over."""
        while True:
            response = http.client.HTTPResponse(self, method=method)  # type: ignore[arg-type]  # It only calls makefile.
            response.begin()
            if response.status >= 200 or response.status == 101:
                return response

    def has_leftovers(self) -> bool:
        """Whether bytes came that belong to no answer; the next one would begin with them."""
        self.wire.is_muted = True
        try:
            return bool(self.reader.peek(1))
        finally:
            self.wire.is_muted = False

    def is_fresh(self) -> bool:
        """Whether it can be used again: not too old, and nothing to read, which would be its end."""
        return monotonic() - self.unused_since < KEEP_ALIVE and self.sock.fileno() >= 0 and not _is_readable(self.sock)

    def interrupt(self) -> None:
        """Wake whoever is reading in another thread; it will find the end."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self) -> None:
        self.sock.close()


def _is_readable(sock: socket.socket) -> bool:
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([sock], [], [], 0)[0])  # Windows, where any descriptor will do.
