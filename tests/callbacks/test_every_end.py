"""A run ends exactly once for each handler that has heard its start, whatever the other handlers do."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from chatplug.callbacks.dispatch import adispatch, dispatch
from chatplug.callbacks.tokens import Announced
from chatplug.messages import AIMessageChunk
from chatplug.outputs import ChatGenerationChunk
from tests.callbacks.recording import AsyncRecording, Failing, Recording
from tests.language_models.models import Whole

END = ["on_llm_end", "on_llm_error"]


class Interrupting(Recording):
    """Is interrupted while it hears an end."""

    def on_llm_end(self, *args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    on_llm_error = on_llm_end


def send(way: str, *args: Any, **kwargs: Any) -> None:
    if way == "sync":
        dispatch(*args, **kwargs)
    else:
        asyncio.run(adispatch(*args, **kwargs))


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize("event", END)
def test_every_handler_hears_the_end_before_the_first_failure_is_raised(way: str, event: str) -> None:
    first, second, last = Failing(event, raise_error=True), Failing(event, raise_error=True), Recording()

    with pytest.raises(LookupError) as caught:
        send(way, [first, second, last], event, None, run_id=uuid4())

    assert first.names == second.names == last.names == [event]
    # An end is heard in the reverse order.
    assert any(entry.locals.get("self") is second for entry in caught.traceback)


@pytest.mark.parametrize("event", END)
def test_every_handler_hears_the_end_before_an_interrupt_goes_on(event: str) -> None:
    last = Recording()

    with pytest.raises(KeyboardInterrupt):
        dispatch([Failing(event, raise_error=True), Interrupting(), last], event, None, run_id=uuid4())

    assert last.names == [event]


def test_the_others_hear_the_end_when_the_task_is_cancelled_while_one_takes_its_time() -> None:
    last = AsyncRecording()

    class Slow(AsyncRecording):
        async def on_llm_end(self, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]  # may be async
            reached.set()
            await asyncio.sleep(60)

    async def main() -> None:
        task = asyncio.ensure_future(adispatch([Slow(), last], "on_llm_end", None, run_id=uuid4()))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    reached = asyncio.Event()
    asyncio.run(main())

    assert last.names == ["on_llm_end"]


@pytest.mark.parametrize("way", ["sync", "async"])
def test_who_has_not_heard_the_start_does_not_hear_the_end(way: str) -> None:
    before, failing, after = Recording(), Failing("on_chat_model_start", raise_error=True), Recording()
    config: Any = {"callbacks": [before, failing, after]}

    def ask() -> None:
        if way == "sync":
            Whole().invoke("Hello", config)
        else:
            asyncio.run(Whole().ainvoke("Hello", config))

    for _ in range(2):
        with pytest.raises(LookupError):
            ask()

    assert before.names == failing.names == ["on_chat_model_start", "on_llm_error"] * 2
    assert after.names == []


def test_a_run_that_began_after_a_failed_one_ends_for_everybody() -> None:
    failing, after = Failing("on_chat_model_start", raise_error=True), Recording()
    config: Any = {"callbacks": [failing, after]}
    with pytest.raises(LookupError):
        Whole().invoke("Hello", config)
    failing.at = "nothing"

    Whole().invoke("Hello", config)

    assert after.names == ["on_chat_model_start", "on_llm_end"]


def test_a_copy_of_a_chunk_that_was_announced_is_announced_once() -> None:
    announced = Announced()

    for number in range(1000):
        announced.remember(ChatGenerationChunk(message=AIMessageChunk(f"{number}")))
        assert announced.was_told(AIMessageChunk(f"{number}", id="copy"))

    assert not announced.was_told(AIMessageChunk("999"))


def test_chunks_that_were_announced_together_are_each_told_once_in_any_order() -> None:
    announced, chunks = Announced(), [AIMessageChunk("same") for _ in range(3)]
    for chunk in chunks:
        announced.remember(ChatGenerationChunk(message=chunk))

    told = [announced.was_told(chunk) for chunk in (chunks[2], chunks[0], chunks[1], chunks[0])]

    assert told == [True, True, True, False]


def test_what_is_announced_and_never_comes_is_not_kept_without_end() -> None:
    announced = Announced()

    for number in range(20_000):
        announced.remember(ChatGenerationChunk(message=AIMessageChunk(f"{number}")))
        assert not announced.was_told(AIMessageChunk("other"))

    assert len(announced) <= 10_000
