"""How many tokens a program has used, by model; what nobody said is not zero."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from chatplug.callbacks import UsageMetadataCallbackHandler, get_usage_metadata_callback
from chatplug.messages import AIMessage, AIMessageChunk
from tests.language_models.models import Driver, Whole, WholeNative, both

USAGE: Any = {"input_tokens": 8, "output_tokens": 10, "total_tokens": 18, "input_token_details": {"cache_read": 1}}
TWICE = {"input_tokens": 16, "output_tokens": 20, "total_tokens": 36, "input_token_details": {"cache_read": 2}}


class Counts(WholeNative):
    """Says what it used, and under which name it answered."""

    answers_as: str | None = None
    usage: Any = USAGE

    @property
    def facts(self) -> dict[str, Any]:
        return {"response_metadata": {"model_name": self.answers_as} if self.answers_as else {}}

    def _generate(self, *args: Any, **kwargs: Any) -> Any:
        return AIMessage("a", usage_metadata=self.usage, **self.facts)

    async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
        return self._generate()

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        yield AIMessageChunk("a", usage_metadata=self.usage, **self.facts)
        yield AIMessageChunk("b")

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        for chunk in self._stream():
            yield chunk


@both
def test_tokens_are_added_up_by_the_name_that_the_provider_answered_with(driver: Driver) -> None:
    counted = UsageMetadataCallbackHandler()
    config: Any = {"callbacks": [counted]}

    for model in (Counts(model_name="a", answers_as="a-2024"), Counts(model_name="b")):
        driver.invoke(model, "x", config)
        driver.stream(model, "x", config)

    assert counted.usage_metadata == {"a-2024": TWICE, "b": TWICE}
    assert (counted.partial, counted.unknown) == ({}, {})


@both
def test_a_run_that_does_not_say_what_it_used_is_unknown_and_not_zero(driver: Driver) -> None:
    with get_usage_metadata_callback() as counted:
        driver.invoke(Counts(model_name="silent", usage=None), "x")
        driver.invoke(Counts(model_name="speaks"), "x")

    assert counted.usage_metadata == {"speaks": USAGE}
    assert counted.unknown == {"silent": 1}
    assert "silent" in repr(counted)


@both
def test_what_a_stream_had_said_that_was_left_early_is_counted_as_partial(driver: Driver) -> None:
    with get_usage_metadata_callback() as counted:
        driver.stream(Counts(model_name="it"), "x", at_most=1)

    assert (counted.usage_metadata, counted.partial) == ({"it": USAGE}, {"it": 1})


@both
def test_of_nested_blocks_each_counts_and_afterwards_none_does(driver: Driver) -> None:
    model = Counts(model_name="it")

    with get_usage_metadata_callback() as outer:
        driver.invoke(model, "x")
        with get_usage_metadata_callback() as inner:
            driver.invoke(model, "x")
    driver.invoke(model, "x")

    assert inner.usage_metadata == {"it": USAGE}
    assert outer.usage_metadata == {"it": TWICE}


def test_a_model_below_another_run_is_counted_once() -> None:
    class Outer(Whole):
        def _generate(self, *args: Any, **kwargs: Any) -> Any:
            return Counts(model_name="inner").invoke("x")

    with get_usage_metadata_callback() as counted:
        Outer(model_name="outer").invoke("x", {"callbacks": [counted]})

    assert {name: usage["total_tokens"] for name, usage in counted.usage_metadata.items()} == {"inner": 18, "outer": 18}


def test_threads_that_are_started_in_the_block_count_and_so_do_theirs() -> None:
    model = Counts(model_name="it")

    def nested() -> None:
        run(model.invoke)

    def run(work: Any) -> None:
        thread = threading.Thread(target=work, args=() if work is nested else ("x",))
        thread.start()
        thread.join()

    with get_usage_metadata_callback() as counted:
        run(model.invoke)
        run(nested)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(model.invoke, "xyz"))

    assert counted.usage_metadata["it"]["total_tokens"] == 5 * 18


async def test_tasks_that_are_started_in_the_block_count() -> None:
    model = Counts(model_name="it")

    with get_usage_metadata_callback() as counted:
        await asyncio.gather(*(model.ainvoke("x") for _ in range(3)), asyncio.to_thread(model.invoke, "x"))

    assert counted.usage_metadata["it"]["total_tokens"] == 4 * 18


async def test_blocks_of_tasks_that_run_at_once_count_their_own() -> None:
    async def ask(times: int) -> int:
        with get_usage_metadata_callback() as counted:
            for _ in range(times):
                await asyncio.sleep(0)
                await Counts(model_name="it").ainvoke("x")
        return counted.usage_metadata["it"]["total_tokens"]

    assert await asyncio.gather(*(ask(times) for times in (1, 2, 3))) == [18, 36, 54]


def test_what_was_counted_is_the_readers_own() -> None:
    with get_usage_metadata_callback() as counted:
        Counts(model_name="it").invoke("x")
        counted.usage_metadata["it"]["total_tokens"] = 0

    assert counted.usage_metadata == {"it": USAGE}
