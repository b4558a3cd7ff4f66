"""How the default transport connects: proxy, trust, limits."""

from __future__ import annotations

import os

from chatplug.http.errors import public_url
from chatplug.http.transport import Frozen

__all__ = ["TransportOptions"]

_set = object.__setattr__


class TransportOptions(Frozen):
    """How to connect; equal options share one transport and its connections."""

    __slots__ = ("ca", "client_cert", "client_key", "max_body", "max_connections", "max_idle", "proxy", "trust_env")

    proxy: str | None
    """`http://user:password@host:port`, for every request; None leaves it to the environment."""
    trust_env: bool
    """Whether HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY (or the system's settings) choose the proxy; True."""
    ca: str | None
    """A file or folder with the certificates to trust instead of the system's."""
    client_cert: str | None
    """A PEM file with the certificate that proves who we are, and its key unless `client_key` has it."""
    client_key: str | None
    max_idle: int
    """How many unused connections to one server are kept for synchronous calls; 100."""
    max_connections: int
    """How many asynchronous calls of one event loop are on the wire at once, the others wait; 1,000."""
    max_body: int
    """The largest body, in bytes after decompression, that `request` and `arequest` take; 256 MiB."""

    def __init__(  # noqa: PLR0913  # It is the dataclass that the rule asks for.
        self,
        *,
        proxy: str | None = None,
        trust_env: bool = True,
        ca: str | os.PathLike[str] | None = None,
        client_cert: str | os.PathLike[str] | None = None,
        client_key: str | os.PathLike[str] | None = None,
        max_idle: int = 100,
        max_connections: int = 1000,
        max_body: int = 1 << 28,
    ) -> None:
        _set(self, "proxy", proxy)
        _set(self, "trust_env", trust_env)
        _set(self, "ca", None if ca is None else os.fspath(ca))
        _set(self, "client_cert", None if client_cert is None else os.fspath(client_cert))
        _set(self, "client_key", None if client_key is None else os.fspath(client_key))
        _set(self, "max_idle", max_idle)
        _set(self, "max_connections", max_connections)
        _set(self, "max_body", max_body)

    def __repr__(self) -> str:
        fields = {name: getattr(self, name) for name in self.__slots__}
        if self.proxy is not None:
            fields["proxy"] = public_url(self.proxy)
        return f"TransportOptions({', '.join(f'{name}={value!r}' for name, value in fields.items())})"

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, ({name: getattr(self, name) for name in self.__slots__},)


def _rebuild(fields: dict[str, object]) -> TransportOptions:
    options = TransportOptions()
    for name, value in fields.items():
        _set(options, name, value)
    return options
