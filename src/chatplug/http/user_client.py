"""The transport over a client that the user brings: httpx or httpx2, for whom it was configured with care.

Proxies, certificates, authentication, event hooks and the pool are the client's own, and so are its limits: it works
in one event loop, does not survive a fork, and fails when a kept connection ends at the wrong moment. Headers, body,
timeouts and redirects are the request's. Nothing is imported here; what the client can raise is found where its
class comes from.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from chatplug.http.deadline import Deadline, time_left
from chatplug.http.errors import (
    BodyTooLarge,
    BrokenBody,
    ConnectError,
    Disconnected,
    InvalidRequest,
    Phase,
    ProxyError,
    TLSError,
    TransportError,
)
from chatplug.http.target import Origin, headers_of, target_of
from chatplug.http.transport import ERROR_BODY_LIMIT, Request, Response, is_success

__all__ = ["HttpxTransport"]


class HttpxTransport:
    """A `Transport` over clients of httpx or httpx2; who made a client closes it."""

    def __init__(self, client: Any = None, async_client: Any = None, *, max_body: int = 1 << 28) -> None:
        self._max_body = max_body
        self._client: Any = client
        self._async_client: Any = async_client
        self._failures = () if client is None else _failures_of(client, "Client")
        self._async_failures = () if async_client is None else _failures_of(async_client, "AsyncClient")

    def stream(self, request: Request, /) -> _HttpxStream:
        """The answer as soon as its headers are in."""
        call = _Call(request, self._client, "http_client=")
        failure: TransportError | None = None
        try:
            response = call.client.send(call.build(), stream=True, follow_redirects=False)
        except self._failures as error:
            failure = call.failure(error)
        else:
            return _HttpxStream(response, call, self._failures)
        raise failure

    def request(self, request: Request, /) -> Response:
        """The whole answer."""
        with self.stream(request) as stream:
            return self._whole(stream, stream.read(self._limit(stream)), request)

    async def astream(self, request: Request, /) -> _AsyncHttpxStream:
        """The answer as soon as its headers are in."""
        call = _Call(request, self._async_client, "http_async_client=")
        failure: TransportError | None = None
        try:
            response = await call.within_total(call.client.send(call.build(), stream=True, follow_redirects=False))
        except self._async_failures as error:
            failure = call.failure(error)
        else:
            return _AsyncHttpxStream(response, call, self._async_failures)
        raise failure

    async def arequest(self, request: Request, /) -> Response:
        """The whole answer."""
        async with await self.astream(request) as stream:
            return self._whole(stream, await stream.read(self._limit(stream)), request)

    def close(self) -> None:
        """Nothing: the client is its maker's to close."""

    async def aclose(self) -> None:
        """Nothing: the client is its maker's to close."""

    def _limit(self, stream: _Body) -> int:
        return self._max_body + 1 if is_success(stream.status) else ERROR_BODY_LIMIT

    def _whole(self, stream: _Body, body: bytes, request: Request) -> Response:
        if len(body) > self._max_body and is_success(stream.status):
            raise BodyTooLarge(limit=self._max_body, **request.where)
        return Response(stream.status, stream.headers, body)


def _failures_of(client: Any, expected: str) -> tuple[type[Exception], ...]:
    """What a client's calls raise, from the package that its class comes from."""
    for kind in type(client).__mro__:
        package = sys.modules.get(kind.__module__.partition(".")[0])
        if kind.__name__ == expected and package is not None and hasattr(package, "HTTPError"):
            return package.HTTPError, package.InvalidURL, package.StreamError, OSError, ValueError
    raise TypeError(f"Expected {expected} of httpx or httpx2, got {type(client).__module__}.{type(client).__name__}.")


class _Call:
    """One request as the client is asked for it, and what the client's exceptions mean."""

    __slots__ = ("client", "deadline", "received", "request")

    def __init__(self, request: Request, client: Any, name: str) -> None:
        if client is None:
            raise InvalidRequest(f"there is no client for this kind of call; pass one as {name}", **request.where)
        self.client: Any = client
        self.request = request
        self.deadline = Deadline(request)
        self.received = 0

    def build(self) -> Any:
        """The client's own request, checked before the client can complain with all of it in its text."""
        request = self.request
        target, path = target_of(request)
        headers = headers_of(request, target)
        connect = time_left(self.deadline.ends, request.timeout.connect)
        silence = self.deadline.silence()
        return self.client.build_request(
            request.method,
            f"{target.base}{path}",
            headers=headers,
            content=request.body,
            # Waiting for a free connection of the pool counts as connecting.
            timeout=(connect, silence, silence, connect),
        )

    async def within_total(self, step: Awaitable[Any]) -> Any:
        """A step of the call, within the limit for the whole of it, which httpx does not have."""
        if self.deadline.ends is None:
            return await step
        import asyncio

        async with asyncio.timeout(time_left(self.deadline.ends, None)):
            return await step

    def failure(self, error: Exception, *, in_body: bool = False) -> TransportError:
        """Our error for the client's, known by the names of its class and of those above it."""
        where = self.request.where
        names = {kind.__name__ for kind in type(error).__mro__}
        if isinstance(error, TimeoutError) or "TimeoutException" in names:
            if names & {"ConnectTimeout", "PoolTimeout"}:
                return self.deadline.timed_out("connect", sent=False)
            phase: Phase = "total" if isinstance(error, TimeoutError) else "read"
            return self.deadline.timed_out(phase, sent=in_body or None)
        detail = type(error).__name__
        if in_body:
            reason = f"the body is not whole ({detail}); {self.received:,} bytes had come"
            return BrokenBody(reason, **where, received=self.received)
        target, _ = target_of(self.request)
        origin = target.origin
        if "ProxyError" in names:
            return ProxyError(f"the proxy refused the way to {origin.address} ({detail})", **origin.peer(self.request))
        if "ConnectError" in names:
            return _no_connection(error, origin, self.request)
        if names & {"UnsupportedProtocol", "InvalidURL", "LocalProtocolError", "ValueError"}:
            return InvalidRequest(f"the client cannot send it ({detail})", **where)
        if "RemoteProtocolError" in names and "without sending" not in str(error):
            return BrokenBody(f"the answer is not HTTP ({detail})", **where)
        return Disconnected(f"the server hung up without an answer ({detail})", **where, sent=None)


