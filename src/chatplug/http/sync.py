"""Synchronous calls, over the standard library's `http.client` (docs/decisions/0002-sync-http-client.md).

`http.client` reads the answers; connections are made, kept and timed here, because the contract asks for what no
pool tells: whether a connection had been used before, and whether a byte of the answer had come.

A server may close an unused connection at any time, also while the next request is on its way. Therefore a request
that went out on a *used* connection, which then ended *before the first byte of an answer*, is sent once more on a
new one, POST or not, as browsers do. A server that does the work and then hangs up without a word cannot be told
from one that never saw the request; the harm is then one answer paid for twice, against a failure now and then in
every long conversation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http.client import HTTPException, IncompleteRead
from types import TracebackType
from typing import NoReturn, Self

from chatplug.http.chunked import Dechunker
from chatplug.http.coding import Inflater, Unreadable, inflater_for
from chatplug.http.connection import Answer, Connection, Outgoing, connect
from chatplug.http.deadline import Deadline
from chatplug.http.errors import BodyTooLarge, BrokenBody, Disconnected, ProxyError, TransportError
from chatplug.http.options import TransportOptions
from chatplug.http.proxy import Proxy, choose_proxy
from chatplug.http.sockets import reason_of
from chatplug.http.target import Origin, Target, headers_of, needs_length, target_of
from chatplug.http.transport import ERROR_BODY_LIMIT, Request, Response, is_success

__all__ = ["SyncStream", "SyncTransport"]

_PIECE = 1 << 16
_FAILURES = (OSError, HTTPException, ValueError)


class _Server:
    """The way to one origin, and the connections that wait to be used again."""

    __slots__ = ("options", "origin", "proxy", "unused")

    def __init__(self, origin: Origin, proxy: Proxy | None, options: TransportOptions) -> None:
        self.origin = origin
        self.proxy = proxy
        self.options = options
        # Taken and given back at its end: one operation each, which needs no lock.
        self.unused: list[Connection] = []

    def take(self) -> Connection | None:
        """The connection that was used last, if any is still good."""
        while True:
            try:
                connection = self.unused.pop()
            except IndexError:
                return None
            if connection.is_alive():
                return connection
            connection.close()

    def give_back(self, connection: Connection) -> None:
        """Keep it for the next call, unless there are enough."""
        if len(self.unused) >= self.options.max_idle or not connection.is_reusable():
            connection.close()
            return
        connection.rest()
        self.unused.append(connection)
        oldest = self.unused[0:1]
        if not oldest or oldest[0] is connection or oldest[0].is_alive():
            return
        try:
            self.unused.remove(oldest[0])
        except ValueError:
            # Another thread has taken it.
            return
        oldest[0].close()

    def close(self) -> None:
        while self.unused:
            self.unused.pop().close()

    def encode(self, request: Request, target: Target, path: str) -> Outgoing:
        """The request as it goes over the wire."""
        headers = headers_of(request, target)
        if self.proxy is not None and self.origin.scheme == "http":
            path = f"{target.base}{path}"
            if self.proxy.authorization is not None:
                headers["proxy-authorization"] = self.proxy.authorization
        body = request.body or b""
        if needs_length(request.method, request.body):
            headers["content-length"] = str(len(body))
        lines = [f"{request.method} {path} HTTP/1.1", *[f"{name}: {value}" for name, value in headers.items()], "", ""]
        return Outgoing("\r\n".join(lines).encode("ascii") + body)


class SyncStream:
    """An answer that is still arriving; a `ByteStream`."""

    __slots__ = (
        *("_chunks", "_connection", "_deadline", "_inflater", "_is_closing", "_is_reading", "_is_whole", "_left"),
        *("_response", "_server", "headers", "received", "status"),
    )

    def __init__(self, server: _Server, connection: Connection, response: Answer, deadline: Deadline) -> None:
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.fields
        self.received = 0
        self._server = server
        self._connection: Connection | None = connection
        self._response = response
        self._deadline = deadline
        self._left: int | None = response.length
        self._chunks = Dechunker() if response.chunked else None
        self._is_reading = False
        self._is_closing = False
        self._is_whole = False
        self._inflater: Inflater | None = None
        if self._left == 0:
            self._finish()
        elif "content-encoding" in self.headers:
            try:
                self._inflater = inflater_for(self.headers)
            except ValueError as error:
                if is_success(self.status):
                    self._break(error)
                self._inflater = Unreadable(str(error))

    def __iter__(self) -> Iterator[bytes]:
        """The body, decompressed, in the pieces in which it arrives."""
        inflater = self._inflater
        while not self._is_whole:
            piece = self._receive()
            if inflater is None:
                if piece:
                    yield piece
                continue
            try:
                yield from inflater.feed(piece)
                if self._is_whole:
                    inflater.finish()
            except ValueError as error:
                self._break(error)

    def read(self, limit: int = ERROR_BODY_LIMIT, /) -> bytes:
        """The rest of the body, or its first `limit` bytes; see `ByteStream`."""
        pieces: list[bytes] = []
        size = 0
        try:
            for piece in self:
                pieces.append(piece)
                size += len(piece)
                if size >= limit:
                    break
        except TransportError:
            if is_success(self.status):
                raise
        return b"".join(pieces)[:limit]

    def limit_rest(self, seconds: float, /) -> None:
        """Limit what is left of the body; see `ByteStream`."""
        self._deadline.limit_rest(seconds)

    def close(self) -> None:
        """Close the connection, unless the body has been read to its end. Any thread may do it."""
        connection = self._connection
        if connection is None:
            return
        self._is_closing = True
        if self._is_reading:
            # The descriptor must live as long as somebody waits for it: its number may be given to another file.
            connection.interrupt()
        else:
            self._drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self._drop()

    def _receive(self) -> bytes:
        """What one read brings; empty at the end of the body."""
        if self._connection is None:
            self._is_closing = True
            self._break(EOFError())
        self._is_reading = True
        try:
            data = self._response.read1(_PIECE) if self._chunks is None else self._unchunk(self._chunks)
        except _FAILURES as error:
            self._break(error)
        except BaseException:
            self._drop()
            raise
        finally:
            self._is_reading = False
        if self._is_closing:
            self._break(EOFError())
        if not data:
            if self._left:
                self._break(ValueError(f"the body was cut short, {self._left:,} bytes are missing"))
            self._finish()
            return data
        self.received += len(data)
        if self._left is not None:
            self._left -= len(data)
        if self._left == 0 or (self._chunks is not None and self._chunks.is_done):
            self._finish()
            return data
        if self._deadline.is_over():
            self._break(TimeoutError())
        return data

    def _unchunk(self, chunks: Dechunker) -> bytes:
        """What one read brings of a body in chunks; empty at its end."""
        data = b""
        while not (data or chunks.is_done):
            arrived = self._connection.read(_PIECE) if self._connection is not None else b""
            if not arrived:
                raise IncompleteRead(b"")
            data = chunks.feed(arrived)
        return data

    def _finish(self) -> None:
        """The body is complete; others may have the connection."""
        connection, self._connection = self._connection, None
        self._is_whole = True
        if connection is None:
            return
        if self._response.will_close or (self._chunks is not None and self._chunks.surplus):
            connection.close()
        else:
            self._server.give_back(connection)

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _break(self, error: Exception) -> NoReturn:
        """The body will never be complete."""
        self._drop()
        if self._is_closing:
            error = ValueError("the stream was closed")
        if isinstance(error, TimeoutError):
            raise self._deadline.timed_out("read", sent=True) from error
        if isinstance(error, OSError):
            reason = f"the connection broke inside the body ({reason_of(error)})"
        elif isinstance(error, HTTPException):
            reason = "the body was cut short"
        else:
            reason = str(error)
        request = self._deadline.request
        raise BrokenBody(
            f"{reason}; {self.received:,} bytes had come",
            **request.where,
            received=self.received,
        ) from error


class SyncTransport:
    """The synchronous half of the default transport."""

    def __init__(self, options: TransportOptions) -> None:
        self._options = options
        self._servers: dict[tuple[str, str, int], _Server] = {}

    def stream(self, request: Request, /) -> SyncStream:
        """The answer as soon as its headers are in."""
        target, path = target_of(request)
        server = self._servers.get(target.key) or self._add(target, request)
        data = server.encode(request, target, path)
        deadline = Deadline(request)
        connection = server.take()
        response = None if connection is None else _ask(connection, data, deadline)
        if connection is None or response is None:
            connection = connect(server.origin, server.proxy, self._options, deadline)
            response = _ask(connection, data, deadline)
        assert response is not None
        return SyncStream(server, connection, response, deadline)

    def request(self, request: Request, /) -> Response:
        """The whole answer."""
        with self.stream(request) as stream:
            if not is_success(stream.status):
                return Response(stream.status, stream.headers, stream.read())
            limit = self._options.max_body
            body = stream.read(limit + 1)
            if len(body) > limit:
                raise BodyTooLarge(limit=limit, **request.where)
            return Response(stream.status, stream.headers, body)

    def close(self) -> None:
        """Close the connections that nobody uses."""
        for server in list(self._servers.values()):
            server.close()

    def __del__(self) -> None:
        self.close()

    def _add(self, target: Target, request: Request) -> _Server:
        try:
            proxy = choose_proxy(self._options, target.origin)
        except ValueError as error:
            reason = str(error)
        else:
            return self._servers.setdefault(target.key, _Server(target.origin, proxy, self._options))
        raise ProxyError(reason, **request.where, host="", port=0)


def _ask(connection: Connection, data: Outgoing, deadline: Deadline) -> Answer | None:
    """Send a request and wait for the head of its answer; None when the connection had ended before."""
    request = deadline.request
    sent: bool | None = None
    try:
        sent = connection.send(data, deadline) or None
        return connection.receive(request.method)
    except TimeoutError as error:
        connection.close()
        raise deadline.timed_out("read", sent=sent) from error
    except _FAILURES as error:
        connection.close()
        wire = connection.wire
        if wire.has_begun:
            reason = (
                "the connection ended inside the headers"
                if wire.has_ended or isinstance(error, OSError)
                else f"the answer is not HTTP ({type(error).__name__}: {str(error)[:100]})"
            )
            raise BrokenBody(reason, **request.where) from error
        if connection.was_used and isinstance(error, ConnectionError):
            return None
        reason = "the server hung up without an answer"
        if isinstance(error, OSError) and error.errno:
            reason = f"{reason} ({reason_of(error)})"
        raise Disconnected(reason, **request.where, sent=sent) from error
    except BaseException:
        connection.close()
        raise
