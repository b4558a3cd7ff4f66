"""Where a request goes and which headers go with it; pure.

What a client would refuse with the offending text in its exception is refused here, without it: a key with a line
break at its end is the usual case, and its exception would print the key.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

from chatplug.http.errors import InvalidRequest, Peer, public_url
from chatplug.http.transport import Frozen, Request

__all__ = ["Origin", "Target", "headers_of", "lower_headers", "lower_name", "needs_length", "target_of"]

_set = object.__setattr__
_PORTS = {"http": 80, "https": 443}
_LONGEST_LABEL = 63
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9a-zA-Z]+")
_NOT_IN_A_VALUE = re.compile(r"[^\t\x20-\x7e]")
# How the body is framed is the client's to say, and so is whether the connection stays.
_CLIENTS_OWN = frozenset(
    {"content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade"}
)


class Origin(Frozen):
    """Scheme, host and port: what a connection is good for."""

    __slots__ = ("host", "port", "scheme")

    scheme: str
    host: str
    """In ASCII, without the brackets of an IPv6 address."""
    port: int

    def __init__(self, scheme: str, host: str, port: int) -> None:
        _set(self, "scheme", scheme)
        _set(self, "host", host)
        _set(self, "port", port)

    def _values(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """What the Host header says: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def address(self) -> str:
        """Host and port, as CONNECT and messages name them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def peer(self, request: Request) -> Peer:
        """Which request could not reach this place, as errors are told."""
        return {"method": request.method, "url": request.url, "host": self.host, "port": self.port}


class Target:
    """An origin and what is asked of it."""

    __slots__ = ("authority", "authorization", "base", "key", "origin", "path")

    def __init__(self, origin: Origin, path: str, authorization: str | None) -> None:
        self.origin = origin
        self.key = (origin.scheme, origin.host, origin.port)
        self.authority = origin.authority
        self.base = f"{origin.scheme}://{origin.authority}"
        self.path = path
        self.authorization = authorization
        """Of the user and password in the URL, if there are any."""


def target_of(request: Request) -> tuple[Target, str]:
    """Whom to ask, and the path with its query. Raises `InvalidRequest`."""
    url, mark, query = request.url.partition("#")[0].partition("?")
    try:
        target = _parse(url)
        if not mark:
            return target, target.path
        return target, f"{target.path}?{query if _is_plain(query) else _quote(query)}"
    except ValueError as error:
        reason = str(error)
    raise InvalidRequest(reason, **request.where)


@lru_cache(maxsize=256)
def _parse(url: str) -> Target:
    """A URL without query and fragment, in its parts; `ValueError` says what is wrong, without showing it."""
    scheme, mark, rest = url.partition("://")
    scheme = scheme.lower()
    if not mark or scheme not in _PORTS:
        raise ValueError(f"the URL must begin with http:// or https://, and is {public_url(url)!r}")
    authority, slash, path = rest.partition("/")
    userinfo, at, address = authority.rpartition("@")
    host, port = split_address(address, _PORTS[scheme])
    path = slash + path if slash else "/"
    return Target(
        Origin(scheme, host, port),
        path if _is_plain(path) else _quote(path),
        basic_authorization(userinfo) if at else None,
    )


def split_address(address: str, default_port: int) -> tuple[str, int]:
    """Host in ASCII and port of `host`, `host:port` or `[::1]:port`."""
    if address.startswith("["):
        host, bracket, rest = address[1:].partition("]")
        colon, port = rest[:1], rest[1:]
        if not bracket or colon not in ("", ":"):
            raise ValueError("the URL's IPv6 address has no closing bracket")
    else:
        host, colon, port = address.partition(":")
    if not host:
        raise ValueError("the URL has no host")
    if _UNPRINTABLE.search(host):
        raise ValueError("the URL's host has a space or a control character in it")
    if not host.isascii() or len(host) > _LONGEST_LABEL:
        # Also what is ASCII: a name with a label that is too long fails where it is looked up, in other words.
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            raise ValueError("the URL's host is no valid name") from None
    if not port:
        return host.lower(), default_port
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
        raise ValueError("the URL's port is not a number from 1 to 65535")
    return host.lower(), int(port)


def basic_authorization(userinfo: str) -> str:
    """The header for `user:password` as it stands in a URL."""
    from base64 import b64encode
    from urllib.parse import unquote

    user, _, password = userinfo.partition(":")
    return "Basic " + b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode("ascii")


def _is_plain(text: str) -> bool:
    """Whether it can be sent as it is. A space or a line break would end the request line early."""
    if _UNPRINTABLE.search(text):
        raise ValueError("the URL has a space or a control character in it; percent-encode it")
    return text.isascii()


def _quote(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


@lru_cache(maxsize=256)
def lower_name(name: str) -> str | None:
    """A header's name in lower case; None where it is no name."""
    return name.lower() if _TOKEN.fullmatch(name) else None


def headers_of(request: Request, target: Target) -> dict[str, str]:
    """What is sent: the caller's headers in lower case, and what HTTP wants besides, but for the body's length.

    An answer comes uncompressed unless the caller asks for another coding: an answer of a model is small, and
    a compressed stream is held back by whoever compresses it.
    """
    headers = _headers(request, target)
    if isinstance(headers, str):
        # Raised here, where no local variable has a header in it: some tools report those with the traceback.
        raise InvalidRequest(headers, **request.where)
    return headers


def _headers(request: Request, target: Target) -> dict[str, str] | str:
    """The headers, or what is wrong with them."""
    headers = {"host": target.authority, "accept-encoding": "identity", "user-agent": "chatplug"}
    if target.authorization is not None:
        headers["authorization"] = target.authorization
    for name, value in request.headers.items():
        lower = lower_name(name)
        if lower is None:
            return "a header has a name that HTTP does not allow"
        if _NOT_IN_A_VALUE.search(value) is not None:
            return (
                f"the header {lower!r} has a line break, a control character or a letter outside ASCII in it; "
                "look for one at the end of the key"
            )
        if lower not in _CLIENTS_OWN:
            headers[lower] = value
    return headers


def needs_length(method: str, body: bytes | None) -> bool:
    """Whether the body's length is announced; for these methods servers ask for it even when there is none."""
    return body is not None or method in ("POST", "PUT", "PATCH")


def lower_headers(items: Collection[tuple[str, str]]) -> dict[str, str]:
    """The headers of an answer as they are handed out: names in lower case, repeated ones joined."""
    headers = {name.lower(): value for name, value in items}
    if len(headers) != len(items):
        headers.clear()
        for name, value in items:
            lower = name.lower()
            headers[lower] = f"{headers[lower]}, {value}" if lower in headers else value
    return headers
