"""What every socket of ours gets, whichever client uses it.

After a fork both processes own the same connections. The child must not read the parent's answers, and as long as it
holds its copies the server does not learn that the parent hung up; so the child lets go of all of them.
"""

from __future__ import annotations

import os
import socket
import ssl
from typing import Any
from weakref import WeakSet

__all__ = ["KEEP_ALIVE", "make_socket", "reason_of", "track"]

KEEP_ALIVE = 15.0
"""Seconds after which an unused connection is not trusted any more: routers forget such connections in silence."""

_open: WeakSet[socket.socket] = WeakSet()
# A model may think for minutes before its first byte, longer than some routers remember a silent connection.
_PROBES = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 60), ("TCP_KEEPCNT", 5))


def _prepare(sock: socket.socket) -> None:
    """Send at once, notice a dead peer, let go in a forked child."""
    _open.add(sock)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _PROBES:
        option = getattr(socket, name, None)
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


def make_socket(address_info: tuple[Any, ...]) -> socket.socket:
    """A prepared socket for one line of `getaddrinfo`."""
    family, kind, protocol = address_info[:3]
    sock = socket.socket(family, kind, protocol)
    _prepare(sock)
    return sock


def reason_of(error: OSError) -> str:
    """What the operating system says is wrong; clients put other things into `strerror`."""
    if error.errno is not None and error.errno > 0 and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno)
    return error.strerror or str(error) or type(error).__name__


def track(sock: socket.socket) -> None:
    """Let a forked child let go of this one, too; TLS makes a new object of a socket."""
    _open.add(sock)


def _let_go() -> None:
    for sock in list(_open):
        sock.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
