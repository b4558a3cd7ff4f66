"""One way to call a transport for tests that hold for synchronous and asynchronous calls alike."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from chatplug.http import AsyncByteStream, ByteStream, Request, Response, Transport

__all__ = ["AsyncDriver", "Driver", "Opened", "SyncDriver"]

T = TypeVar("T")

PATIENCE = 20.0
"""Seconds after which a test stops waiting for something that should long have happened."""


class Opened(Protocol):
    """A stream that has been opened, either kind."""

    @property
    def status(self) -> int:
        """The status of the answer."""
        ...

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer."""
        ...

    def next(self) -> bytes | None:
        """The next piece; None at the end."""
        ...

    def read(self, limit: int = ...) -> bytes:
        """The rest, or its first bytes."""
        ...

    def limit_rest(self, seconds: float) -> None:
        """Limit what is left."""
        ...

    def close(self) -> None:
        """Close the stream."""
        ...


class Driver(Protocol):
    """A transport, called in one of the two ways."""

    def request(self, request: Request) -> Response:
        """The whole answer."""
        ...

    def open(self, request: Request) -> Opened:
        """A stream."""
        ...

    def wait(self, event: threading.Event) -> bool:
        """Wait for what happens elsewhere, as an idle program would."""
        ...

    def close(self) -> None:
        """Close the transport."""
        ...


class SyncDriver:
    """Calls `request` and `stream`."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def request(self, request: Request) -> Response:
        """The whole answer."""
        return self.transport.request(request)

    def open(self, request: Request) -> _SyncOpened:
        """A stream."""
        return _SyncOpened(self.transport.stream(request))

    def wait(self, event: threading.Event) -> bool:
        """Wait for what happens elsewhere."""
        return event.wait(PATIENCE)

    def close(self) -> None:
        """Close the transport."""
        self.transport.close()


class _SyncOpened:
    def __init__(self, stream: ByteStream) -> None:
        self.stream = stream
        self.status = stream.status
        self.headers = dict(stream.headers)
        self._pieces = iter(stream)

    def next(self) -> bytes | None:
        return next(self._pieces, None)

    def read(self, limit: int = 1 << 20) -> bytes:
        return self.stream.read(limit)

    def limit_rest(self, seconds: float) -> None:
        self.stream.limit_rest(seconds)

    def close(self) -> None:
        self.stream.close()


class AsyncDriver:
    """Calls `arequest` and `astream`, in an event loop of its own."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._runner = asyncio.Runner()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine."""
        return self._runner.run(work)

    def request(self, request: Request) -> Response:
        """The whole answer."""
        return self.run(self.transport.arequest(request))

    def open(self, request: Request) -> _AsyncOpened:
        """A stream."""
        return _AsyncOpened(self.run(self.transport.astream(request)), self.run)

    def wait(self, event: threading.Event) -> bool:
        """Wait for what happens elsewhere, with the loop running."""

        async def wait() -> bool:
            return await asyncio.to_thread(event.wait, PATIENCE)

        return self.run(wait())

    def close(self) -> None:
        """Close the transport and the loop."""
        self.run(self.transport.aclose())
        self._runner.close()


class _AsyncOpened:
    def __init__(self, stream: AsyncByteStream, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self.stream = stream
        self.status = stream.status
        self.headers = dict(stream.headers)
        self._run = run
        self._pieces = aiter(stream)

    def next(self) -> bytes | None:
        async def step() -> bytes | None:
            return await anext(self._pieces, None)

        piece: bytes | None = self._run(step())
        return piece

    def read(self, limit: int = 1 << 20) -> bytes:
        body: bytes = self._run(self.stream.read(limit))
        return body

    def limit_rest(self, seconds: float) -> None:
        self.stream.limit_rest(seconds)

    def close(self) -> None:
        self._run(self.stream.aclose())
