"""What goes wrong is told as what it is."""

# ruff: noqa: D102  # A test's name is its documentation.
from __future__ import annotations

import contextlib
import socket
import threading
import zlib
from collections.abc import Generator
from typing import Literal

import pytest

from chatplug.http import BrokenBody, ConnectError, TimedOut, Timeout, TransportError
from chatplug.testing.http_server import Exchange, LoopbackServer
from chatplug.testing.transport_contract.driver import PATIENCE, Driver
from chatplug.testing.transport_contract.parts import Part, ask, refused

__all__ = ["Failures"]

SOON = 0.15


@contextlib.contextmanager
def unused_port() -> Generator[int]:
    """A port on which nobody listens, and which nobody else gets."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@contextlib.contextmanager
def silent_port() -> Generator[int]:
    """A port that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock.getsockname()[1]


@contextlib.contextmanager
def full_port() -> Generator[int]:
    """A port whose queue is full, so that a connection is neither made nor refused."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as stack:
        for _ in range(4):
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


class Failures(Part):
    """Errors and limits."""

    def test_a_refused_connection_names_the_address(self, driver: Driver) -> None:
        with unused_port() as port:
            error = refused(ConnectError, lambda: driver.request(ask(f"http://127.0.0.1:{port}", "/v1")))

        assert (error.sent, error.host, error.port) == (False, "127.0.0.1", port)
        assert error.url == f"http://127.0.0.1:{port}/v1"
        assert "refused" in str(error).lower()

    def test_an_unknown_host_is_named(self, driver: Driver) -> None:
        error = refused(ConnectError, lambda: driver.request(ask("http://no-such-host.invalid")))

        assert (error.sent, error.host, error.port) == (False, "no-such-host.invalid", 80)

    def test_no_connection_in_time(self, driver: Driver) -> None:
        with full_port() as port:
            request = ask(f"http://127.0.0.1:{port}", timeout=Timeout(SOON, 10))
            error = refused(TimedOut, lambda: driver.request(request))

        assert (error.phase, error.seconds, error.sent) == ("connect", SOON, False)

    def test_no_tls_in_time(self, driver: Driver) -> None:
        with silent_port() as port:
            request = ask(f"https://127.0.0.1:{port}", timeout=Timeout(SOON, 10))
            error = refused(TimedOut, lambda: driver.request(request))

        assert (error.phase, error.seconds, error.sent) == ("connect", SOON, False)

    @pytest.mark.parametrize("silence", ["before the headers", "inside the headers", "inside the body"])
    def test_silence_for_too_long(self, driver: Driver, silence: str) -> None:
        over = threading.Event()

        def script(exchange: Exchange) -> None:
            if silence == "inside the headers":
                exchange.send(b"HTTP/1.1 200 OK\r\n")
            if silence == "inside the body":
                exchange.begin()
                exchange.piece(b"one")
            assert exchange.client_left()
            over.set()

        with LoopbackServer(script) as server:
            error = refused(TimedOut, lambda: driver.request(ask(server, timeout=Timeout(5, SOON))))
            assert driver.wait(over)

        assert (error.phase, error.seconds) == ("read", SOON)
        assert error.sent is not False

    def test_pieces_in_time_are_no_silence(self, driver: Driver) -> None:
        asked = threading.Semaphore(0)

        def script(exchange: Exchange) -> None:
            exchange.begin()
            for _ in range(4):
                assert not asked.acquire(timeout=SOON / 2)
                exchange.piece(b"x")
            exchange.end()

        with LoopbackServer(script) as server:
            assert driver.request(ask(server, timeout=Timeout(5, SOON * 1.3))).body == b"xxxx"

    def test_the_rest_of_a_body_can_be_limited(self, driver: Driver) -> None:
        over = threading.Event()

        def script(exchange: Exchange) -> None:
            exchange.begin()
            exchange.piece(b"all that was wanted")
            assert exchange.client_left()
            over.set()

        with LoopbackServer(script) as server:
            stream = driver.open(ask(server))
            assert stream.next() == b"all that was wanted"
            stream.limit_rest(SOON)
            stream.limit_rest(PATIENCE)

            error = refused(TimedOut, stream.next)
            assert driver.wait(over)
        assert (error.phase, error.seconds) == ("total", SOON)

    def test_a_limited_rest_that_comes_in_time_keeps_the_connection(self, driver: Driver) -> None:
        asked = threading.Semaphore(0)

        def script(exchange: Exchange) -> None:
            exchange.begin()
            exchange.piece(b"one")
            assert asked.acquire(timeout=PATIENCE)
            exchange.piece(b"two")
            exchange.end()

        with LoopbackServer(script) as server:
            for _ in range(2):
                stream = driver.open(ask(server))
                assert stream.next() == b"one"
                stream.limit_rest(PATIENCE)
                asked.release()

                assert (stream.next(), stream.next()) == (b"two", None)
                stream.close()
            assert server.accepted == 1

    @pytest.mark.parametrize("silence", ["before the headers", "inside the headers", "inside the body", "never"])
    def test_the_whole_call_takes_too_long(self, driver: Driver, silence: str) -> None:
        over = threading.Event()

        def script(exchange: Exchange) -> None:
            if silence == "inside the headers":
                exchange.send(b"HTTP/1.1 200 OK\r\n")
            if silence in ("inside the body", "never"):
                exchange.begin()
                exchange.piece(b"one")
            if silence == "never":
                exchange.send_until_full(b"400\r\n" + b"x" * 1024 + b"\r\n", 1.0)
            assert exchange.client_left()
            over.set()

        with LoopbackServer(script) as server:
            error = refused(TimedOut, lambda: driver.request(ask(server, timeout=Timeout(5, 10, SOON))))
            assert driver.wait(over)

        assert (error.phase, error.seconds) == ("total", SOON)
        assert error.sent is not False

    def test_a_header_that_dribbles_in_does_not_last_for_ever(self, driver: Driver) -> None:
        left = threading.Event()

        def script(exchange: Exchange) -> None:
            exchange.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not exchange.client_left(0.02):
                exchange.send(b"x")
            left.set()

        with LoopbackServer(script) as server:
            error = refused(TimedOut, lambda: driver.request(ask(server, timeout=Timeout(5, 10, SOON))))
            assert driver.wait(left)

        assert error.phase == "total"

    @pytest.mark.parametrize("framing", ["length", "chunks", "chunk", "compressed"])
    def test_a_body_cut_short_is_an_error_after_what_came(
        self, driver: Driver, framing: Literal["length", "chunks", "chunk", "compressed"]
    ) -> None:
        squeeze = zlib.compressobj(wbits=31)
        squeezed = squeeze.compress(b"what came") + squeeze.flush(zlib.Z_SYNC_FLUSH)
        heads = {
            "length": b"Content-Length: 100\r\n\r\nwhat came",
            "chunks": b"Transfer-Encoding: chunked\r\n\r\n9\r\nwhat came\r\n",
            "chunk": b"Transfer-Encoding: chunked\r\n\r\n20\r\nwhat came",
            "compressed": b"Content-Encoding: gzip\r\n\r\n" + squeezed,
        }

        def script(exchange: Exchange) -> None:
            exchange.send(b"HTTP/1.1 200 OK\r\n" + heads[framing])
            exchange.hang_up()

        with LoopbackServer(script) as server:
            stream = driver.open(ask(server))
            came = b""

            def read() -> None:
                nonlocal came
                while (piece := stream.next()) is not None:
                    came += piece

            error = refused(BrokenBody, read)
            stream.close()

        assert came == b"what came"
        assert error.sent is True
        assert error.received == len(came) or framing == "compressed"

    def test_a_body_without_length_is_cut_short_by_a_broken_connection(self, driver: Driver) -> None:
        read = threading.Event()

        def script(exchange: Exchange) -> None:
            exchange.send(b"HTTP/1.1 200 OK\r\n\r\nwhat came")
            assert read.wait(PATIENCE)
            exchange.hang_up(reset=True)

        with LoopbackServer(script) as server:
            stream = driver.open(ask(server))
            assert stream.next() == b"what came"
            read.set()

            assert refused(BrokenBody, stream.next).received == 9
            stream.close()

    def test_what_came_before_the_cut_is_handed_over_also_when_it_came_together(self, driver: Driver) -> None:
        sent = threading.Event()
        first = threading.Event()

        def script(exchange: Exchange) -> None:
            exchange.begin()
            exchange.piece(b"one")
            assert first.wait(PATIENCE)
            exchange.piece(b"two")
            exchange.hang_up()
            sent.set()

        with LoopbackServer(script) as server:
            stream = driver.open(ask(server))
            assert stream.next() == b"one"
            first.set()
            assert driver.wait(sent)

            assert stream.next() == b"two"
            assert refused(BrokenBody, stream.next).received == 6
            stream.close()

    @pytest.mark.parametrize(
        "garbage",
        [
            b"\x16\x03\x01\x00garbage that is no HTTP\r\n\r\n",
            b"220 mail.example.org ESMTP\r\n",
            b"HTTP/1.1 abc OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nX-Huge: " + b"x" * 200_000 + b"\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5",
        ],
        ids=["binary", "another protocol", "no status", "a huge header", "half a head"],
    )
    def test_an_answer_that_is_no_http_is_told_as_such(self, driver: Driver, garbage: bytes) -> None:
        def script(exchange: Exchange) -> None:
            exchange.send(garbage)
            exchange.hang_up()

        with LoopbackServer(script) as server:
            error = refused(TransportError, lambda: driver.request(ask(server)))

            assert error.sent is not False
            assert len(str(error)) < 400
