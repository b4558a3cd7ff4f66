"""The kit for a plugin that talks to a server: it brings the server, and what the author says is what it answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import pytest

from chatplug.language_models import BaseChatModel
from chatplug.testing.conformance.part import Part
from chatplug.testing.http_server import Exchange, LoopbackServer
from chatplug.wire import is_object

__all__ = ["Served"]


class Served(Part):
    """A model whose server is on loopback and speaks the provider's wire, as far as the author says it."""

    answer_type: ClassVar[str] = "application/json"
    """The content type of a whole answer."""
    stream_type: ClassVar[str] = "text/event-stream"
    """The content type of a stream."""

    server: LoopbackServer

    def make_model_at(self, url: str) -> BaseChatModel:
        """The model under test, with its server at this address and with a key, if it takes one.

        Args:
            url: `http://127.0.0.1:` and a port, without a slash at the end.
        """
        raise NotImplementedError(f"{type(self).__name__} has to write make_model_at(url).")

    def answer_to(self, request: Exchange) -> bytes:
        """What the provider's server answers to a request, in one piece and in its own wire format."""
        raise NotImplementedError(f"{type(self).__name__} has to write answer_to(request).")

    def stream_to(self, request: Exchange) -> Sequence[bytes]:
        """What the provider's server answers to a request for a stream, an item for each event, three or more."""
        raise NotImplementedError(f"{type(self).__name__} has to write stream_to(request).")

    def wants_stream(self, request: Exchange) -> bool:
        """Whether a request asks for a stream; by `"stream": true` in its body unless the wire says it otherwise."""
        try:
            body: Any = json.loads(request.body)
        except ValueError:
            return False
        return is_object(body) and body.get("stream") is True

    def make_model(self) -> BaseChatModel:
        """The model, with a server that does everything right."""
        return self.make_model_at(self.server.url)

    def serve(self, request: Exchange) -> None:
        """Answer a request as the provider does."""
        if not self.wants_stream(request):
            request.answer(self.answer_to(request), headers=[f"Content-Type: {self.answer_type}"])
            return
        self.begin_stream(request)
        for piece in self.stream_to(request):
            request.piece(piece)
        request.end()

    def begin_stream(self, request: Exchange) -> None:
        """Send the head of a stream."""
        request.begin(headers=[f"Content-Type: {self.stream_type}"])

    @pytest.fixture(autouse=True)
    def _server(self) -> Iterator[None]:
        with LoopbackServer(self.serve) as self.server:
            yield
