"""How streams and calls end: read, left, failed and cancelled."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from chatplug.errors import ProviderError, StreamBrokenError
from chatplug.messages import AIMessageChunk
from tests.language_models.models import STREAMING, Driver, Gives, Pieces, PiecesNative, WholeNative, both


@both
@pytest.mark.parametrize("kind", STREAMING)
@pytest.mark.parametrize("at_most", [1, 2])
def test_abandoning_a_stream_closes_its_source_at_once(kind: type[Pieces], at_most: int, driver: Driver) -> None:
    model = kind()

    chunks = driver.stream(model, "cat", at_most=at_most)

    assert len(chunks) == at_most
    assert model.closed == ["GeneratorExit"]


@both
@pytest.mark.parametrize("kind", STREAMING)
def test_a_stream_that_is_read_to_its_end_is_closed_by_itself(kind: type[Pieces], driver: Driver) -> None:
    model = kind()

    driver.stream(model, "cat")

    assert model.closed == ["end"]


def test_a_stream_that_nobody_reads_asks_nobody() -> None:
    model = Pieces()

    model.stream("cat")
    model.astream("cat")

    assert model.heard == []


class Breaks(PiecesNative):
    """Breaks in mid-stream."""

    error: Any

    def pieces(self, text: str) -> Iterator[Any]:
        yield AIMessageChunk(text[:1], id="msg_1")
        yield AIMessageChunk(text[1:2], response_metadata={"x": 1})
        raise self.error


@both
def test_an_error_in_mid_stream_carries_what_had_arrived(driver: Driver) -> None:
    model = Breaks(error=StreamBrokenError("It broke."))

    with pytest.raises(StreamBrokenError) as caught:
        driver.stream(model, "cat")

    assert caught.value is model.error
    assert caught.value.partial == AIMessageChunk("ca", id="msg_1", response_metadata={"x": 1})
    assert (caught.value.provider, caught.value.model) == ("test", "whole-1")
    assert model.closed == ["StreamBrokenError"]


@both
def test_an_error_that_brings_its_own_partial_keeps_it(driver: Driver) -> None:
    error = ProviderError("It broke.", partial=AIMessageChunk("own"), provider="other")

    with pytest.raises(ProviderError) as caught:
        driver.stream(Breaks(error=error), "cat")

    assert caught.value.partial == AIMessageChunk("own")
    assert caught.value.provider == "other"


@both
def test_an_error_before_anything_arrived_has_no_partial(driver: Driver) -> None:
    def fail() -> Any:
        raise ProviderError("No.")

    for ask in (driver.invoke, driver.stream):
        with pytest.raises(ProviderError) as caught:
            ask(Gives(given=fail), "cat")
        assert caught.value.partial is None
        assert caught.value.provider == "test"


@both
def test_an_exception_that_is_not_ours_reaches_the_caller_as_it_is(driver: Driver) -> None:
    with pytest.raises(KeyError, match="mine"):
        driver.stream(Breaks(error=KeyError("mine")), "cat")


@both
def test_an_exception_that_is_not_ours_has_a_note_of_where_it_came_from_and_of_what_had_arrived(driver: Driver) -> None:
    error = KeyError("mine")

    for _ in range(2):
        with pytest.raises(KeyError):
            driver.stream(Breaks(error=error), "cat")
    with pytest.raises(ZeroDivisionError) as caught:
        driver.invoke(Gives(given=lambda: 1 / 0), "cat")

    assert error.__notes__ == ["chatplug: test:whole-1; what had arrived: 2 characters"]
    assert caught.value.__notes__ == ["chatplug: test:whole-1"]


@pytest.mark.parametrize("is_stream", [True, False])
def test_cancelling_a_task_ends_its_call_at_once(is_stream: bool) -> None:
    ended: list[str] = []

    class Waits(WholeNative):
        async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
            await self.wait()

        async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            yield AIMessageChunk("a")
            await self.wait()

        async def wait(self) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise

    async def read() -> None:
        if is_stream:
            async for _ in Waits().astream("x"):
                pass
        else:
            await Waits().ainvoke("x")

    async def call() -> None:
        task = asyncio.create_task(read())
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 10)

    asyncio.run(call())

    assert ended == ["cancelled"]


def test_cancelling_a_stream_that_waits_for_a_thread_closes_the_source_when_the_thread_is_done() -> None:
    began, go_on, closed = threading.Event(), threading.Event(), threading.Event()

    class Slow(Pieces):
        def pieces(self, text: str) -> Iterator[Any]:
            try:
                began.set()
                assert go_on.wait(10)
                yield AIMessageChunk("a")
                yield AIMessageChunk("b")
            finally:
                closed.set()

    async def read() -> None:
        async for _ in Slow().astream("x"):
            pass

    async def call() -> None:
        task = asyncio.create_task(read())
        assert await asyncio.to_thread(began.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 10)
        assert not closed.is_set()
        go_on.set()

    asyncio.run(call())

    assert closed.wait(10)
