"""Asynchronous calls, over aiohttp (docs/decisions/0003-async-http-client.md).

A request whose used connection had ended is sent once more on a new one, for the reasons given in `sync`; aiohttp
by itself does this for GET and its like only, and might take another connection that has ended, too.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self, cast

import aiohttp
from yarl import URL

from chatplug.http.coding import Inflater, Unreadable, inflater_for
from chatplug.http.deadline import Deadline, time_left
from chatplug.http.errors import BodyTooLarge, ProxyError, TransportError
from chatplug.http.failures import FAILURES, body_failure, cause_of, has_ended_unanswered, head_failure
from chatplug.http.options import TransportOptions
from chatplug.http.proxy import Proxy, choose_proxy
from chatplug.http.sessions import Attempt, Sessions
from chatplug.http.target import Target, headers_of, lower_headers, needs_length, target_of
from chatplug.http.tls import tls_for
from chatplug.http.transport import ERROR_BODY_LIMIT, Request, Response, is_success

if TYPE_CHECKING:
    import ssl

__all__ = ["AsyncStream", "AsyncTransport"]

# A larger body would block the loop while it is copied, and aiohttp warns of it; a file object is sent bit by bit.
_LARGE = 1 << 20
_FRAMING = {"content-length", "transfer-encoding"}


class AsyncStream:
    """An answer that is still arriving; an `AsyncByteStream`."""

    __slots__ = (
        *(
            "_content",
            "_deadline",
            "_failure",
            "_inflated",
            "_inflater",
            "_is_closed",
            "_is_limited",
            "_loop",
            "_protocol",
            "_response",
        ),
        *("headers", "received", "status"),
    )

    def __init__(self, response: aiohttp.ClientResponse, deadline: Deadline) -> None:
        self.status: int = response.status
        self.headers: Mapping[str, str] = lower_headers(response.headers.items())
        self.received = 0
        self._loop = asyncio.get_running_loop()
        self._response = response
        self._content = response.content
        self._deadline = deadline
        self._failure: TransportError | None = None
        self._is_closed = False
        self._is_limited = False
        self._inflater: Inflater | None = None
        self._inflated: Iterator[bytes] = iter(())
        self._protocol: Any = None
        if response.connection is not None and not self.headers.keys() & _FRAMING:
            self._protocol = response.connection.protocol
        if "content-encoding" in self.headers:
            try:
                self._inflater = inflater_for(self.headers)
            except ValueError as error:
                if is_success(self.status):
                    self._break(error)
                self._inflater = Unreadable(str(error))

    def __aiter__(self) -> Self:
        """The body, decompressed, in the pieces in which it arrives."""
        return self

    async def __anext__(self) -> bytes:
        piece = await (self._receive() if self._inflater is None else self._inflate())
        if piece:
            return piece
        raise StopAsyncIteration

    async def read(self, limit: int = ERROR_BODY_LIMIT, /) -> bytes:
        """The rest of the body, or its first `limit` bytes; see `AsyncByteStream`."""
        pieces: list[bytes] = []
        size = 0
        # Half the cost of `async for`; most answers are read by this.
        step = self._receive if self._inflater is None else self._inflate
        try:
            while size < limit and (piece := await step()):
                pieces.append(piece)
                size += len(piece)
        except TransportError:
            if is_success(self.status):
                raise
        return pieces[0] if len(pieces) == 1 and size <= limit else b"".join(pieces)[:limit]

    def limit_rest(self, seconds: float, /) -> None:
        """Limit what is left of the body; see `ByteStream`."""
        self._deadline.limit_rest(seconds)
        self._is_limited = True

    async def aclose(self) -> None:
        """Close the connection, unless the body has been read to its end."""
        self._drop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop()

    def __del__(self) -> None:
        # Garbage may be collected in any thread; the connection belongs to the loop's.
        if not self._response.closed and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._response.close)

    async def _receive(self) -> bytes:
        """What has come since the last time, or comes next; empty at the end of the body."""
        if self._failure is not None:
            raise self._failure
        try:
            data = await (self._in_time() if self._is_limited else self._content.readany())
        except FAILURES as error:
            data = b"" if self._is_closed else self._salvage()
            self.received += len(data)
            failure = body_failure(error, self._deadline, self.received)
        except BaseException:
            self._drop()
            raise
        else:
            self.received += len(data)
            if data or not self._was_reset():
                return data
            failure = body_failure(ConnectionResetError(), self._deadline, self.received)
        self._drop()
        if not data:
            raise failure
        # What had come is handed over before the failure is told.
        self._failure = failure
        return data

    async def _in_time(self) -> bytes:
        """What has come or comes next, within a limit that aiohttp was not told of."""
        async with asyncio.timeout(time_left(self._deadline.ends, None)):
            return await self._content.readany()

    def _was_reset(self) -> bool:
        """Whether a body that ends with its connection ended with a broken one; aiohttp takes that for its end."""
        return self._protocol is not None and isinstance(self._protocol.exception(), OSError)

    async def _inflate(self) -> bytes:
        """The next decompressed piece; empty at the end of the body."""
        inflater = self._inflater
        assert inflater is not None
        while True:
            try:
                # One piece at a time: a few bytes may hold megabytes.
                piece = next(self._inflated, b"")
                if piece:
                    return piece
                data = await self._receive()
                if not data:
                    inflater.finish()
                    return b""
            except ValueError as error:
                self._break(error)
            self._inflated = inflater.feed(data)

    def _salvage(self) -> bytes:
        """What had come before the failure, which aiohttp raises instead of handing it out."""
        self._content.set_exception(cast("Any", None))
        try:
            return self._content.read_nowait()
        except FAILURES:
            return b""

    def _drop(self) -> None:
        self._is_closed = True
        if not self._response.closed:
            self._response.close()

    def _break(self, error: ValueError) -> NoReturn:
        """The body will never be complete."""
        self._drop()
        raise body_failure(error, self._deadline, self.received) from error


class AsyncTransport:
    """The asynchronous half of the default transport."""

    def __init__(self, options: TransportOptions) -> None:
        self._options = options
        self._sessions: dict[asyncio.AbstractEventLoop, Sessions] = {}
        self._proxies: dict[tuple[str, str, int], Proxy | None] = {}

    async def astream(self, request: Request, /) -> AsyncStream:
        """The answer as soon as its headers are in."""
        target, path = target_of(request)
        proxy = self._proxy(target, request)
        tls = tls_for(target.origin, self._options, request) if target.origin.scheme == "https" else None
        sessions = self._sessions.get(asyncio.get_running_loop()) or await self._begin()
        deadline = Deadline(request)
        answer = await _ask(sessions, deadline, target, path, proxy, tls)
        if isinstance(answer, aiohttp.ClientResponse):
            return AsyncStream(answer, deadline)
        # Raised here, where no local variable has a header in it: some tools report those with the traceback.
        failure, cause = answer
        raise failure from cause

    async def arequest(self, request: Request, /) -> Response:
        """The whole answer."""
        async with await self.astream(request) as stream:
            if not is_success(stream.status):
                return Response(stream.status, stream.headers, await stream.read())
            limit = self._options.max_body
            body = await stream.read(limit + 1)
            if len(body) > limit:
                raise BodyTooLarge(limit=limit, **request.where)
            return Response(stream.status, stream.headers, body)

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        sessions = self._sessions.get(asyncio.get_running_loop())
        if sessions is not None:
            await sessions.close()

    def close(self) -> None:
        """Let go of event loops that were closed without closing what belongs to them."""
        for loop in list(self._sessions):
            sessions = self._sessions.pop(loop, None) if loop.is_closed() else None
            if sessions is not None:
                sessions.abandon()

    async def _begin(self) -> Sessions:
        self.close()
        loop = asyncio.get_running_loop()
        sessions = self._sessions[loop] = Sessions(self._options, lambda: self._sessions.pop(loop, None))
        await sessions.open()
        return sessions

    def _proxy(self, target: Target, request: Request) -> Proxy | None:
        try:
            return self._proxies[target.key]
        except KeyError:
            pass
        try:
            proxy = self._proxies[target.key] = choose_proxy(self._options, target.origin)
        except ValueError as error:
            reason = str(error)
        else:
            return proxy
        raise ProxyError(reason, **request.where, host="", port=0)


async def _ask(  # what a call has come down to
    sessions: Sessions, deadline: Deadline, target: Target, path: str, proxy: Proxy | None, tls: ssl.SSLContext | None
) -> aiohttp.ClientResponse | tuple[TransportError, OSError | None]:
    """The head of the answer, or why there is none and what was below that."""
    request = deadline.request
    headers = headers_of(request, target)
    settings = _settings(proxy, headers, tls)
    url = URL(target.base + path, encoded=True)
    session = sessions.pooled
    while True:
        attempt = Attempt()
        try:
            return await session.request(
                request.method,
                url,
                headers=headers,
                data=_payload(request),
                timeout=_limits(request.timeout.connect, request.timeout.read, time_left(deadline.ends, None)),
                allow_redirects=False,
                **settings,
            )
        except FAILURES as error:
            if session is sessions.pooled and not attempt.made_connection and has_ended_unanswered(error):
                session = sessions.single
                continue
            return head_failure(error, deadline, target.origin, proxy), cause_of(error)


def _settings(proxy: Proxy | None, headers: dict[str, str], tls: ssl.SSLContext | None) -> dict[str, Any]:
    """How aiohttp is told of TLS and proxy; a proxy's password is a header of the request or of CONNECT."""
    settings: dict[str, Any] = {} if tls is None else {"ssl": tls}
    if proxy is not None:
        settings["proxy"] = URL(f"http://{proxy.origin.address}")
        if proxy.authorization is not None:
            if tls is not None:
                settings["proxy_headers"] = {"proxy-authorization": proxy.authorization}
            else:
                headers["proxy-authorization"] = proxy.authorization
    return settings


@lru_cache(maxsize=64)
def _limits(connect: float | None, read: float | None, total: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=total, connect=connect, sock_read=read)


def _payload(request: Request) -> bytes | io.BytesIO | None:
    body = request.body
    if body is None:
        return b"" if needs_length(request.method, None) else None
    return body if len(body) < _LARGE else io.BytesIO(body)
