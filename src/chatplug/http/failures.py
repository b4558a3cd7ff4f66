"""What aiohttp's exceptions mean; one table for the head of an answer and for its body.

Their texts and attributes hold the whole request, headers too. So none is chained and none is active while ours is
raised; only an error of the operating system below them is kept as the cause.
"""

from __future__ import annotations

import asyncio

import aiohttp

from chatplug.http.deadline import Deadline
from chatplug.http.errors import (
    BrokenBody,
    ConnectError,
    Disconnected,
    InvalidRequest,
    ProxyError,
    TLSError,
    TransportError,
)
from chatplug.http.proxy import Proxy
from chatplug.http.sockets import reason_of
from chatplug.http.target import Origin
from chatplug.http.tls import explain

__all__ = ["FAILURES", "body_failure", "cause_of", "has_ended_unanswered", "head_failure"]

FAILURES = (aiohttp.ClientError, OSError, asyncio.TimeoutError, ValueError)
"""What aiohttp raises when a call fails; all else is cancellation or a mistake of ours."""


def head_failure(error: Exception, deadline: Deadline, origin: Origin, proxy: Proxy | None) -> TransportError:
    """The error for a call that failed before its answer began."""
    request = deadline.request
    where = request.where
    if isinstance(error, asyncio.TimeoutError):
        return _too_late(error, deadline, sent=None)
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientConnectorCertificateError):
        return _no_connection(error, deadline, origin, proxy)
    if isinstance(error, aiohttp.ClientHttpProxyError) and proxy is not None:
        reason = f"the proxy {proxy.origin.address} answered {error.status} when asked for {origin.address}"
        return ProxyError(reason, **proxy.origin.peer(request), status=error.status)
    if isinstance(error, aiohttp.ClientResponseError):
        return BrokenBody(f"the answer is not HTTP ({_first_line(error.message)})", **where)
    if isinstance(error, aiohttp.ServerDisconnectedError) and not isinstance(error.message, str):
        return BrokenBody("the connection ended inside the headers", **where)
    if isinstance(error, aiohttp.ClientConnectionError | OSError):
        reason = "the server hung up without an answer"
        detail = _system_reason(error)
        return Disconnected(f"{reason} ({detail})" if detail else reason, **where, sent=None)
    if isinstance(error, ValueError):
        return InvalidRequest(f"it cannot be sent as it is ({type(error).__name__})", **where)
    return BrokenBody(f"the answer cannot be read ({type(error).__name__})", **where)


def body_failure(error: Exception, deadline: Deadline, received: int) -> TransportError:
    """The error for an answer that is not whole."""
    if isinstance(error, asyncio.TimeoutError):
        return _too_late(error, deadline, sent=True)
    if isinstance(error, aiohttp.ClientPayloadError):
        reason = "the body was cut short"
    elif isinstance(error, aiohttp.ClientConnectionError | OSError):
        detail = _system_reason(error)
        reason = f"the connection broke inside the body{f' ({detail})' if detail else ''}"
    elif isinstance(error, aiohttp.ClientError):
        reason = f"the body is not HTTP ({type(error).__name__})"
    else:
        reason = str(error)
    return BrokenBody(f"{reason}; {received:,} bytes had come", **deadline.request.where, received=received)


def has_ended_unanswered(error: Exception) -> bool:
    """Whether the connection ended before the first byte of an answer."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return isinstance(error.message, str)
    return isinstance(error, ConnectionError | aiohttp.ClientOSError)


def cause_of(error: Exception) -> OSError | None:
    """The operating system's error below one of aiohttp's, without the frames of aiohttp, which hold the request."""
    cause: BaseException | None = None
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        cause = error.certificate_error
    elif isinstance(error, aiohttp.ClientConnectorError):
        cause = error.os_error
    return cause.with_traceback(None) if isinstance(cause, OSError) else None


def _too_late(error: Exception, deadline: Deadline, *, sent: bool | None) -> TransportError:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return deadline.timed_out("connect", sent=False)
    if isinstance(error, aiohttp.SocketTimeoutError):
        # Its clock starts when the request has been written.
        return deadline.timed_out("read", sent=True)
    return deadline.timed_out("total", sent=sent)


def _no_connection(
    error: aiohttp.ClientConnectorError | aiohttp.ClientConnectorCertificateError,
    deadline: Deadline,
    origin: Origin,
    proxy: Proxy | None,
) -> TransportError:
    request = deadline.request
    cause = cause_of(error) or OSError()
    if isinstance(error, aiohttp.ClientSSLError):
        return TLSError(explain(cause, origin.address), **origin.peer(request))
    peer = origin if proxy is None else proxy.origin
    kind, whom = (ConnectError, "") if proxy is None else (ProxyError, "the proxy ")
    return kind(f"cannot connect to {whom}{peer.address} ({reason_of(cause)})", **peer.peer(request))


def _system_reason(error: Exception) -> str:
    return reason_of(error) if isinstance(error, OSError) and error.errno else ""


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0].rstrip(":")[:100] if lines else "no reason given"
