"""The transport over a client that the user brings: httpx or httpx2, for whom it was configured with care.

Proxies, certificates, authentication, event hooks and the pool are the client's own, and so are its limits: it works
in one event loop, does not survive a fork, and fails when a kept connection ends at the wrong moment. Headers, body,
timeouts and redirects are the request's. Nothing is imported here; what the client can raise is found where its
class comes from.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from types import TracebackType
from typing import Any, NoReturn, Self

from chatplug.http.deadline import Deadline, time_left
from chatplug.http.errors import (
    BodyTooLarge,
    BrokenBody,
    ConnectError,
    Disconnected,
    InvalidRequest,
    ProxyError,
    TLSError,
    TransportError,
)
from chatplug.http.target import headers_of, target_of
from chatplug.http.transport import ERROR_BODY_LIMIT, Request, Response

__all__ = ["HttpxTransport"]

_MAX_BODY = 1 << 28


class HttpxTransport:
    """A `Transport` over clients of httpx or httpx2; who made a client closes it."""

    def __init__(self, client: Any = None, async_client: Any = None) -> None:
        self._client = client
        self._async_client = async_client
        self._failures = () if client is None else _failures_of(client, "Client")
        self._async_failures = () if async_client is None else _failures_of(async_client, "AsyncClient")

    def stream(self, request: Request, /) -> _HttpxStream:
        """The answer as soon as its headers are in."""
        call = _Call(request, "http_client=" if self._client is None else None)
        failure: TransportError | None = None
        try:
            response = self._client.send(call.build(self._client), stream=True, follow_redirects=False)
        except self._failures as error:
            failure = call.failure(error)
        else:
            return _HttpxStream(response, call, self._failures)
        raise failure

    def request(self, request: Request, /) -> Response:
        """The whole answer."""
        with self.stream(request) as stream:
            return _whole(stream.status, stream.headers, stream.read(_MAX_BODY + 1), request)

    async def astream(self, request: Request, /) -> _AsyncHttpxStream:
        """The answer as soon as its headers are in."""
        call = _Call(request, "http_async_client=" if self._async_client is None else None)
        failure: TransportError | None = None
        try:
            async with call.total():
                response = await self._async_client.send(
                    call.build(self._async_client), stream=True, follow_redirects=False
                )
        except (TimeoutError, *self._async_failures) as error:
            failure = call.failure(error)
        else:
            return _AsyncHttpxStream(response, call, self._async_failures)
        raise failure

    async def arequest(self, request: Request, /) -> Response:
        """The whole answer."""
        async with await self.astream(request) as stream:
            return _whole(stream.status, stream.headers, await stream.read(_MAX_BODY + 1), request)

    def close(self) -> None:
        """Nothing: the client is its maker's to close."""

    async def aclose(self) -> None:
        """Nothing: the client is its maker's to close."""


def _whole(status: int, headers: Mapping[str, str], body: bytes, request: Request) -> Response:
    if len(body) > _MAX_BODY:
        raise BodyTooLarge(limit=_MAX_BODY, method=request.method, url=request.url)
    return Response(status, headers, body)


def _failures_of(client: Any, expected: str) -> tuple[type[Exception], ...]:
    """What a client's calls raise, from the package that its class comes from."""
    for kind in type(client).__mro__:
        package = sys.modules.get(kind.__module__.partition(".")[0])
        if kind.__name__ == expected and package is not None and hasattr(package, "HTTPError"):
            return package.HTTPError, package.InvalidURL, package.StreamError, OSError, ValueError
    raise TypeError(f"Expected {expected} of httpx or httpx2, got {type(client).__module__}.{type(client).__name__}.")


