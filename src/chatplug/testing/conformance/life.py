"""Threads, event loops, cancellation, and readers that leave: whatever happens while a call is under way."""

# ruff: noqa: D102  # A test's name is its documentation.
from __future__ import annotations

import asyncio
import gc
import threading
import warnings
from itertools import zip_longest
from typing import Any, ClassVar

from chatplug.language_models import BaseChatModel
from chatplug.messages import AIMessageChunk
from chatplug.testing.conformance.blocking import watched
from chatplug.testing.conformance.part import Part, added_up, fault
from chatplug.testing.conformance.way import ASYNC, PATIENCE, SYNC, Way
from chatplug.testing.recording_handler import RecordingHandler

__all__ = ["Concurrency", "Endings"]

_AT_ONCE = 8
_ALONE = "Keep the state of a call in local variables or in an object of its own; one model serves many calls at once."


class Concurrency(Part):
    """Several calls of one model, side by side."""

    group: ClassVar[str] = "concurrency"

    def test_several_threads_may_ask_one_model_at_once(self, model: BaseChatModel, way: Way) -> None:
        prompts = [self.prompt, self.other_prompt]
        expected = [self.answer(way, model, prompt).text for prompt in prompts]
        got: dict[int, str] = {}
        failed: list[BaseException] = []
        ready = threading.Barrier(_AT_ONCE)

        def ask(number: int) -> None:
            try:
                ready.wait(PATIENCE)
                got[number] = added_up(self.chunks(way, model, prompts[number % 2])).text
            except BaseException as error:  # noqa: BLE001  # told below
                failed.append(error)

        threads = [threading.Thread(target=ask, args=(number,), daemon=True) for number in range(_AT_ONCE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)

        if failed:
            fault(f"{len(failed)} of {_AT_ONCE} threads that asked at once failed: {failed[0]!r}.", _ALONE)
        if len(got) < _AT_ONCE:
            fault(f"{_AT_ONCE - len(got)} of {_AT_ONCE} threads got no answer within {PATIENCE:g} s.", _ALONE)
        if self.repeatable and any(text != expected[number % 2] for number, text in got.items()):
            fault(f"Threads that asked at once got {sorted(set(got.values()))}, and alone {expected}.", _ALONE)

    def test_streams_side_by_side_keep_apart(self, model: BaseChatModel, way: Way) -> None:
        prompts = [self.prompt, self.other_prompt]
        expected = [self.answer(way, model, prompt).text for prompt in prompts]

        streams = _side_by_side(model, prompts) if way is SYNC else asyncio.run(_aside_by_side(model, prompts))

        texts = [added_up(chunks).text for chunks in streams]
        if self.repeatable and texts != expected:
            fault(f"Two streams that were read in turn gave {texts}, and alone {expected}.", _ALONE)

    def test_one_model_answers_in_one_event_loop_after_the_other(self, model: BaseChatModel) -> None:
        for _ in range(2):  # each call has a loop of its own
            self.answer(ASYNC, model)
            self.chunks(ASYNC, model)

    def test_a_synchronous_call_works_inside_a_running_loop(self, model: BaseChatModel) -> None:
        async def ask() -> None:
            self.answer(SYNC, model)
            self.chunks(SYNC, model)

        try:
            asyncio.run(ask())
        except RuntimeError as error:
            fault(
                f"A synchronous call inside a running event loop failed: {error!r}.",
                "Write _generate without asyncio.run; it is called from notebooks and servers, where a loop runs.",
            )


class Endings(Part):
    """How a call ends before its time, and what it does to the event loop meanwhile."""

    group: ClassVar[str] = "cancellation"

    def test_the_event_loop_is_not_kept_waiting(self, model: BaseChatModel) -> None:
        async def ask() -> list[str]:
            await model.ainvoke(self.prompt)  # the first call may import and read files
            with watched() as seen:
                await model.ainvoke(self.other_prompt)
                async for _ in model.astream(self.other_prompt):
                    pass
            return seen

        seen = asyncio.run(ask())

        if seen:
            fault(
                f"An asynchronous call keeps the event loop waiting: {'; '.join(sorted(set(seen)))}.",
                "Await instead: asyncio.sleep, an asynchronous client. Or leave _agenerate and _astream out: the host "
                "then calls _generate and _stream in a worker thread.",
            )

    def test_a_cancelled_call_is_cancelled(self, model: BaseChatModel) -> None:
        _expect_cancelled("_agenerate", asyncio.run(_cancelled(model, self.prompt, streams=False)))

    def test_a_cancelled_stream_is_cancelled(self, model: BaseChatModel) -> None:
        _expect_cancelled("_astream", asyncio.run(_cancelled(model, self.prompt, streams=True)))

    def test_a_stream_may_be_left_early(self, model: BaseChatModel, way: Way) -> None:
        raised: list[object] = []
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                way.leave(model, self.prompt)
            except RuntimeError as error:
                raised.append(error)
            gc.collect()

        told = [*raised, *(str(one.message) for one in warned if issubclass(one.category, ResourceWarning))]
        if told:
            fault(
                f"A stream was closed after its first chunk, and {way.pieces} did not end well: {told[0]}.",
                "Let GeneratorExit pass (`except Exception` does, a bare `except` does not), yield nothing in "
                "`finally`, and close what was opened.",
            )

    def test_a_model_answers_after_a_stream_was_left(self, model: BaseChatModel, way: Way) -> None:
        before = self.answer(way, model).text
        for _ in range(3):
            way.leave(model, self.prompt)

        after = self.answer(way, model).text

        if self.repeatable and after != before:
            fault(f"The model answered {before!r}, and after a stream that was left early {after!r}.", _ALONE)


def _side_by_side(model: BaseChatModel, prompts: list[str]) -> list[list[AIMessageChunk]]:
    turns = zip_longest(*[model.stream(prompt) for prompt in prompts])
    return [[chunk for chunk in stream if chunk is not None] for stream in zip(*turns, strict=True)]


async def _aside_by_side(model: BaseChatModel, prompts: list[str]) -> list[list[AIMessageChunk]]:
    async def read(prompt: str) -> list[AIMessageChunk]:
        chunks: list[AIMessageChunk] = []
        async for chunk in model.astream(prompt):
            chunks.append(chunk)
            await asyncio.sleep(0)
        return chunks

    return list(await asyncio.gather(*map(read, prompts)))


async def _cancelled(model: BaseChatModel, prompt: str, *, streams: bool) -> tuple[Any, RecordingHandler]:
    """What becomes of a call that is cancelled while it waits for the first time; None where it never waits."""
    handler = RecordingHandler()

    async def call() -> object:
        if not streams:
            return await model.ainvoke(prompt, {"callbacks": [handler]})
        return [chunk async for chunk in model.astream(prompt, {"callbacks": [handler]})]

    task = asyncio.create_task(call())
    for _ in range(1_000):
        await asyncio.sleep(0)
        if task.done() or "on_chat_model_start" in handler.names:
            break
    if task.done():
        await task
        return None, handler
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=PATIENCE)
    if not done:
        return f"goes on for more than {PATIENCE:g} s", handler
    if task.cancelled():
        return "cancelled", handler
    error = task.exception()
    return (f"raised {error!r}" if error is not None else "gave its answer all the same"), handler


def _expect_cancelled(method: str, outcome: tuple[Any, RecordingHandler]) -> None:
    what, handler = outcome
    if what is None:
        return  # it answers without ever waiting, so nobody can cancel it
    if what != "cancelled":
        fault(
            f"A call was cancelled while {method} was waiting, and it {what}.",
            "Let asyncio.CancelledError pass: catch `Exception`, not `BaseException`, and raise it again after "
            "cleaning up.",
        )
    statuses = [run.status for run in handler.runs]
    if statuses != ["cancelled"]:
        fault(f"The run of a cancelled call ended as {statuses}.", "Let asyncio.CancelledError pass as it is.")
