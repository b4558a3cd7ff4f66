"""The way to the server: TLS and proxies."""

# ruff: noqa: D102  # A test's name is its documentation.
from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chatplug.http import ProxyError, Response, TLSError, Transport, TransportOptions
from chatplug.testing.http_server import Exchange, LoopbackServer
from chatplug.testing.transport_contract.driver import Driver
from chatplug.testing.transport_contract.failures import unused_port
from chatplug.testing.transport_contract.parts import PLAIN, Part, ask, refused

__all__ = ["Ways"]

AUTHORIZATION = "Basic dXNlcjpzZWNyZXQtaW4tcHJveHk="
"""Of user:secret-in-proxy."""


class Authority:
    """A certificate authority for the tests, and two servers' settings: one it has signed, one it has not."""

    def __init__(self, folder: Path) -> None:
        import trustme

        authority = trustme.CA()
        self.ca = str(folder / "ca.pem")
        authority.cert_pem.write_to_path(self.ca)
        self.stranger = str(folder / "stranger.pem")
        trustme.CA().cert_pem.write_to_path(self.stranger)
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _configure(self.server, authority.issue_cert("127.0.0.1", "localhost"))
        self.misnamed = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _configure(self.misnamed, authority.issue_cert("other.example.org"))


def _configure(context: ssl.SSLContext, certificate: Any) -> None:
    """Trustme's own method takes two kinds of context, one of which is not installed here and so has no type."""
    certificate.configure_cert(context)


class Proxy:
    """A proxy that remembers whom it was asked for."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str | None]] = []
        self.refuses: int | None = None

    def __call__(self, exchange: Exchange) -> None:
        self.seen.append((exchange.method, exchange.path, exchange.headers.get("proxy-authorization")))
        if self.refuses is not None:
            exchange.answer(b"no", status=self.refuses)
        elif exchange.method == "CONNECT":
            host, _, port = exchange.path.rpartition(":")
            exchange.tunnel(host.replace("server.test", "127.0.0.1"), int(port))
        else:
            exchange.answer(b"from the proxy")


def through(proxy: LoopbackServer) -> str:
    """The proxy's address, with a password."""
    return f"http://user:secret-in-proxy@127.0.0.1:{proxy.port}"


Drive = Callable[[Transport], Driver]


