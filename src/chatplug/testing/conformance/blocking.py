"""What keeps an event loop waiting, found where it happens and not by a clock.

A profile function of the thread hears every call of a function that is written in C. Those that wait are told with the
line that called them, however short the wait was.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import time
from collections.abc import Generator
from ipaddress import ip_address
from types import FrameType
from typing import Any

__all__ = ["watched"]

_OF_A_SOCKET = frozenset({"accept", "connect", "recv", "recv_into", "send", "sendall"})


@contextlib.contextmanager
def watched() -> Generator[list[str]]:
    """What the calling thread does that waits, each as `what at module:line`; filled until the block ends."""
    seen: list[str] = []

    def hear(frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call":
            what = _waits(frame, called)
            if what is not None:
                seen.append(f"{what} at {_where(frame)}")

    before = sys.getprofile()
    sys.setprofile(hear)
    try:
        yield seen
    finally:
        sys.setprofile(before)


def _waits(frame: FrameType, called: Any) -> str | None:
    """What a function that is about to be called would wait for; None if it does not wait."""
    name = getattr(called, "__name__", "")
    if called is time.sleep:
        return "time.sleep"
    owner = getattr(called, "__self__", None)
    if name in _OF_A_SOCKET and isinstance(owner, socket.socket) and owner.gettimeout() != 0:
        return f"{name} of a blocking socket"
    if name == "getaddrinfo" and not _is_address(frame.f_locals.get("host")):
        return "a lookup of a host's name"
    return None


def _is_address(host: object) -> bool:
    try:
        ip_address(str(host))
    except ValueError:
        return host is None
    return True


def _where(frame: FrameType) -> str:
    """The innermost line that is neither Python's library nor ours."""
    innermost, outer = frame, frame.f_back
    while _name(frame).partition(".")[0] in {*sys.stdlib_module_names, "chatplug"}:
        if outer is None:
            frame = innermost
            break
        frame, outer = outer, outer.f_back
    return f"{_name(frame)}:{frame.f_lineno}, in {frame.f_code.co_name}"


def _name(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))
