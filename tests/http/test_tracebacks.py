"""The key is in no variable of a traceback, which some tools report with it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from types import TracebackType

import pytest

from chatplug.http import DefaultTransport, Request, Timeout, TransportError, TransportOptions
from chatplug.testing.http_server import Exchange, LoopbackServer

KEY = "sk-very-secret"
HEADERS = {"Authorization": f"Bearer {KEY}"}
PLAIN = TransportOptions(trust_env=False)


def call(url: str, headers: dict[str, str], options: TransportOptions) -> None:
    # The caller's own variables are the caller's to keep.
    DefaultTransport(options).request(Request("POST", url, headers, b"{}", Timeout(5, 0.15)))


def acall(url: str, headers: dict[str, str], options: TransportOptions) -> None:
    asyncio.run(DefaultTransport(options).arequest(Request("POST", url, headers, b"{}", Timeout(5, 0.15))))


def variables(error: BaseException) -> str:
    """What the frames of an error's traceback hold, and those of all it is chained with; this file's left out."""
    told: list[str] = []
    below: BaseException | None = error
    while below is not None:
        trace: TracebackType | None = below.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename != __file__:
                told.append(f"{trace.tb_frame.f_code.co_qualname}: {trace.tb_frame.f_locals!r}")
            trace = trace.tb_next
        below = below.__cause__ or below.__context__
    return "\n".join(told)


@pytest.mark.parametrize("call", [call, acall])
@pytest.mark.parametrize("how", ["refused", "hung up", "reset", "timeout", "no HTTP", "cut short", "bad header"])
def test_no_variable_of_a_traceback_holds_the_key(
    how: str, call: Callable[[str, dict[str, str], TransportOptions], None]
) -> None:
    def script(exchange: Exchange) -> None:
        if how == "timeout":
            exchange.client_left()
        elif how == "no HTTP":
            exchange.send(b"SSH-2.0\r\n\r\n")
        elif how == "cut short":
            exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        exchange.hang_up(reset=how == "reset")

    headers = {"Authorization": f"Bearer {KEY}\n"} if how == "bad header" else HEADERS
    with LoopbackServer(script) as server, socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}" if how == "refused" else server.url
        with pytest.raises(TransportError) as caught:
            call(url, headers, PLAIN)

    assert KEY not in variables(caught.value)


@pytest.mark.parametrize("call", [call, acall])
def test_no_variable_of_a_traceback_holds_a_proxys_password(
    call: Callable[[str, dict[str, str], TransportOptions], None],
) -> None:
    with LoopbackServer(lambda exchange: exchange.answer(status=407)) as server:
        options = TransportOptions(trust_env=False, proxy=f"http://me:{KEY}@127.0.0.1:{server.port}")
        with pytest.raises(TransportError) as caught:
            call("https://example.invalid", {}, options)

    assert KEY not in variables(caught.value)
    assert "Basic " not in variables(caught.value)