class Ways(Part):
    """TLS and proxies."""

    @pytest.fixture
    def authority(self, tmp_path: Path) -> Authority:
        """Certificates."""
        return Authority(tmp_path)

    @pytest.fixture
    def environment(self, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
        """An environment without proxies."""
        for name in ("http", "https", "all", "no"):
            monkeypatch.delenv(f"{name}_proxy", raising=False)
            monkeypatch.delenv(f"{name.upper()}_PROXY", raising=False)
        return monkeypatch

    @pytest.fixture
    def proxy(self) -> Iterator[tuple[LoopbackServer, Proxy]]:
        """A proxy on loopback."""
        script = Proxy()
        with LoopbackServer(script) as server:
            yield server, script

    def test_a_server_of_ones_own_authority_is_trusted(self, drive: Drive, authority: Authority) -> None:
        driver = drive(self.make_transport(TransportOptions(trust_env=False, ca=authority.ca)))

        with LoopbackServer(lambda exchange: exchange.answer(b"safe"), tls=authority.server) as server:
            assert driver.request(ask(server)).body == b"safe"
            assert driver.request(ask(f"https://localhost:{server.port}")).body == b"safe"
            stream = driver.open(ask(server))
            assert stream.read() == b"safe"
            stream.close()
            assert server.accepted == 2

    @pytest.mark.parametrize("reason", ["unknown", "stranger", "misnamed"])
    def test_a_server_that_cannot_prove_its_name_gets_no_request(
        self, drive: Drive, authority: Authority, reason: str
    ) -> None:
        ca = {"unknown": None, "stranger": authority.stranger, "misnamed": authority.ca}[reason]
        driver = drive(self.make_transport(TransportOptions(trust_env=False, ca=ca)))
        tls = authority.misnamed if reason == "misnamed" else authority.server

        with LoopbackServer(lambda exchange: exchange.answer(), tls=tls) as server:
            error = refused(TLSError, lambda: driver.request(ask(server)))

            assert (error.sent, error.host, error.port) == (False, "127.0.0.1", server.port)
            assert "ca=" in str(error)
            assert server.requests == 0

    def test_https_to_a_server_that_speaks_http_says_so(self, driver: Driver) -> None:
        greeting = b"HTTP/1.1 400 Bad Request\r\n\r\n"

        with LoopbackServer(lambda exchange: exchange.answer(), greeting=greeting) as server:
            error = refused(TLSError, lambda: driver.request(ask(f"https://127.0.0.1:{server.port}")))

        assert "http://" in str(error)

    def test_a_proxy_by_setting(self, drive: Drive, proxy: tuple[LoopbackServer, Proxy]) -> None:
        server, script = proxy
        driver = drive(self.make_transport(TransportOptions(trust_env=False, proxy=through(server))))

        for _ in range(2):
            assert driver.request(ask("http://server.test:81", "/v1")).body == b"from the proxy"
        assert script.seen == [("POST", "http://server.test:81/v1?key=secret-in-query", AUTHORIZATION)] * 2

    def test_a_tunnel_through_a_proxy_by_setting(
        self, drive: Drive, authority: Authority, proxy: tuple[LoopbackServer, Proxy]
    ) -> None:
        middle, script = proxy
        options = TransportOptions(trust_env=False, proxy=through(middle), ca=authority.ca)
        driver = drive(self.make_transport(options))
        seen: list[str | None] = []

        def serve(exchange: Exchange) -> None:
            seen.append(exchange.headers.get("proxy-authorization"))
            exchange.answer(b"safe")

        with LoopbackServer(serve, tls=authority.server) as server:
            for _ in range(2):
                assert driver.request(ask(server)).body == b"safe"
            assert script.seen == [("CONNECT", f"127.0.0.1:{server.port}", AUTHORIZATION)]
            assert seen == [None, None]

    @pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
    def test_a_proxy_by_environment(
        self, drive: Drive, environment: pytest.MonkeyPatch, proxy: tuple[LoopbackServer, Proxy], name: str
    ) -> None:
        server, script = proxy
        environment.setenv(name, through(server))
        driver = drive(self.make_transport(TransportOptions()))

        assert driver.request(ask("http://server.test:81")).body == b"from the proxy"
        assert script.seen == [("POST", "http://server.test:81/?key=secret-in-query", AUTHORIZATION)]

    def test_a_tunnel_by_environment(
        self,
        drive: Drive,
        environment: pytest.MonkeyPatch,
        proxy: tuple[LoopbackServer, Proxy],
        authority: Authority,
    ) -> None:
        middle, script = proxy
        environment.setenv("HTTPS_PROXY", through(middle))
        driver = drive(self.make_transport(TransportOptions(ca=authority.ca)))

        with LoopbackServer(lambda exchange: exchange.answer(b"safe"), tls=authority.server) as server:
            assert driver.request(ask(server)).body == b"safe"
        assert [method for method, _, _ in script.seen] == ["CONNECT"]

    @pytest.mark.parametrize("exempt", ["127.0.0.1", "example.org,127.0.0.1", "*"])
    def test_no_proxy_for_those_whom_the_environment_exempts(
        self, drive: Drive, environment: pytest.MonkeyPatch, proxy: tuple[LoopbackServer, Proxy], exempt: str
    ) -> None:
        environment.setenv("HTTP_PROXY", through(proxy[0]))
        environment.setenv("NO_PROXY", exempt)
        driver = drive(self.make_transport(TransportOptions()))

        with LoopbackServer(lambda exchange: exchange.answer(b"direct")) as server:
            assert driver.request(ask(server)).body == b"direct"
        assert proxy[1].seen == []

    def test_the_environment_is_not_asked_when_it_is_not_trusted(
        self, drive: Drive, environment: pytest.MonkeyPatch, proxy: tuple[LoopbackServer, Proxy]
    ) -> None:
        environment.setenv("HTTP_PROXY", through(proxy[0]))
        driver = drive(self.make_transport(PLAIN))

        with LoopbackServer(lambda exchange: exchange.answer(b"direct")) as server:
            assert driver.request(ask(server)).body == b"direct"
        assert proxy[1].seen == []

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_a_proxy_that_cannot_be_reached_is_named(self, drive: Drive, scheme: str) -> None:
        with unused_port() as port:
            options = TransportOptions(trust_env=False, proxy=f"http://user:secret-in-proxy@127.0.0.1:{port}")
            driver = drive(self.make_transport(options))
            error = refused(ProxyError, lambda: driver.request(ask(f"{scheme}://server.test")))

        assert (error.sent, error.host, error.port, error.status) == (False, "127.0.0.1", port, None)

    def test_a_proxy_that_refuses_a_tunnel_is_no_answer(
        self, drive: Drive, proxy: tuple[LoopbackServer, Proxy]
    ) -> None:
        server, script = proxy
        script.refuses = 407
        driver = drive(self.make_transport(TransportOptions(trust_env=False, proxy=through(server))))
        error = refused(ProxyError, lambda: driver.request(ask("https://server.test")))

        assert (error.sent, error.host, error.port, error.status) == (False, "127.0.0.1", server.port, 407)

    def test_what_a_proxy_refuses_of_a_plain_request_is_an_answer(
        self, drive: Drive, proxy: tuple[LoopbackServer, Proxy]
    ) -> None:
        server, script = proxy
        script.refuses = 407
        driver = drive(self.make_transport(TransportOptions(trust_env=False, proxy=through(server))))
        response: Response = driver.request(ask("http://server.test"))

        assert response.status == 407

    @pytest.mark.parametrize("url", ["socks5://user:secret-in-proxy@127.0.0.1:1080", "https://127.0.0.1:1", "http://"])
    def test_a_proxy_of_an_unknown_kind_is_refused(self, drive: Drive, url: str) -> None:
        driver = drive(self.make_transport(TransportOptions(trust_env=False, proxy=url)))

        assert refused(ProxyError, lambda: driver.request(ask("http://server.test"))).sent is False
