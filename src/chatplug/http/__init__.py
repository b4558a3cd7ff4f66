"""The transport for provider authors: one request or one stream, over a client that is chosen and kept for them.

    from chatplug.http import Request, default_transport

    transport = default_transport()
    with transport.stream(Request("POST", url, headers, body)) as stream:
        for piece in stream: ...

Importing this package loads no HTTP client; each is loaded by the first call that needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatplug.http.errors import (
    BodyTooLarge,
    BrokenBody,
    ConnectError,
    Disconnected,
    InvalidRequest,
    ProxyError,
    TimedOut,
    TLSError,
    TransportError,
    public_url,
)
from chatplug.http.options import TransportOptions
from chatplug.http.policy import Retry, RetryPolicy, Stall
from chatplug.http.retry import Retrier, Terms
from chatplug.http.transport import (
    ERROR_BODY_LIMIT,
    AsyncByteStream,
    ByteStream,
    Request,
    Response,
    Timeout,
    Transport,
)

if TYPE_CHECKING:
    from chatplug.http.default import DefaultTransport, default_transport
    from chatplug.http.user_client import HttpxTransport

__all__ = [
    "ERROR_BODY_LIMIT",
    "AsyncByteStream",
    "BodyTooLarge",
    "BrokenBody",
    "ByteStream",
    "ConnectError",
    "DefaultTransport",
    "Disconnected",
    "HttpxTransport",
    "InvalidRequest",
    "ProxyError",
    "Request",
    "Response",
    "Retrier",
    "Retry",
    "RetryPolicy",
    "Stall",
    "TLSError",
    "Terms",
    "TimedOut",
    "Timeout",
    "Transport",
    "TransportError",
    "TransportOptions",
    "default_transport",
    "public_url",
]


def __getattr__(name: str) -> Any:
    if name in ("DefaultTransport", "default_transport"):
        from chatplug.http import default

        return getattr(default, name)
    if name == "HttpxTransport":
        from chatplug.http.user_client import HttpxTransport

        return HttpxTransport
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
