"""One synchronous connection: how it is made, and how `http.client` reads the answers that come over it."""

from __future__ import annotations

import contextlib
import http.client
import io
import re
import select
import socket
import ssl
from collections.abc import Generator
from time import monotonic
from typing import Any

from chatplug.http.deadline import Deadline, time_left
from chatplug.http.errors import ConnectError, ProxyError, TLSError
from chatplug.http.head import Head, read_plain
from chatplug.http.options import TransportOptions
from chatplug.http.proxy import Proxy
from chatplug.http.sockets import KEEP_ALIVE, make_socket, reason_of, track
from chatplug.http.target import Origin, lower_headers
from chatplug.http.tls import explain, tls_for

__all__ = ["Answer", "Connection", "Outgoing", "connect"]

_BUFFER = 1 << 16

# What http.client reads and no two programs read alike: a line that is no header, a control character, a line that
# goes on without a header before it. Who reads an answer differently from the one before us can be sent another.
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_HEAD = re.compile(
    rb"(?:HTTP/(?:1\.[01]|0\.9) \d{3}(?: [^\r\n\0]*)?\r?\n"
    rb"(?:" + _TOKEN + rb"[ \t]*:[^\r\n\0]*\r?\n(?:[ \t][^\r\n\0]*\r?\n)*)*\r?\n)+"
)
# What a head says of the body is not so in answers to these.
_WITHOUT_BODY = frozenset({"CONNECT", "HEAD"})


class Outgoing:
    """What is sent, with the key in it; the variables of a traceback show no more of it than that it is there."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


class _Wire(io.RawIOBase):
    """The socket as `http.client` reads it: within the limits, and knowing what came."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.deadline: Deadline | None = None
        self.has_begun = False
        """Whether a byte has come since the last request."""
        self.has_ended = False
        self.is_muted = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        if self.is_muted:
            return None
        if self.deadline is not None and self.deadline.ends is not None:
            self.sock.settimeout(self.deadline.silence())
        count = self.sock.recv_into(buffer)
        if count:
            self.has_begun = True
        else:
            self.has_ended = True
        return count


class _Reader(io.BufferedReader):
    """One buffer for the life of a connection; `http.client` would close it after each answer."""

    def __init__(self, wire: _Wire) -> None:
        super().__init__(wire, _BUFFER)

    @contextlib.contextmanager
    def recorded(self) -> Generator[list[bytes]]:
        """The lines that are read meanwhile."""
        lines: list[bytes] = []
        plain = self.readline

        def readline(size: int | None = -1, /) -> bytes:
            lines.append(plain(size))
            return lines[-1]

        self.readline = readline  # type: ignore[method-assign]  # of this reader, for this head
        try:
            yield lines
        finally:
            del self.readline

    def close(self) -> None:
        pass

    def flush(self) -> None:
        # Called with that closing, when all of it may be garbage already.
        pass


class Answer(http.client.HTTPResponse):
    """An answer that is read as strictly as the asynchronous client reads it."""

    fields: dict[str, str]
    """The headers as they are handed out."""

    def begin_with(self, head: Head) -> None:
        """Go on behind a head that has been read already."""
        self.version = 11
        self.status = head.status
        self.fields = head.headers
        self.chunked = head.length is None
        self.length = head.length
        self.chunk_left = None
        self.will_close = False

    def check(self, head: bytes) -> None:
        """Refuse a head that could be read in two ways, and in the second hide another answer."""
        if _HEAD.fullmatch(head) is None:
            raise http.client.HTTPException("a line of the head is no header")
        self.fields = lower_headers([(name, value.strip(" \t")) for name, value in self.headers.raw_items()])
        if "," in self.headers.get("transfer-encoding", ""):
            raise http.client.HTTPException("the body is coded in more than one way")
        lengths = self.headers.get_all("content-length", ())
        if not lengths:
            return
        if len(lengths) > 1 or "transfer-encoding" in self.headers:
            raise http.client.HTTPException("the length of the body is told twice")
        length = lengths[0].strip(" \t")
        if not (length.isascii() and length.isdigit() and len(length) < _MOST_DIGITS):
            raise http.client.HTTPException("the length of the body is no number")


_MOST_DIGITS = 20


