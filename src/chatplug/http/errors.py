"""What can go wrong between a request and its answer; a status is not among it.

    TransportError            the call has no whole answer
    ├── InvalidRequest        it cannot be sent as it is: bad URL, bad header
    ├── ConnectError          no connection: refused, unreachable, unknown host
    │   ├── TLSError          the other side could not prove who it is
    │   └── ProxyError        the proxy refused or did not answer as one
    ├── TimedOut              one of the three limits of `Timeout` was reached
    ├── Disconnected          the connection ended before the answer began
    ├── BrokenBody            the answer began and is not whole, or is not HTTP
    └── BodyTooLarge          the answer is larger than the caller allows

An error may end up in a log, a bug report or a prompt, so none holds more of a request than its method and
the address without user, password, query and fragment. Clients put whole addresses into their own texts;
therefore a client's exception is never chained, only the operating system's below it.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

__all__ = [
    "BodyTooLarge",
    "BrokenBody",
    "ConnectError",
    "Disconnected",
    "InvalidRequest",
    "ProxyError",
    "TLSError",
    "TimedOut",
    "TransportError",
    "public_url",
]

Phase = Literal["connect", "read", "total"]
"""Which limit of a `Timeout`."""


class Where(TypedDict):
    """Which request an error is about."""

    method: str
    url: str


class Peer(Where):
    """Which request, and who could not be reached for it."""

    host: str
    port: int


def public_url(url: str) -> str:
    """The address without user, password, query and fragment.

    Where a password has a character in it that ends the host, there is no telling what is what; then only the scheme
    is shown.
    """
    scheme, mark, rest = url.partition("://")
    if not mark:
        scheme, rest = "", url.lstrip("/")
    before_path, slash, path = rest.partition("/")
    authority = before_path.partition("#")[0].partition("?")[0]
    if authority != before_path:
        slash = path = ""
    host = authority.rpartition("@")[2]
    port = "" if host.endswith("]") else host.rpartition(":")[2] if ":" in host else ""
    if "@" in before_path[len(authority) :] or (port and not port.isdigit()):
        return f"{scheme}{mark}..."
    return f"{scheme}{mark}{host}{slash}{path.partition('#')[0].partition('?')[0]}"


class TransportError(Exception):
    """The call has no whole answer."""

    sent: bool | None
    """False: the request certainly did not leave. True: it left whole. None: nobody can say."""
    method: str
    url: str
    """The address without user, password, query and fragment."""

    def __init__(self, reason: str, *, method: str, url: str, sent: bool | None) -> None:
        self.method = method
        self.url = public_url(url)
        self.sent = sent
        self.reason = reason
        super().__init__(f"{method} {self.url}: {reason}")

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(kind: type[TransportError], args: tuple[object, ...], facts: dict[str, object]) -> TransportError:
    """Pickling calls a class with its args; these classes take keywords."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(facts)
    return error


class InvalidRequest(TransportError):
    """The request cannot be sent as it is."""

    def __init__(self, reason: str, *, method: str, url: str) -> None:
        super().__init__(reason, method=method, url=url, sent=False)


class ConnectError(TransportError):
    """There is no connection to send the request over; it did not leave."""

    host: str
    """Who could not be reached: the server, or the proxy before it."""
    port: int

    def __init__(self, reason: str, *, method: str, url: str, host: str, port: int) -> None:
        self.host = host
        self.port = port
        super().__init__(reason, method=method, url=url, sent=False)


class TLSError(ConnectError):
    """The other side could not prove who it is, or speaks no TLS that we accept."""


class ProxyError(ConnectError):
    """The proxy refused, or did not answer as a proxy does."""

    status: int | None
    """What the proxy answered to CONNECT; None where it answered nothing."""

    def __init__(self, reason: str, *, method: str, url: str, host: str, port: int, status: int | None = None) -> None:
        self.status = status
        super().__init__(reason, method=method, url=url, host=host, port=port)


class TimedOut(TransportError):
    """A limit of the request's `Timeout` was reached."""

    phase: Phase
    """Which limit: no connection in time, silence for too long, or the whole call took too long."""
    seconds: float | None
    """The limit, where it is known."""

    def __init__(self, *, phase: Phase, seconds: float | None, method: str, url: str, sent: bool | None) -> None:
        self.phase = phase
        self.seconds = seconds
        limit = "" if seconds is None else f" within {seconds:g} s"
        super().__init__(f"{_TOO_LATE[phase]}{limit}", method=method, url=url, sent=sent)


_TOO_LATE: dict[Phase, str] = {
    "connect": "no connection",
    "read": "nothing was received",
    "total": "the answer was not complete",
}


class Disconnected(TransportError):
    """The connection ended before the first byte of an answer."""


class BrokenBody(TransportError):
    """The answer began and is not whole, or is not HTTP."""

    received: int
    """Bytes of the body that had been handed over."""

    def __init__(self, reason: str, *, method: str, url: str, received: int = 0) -> None:
        self.received = received
        super().__init__(reason, method=method, url=url, sent=True)


class BodyTooLarge(TransportError):
    """The answer is larger than the caller allows."""

    limit: int

    def __init__(self, *, limit: int, method: str, url: str) -> None:
        self.limit = limit
        super().__init__(f"the answer is larger than {limit:,} bytes", method=method, url=url, sent=True)