def _no_connection(error: Exception, origin: Origin, request: Request) -> TransportError:
    """A failed connection; the reason is the operating system's, which lies some causes below."""
    import ssl

    from chatplug.http.sockets import reason_of
    from chatplug.http.tls import explain

    below: BaseException | None = error
    reason = ""
    while below is not None:
        if isinstance(below, ssl.SSLError):
            return TLSError(explain(below, origin.address), **origin.peer(request))
        if isinstance(below, OSError):
            reason = reason_of(below)
        below = below.__cause__ or below.__context__
    reason = f"cannot connect to {origin.address} ({reason or type(error).__name__})"
    return ConnectError(reason, **origin.peer(request))


class _Body:
    """What both kinds of stream are made of."""

    __slots__ = ("_call", "_failures", "_is_closed", "_is_whole", "_response", "headers", "status")

    def __init__(self, response: Any, call: _Call, failures: tuple[type[Exception], ...]) -> None:
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
        self._response = response
        self._call = call
        self._failures = failures
        self._is_closed = False
        self._is_whole = False

    def _take(self, piece: bytes | None) -> bytes | None:
        """A piece that has come; None at the end."""
        if piece is None:
            self._is_whole = True
            return None
        self._call.received += len(piece)
        if self._call.deadline.is_over():
            raise TimeoutError
        return piece

    def limit_rest(self, seconds: float, /) -> None:
        """Limit what is left of the body; see `ByteStream`.

        A synchronous client of httpx waits for a piece as long as `read` allows; the limit is looked at after that.
        """
        self._call.deadline.limit_rest(seconds)

    def _check(self) -> None:
        if self._is_closed and not self._is_whole:
            reason = f"the stream was closed; {self._call.received:,} bytes had come"
            raise BrokenBody(reason, **self._call.request.where, received=self._call.received)


class _HttpxStream(_Body):
    """A `ByteStream` over a response of httpx."""

    __slots__ = ("_pieces",)

    def __init__(self, response: Any, call: _Call, failures: tuple[type[Exception], ...]) -> None:
        super().__init__(response, call, failures)
        self._pieces: Iterator[bytes] = response.iter_bytes()

    def __iter__(self) -> Iterator[bytes]:
        """The body, decompressed, in the pieces in which it arrives."""
        while (piece := self._receive()) is not None:
            if piece:
                yield piece

    def read(self, limit: int = ERROR_BODY_LIMIT, /) -> bytes:
        """The rest of the body, or its first `limit` bytes."""
        body = bytearray()
        try:
            for piece in self:
                body += piece
                if len(body) >= limit:
                    break
        except TransportError:
            if is_success(self.status):
                raise
        return bytes(body[:limit])

    def close(self) -> None:
        """Close the response; the client keeps the connection if the body has been read to its end."""
        self._is_closed = True
        self._response.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _receive(self) -> bytes | None:
        self._check()
        try:
            return self._take(next(self._pieces, None))
        except self._failures as error:
            failure = self._call.failure(error, in_body=True)
        except BaseException:
            self.close()
            raise
        self.close()
        raise failure


class _AsyncHttpxStream(_Body):
    """An `AsyncByteStream` over a response of httpx."""

    __slots__ = ("_pieces",)

    def __init__(self, response: Any, call: _Call, failures: tuple[type[Exception], ...]) -> None:
        super().__init__(response, call, failures)
        self._pieces: AsyncIterator[bytes] = response.aiter_bytes()

    def __aiter__(self) -> Self:
        """The body, decompressed, in the pieces in which it arrives."""
        return self

    async def __anext__(self) -> bytes:
        while (piece := await self._receive()) is not None:
            if piece:
                return piece
        raise StopAsyncIteration

    async def read(self, limit: int = ERROR_BODY_LIMIT, /) -> bytes:
        """The rest of the body, or its first `limit` bytes."""
        body = bytearray()
        try:
            async for piece in self:
                body += piece
                if len(body) >= limit:
                    break
        except TransportError:
            if is_success(self.status):
                raise
        return bytes(body[:limit])

    async def aclose(self) -> None:
        """Close the response; the client keeps the connection if the body has been read to its end."""
        self._is_closed = True
        await self._response.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _receive(self) -> bytes | None:
        self._check()
        try:
            return self._take(await self._call.within_total(anext(self._pieces, None)))
        except self._failures as error:
            failure = self._call.failure(error, in_body=True)
        except BaseException:
            await self.aclose()
            raise
        await self.aclose()
        raise failure