class Connection:
    """A socket that serves one call at a time."""

    __slots__ = ("_reader", "sock", "unused_since", "was_used", "wire")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.wire = _Wire(sock)
        self._reader = _Reader(self.wire)
        self.was_used = False
        self.unused_since = 0.0

    def makefile(self, _mode: str, /) -> io.BufferedReader:
        """What `http.client` asks of a socket."""
        return self._reader

    def send(self, outgoing: Outgoing, deadline: Deadline) -> bool:
        """Send it all; False when the other side would not take it, which may have said why."""
        self.wire.deadline = deadline
        self.wire.has_begun = False
        self.sock.settimeout(deadline.silence())
        try:
            self.sock.sendall(outgoing.data)
        except (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return False
        except OSError as error:
            # Without the frames of the module ssl, which hold the data.
            raise error.with_traceback(None) from None
        return True

    def receive(self, method: str) -> Answer:
        """The head of the next answer; notices before it, such as 103 Early Hints, are passed over."""
        while True:
            response = Answer(self, method=method)  # type: ignore[arg-type]  # It calls makefile only.
            head = self._next_head()
            plain = read_plain(head) if head and method not in _WITHOUT_BODY else None
            if plain is not None:
                self._reader.read(len(head))
                response.begin_with(plain)
                return response
            if head:
                response.begin()
            else:
                with self._reader.recorded() as lines:
                    response.begin()
                head = b"".join(lines)
            if self.wire.has_ended:
                # http.client takes the end of the connection for the end of the headers.
                raise http.client.IncompleteRead(b"")
            response.check(head)
            if response.status >= 200 or response.status == 101:
                return response

    def _next_head(self) -> bytes:
        """The head that http.client will read next, if one read has brought all of it and nothing comes before it."""
        arrived = self._reader.peek()
        end = arrived.find(b"\r\n\r\n")
        return arrived[: end + 4] if end > 0 and arrived[9:10] != b"1" else b""

    def is_reusable(self) -> bool:
        """Whether another answer could follow: none of its bytes is here before it was asked for."""
        return not (self.wire.has_ended or self._arrived())

    def read(self, most: int) -> bytes:
        """What has come or comes next, of whatever it is a part; empty at the end of the connection."""
        return self._reader.read1(most)

    def _arrived(self) -> bytes:
        """What has been received and not been read."""
        self.wire.is_muted = True
        try:
            return self._reader.peek(1)
        finally:
            self.wire.is_muted = False

    def rest(self) -> None:
        """Wait for the next call, and let go of the last one: its body may be large."""
        self.wire.deadline = None
        self.was_used = True
        self.unused_since = monotonic()

    def is_alive(self) -> bool:
        """Whether an unused connection can be trusted: young, and with nothing to read, which would be its end."""
        if monotonic() - self.unused_since >= KEEP_ALIVE or self.sock.fileno() < 0:
            return False
        return not _is_readable(self.sock)

    def interrupt(self) -> None:
        """Wake the thread that reads from it; that thread finds the end."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            # It has ended by itself.
            return

    def close(self) -> None:
        """Close it at once."""
        self.sock.close()


def _is_readable(sock: socket.socket) -> bool:
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([sock], [], [], 0)[0])


def connect(origin: Origin, proxy: Proxy | None, options: TransportOptions, deadline: Deadline) -> Connection:
    """A new connection to a server, through its proxy if it has one. Raises `ConnectError`."""
    peer = origin if proxy is None else proxy.origin
    kind = ConnectError if proxy is None else ProxyError
    ends = deadline.connecting()
    sock: socket.socket | None = None
    try:
        sock = _dial(peer, ends)
        if origin.scheme == "https":
            if proxy is not None:
                _tunnel(sock, origin, proxy, deadline, ends)
            kind, peer = TLSError, origin
            sock = _secure(sock, origin, tls_for(origin, options, deadline.request), ends)
        return Connection(sock)
    except BaseException as error:
        if sock is not None:
            sock.close()
        if isinstance(error, TimeoutError):
            raise deadline.timed_out("connect", sent=False) from error
        if not isinstance(error, OSError):
            raise
        if kind is TLSError and isinstance(error, ConnectionError):
            kind = ConnectError
        reason = explain(error, peer.address) if kind is TLSError else _refusal(error, peer, proxy)
        raise kind(reason, **peer.peer(deadline.request)) from error


def _refusal(error: OSError, peer: Origin, proxy: Proxy | None) -> str:
    whom = "" if proxy is None else "the proxy "
    return f"cannot connect to {whom}{peer.address} ({reason_of(error)})"


def _dial(peer: Origin, ends: float | None) -> socket.socket:
    """A TCP connection to the first address that answers; each gets its share of the time."""
    addresses = socket.getaddrinfo(peer.host, peer.port, type=socket.SOCK_STREAM)
    failure = OSError("the name has no address")
    for index, address in enumerate(addresses):
        sock: socket.socket | None = None
        try:
            sock = make_socket(address)
            left = time_left(ends, None)
            sock.settimeout(None if left is None else left / (len(addresses) - index))
            sock.connect(address[4])
            return sock
        except BaseException as error:
            if sock is not None:
                sock.close()
            if not isinstance(error, OSError):
                raise
            failure = error
    raise failure


def _tunnel(sock: socket.socket, origin: Origin, proxy: Proxy, deadline: Deadline, ends: float | None) -> None:
    """Have the proxy connect us with the server."""
    connection = Connection(sock)
    sock.settimeout(time_left(ends, None))
    status: int | None = None
    try:
        sock.sendall(_connect_request(origin, proxy))
        status = connection.receive("CONNECT").status
        reason = f"answered {status}"
    except http.client.HTTPException as error:
        reason = f"is no proxy ({type(error).__name__})"
    if status is not None and 200 <= status < 300:
        return
    raise ProxyError(
        f"the proxy {proxy.origin.address} {reason} when asked for {origin.address}",
        **proxy.origin.peer(deadline.request),
        status=status,
    )


def _connect_request(origin: Origin, proxy: Proxy) -> bytes:
    lines = [f"CONNECT {origin.address} HTTP/1.1", f"host: {origin.address}"]
    if proxy.authorization is not None:
        lines.append(f"proxy-authorization: {proxy.authorization}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _secure(sock: socket.socket, origin: Origin, context: ssl.SSLContext, ends: float | None) -> socket.socket:
    """The same connection with TLS on it."""
    sock.settimeout(time_left(ends, None))
    secured = context.wrap_socket(sock, server_hostname=origin.host.rstrip("."))
    track(secured)
    return secured
