"""A server that does wrong whatever a wire can do wrong, each fault under its name, with what is to be expected of it.

    @pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
    def test_a_fault_ends_as_it_should(fault: Fault) -> None:
        with FaultServer(fault, ANSWERS) as server:
            model = MyModel(base_url=server.url, max_retries=RETRIES, timeout=fault.timeout)
            ...
        assert server.requests == fault.requests

What a server says when nothing goes wrong is the plugin's to tell (`Answers`); the faults do the rest to it. They
stand in `chatplug.testing.faults`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

from chatplug.errors import ChatplugError
from chatplug.testing.http_server import Exchange, LoopbackServer

__all__ = ["PATIENCE", "Answers", "Fault", "FaultServer", "Scene"]

PATIENCE = 20.0
"""Seconds after which a server stops waiting for a client to leave."""


def _asks_for_a_stream(exchange: Exchange) -> bool:
    return b'"stream":true' in exchange.body.replace(b" ", b"")


@dataclass(frozen=True, slots=True)
class Answers:
    """What a server says when nothing goes wrong."""

    body: bytes
    """A whole answer."""
    events: Sequence[bytes]
    """The events of a stream, each with the blank line behind it; three or more. The text has to be one in which a
    character of several bytes occurs, or none can be split."""
    end: bytes = b""
    """What says that nothing more comes: `data: [DONE]` and a blank line, where the wire has such a thing."""
    error: bytes = b'{"error": {"message": "It did not work."}}'
    """What a server says of a failure, in the body of an answer."""
    error_event: bytes = b'data: {"error": {"message": "It did not work.", "code": 500}}\n\n'
    """The same as an event in the middle of a stream."""
    ping: bytes = b": ping\n\n"
    """What keeps a stream open and says nothing."""
    body_type: str = "application/json"
    stream_type: str = "text/event-stream"
    is_stream: Callable[[Exchange], bool] = _asks_for_a_stream
    """Whether a request asks for a stream."""


class Scene:
    """One request to a server with a fault.

    Args:
        exchange: The request, and what to answer it with.
        answers: What would be said if nothing went wrong.
        number: Which request of the server it is, from 1.
        elsewhere: The address of another server, to which no request may go.
    """

    __slots__ = ("answers", "elsewhere", "exchange", "number")

    def __init__(self, exchange: Exchange, answers: Answers, number: int, elsewhere: str) -> None:
        self.exchange = exchange
        self.answers = answers
        self.number = number
        self.elsewhere = elsewhere

    @property
    def is_stream(self) -> bool:
        """Whether a stream is asked for."""
        return self.answers.is_stream(self.exchange)

    @property
    def stream(self) -> bytes:
        """All bytes of a stream."""
        return b"".join(self.answers.events) + self.answers.end

    def well(self) -> None:
        """Answer as one should."""
        if self.is_stream:
            self.pieces(*self.answers.events, self.answers.end)
        else:
            self.whole(self.answers.body)

    def whole(self, body: bytes, *headers: str, status: int = 200, kind: str | None = None) -> None:
        """Send a whole answer."""
        self.exchange.answer(body, status=status, headers=[f"Content-Type: {kind or self.answers.body_type}", *headers])

    def begin(self, *pieces: bytes) -> None:
        """Begin a stream, and leave it open."""
        self.exchange.begin(headers=[f"Content-Type: {self.answers.stream_type}"])
        for piece in pieces:
            if piece:
                self.exchange.piece(piece)

    def pieces(self, *pieces: bytes) -> None:
        """Send a stream in these pieces."""
        self.begin(*pieces)
        self.exchange.end()

    def until_the_client_leaves(self, piece: bytes = b"", seconds: float = 0.02) -> None:
        """Say nothing, or the same again and again, until the client has had enough."""
        while not self.exchange.client_left(seconds if piece else PATIENCE):
            if not piece:
                return
            self.exchange.piece(piece)


Play = Callable[[Scene], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong, and what is to come of it."""

    name: str
    """What the server does, in words."""
    play: Play
    """Answers one request."""
    of: Literal["any", "stream", "whole"] = "any"
    """Which kind of request meets the fault."""
    error: type[ChatplugError] | None = None
    """How the call ends; None where the answer comes whole all the same."""
    requests: int = 1
    """How many requests there are in the end, where a call is sent again `RETRIES` times."""
    waits: tuple[float, ...] | None = None
    """The seconds that the server asks to wait before each further try; None where they are the client's to choose."""
    has_partial: bool = False
    """Whether the error holds what had arrived."""
    timeout: Mapping[str, float] | None = None
    """The limits that the model needs, so that the fault shows in time."""
    stall_timeout: float | None = None
    """The same for the time without an event; None where it does not matter."""
    phase: str | None = None
    """Of a `ProviderTimeoutError`: which limit it was."""

    def __str__(self) -> str:
        return self.name


class FaultServer:
    """A server with a fault, at `url` until the `with` block ends.

    Args:
        fault: What goes wrong.
        answers: What the server says where nothing does.
    """

    def __init__(self, fault: Fault, answers: Answers) -> None:
        self._fault = fault
        self._answers = answers
        self._server = LoopbackServer(self._play)
        self.elsewhere = LoopbackServer(lambda exchange: exchange.answer())
        """Another server, to which no request may go."""
        self.exchanges: list[Exchange] = []
        """The requests that came."""

    @property
    def url(self) -> str:
        """The server's address."""
        return self._server.url

    @property
    def requests(self) -> int:
        """How many requests there have been."""
        return len(self.exchanges)

    @property
    def open_connections(self) -> int:
        """How many connections there are now."""
        return self._server.open_connections

    def _play(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)
        self._fault.play(Scene(exchange, self._answers, len(self.exchanges), self.elsewhere.url))

    def __enter__(self) -> Self:
        self.elsewhere.__enter__()
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, trace)
        self.elsewhere.__exit__(kind, error, trace)
