"""aiohttp's sessions: one for each event loop, closed with it.

A session works in the loop in which it was made and in no other. A loop that ends (`asyncio.run`) closes the
asynchronous generators that were begun in it; each session is held by one, and so is closed in time.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, Callable
from contextvars import ContextVar
from typing import Any
from weakref import WeakSet

import aiohttp

from chatplug.http.options import TransportOptions
from chatplug.http.sockets import KEEP_ALIVE, make_socket

__all__ = ["Attempt", "Sessions"]

_BUFFER = 1 << 16


class Attempt:
    """Whether a request had to wait for a new connection; one that was used before may have ended meanwhile."""

    __slots__ = ("made_connection",)

    def __init__(self) -> None:
        self.made_connection = False
        _current.set(self)


_current: ContextVar[Attempt] = ContextVar("attempt")


class _Connector(aiohttp.TCPConnector):
    """aiohttp's pool, which tells an attempt that its connection is new."""

    async def _create_connection(self, *args: Any, **keywords: Any) -> Any:
        attempt = _current.get(None)
        if attempt is not None:
            attempt.made_connection = True
        return await super()._create_connection(*args, **keywords)


class Sessions:
    """What one event loop uses: a pool, and new connections for requests that had lost theirs."""

    __slots__ = ("_keeper", "_on_close", "_options", "_single", "_sockets", "pooled")

    def __init__(self, options: TransportOptions, on_close: Callable[[], object]) -> None:
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._options = options
        self.pooled = self._session(keepalive_timeout=KEEP_ALIVE)
        self._single: aiohttp.ClientSession | None = None
        self._on_close = on_close
        self._keeper = self._keep()

    @property
    def single(self) -> aiohttp.ClientSession:
        """A session whose connections serve one request."""
        if self._single is None:
            self._single = self._session(force_close=True)
        return self._single

    async def open(self) -> None:
        """Let the loop know what it has to close."""
        await anext(self._keeper)

    async def close(self) -> None:
        """Close every connection."""
        await self._keeper.aclose()

    def abandon(self) -> None:
        """Let go of a loop that was closed without closing its generators; nothing of it can be waited for."""
        for sock in list(self._sockets):
            sock.close()
        for session in (self.pooled, self._single):
            if session is not None:
                closing = session.close()
                try:
                    closing.send(None)
                except StopIteration:
                    continue
                closing.close()

    async def _keep(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            self._on_close()
            await self.pooled.close()
            if self._single is not None:
                await self._single.close()

    def _session(self, **keywords: Any) -> aiohttp.ClientSession:
        """A session that adds nothing to a request and keeps nothing of an answer."""
        connector = _Connector(
            limit=self._options.max_connections,
            # aiodns, where it is installed, knows neither /etc/hosts nor the resolver's settings.
            resolver=aiohttp.ThreadedResolver(),
            socket_factory=self._make_socket,
            **keywords,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("accept", "accept-encoding", "content-type", "user-agent"),
            auto_decompress=False,
            read_bufsize=_BUFFER,
            max_line_size=_BUFFER,
            max_field_size=_BUFFER,
        )

    def _make_socket(self, address_info: tuple[Any, ...]) -> socket.socket:
        sock = make_socket(address_info)
        self._sockets.add(sock)
        return sock
