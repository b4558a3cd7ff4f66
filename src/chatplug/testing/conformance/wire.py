"""Streams as a network brings them: in pieces of any size, late, cut short; and readers that leave before the end."""

# ruff: noqa: D102  # A test's name is its documentation.
from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import ClassVar

import pytest

from chatplug.errors import ChatplugError, ProviderError, ProviderTimeoutError, StreamBrokenError
from chatplug.language_models import BaseChatModel
from chatplug.testing.conformance.part import fault
from chatplug.testing.conformance.refusals import once
from chatplug.testing.conformance.served import Served
from chatplug.testing.conformance.way import PATIENCE, SYNC, Way
from chatplug.testing.http_server import Exchange, LoopbackServer

__all__ = ["Wire"]

_SOON = 5.0
"""Seconds that the server waits for what an able client does at once."""


class Wire(Served):
    """What happens to the bytes on their way, and to the connection."""

    group: ClassVar[str] = "wire"

    def pieces_of(self, request: Exchange) -> Sequence[bytes]:
        """The events of a stream, which are enough to cut it between them."""
        pieces = self.stream_to(request)
        assert len(pieces) >= 3, "stream_to has to give three events or more: an item for each."
        return pieces

    @pytest.mark.parametrize("size", [1, 7])
    def test_any_split_of_the_bytes_reads_alike(self, way: Way, size: int) -> None:
        def crumble(request: Exchange) -> None:
            data = b"".join(self.stream_to(request))
            self.begin_stream(request)
            for start in range(0, len(data), size):
                request.piece(data[start : start + size])
            request.end()

        whole = "".join(chunk.text for chunk in self.chunks(way, self.new_model()))
        with LoopbackServer(crumble) as server:
            text = "".join(chunk.text for chunk in self.chunks(way, self.make_model_at(server.url)))

        if text != whole:
            fault(
                f"A stream in pieces of {size} bytes reads {text!r}, and {whole!r} event by event.",
                "A piece of a body is no event: feed the bytes to chatplug.wire.SSEDecoder, which joins them.",
            )

    @pytest.mark.parametrize("how", ["hangs up", "ends too soon", "stops within an event"])
    def test_a_stream_that_is_cut_short_is_an_error_with_what_had_come(self, way: Way, how: str) -> None:
        def cut(request: Exchange) -> None:
            pieces = self.pieces_of(request)
            self.begin_stream(request)
            for piece in pieces[: len(pieces) // 2]:
                request.piece(piece)
            if how == "stops within an event":
                request.piece(pieces[len(pieces) // 2][:-3])
            if how == "hangs up":
                request.hang_up()
            else:
                request.end()

        with LoopbackServer(cut) as server:
            model = once(self.make_model_at(server.url))
            try:
                chunks = self.chunks(way, model)
            except ProviderError as error:
                if not isinstance(error, StreamBrokenError):
                    fault(f"A stream that {how} became {error!r}.", "Raise StreamBrokenError.")
                return
        fault(
            f"The stream {how}, and {way.pieces} gave {''.join(chunk.text for chunk in chunks)!r} as a whole answer.",
            "Know the event that ends a stream, and raise StreamBrokenError where it did not come.",
        )

    def test_a_chunk_is_handed_over_when_it_arrives(self, way: Way) -> None:
        seen = threading.Event()
        was_seen: list[bool] = []

        def dawdle(request: Exchange) -> None:
            pieces = self.pieces_of(request)
            self.begin_stream(request)
            for piece in pieces[:-1]:
                request.piece(piece)
            was_seen.append(seen.wait(_SOON))
            request.piece(pieces[-1])
            request.end()

        with LoopbackServer(dawdle) as server:
            model = self.make_model_at(server.url)
            _first_then(way, model, self.prompt, seen)

        if was_seen != [True]:
            fault(
                f"{way.pieces} gave no chunk until the whole stream had arrived.",
                "Yield while you read: use Transport.stream, not request, and do not collect events in a list.",
            )

    def test_leaving_a_stream_closes_its_connection(self, way: Way) -> None:
        left: list[bool] = []

        def watch(request: Exchange) -> None:
            self.begin_stream(request)
            try:
                for piece in self.pieces_of(request)[:-1]:
                    request.piece(piece)
            except OSError:  # the reader left sooner than that
                left.append(True)
                return
            left.append(request.client_left(_SOON))
            request.hang_up()

        with LoopbackServer(watch) as server:
            way.leave(self.make_model_at(server.url), self.prompt)
            _until(left)

        if left != [True]:
            fault(
                "A reader left a stream, and the connection stayed open: the provider goes on, and on its bill.",
                f"Open the stream in `with` inside {way.pieces}, so that GeneratorExit closes it.",
            )

    @pytest.mark.parametrize("streams", [False, True], ids=["invoke", "stream"])
    def test_cancelling_closes_the_connection(self, streams: bool) -> None:  # noqa: FBT001  # pytest gives it
        arrived = threading.Event()
        left: list[bool] = []

        def never_answer(request: Exchange) -> None:
            arrived.set()
            left.append(request.client_left(_SOON))
            request.hang_up()

        with LoopbackServer(never_answer) as server:
            outcome = asyncio.run(_cancelled(self.make_model_at(server.url), self.prompt, arrived, streams=streams))
            _until(left)

        if outcome is not None:
            fault(
                f"A call was cancelled while the server was thinking, and it {outcome}.",
                "Let asyncio.CancelledError pass, and wait with an asynchronous client.",
            )
        if left != [True]:
            fault("A call was cancelled, and its connection stayed open.", "Close it in `finally` or `async with`.")

    def test_the_event_loop_goes_on_while_the_server_thinks(self) -> None:
        arrived, went_on = threading.Event(), threading.Event()
        waited: list[bool] = []

        def think(request: Exchange) -> None:
            arrived.set()
            waited.append(went_on.wait(_SOON))
            self.serve(request)

        async def ask(model: BaseChatModel) -> None:
            task = asyncio.create_task(model.ainvoke(self.prompt))
            await _arrived(arrived, task)
            went_on.set()
            await task

        with LoopbackServer(think) as server:
            asyncio.run(ask(self.make_model_at(server.url)))

        if waited != [True]:
            fault(
                "Nothing else in the event loop could run while _agenerate waited for the server.",
                "Wait with an asynchronous client, or leave _agenerate out: the host then uses a worker thread.",
            )

    def test_a_silent_server_is_a_timeout(self, way: Way) -> None:
        with LoopbackServer(lambda request: request.hang_up() if not request.client_left(_SOON) else None) as server:
            model = self.make_model_at(server.url)
            if "timeout" not in type(model).model_fields:
                fault(
                    f"{type(model).__name__} has no setting `timeout`.",
                    "Give it one, in seconds; it is a standard setting, and users wait for ever without it.",
                )
            model = once(model.model_copy(update={"timeout": 0.2}))
            try:
                self.answer(way, model)
            except ProviderTimeoutError:
                return
            except ChatplugError as error:
                fault(f"The server was silent for longer than the timeout, and the error is {error!r}.", _TIMEOUT)
        fault("The server was silent for longer than the timeout, and there was no error.", _TIMEOUT)


_TIMEOUT = "Hand `timeout` to the transport, and raise ProviderTimeoutError."


def _first_then(way: Way, model: BaseChatModel, prompt: str, seen: threading.Event) -> None:
    """Read a stream, and say when its first chunk is there."""
    if way is SYNC:
        for _ in model.stream(prompt):
            seen.set()
        return

    async def read() -> None:
        async for _ in model.astream(prompt):
            seen.set()

    asyncio.run(read())


async def _cancelled(model: BaseChatModel, prompt: str, arrived: threading.Event, *, streams: bool) -> str | None:
    """What a call did that was cancelled while the server had its request; None where it ended as cancelled."""

    async def call() -> object:
        if not streams:
            return await model.ainvoke(prompt)
        return [chunk async for chunk in model.astream(prompt)]

    task = asyncio.create_task(call())
    await _arrived(arrived, task)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=PATIENCE)
    if not done:
        return f"went on for {PATIENCE:g} s"
    if task.cancelled():
        return None
    error = task.exception()
    return "gave an answer" if error is None else f"raised {error!r}"


async def _arrived(arrived: threading.Event, task: asyncio.Task[object]) -> None:
    """Let the loop run until the server's thread has the request."""
    while not arrived.is_set() and not task.done():  # noqa: ASYNC110  # the event is another thread's
        await asyncio.sleep(0.001)


def _until(found: list[bool]) -> None:
    """Wait for what the server's thread has to say."""
    waiting = threading.Event()
    for _ in range(int(2 * _SOON / 0.01)):
        if found:
            return
        waiting.wait(0.01)
