"""How a model reaches its server: the part of the settings that has nothing to do with what is said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field, SecretStr

from chatplug.language_models import BaseChatModel

__all__ = ["NetworkSettings"]


class NetworkSettings(BaseChatModel):
    """Limits, further tries, and the way to the network."""

    timeout: float | Mapping[str, float | None] | None = None
    """Seconds to wait for a connection and between two pieces of an answer, or a dict with any of `connect`, `read`
    and `total`; None for 10 seconds to connect and 300 seconds of silence. `total` holds for all tries together."""
    stall_timeout: Annotated[float, Field(gt=0)] | None = 600.0
    """Seconds that a stream may go without an event, however often the server says that it is still there; None for
    no limit."""
    max_retries: Annotated[int, Field(ge=0)] | None = None
    """How often a call is sent again after a failure that may pass, while nothing of an answer has been given; None
    for 2, or for what `retrier` says."""
    retrier: Any = Field(default=None, exclude=True, repr=False)
    """A `chatplug.http.Retrier`, for other waits between the tries than the usual ones."""
    proxy: SecretStr | None = None
    """`http://user:password@host:port`; None for what HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY say."""
    ca: Path | None = None
    """A file or folder with the certificates to trust instead of the system's."""
    client_cert: Path | None = None
    """A PEM file with the certificate that proves who we are, and with its key unless `client_key` has that."""
    client_key: Path | None = None
    """The PEM file of the key of `client_cert`."""
    max_connections: Annotated[int, Field(ge=1)] | None = None
    """How many asynchronous calls of one event loop are on the wire at once, while the others wait; None for 1,000.
    Models with equal settings of the network share them. A synchronous call has a connection to itself."""
    http_client: Any = Field(default=None, exclude=True, repr=False)
    """A client of `httpx` or `httpx2` to send synchronous requests with, instead of chatplug's own; what it was made
    with (proxy, certificates, HTTP/2) holds."""
    http_async_client: Any = Field(default=None, exclude=True, repr=False)
    """An asynchronous client of `httpx` or `httpx2`, instead of chatplug's own."""

    shared_settings: ClassVar = ("http_client", "http_async_client", "rate_limiter", "retrier")
    """Settings that a deep copy has in common with its original: a client is a connection to somewhere, a limiter a
    budget."""