class _Call:
    """One request as the client is asked for it, and what the client's exceptions mean."""

    __slots__ = ("deadline", "received", "request")

    def __init__(self, request: Request, missing: str | None) -> None:
        if missing is not None:
            raise InvalidRequest(f"no client for this kind of call; pass one as {missing}", **_where(request))
        self.request = request
        self.deadline = Deadline(request)
        self.received = 0

    def build(self, client: Any) -> Any:
        """The client's own request, checked before the client can complain with all of it in its text."""
        request = self.request
        target, path = target_of(request)
        headers = headers_of(request, target)
        connect = time_left(self.deadline.ends, request.timeout.connect)
        silence = self.deadline.silence()
        return client.build_request(
            request.method,
            f"{target.base}{path}",
            headers=headers,
            content=request.body,
            # Waiting for a free connection of the pool counts as connecting.
            timeout=(connect, silence, silence, connect),
        )

    def total(self) -> Any:
        """The limit of the whole call, which httpx does not have."""
        import asyncio

        return asyncio.timeout(None if self.deadline.ends is None else time_left(self.deadline.ends, None))

    def failure(self, error: Exception, *, in_body: bool = False) -> TransportError:
        """Our error for the client's, known by the names of its class and of those above it."""
        where = _where(self.request)
        names = {kind.__name__ for kind in type(error).__mro__}
        if isinstance(error, TimeoutError) or "TimeoutException" in names:
            if names & {"ConnectTimeout", "PoolTimeout"}:
                return self.deadline.timed_out("connect", sent=False)
            phase = "total" if isinstance(error, TimeoutError) else "read"
            return self.deadline.timed_out(phase, sent=True if in_body else None)
        detail = type(error).__name__
        if in_body:
            reason = f"the body is not whole ({detail}); {self.received:,} bytes had come"
            return BrokenBody(reason, **where, received=self.received)
        target, _ = target_of(self.request)
        peer = {"host": target.origin.host, "port": target.origin.port}
        if "ProxyError" in names:
            return ProxyError(f"the proxy refused the way to {target.origin.address} ({detail})", **where, **peer)
        if "ConnectError" in names:
            return _no_connection(error, where, peer, target.origin.address)
        if names & {"UnsupportedProtocol", "InvalidURL", "LocalProtocolError", "ValueError"}:
            return InvalidRequest(f"the client cannot send it ({detail})", **where)
        if "RemoteProtocolError" in names and "without sending" not in str(error):
            return BrokenBody(f"the answer is not HTTP ({detail})", **where)
        return Disconnected(f"the server hung up without an answer ({detail})", **where, sent=None)


def _where(request: Request) -> dict[str, Any]:
    return {"method": request.method, "url": request.url}


def _no_connection(error: Exception, where: dict[str, Any], peer: dict[str, Any], address: str) -> TransportError:
    """A failed connection; the reason is the operating system's, which lies some causes below."""
    import ssl

    from chatplug.http.tls import explain

    below: BaseException | None = error
    reason = ""
    while below is not None:
        if isinstance(below, ssl.SSLError):
            return TLSError(explain(below, address), **where, **peer)
        if isinstance(below, OSError) and below.strerror:
            reason = below.strerror
        below = below.__cause__ or below.__context__
    return ConnectError(f"cannot connect to {address} ({reason or type(error).__name__})", **where, **peer)


class _Body:
    """What both kinds of stream are made of."""

    __slots__ = ("_call", "_failures", "_is_closed", "_response", "headers", "status")

    def __init__(self, response: Any, call: _Call, failures: tuple[type[Exception], ...]) -> None:
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
        self._response = response
        self._call = call
        self._failures = failures
        self._is_closed = False

    def _count(self, piece: bytes) -> bytes:
        self._call.received += len(piece)
        if self._call.deadline.is_over():
            raise TimeoutError
        return piece


class _HttpxStream(_Body):
    """A `ByteStream` over a response of httpx."""

    __slots__ = ("_pieces",)

    def __init__(self, response: Any, call: _Call, failures: tuple[type[Exception], ...]) -> None:
        super().__init__(response, call, failures)
        self._pieces: Iterator[bytes] = response.iter_bytes()

    def __iter__(self) -> Iterator[bytes]:
        """The body, decompressed, in the pieces in which it arrives."""
        while (piece := self._receive()) is not None:
            yield piece

    def _receive(self) -> bytes | None:
        ...

    def read(self, limit: int = ERROR_BODY_LIMIT, /) -> bytes:
        """The rest of the body, or its first `limit` bytes."""
        ...
