"""What goes there and comes back arrives as it was sent."""

# ruff: noqa: D102  # A test's name is its documentation.
from __future__ import annotations

import gzip
import threading
import zlib
from collections.abc import Callable
from functools import partial

from chatplug.http import BodyTooLarge, BrokenBody, InvalidRequest, Request, Timeout, Transport, TransportOptions
from chatplug.testing.http_server import Exchange, LoopbackServer
from chatplug.testing.transport_contract.driver import PATIENCE, Driver
from chatplug.testing.transport_contract.parts import Part, ask, refused

__all__ = ["Answers", "Streams"]

EVERY_BYTE = bytes(range(256)) * 300


class Answers(Part):
    """Whole answers."""

    def test_headers_and_body_arrive_intact_both_ways(self, driver: Driver) -> None:
        seen: list[Exchange] = []

        def script(exchange: Exchange) -> None:
            seen.append(exchange)
            exchange.answer(EVERY_BYTE, headers=["X-Request-Id: r-1", "Set-Cookie: a=1", "set-cookie: b=2"])

        with LoopbackServer(script) as server:
            response = driver.request(ask(server, "/v1/%2Fchat", body=EVERY_BYTE, headers={"X-Own": 'a, b; c="d"'}))

        assert (response.status, response.body) == (200, EVERY_BYTE)
        assert response.headers["x-request-id"] == "r-1"
        assert response.headers["set-cookie"] == "a=1, b=2"
        assert (seen[0].method, seen[0].path) == ("POST", "/v1/%2Fchat?key=secret-in-query")
        assert seen[0].body == EVERY_BYTE
        assert seen[0].headers["x-own"] == 'a, b; c="d"'
        assert seen[0].headers["authorization"] == "Bearer secret-in-header"
        assert seen[0].headers["host"] == f"127.0.0.1:{server.port}"

    def test_nothing_is_added_that_a_server_could_take_amiss(self, driver: Driver) -> None:
        seen: list[dict[str, str]] = []

        def script(exchange: Exchange) -> None:
            seen.append(exchange.headers)
            exchange.answer()

        with LoopbackServer(script) as server:
            driver.request(ask(server, headers={"User-Agent": "mine", "Accept-Encoding": "gzip"}))
            driver.request(Request("GET", server.url))

        allowed = {"accept", "accept-encoding", "authorization", "connection", "content-length", "host", "user-agent"}
        assert set(seen[0]) <= allowed
        assert (seen[0]["user-agent"], seen[0]["accept-encoding"]) == ("mine", "gzip")
        assert "content-length" not in seen[1]

    def test_cookies_are_not_kept(self, driver: Driver) -> None:
        seen: list[str | None] = []

        def script(exchange: Exchange) -> None:
            seen.append(exchange.headers.get("cookie"))
            exchange.answer(headers=["Set-Cookie: session=1; Path=/"])

        with LoopbackServer(script) as server:
            driver.request(ask(server))
            driver.request(ask(server))

        assert seen == [None, None]

    def test_a_status_is_an_answer_and_no_error(self, driver: Driver) -> None:
        def script(exchange: Exchange) -> None:
            exchange.answer(b"why", status=int(exchange.path[1:4]))

        with LoopbackServer(script) as server:
            for status in (201, 400, 401, 404, 429, 500, 529):
                response = driver.request(ask(server, f"/{status}"))

                assert (response.status, response.body) == (status, b"why")

    def test_answers_without_a_body_end_at_once(self, driver: Driver) -> None:
        def script(exchange: Exchange) -> None:
            if exchange.method == "HEAD":
                exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            else:
                exchange.send(b"HTTP/1.1 204 No Content\r\n\r\n")

        with LoopbackServer(script) as server:
            assert driver.request(ask(server, method="HEAD", body=None)).body == b""
            assert driver.request(ask(server, method="DELETE", body=None)).status == 204
            assert server.accepted == 1

    def test_notices_before_the_answer_are_passed_over(self, driver: Driver) -> None:
        def script(exchange: Exchange) -> None:
            exchange.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
            exchange.answer(b"after the hints")

        with LoopbackServer(script) as server:
            assert driver.request(ask(server)).body == b"after the hints"
            assert driver.request(ask(server)).body == b"after the hints"

    def test_no_redirect_is_followed(self, driver: Driver) -> None:
        with LoopbackServer(lambda exchange: exchange.answer(b"caught the key")) as other:

            def script(exchange: Exchange) -> None:
                exchange.answer(b"", status=int(exchange.path[1:4]), headers=[f"Location: {other.url}/elsewhere"])

            with LoopbackServer(script) as server:
                for status in (301, 302, 303, 307, 308):
                    response = driver.request(ask(server, f"/{status}"))

                    assert response.status == status
                    assert response.headers["location"] == f"{other.url}/elsewhere"
            assert other.accepted == 0

    def test_compressed_bodies_are_decompressed(self, driver: Driver) -> None:
        coded = {"gzip": gzip.compress(EVERY_BYTE), "deflate": zlib.compress(EVERY_BYTE)}

        def script(exchange: Exchange) -> None:
            name = exchange.path[1:].partition("?")[0]
            exchange.answer(coded[name], headers=[f"Content-Encoding: {name}"])

        with LoopbackServer(script) as server:
            for name in coded:
                assert driver.request(ask(server, f"/{name}")).body == EVERY_BYTE

    def test_a_damaged_compressed_body_is_an_error(self, driver: Driver) -> None:
        def script(exchange: Exchange) -> None:
            exchange.answer(b"\x1f\x8b\x08\x00 this is no gzip", headers=["Content-Encoding: gzip"])

        with LoopbackServer(script) as server:
            error = refused(BrokenBody, lambda: driver.request(ask(server)))

        assert error.sent is True

    def test_a_large_body_is_sent_whole(self, driver: Driver) -> None:
        body = EVERY_BYTE * 60
        seen: list[bool] = []

        def script(exchange: Exchange) -> None:
            seen.append(exchange.body == body)
            exchange.answer()

        with LoopbackServer(script) as server:
            driver.request(ask(server, body=body))

        assert len(body) > 4 << 20
        assert seen == [True]

    def test_a_request_that_cannot_be_sent_says_why(self, driver: Driver) -> None:
        with LoopbackServer(lambda exchange: exchange.answer()) as server:
            for request in (
                Request("GET", "ftp://127.0.0.1/?key=secret-in-query"),
                Request("GET", "127.0.0.1/?key=secret-in-query"),
                Request("GET", "http:///?key=secret-in-query"),
                Request("GET", "http://127.0.0.1:99999/?key=secret-in-query"),
                Request("GET", f"{server.url}/a b?key=secret-in-query"),
                Request("GET", f"{server.url}/?key=secret-in-query\r\nX: y"),
                ask(server, headers={"Authorization": "Bearer secret-in-header\n"}),
                ask(server, headers={"Authorization": "Bearer secret-in-header…"}),
                ask(server, headers={"X y": "secret-in-header"}),
            ):
                error = refused(InvalidRequest, partial(driver.request, request))

                assert error.sent is False
            assert server.requests == 0


