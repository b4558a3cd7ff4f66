"""A transport without a network: it answers by a function, with the errors, pauses and pieces that a test wants."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from chatplug.http import ERROR_BODY_LIMIT, Request, Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Self

__all__ = ["FakeAnswer", "FakeTransport", "Step"]

Step: TypeAlias = "bytes | float | Exception"
"""What happens next in a body: a piece arrives, so many seconds go by, or an error is raised, a `TransportError`."""


@dataclass(slots=True)
class FakeAnswer:
    """An answer, with the steps in which its body arrives."""

    steps: Sequence[Step]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Names in lower case."""


class FakeTransport:
    """A `Transport` that answers by a function; it keeps what it was asked.

    Args:
        respond: Gives the answer to a request: a body, or a `FakeAnswer` with its status and the steps of its body.
            What it raises, a `TransportError` for example, is raised to whoever asks.

    >>> from chatplug.http import Request
    >>> transport = FakeTransport(lambda request: FakeAnswer([b"Hel", b"lo"]))
    >>> list(transport.stream(Request("GET", "http://nowhere")))
    [b'Hel', b'lo']
    >>> transport.requests
    [<Request GET http://nowhere>]
    """

    def __init__(self, respond: Callable[[Request], bytes | FakeAnswer]) -> None:
        self._respond = respond
        self.requests: list[Request] = []
        """What was asked, in order."""

    def _answer(self, request: Request) -> FakeAnswer:
        self.requests.append(request)
        answer = self._respond(request)
        return FakeAnswer([answer]) if isinstance(answer, bytes) else answer

    def request(self, request: Request, /) -> Response:
        """The whole answer."""
        stream = self.stream(request)
        return Response(stream.status, stream.headers, b"".join(stream))

    def stream(self, request: Request, /) -> FakeStream:
        """The answer, as it arrives."""
        return FakeStream(self._answer(request))

    async def arequest(self, request: Request, /) -> Response:
        """The whole answer."""
        stream = await self.astream(request)
        return Response(stream.status, stream.headers, b"".join([piece async for piece in stream]))

    async def astream(self, request: Request, /) -> AsyncFakeStream:
        """The answer, as it arrives."""
        return AsyncFakeStream(self._answer(request))

    def close(self) -> None:
        """There is nothing to close."""

    async def aclose(self) -> None:
        """There is nothing to close."""


class _Known:
    """What both kinds of stream know: the steps that are left."""

    def __init__(self, answer: FakeAnswer) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.is_closed = False
        """Whether its reader has closed it."""
        self._left = list(answer.steps)

    def _steps(self) -> Iterator[bytes | float]:
        while self._left:
            step = self._left.pop(0)
            if isinstance(step, Exception):
                raise step
            yield step

    def limit_rest(self, seconds: float, /) -> None:
        """There is nothing to limit: a pause is as long as the test says."""


class FakeStream(_Known):
    """A `ByteStream` of which everything is known."""

    def __iter__(self) -> Iterator[bytes]:
        for step in self._steps():
            if isinstance(step, bytes):
                yield step
            else:
                threading.Event().wait(step)

    def read(self, limit: int = ERROR_BODY_LIMIT, /) -> bytes:
        """The rest of the body, or its first `limit` bytes."""
        return b"".join(self)[:limit]

    def close(self) -> None:
        """Close it."""
        self.is_closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()


class AsyncFakeStream(_Known):
    """An `AsyncByteStream` of which everything is known."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        import asyncio

        for step in self._steps():
            if isinstance(step, bytes):
                yield step
            else:
                await asyncio.sleep(step)

    async def read(self, limit: int = ERROR_BODY_LIMIT, /) -> bytes:
        """The rest of the body, or its first `limit` bytes."""
        return b"".join([piece async for piece in self])[:limit]

    async def aclose(self) -> None:
        """Close it."""
        self.is_closed = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        await self.aclose()
