"""Answers that are not what they should be: errors whose body never ends, heads that can be read in two ways."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from chatplug.http import (
    ERROR_BODY_LIMIT,
    BrokenBody,
    DefaultTransport,
    HttpxTransport,
    InvalidRequest,
    Request,
    Response,
    Timeout,
    TransportOptions,
)
from chatplug.testing.http_server import Exchange, LoopbackServer

Call = Callable[[Request], Response]
HELLO = b"\r\n5\r\nhello\r\n0\r\n\r\n"


def call(request: Request) -> Response:
    return DefaultTransport(TransportOptions(trust_env=False)).request(request)


def acall(request: Request) -> Response:
    return asyncio.run(DefaultTransport(TransportOptions(trust_env=False)).arequest(request))


def call_of_a_stream(request: Request) -> Response:
    with DefaultTransport(TransportOptions(trust_env=False)).stream(request) as stream:
        return Response(stream.status, stream.headers, stream.read())


def acall_of_a_stream(request: Request) -> Response:
    async def main() -> Response:
        async with await DefaultTransport(TransportOptions(trust_env=False)).astream(request) as stream:
            return Response(stream.status, stream.headers, await stream.read())

    return asyncio.run(main())


def call_of_httpx(request: Request) -> Response:
    with httpx.Client(trust_env=False) as client:
        return HttpxTransport(client).request(request)


def acall_of_httpx(request: Request) -> Response:
    async def main() -> Response:
        async with httpx.AsyncClient(trust_env=False) as client:
            return await HttpxTransport(None, client).arequest(request)

    return asyncio.run(main())


every_way = pytest.mark.parametrize(
    "call", [call, acall, call_of_a_stream, acall_of_a_stream, call_of_httpx, acall_of_httpx]
)
both_ways = pytest.mark.parametrize("call", [call, acall])


def asked(script: Callable[[Exchange], Any], call: Call, read: float = 5) -> Response:
    with LoopbackServer(script) as server:
        return call(Request("POST", server.url, {"authorization": "Bearer key"}, b"{}", Timeout(5, read)))


@every_way
@pytest.mark.parametrize("status", [401, 500])
def test_a_status_is_not_lost_when_the_body_that_explains_it_does_not_end(call: Call, status: int) -> None:
    def hangs(exchange: Exchange) -> None:
        exchange.begin(status=status)
        exchange.piece(b"no such key")
        exchange.client_left()

    answer = asked(hangs, call, 0.15)

    assert (answer.status, answer.body) == (status, b"no such key")


@every_way
def test_a_status_is_not_lost_when_the_body_that_explains_it_is_cut_short(call: Call) -> None:
    def cut(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\nbusy")
        exchange.hang_up()

    answer = asked(cut, call)

    assert (answer.status, answer.body) == (503, b"busy")


@every_way
def test_no_more_is_read_of_an_error_than_explains_it(call: Call) -> None:
    def endless(exchange: Exchange) -> None:
        exchange.begin(status=500)
        for _ in range(400):
            exchange.piece(b"x" * 65536)

    assert asked(endless, call).body == b"x" * ERROR_BODY_LIMIT


@both_ways
def test_a_status_is_not_lost_when_its_body_is_coded_in_a_way_that_nobody_asked_for(call: Call) -> None:
    answer = asked(lambda exchange: exchange.answer(b"\x0b", status=502, headers=["Content-Encoding: br"]), call)

    assert (answer.status, answer.body) == (502, b"")


@both_ways
@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        b"Content-Length: 5\r\nContent-Length: 3\r\n\r\nhello",
        b"Content-Length: 5, 5\r\n\r\nhello",
        b"Content-Length: five\r\n\r\nhello",
        b"Content-Length: -5\r\n\r\nhello",
        b"Content-Length: +5\r\n\r\nhello",
        b"Content-Length: 99999999999999999999999\r\n\r\nhello",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" + HELLO,
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" + HELLO,
        b"Content-Length: 5\r\nX-A: a\0b\r\n\r\nhello",
        b"Content-Length: 5\r\nno colon\r\n\r\nhello",
        b"no colon\r\nContent-Length: 5\r\n\r\nhello",
        b"Content-Length: 5\r\n: no name\r\n\r\nhello",
        b"Content-Length: 5\r\nX-A: a\rContent-Length: 3\r\n\r\nhello",
        b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n0_5\r\nhello\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n",
    ],
)
def test_an_answer_that_can_be_read_in_two_ways_is_refused(call: Call, head: bytes) -> None:
    def odd(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\n" + head)
        exchange.hang_up()

    with pytest.raises(BrokenBody):
        asked(odd, call)


@both_ways
@pytest.mark.parametrize(
    "host", ["a" * 64 + ".example", "a.." + "b" * 64, "x" * 70], ids=["a long label", "an empty label", "one label"]
)
def test_a_host_that_no_name_server_could_know_is_refused(call: Call, host: str) -> None:
    with pytest.raises(InvalidRequest, match="host is no valid name"):
        call(Request("GET", f"http://{host}/"))


@both_ways
def test_a_limit_longer_than_a_life_is_no_limit(call: Call) -> None:
    timeout = Timeout.of(1e300)

    assert (timeout.connect, timeout.read, Timeout(total=1e12).total) == (None, None, None)
    with LoopbackServer(lambda exchange: exchange.answer(b"hello")) as server:
        assert call(Request("GET", server.url, timeout=timeout)).body == b"hello"
