"""Connections are used again, closed at once, and never in the way."""

# ruff: noqa: D102  # A test's name is its documentation.
from __future__ import annotations

import threading

from chatplug.http import BrokenBody, Disconnected, TransportError
from chatplug.testing.http_server import Exchange, LoopbackServer
from chatplug.testing.transport_contract.driver import PATIENCE, Driver
from chatplug.testing.transport_contract.parts import Part, ask, refused

__all__ = ["Connections"]


def _stream(exchange: Exchange) -> None:
    exchange.begin()
    exchange.piece(b"one")
    exchange.piece(b"two")
    exchange.end()


class _Left:
    """A stream of one piece, and then a look whether the client has left."""

    def __init__(self) -> None:
        self.found: list[bool] = []
        self.is_over = threading.Event()

    def __call__(self, exchange: Exchange) -> None:
        exchange.begin()
        exchange.piece(b"one")
        self.found.append(exchange.client_left())
        self.is_over.set()


class Connections(Part):
    """How connections are kept."""

    def test_a_connection_is_used_again(self, driver: Driver) -> None:
        with LoopbackServer(lambda exchange: exchange.answer(b"%d" % exchange.turn)) as server:
            assert [driver.request(ask(server)).body for _ in range(5)] == [b"1", b"2", b"3", b"4", b"5"]
            assert server.accepted == 1

    def test_finishing_a_stream_gives_the_connection_back(self, driver: Driver) -> None:
        with LoopbackServer(_stream) as server:
            for _ in range(3):
                stream = driver.open(ask(server))
                while stream.next() is not None:
                    pass
                stream.close()

            assert server.accepted == 1

    def test_closing_a_stream_early_closes_its_connection(self, driver: Driver) -> None:
        script = _Left()

        with LoopbackServer(script) as server:
            stream = driver.open(ask(server))
            assert stream.next() == b"one"
            stream.close()
            stream.close()

            assert driver.wait(script.is_over)
            assert script.found == [True]
            refused(BrokenBody, stream.next)

    def test_dropping_a_stream_closes_its_connection(self, driver: Driver) -> None:
        script = _Left()

        with LoopbackServer(script) as server:
            stream = driver.open(ask(server))
            assert stream.next() == b"one"
            del stream

            assert driver.wait(script.is_over)
            assert script.found == [True]

    def test_a_connection_that_ended_while_unused_is_not_noticed(self, driver: Driver) -> None:
        def script(exchange: Exchange) -> None:
            exchange.answer(b"kept, I promise", headers=["Connection: keep-alive"])
            exchange.hang_up()

        with LoopbackServer(script) as server:
            for _ in range(30):
                assert driver.request(ask(server)).body == b"kept, I promise"

    def test_a_stream_that_ends_with_its_connection_is_followed_by_another(self, driver: Driver) -> None:
        def script(exchange: Exchange) -> None:
            _stream(exchange)
            exchange.hang_up()

        with LoopbackServer(script) as server:
            for _ in range(30):
                stream = driver.open(ask(server))
                assert stream.read() == b"onetwo"
                stream.close()

    def test_a_request_that_met_the_end_of_a_used_connection_is_sent_once_more(self, driver: Driver) -> None:
        def script(exchange: Exchange) -> None:
            if exchange.turn == 1:
                exchange.answer(b"%d" % exchange.connection)
            else:
                exchange.hang_up(reset=exchange.connection % 2 == 0)

        with LoopbackServer(script) as server:
            assert [driver.request(ask(server)).body for _ in range(2)] == [b"1", b"2"]
            assert server.requests == 3

    def test_a_request_is_sent_no_third_time(self, driver: Driver) -> None:
        def script(exchange: Exchange) -> None:
            if exchange.connection == 1 and exchange.turn == 1:
                exchange.answer()
            else:
                exchange.hang_up()

        with LoopbackServer(script) as server:
            driver.request(ask(server))
            error = refused(Disconnected, lambda: driver.request(ask(server)))

            assert error.sent is not False
            assert server.requests == 3

    def test_a_request_on_a_new_connection_is_sent_once(self, driver: Driver) -> None:
        with LoopbackServer(lambda exchange: exchange.hang_up()) as server:
            error = refused(Disconnected, lambda: driver.request(ask(server)))

            assert error.sent is not False
            assert server.requests == 1

    def test_a_request_whose_answer_had_begun_is_not_sent_again(self, driver: Driver) -> None:
        def script(exchange: Exchange) -> None:
            if exchange.turn == 1:
                exchange.answer()
            else:
                exchange.send(b"HTTP/1.1 200 OK\r\nContent-")
                exchange.hang_up()

        with LoopbackServer(script) as server:
            driver.request(ask(server))
            refused(TransportError, lambda: driver.request(ask(server)))

            assert server.requests == 2

    def test_a_server_that_wants_the_connection_closed_gets_it(self, driver: Driver) -> None:
        def script(exchange: Exchange) -> None:
            exchange.answer(b"bye", headers=["Connection: close"])
            assert exchange.client_left()

        with LoopbackServer(script) as server:
            assert driver.request(ask(server)).body == b"bye"
            assert driver.request(ask(server)).body == b"bye"
            assert server.accepted == 2

    def test_bytes_after_an_answer_do_not_begin_the_next(self, driver: Driver) -> None:
        def script(exchange: Exchange) -> None:
            answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine"
            exchange.send(answer + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")

        with LoopbackServer(script) as server:
            assert [driver.request(ask(server)).body for _ in range(3)] == [b"mine"] * 3

    def test_an_answer_before_the_request_was_read_is_an_answer(self, driver: Driver) -> None:
        answered = threading.Event()

        def script(exchange: Exchange) -> None:
            exchange.answer(b"too large", status=413, headers=["Connection: close"])
            answered.set()

        with LoopbackServer(script) as server:
            assert driver.request(ask(server, body=b"x" * (1 << 20))).status == 413
            assert answered.wait(PATIENCE)
