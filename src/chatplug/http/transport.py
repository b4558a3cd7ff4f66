"""The protocol between a provider and the wire: one request, one answer or one stream.

A transport sends what it is given and hands back what it gets. A status is never an error and a redirect is
never followed, since the key that a request carries is meant for one host: a 307 is a `Response` like any other.
A piece of a stream is handed over when it arrives, and nothing is read ahead of the caller beyond one read, so
that a caller who stops reading makes the server stop sending.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from types import TracebackType
from typing import Any, Protocol, Self

from chatplug.http.errors import Where, public_url

__all__ = [
    "ERROR_BODY_LIMIT",
    "AsyncByteStream",
    "ByteStream",
    "Request",
    "Response",
    "Timeout",
    "Transport",
    "is_success",
]

ERROR_BODY_LIMIT = 1 << 20
"""How much `read` takes of a body unless told otherwise; no server explains an error in more."""


def is_success(status: int) -> bool:
    """Whether the body is what was asked for, and not why there is none."""
    return 200 <= status < 300


class Frozen:
    """A value: equal when its fields are, never changed."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed; make another one.")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed; make another one.")

    def _values(self) -> tuple[Any, ...]:
        return tuple([getattr(self, name) for name in self._names()])

    @classmethod
    def _names(cls) -> tuple[str, ...]:
        return cls.__slots__

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), *self._values()))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._names())
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._values()


_set = object.__setattr__


class Timeout(Frozen):
    """Three limits in seconds; None is no limit."""

    __slots__ = ("connect", "read", "total")

    connect: float | None
    """Until there is a connection, TLS and proxy included; 10 s. A synchronous call finds the address of a name
    first, under no limit but that of the system's resolver, which Python can neither interrupt nor shorten."""
    read: float | None
    """The longest silence: until the headers come, and between two pieces of the body; 300 s."""
    total: float | None
    """The whole call, to the last byte of the body; no limit."""

    def __init__(self, connect: float | None = 10.0, read: float | None = 300.0, total: float | None = None) -> None:
        _set(self, "connect", _seconds("connect", connect))
        _set(self, "read", _seconds("read", read))
        _set(self, "total", _seconds("total", total))

    @classmethod
    def of(cls, value: Timeout | float | Mapping[str, float | None] | None) -> Timeout:
        """What a user's `timeout=` means.

        As with httpx, a number limits `connect` and `read`, each; None lifts all limits. A mapping names the limits
        that it changes.
        """
        if isinstance(value, Timeout):
            return value
        if value is None:
            return cls(None, None, None)
        if isinstance(value, Mapping):
            unknown = sorted(set(value) - set(cls.__slots__))
            if unknown:
                raise ValueError(f"A timeout has connect, read and total, no {', '.join(map(repr, unknown))}.")
            return cls(**value)
        return cls(value, value)


def _seconds(name: str, value: float | None) -> float | None:
    if value is None:
        return None
    seconds = float(value)
    if not seconds > 0:
        raise ValueError(f"The {name} timeout must be more than 0 seconds, or None for no limit; it is {value!r}.")
    return None if seconds > _LIFETIME else seconds


# 31 years; the clocks below us count no further than some hundreds of them.
_LIFETIME = 1e9


class Request(Frozen):
    """One request, complete: nothing is added to it but what the wire needs."""

    __slots__ = ("body", "headers", "method", "timeout", "url")

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    timeout: Timeout

    def __init__(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: Timeout | None = None,
    ) -> None:
        _set(self, "method", method)
        _set(self, "url", url)
        _set(self, "headers", {} if headers is None else headers)
        _set(self, "body", body)
        _set(self, "timeout", DEFAULT_TIMEOUT if timeout is None else timeout)

    @property
    def where(self) -> Where:
        """Which request this is, as errors are told."""
        return {"method": self.method, "url": self.url}

    def _values(self) -> tuple[Any, ...]:
        return self.method, self.url, self.headers, self.body, self.timeout

    def __hash__(self) -> int:
        return hash((self.method, self.url, self.body, self.timeout))

    def __repr__(self) -> str:
        """Method and address; a query, a header or a body may hold a secret."""
        return f"<Request {self.method} {public_url(self.url)}>"


DEFAULT_TIMEOUT = Timeout()


class Response:
    """A whole answer, whatever its status."""

    __slots__ = ("body", "headers", "status")

    status: int
    headers: Mapping[str, str]
    """Names in lower case; a name that came twice has its values joined by a comma."""
    body: bytes
    """Decompressed."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def __repr__(self) -> str:
        return f"<Response {self.status}, {len(self.body)} bytes>"


class ByteStream(Protocol):
    """An answer whose body is still arriving; the headers are in."""

    @property
    def status(self) -> int:
        """The status, whatever it is."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case; a name that came twice has its values joined by a comma."""
        ...

    def __iter__(self) -> Iterator[bytes]:
        """The body, decompressed, in the pieces in which it arrives; never an empty one."""
        ...

    def read(self, limit: int = ERROR_BODY_LIMIT, /) -> bytes:
        """The rest of the body, or its first `limit` bytes.

        Where the status is not one of success it is what matters: of a body that breaks, what had come is given.
        """
        ...

    def limit_rest(self, seconds: float, /) -> None:
        """Limit what is left of the body: it has to be here in so many seconds, or reading it is a `TimedOut`.

        For a reader who has what it wants and would like the end too, for the connection's sake. A limit that was set
        before and is shorter stays.
        """
        ...

    def close(self) -> None:
        """Close the connection, unless the body has been read to its end: then it serves the next call."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class AsyncByteStream(Protocol):
    """The asynchronous twin of `ByteStream`."""

    @property
    def status(self) -> int:
        """The status, whatever it is."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case; a name that came twice has its values joined by a comma."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The body, decompressed, in the pieces in which it arrives; never an empty one."""
        ...

    async def read(self, limit: int = ERROR_BODY_LIMIT, /) -> bytes:
        """The rest of the body, or its first `limit` bytes.

        Where the status is not one of success it is what matters: of a body that breaks, what had come is given.
        """
        ...

    def limit_rest(self, seconds: float, /) -> None:
        """Limit what is left of the body, as `ByteStream.limit_rest` does."""
        ...

    async def aclose(self) -> None:
        """Close the connection, unless the body has been read to its end: then it serves the next call."""
        ...

    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class Transport(Protocol):
    """Four calls; safe to share between threads, event loops and, after a fork, processes."""

    def request(self, request: Request, /) -> Response:
        """The whole answer. Raises `TransportError`.

        Where the status is not one of success it has no more than `ERROR_BODY_LIMIT` bytes of the body, or what came.
        """
        ...

    def stream(self, request: Request, /) -> ByteStream:
        """The answer as soon as its headers are in; close it. Raises `TransportError`, and so does reading it.

        Read it to its end where you can, also when the last event has come: what is left costs nothing, and the
        connection is kept.
        """
        ...

    async def arequest(self, request: Request, /) -> Response:
        """The asynchronous twin of `request`."""
        ...

    async def astream(self, request: Request, /) -> AsyncByteStream:
        """The asynchronous twin of `stream`."""
        ...

    def close(self) -> None:
        """Close the idle connections; the next call opens new ones."""
        ...

    async def aclose(self) -> None:
        """`close`, and the connections of the running event loop."""
        ...
