"""Which proxy a request goes through; asked once for each origin.

The environment is read by `urllib.request`, as requests, httpx and aiohttp have it read: HTTP_PROXY, HTTPS_PROXY,
ALL_PROXY and NO_PROXY in either case, and where none is set the settings of macOS or Windows.
"""

from __future__ import annotations

from chatplug.http.options import TransportOptions
from chatplug.http.target import Origin, basic_authorization, split_address
from chatplug.http.transport import Frozen

__all__ = ["Proxy", "choose_proxy"]

_set = object.__setattr__


class Proxy(Frozen):
    """A proxy that is spoken to in plain HTTP; what goes to an https server through it is a tunnel."""

    __slots__ = ("authorization", "origin")

    origin: Origin
    authorization: str | None

    def __init__(self, origin: Origin, authorization: str | None = None) -> None:
        _set(self, "origin", origin)
        _set(self, "authorization", authorization)

    @classmethod
    def parse(cls, url: str) -> Proxy:
        """The proxy of `http://user:password@host:port`. Raises `ValueError`, which shows no password."""
        scheme, mark, rest = url.partition("://")
        if not mark:
            scheme, rest = "http", url
        if scheme.lower() != "http":
            raise ValueError(
                f"a proxy must be reached over http://, this one is {scheme}://; "
                "for others pass your own httpx client as http_client= and http_async_client="
            )
        userinfo, at, address = rest.partition("/")[0].rpartition("@")
        host, port = split_address(address, 80)
        return cls(Origin("http", host, port), basic_authorization(userinfo) if at else None)

    def __repr__(self) -> str:
        return f"<Proxy {self.origin.address}>"


def choose_proxy(options: TransportOptions, origin: Origin) -> Proxy | None:
    """The proxy for an origin: the one that was set, else the environment's. Raises `ValueError`."""
    if options.proxy is not None:
        return Proxy.parse(options.proxy)
    if not options.trust_env:
        return None
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    url = proxies.get(origin.scheme) or proxies.get("all")
    if not url or proxy_bypass(origin.address):
        return None
    return Proxy.parse(url)
