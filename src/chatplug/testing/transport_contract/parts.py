"""What every part of the contract stands on: the transport under test, the two ways to call it, its secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, TypeVar

import pytest

from chatplug.http import Request, Timeout, Transport, TransportError, TransportOptions
from chatplug.testing.http_server import LoopbackServer
from chatplug.testing.transport_contract.driver import AsyncDriver, Driver, SyncDriver

__all__ = ["PLAIN", "SECRETS", "Part", "ask", "refused"]

PLAIN = TransportOptions(trust_env=False)
"""Whatever proxies the environment of the test run names, they are not for the tests."""

SECRETS = ("secret-in-header", "secret-in-query", "secret-in-body", "secret-in-proxy")

E = TypeVar("E", bound=TransportError)


def ask(
    server: LoopbackServer | str,
    path: str = "/",
    *,
    method: str = "POST",
    body: bytes | None = b"secret-in-body",
    headers: Mapping[str, str] | None = None,
    timeout: Timeout | None = None,
) -> Request:
    """A request that carries a secret everywhere."""
    url = server if isinstance(server, str) else server.url
    return Request(
        method,
        f"{url}{path}?key=secret-in-query",
        {"Authorization": "Bearer secret-in-header", **(headers or {})},
        body,
        timeout or Timeout(5, 10),
    )


def refused(kind: type[E], call: Callable[[], Any]) -> E:
    """The error that a call ends in, after a look for secrets in it and in all that it is chained with."""
    with pytest.raises(kind) as caught:
        call()
    below: BaseException | None = caught.value
    while below is not None:
        told = f"{below} {below!r} {below.args!r} {vars(below)!r}"
        for secret in SECRETS:
            assert secret not in told, f"{type(below).__name__} tells {secret}"
        below = below.__cause__ or below.__context__
    assert caught.value.method in str(caught.value)
    assert "?" not in caught.value.url
    return caught.value


class Part:
    """A part of the contract, in which each test is made for synchronous and for asynchronous calls."""

    expected_failures: ClassVar[Mapping[str, str]] = {}
    """Tests that this transport cannot pass, each with the reason; `name[sync]` or `name[async]` for one way only."""

    untried: ClassVar[Mapping[str, str]] = {}
    """Tests that are not even run, since their failure would disturb others."""

    def make_transport(self, options: TransportOptions) -> Transport:
        """The transport under test, new, with these options as far as it has them."""
        raise NotImplementedError

    @pytest.fixture(params=["sync", "async"])
    def way(self, request: pytest.FixtureRequest) -> str:
        """`sync` or `async`."""
        return str(request.param)

    @pytest.fixture(autouse=True)
    def _expect_failure(self, request: pytest.FixtureRequest) -> None:
        for name in (request.node.name, request.node.name.partition("[")[0]):
            if name in self.expected_failures:
                request.applymarker(pytest.mark.xfail(reason=self.expected_failures[name], strict=True))
            if name in self.untried:
                pytest.xfail(self.untried[name])

    @pytest.fixture
    def transport(self) -> Iterator[Transport]:
        """The transport under test."""
        transport = self.make_transport(PLAIN)
        yield transport
        transport.close()

    @pytest.fixture
    def drive(self, way: str) -> Iterator[Callable[[Transport], Driver]]:
        """How to call a transport in this way; what it was given is closed in the end."""
        drivers: list[Driver] = []

        def make(transport: Transport) -> Driver:
            drivers.append(SyncDriver(transport) if way == "sync" else AsyncDriver(transport))
            return drivers[-1]

        yield make
        for driver in drivers:
            driver.close()

    @pytest.fixture
    def driver(self, drive: Callable[[Transport], Driver]) -> Driver:
        """The transport under test, called in this way."""
        return drive(self.make_transport(PLAIN))