class Streams(Part):
    """Answers that arrive bit by bit."""

    def test_pieces_arrive_as_the_server_sends_them(self, driver: Driver) -> None:
        read = threading.Semaphore(0)

        def script(exchange: Exchange) -> None:
            exchange.begin(headers=["X-Request-Id: r-1"])
            for number in range(5):
                assert read.acquire(timeout=PATIENCE)
                exchange.piece(b"piece %d" % number)
            assert read.acquire(timeout=PATIENCE)
            exchange.end()

        with LoopbackServer(script) as server:
            stream = driver.open(ask(server))
            assert stream.headers["x-request-id"] == "r-1"
            for number in range(5):
                read.release()

                assert stream.next() == b"piece %d" % number
            read.release()
            assert stream.next() is None
            stream.close()

    def test_pieces_of_a_compressed_stream_arrive_as_the_server_sends_them(self, driver: Driver) -> None:
        read = threading.Semaphore(0)
        squeeze = zlib.compressobj(wbits=31)

        def script(exchange: Exchange) -> None:
            exchange.begin(headers=["Content-Encoding: gzip"])
            for number in range(3):
                assert read.acquire(timeout=PATIENCE)
                exchange.piece(squeeze.compress(b"piece %d" % number) + squeeze.flush(zlib.Z_SYNC_FLUSH))
            exchange.piece(squeeze.flush())
            exchange.end()

        with LoopbackServer(script) as server:
            stream = driver.open(ask(server))
            for number in range(3):
                read.release()

                assert stream.next() == b"piece %d" % number
            assert stream.next() is None
            stream.close()

    def test_a_body_without_length_ends_with_its_connection(self, driver: Driver) -> None:
        def script(exchange: Exchange) -> None:
            exchange.send(b"HTTP/1.0 200 OK\r\n\r\n" + EVERY_BYTE)
            exchange.hang_up()

        with LoopbackServer(script) as server:
            assert driver.request(ask(server)).body == EVERY_BYTE

    def test_many_pieces_in_one_packet_all_arrive(self, driver: Driver) -> None:
        def script(exchange: Exchange) -> None:
            exchange.begin()
            exchange.send(b"".join(b"2\r\n%02d\r\n" % (number % 100) for number in range(5000)) + b"0\r\n\r\n")

        with LoopbackServer(script) as server:
            stream = driver.open(ask(server))
            body = b""
            while (piece := stream.next()) is not None:
                assert piece
                body += piece
            stream.close()

        assert body == b"".join(b"%02d" % (number % 100) for number in range(5000))

    def test_an_error_body_is_read_within_its_bound(self, driver: Driver) -> None:
        def script(exchange: Exchange) -> None:
            exchange.begin(status=500)
            exchange.send_until_full(b"400\r\n" + b"x" * 1024 + b"\r\n", 0.5)

        with LoopbackServer(script) as server:
            stream = driver.open(ask(server))

            assert stream.status == 500
            assert stream.read(1000) == b"x" * 1000
            stream.close()

    def test_a_body_that_is_too_large_is_refused(self, drive: Callable[[Transport], Driver]) -> None:
        driver = drive(self.make_transport(TransportOptions(trust_env=False, max_body=100_000)))

        def script(exchange: Exchange) -> None:
            exchange.begin()
            exchange.send_until_full(b"400\r\n" + b"x" * 1024 + b"\r\n", 0.5)

        with LoopbackServer(script) as server:
            error = refused(BodyTooLarge, lambda: driver.request(ask(server)))

        assert error.limit == 100_000

    def test_a_stream_that_nobody_reads_makes_the_server_stop(self, driver: Driver) -> None:
        taken: list[int] = []
        has_stopped = threading.Event()
        block = b"10000\r\n" + b"x" * 65536 + b"\r\n"

        def script(exchange: Exchange) -> None:
            exchange.begin()
            taken.append(exchange.send_until_full(block, 0.3))
            has_stopped.set()

        with LoopbackServer(script) as server:
            stream = driver.open(ask(server, timeout=Timeout(5, None)))
            assert driver.wait(has_stopped)

            # What the kernels on both ends hold, and one read of ours.
            assert taken[0] < 16 << 20
            assert stream.next()
            stream.close()
