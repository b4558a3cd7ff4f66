"""What happens in a run and below it, while it happens."""

from __future__ import annotations

import asyncio
import gc
import threading
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from chatplug.callbacks import adispatch_custom_event, dispatch_custom_event
from chatplug.messages import AIMessage, AIMessageChunk
from chatplug.output_parsers import StrOutputParser
from chatplug.runnables import Runnable, RunnableGenerator, RunnableLambda, StreamEvent
from tests.language_models.models import Pieces, WholeNative
from tests.runnables.chains import Ends

MODEL = Pieces(name="model")


async def events_of(runnable: Runnable[Any, Any], given: Any, **kwargs: Any) -> list[StreamEvent]:
    return [event async for event in runnable.astream_events(given, **kwargs)]


def in_short(events: list[StreamEvent]) -> list[str]:
    """Each event as `name start`; what comes several times in a row once."""
    told = [f"{event['name']} {event['event'].rpartition('_')[2]}" for event in events]
    return [one for before, one in zip([None, *told], told, strict=False) if one != before]


async def test_a_model_begins_streams_and_ends() -> None:
    events = await events_of(MODEL, "cat", version="v1")

    assert [event["event"] for event in events[:2]] == ["on_chat_model_start", "on_chat_model_stream"]
    assert events[-1]["event"] == "on_chat_model_end"
    assert all(set(event) == {"event", "run_id", "name", "tags", "metadata", "data"} for event in events)
    assert len({event["run_id"] for event in events}) == 1
    assert events[0]["data"] == {"input": "cat"}
    assert [event["data"]["chunk"].text for event in events[1:4]] == ["c", "a", "t"]
    assert set(events[-1]["data"]) == {"output"}
    assert isinstance(events[-1]["data"]["output"], AIMessageChunk)
    assert events[-1]["data"]["output"].text == "cat"


async def test_a_step_begins_before_the_one_that_reads_it() -> None:
    chain = (MODEL | StrOutputParser()).with_config(run_name="chain", tags=["t"], metadata={"m": 1})

    events = await events_of(chain, "cat")

    assert in_short(events)[:6] == [
        "chain start",
        "model start",
        "model stream",
        "StrOutputParser start",
        "StrOutputParser stream",
        "chain stream",
    ]
    assert in_short(events)[-2:] == ["StrOutputParser end", "chain end"]
    by_name = {event["name"]: event for event in events}
    assert by_name["chain"]["parent_ids"] == []
    assert by_name["model"]["parent_ids"] == [by_name["chain"]["run_id"]]
    assert by_name["model"]["tags"] == ["t", "seq:step:1"]
    assert by_name["model"]["metadata"] == {"m": 1}
    parsed = [event["event"] for event in events if event["name"] == "StrOutputParser"]
    assert (parsed[0], parsed[-1]) == ("on_parser_start", "on_parser_end")
    assert set(parsed) == {"on_parser_start", "on_parser_stream", "on_parser_end"}
    ends = {event["name"]: event["data"] for event in events if event["event"].endswith("_end")}
    assert ends["chain"] == {"output": "cat"}
    assert ends["StrOutputParser"]["output"] == "cat"
    assert ends["StrOutputParser"]["input"].text == "cat"
    assert [message.text for message in ends["model"]["input"]["messages"][0]] == ["cat"]


def ask(text: str) -> str:
    return MODEL.invoke(text).text


async def aask(text: str) -> str:
    return (await MODEL.ainvoke(text)).text


@pytest.mark.parametrize("function", [ask, aask])
async def test_a_model_that_is_only_invoked_streams(function: Any) -> None:
    events = await events_of(RunnableLambda(function, name="outer"), "cat")

    pieces = [event["data"]["chunk"].text for event in events if event["event"] == "on_chat_model_stream"]
    assert pieces[:3] == ["c", "a", "t"]
    model = next(event for event in events if event["name"] == "model")
    outer = next(event for event in events if event["name"] == "outer")
    assert model["parent_ids"] == [outer["run_id"]]
    assert events[-1]["data"] == {"output": "cat"}


async def test_a_synchronous_call_in_the_loop_itself_does_not_wait_for_its_reader() -> None:
    async def blocks(text: str) -> str:
        return MODEL.invoke(text).text

    events = await events_of(RunnableLambda(blocks), "x" * 300)

    assert sum(event["event"] == "on_chat_model_stream" for event in events) >= 300


async def test_a_batch_in_the_loop_itself_does_not_wait_for_a_reader_that_waits_for_it() -> None:
    async def blocks(text: str) -> int:
        return len(MODEL.batch([text] * 10))

    events = await events_of(RunnableLambda(blocks), "x" * 20)

    assert sum(event["event"] == "on_chat_model_stream" for event in events) >= 200


async def test_a_program_sends_events_of_its_own() -> None:
    def sends(text: str) -> str:
        dispatch_custom_event("sync", {"text": text})
        return text

    async def asends(text: str) -> str:
        await adispatch_custom_event("async", text)
        return text

    events = await events_of(RunnableLambda(sends, name="a") | RunnableLambda(asends, name="b"), "x")

    custom = [event for event in events if event["event"] == "on_custom_event"]
    assert [(event["name"], event["data"]) for event in custom] == [("sync", {"text": "x"}), ("async", "x")]
    starts = {event["name"]: event for event in events if event["event"] == "on_chain_start"}
    assert [event["run_id"] for event in custom] == [starts["a"]["run_id"], starts["b"]["run_id"]]
    assert [len(event["parent_ids"]) for event in custom] == [1, 1]


def test_an_event_that_nobody_hears_is_nothing() -> None:
    dispatch_custom_event("lone", 1)
    asyncio.run(adispatch_custom_event("lone", 1))

    assert RunnableLambda[str, None](lambda text: dispatch_custom_event("inside", text)).invoke("x") is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"include_names": ["model"]}, {"model"}),
        ({"include_types": ["parser"]}, {"StrOutputParser"}),
        ({"include_tags": ["seq:step:1"]}, {"model"}),
        ({"include_types": ["parser"], "include_names": ["model"]}, {"model", "StrOutputParser"}),
        ({"exclude_names": ["model"]}, {"RunnableSequence", "StrOutputParser"}),
        ({"exclude_types": ["chain", "parser"]}, {"model"}),
        ({"exclude_tags": ["seq:step:1"]}, {"RunnableSequence", "StrOutputParser"}),
        ({"include_names": ["model"], "exclude_types": ["chat_model"]}, set[str]()),
        ({"include_names": list[str]()}, set[str]()),
    ],
)
async def test_events_are_chosen_by_name_type_and_tag(said: dict[str, Any], expected: set[str]) -> None:
    events = await events_of(MODEL | StrOutputParser(), "cat", **said)

    assert {event["name"] for event in events} == expected


async def test_leaving_early_cancels_the_run() -> None:
    heard, begun = Ends(), asyncio.Event()

    async def waits(text: str) -> str:
        begun.set()
        await asyncio.Event().wait()
        return text

    stream = RunnableLambda(waits, name="waits").astream_events("x", {"callbacks": [heard]})
    await anext(stream)
    await begun.wait()
    await stream.aclose()  # type: ignore[attr-defined]  # a generator

    assert heard.named("waits").status == "cancelled"
    assert len(asyncio.all_tasks()) == 1


async def test_leaving_early_lets_a_thread_go_that_waits_for_its_reader() -> None:
    ended = threading.Event()

    def floods(text: str) -> str:
        for number in range(1000):
            dispatch_custom_event("n", number)
        ended.set()
        return text

    stream = RunnableLambda(floods).astream_events("x")
    for _ in range(3):
        await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]  # a generator

    assert await asyncio.to_thread(ended.wait, 20)


async def test_a_run_does_not_go_ahead_of_its_reader() -> None:
    made: list[int] = []

    async def many(pieces: AsyncIterator[str]) -> AsyncIterator[str]:
        for number in range(1000):
            made.append(number)
            yield "x"

    stream = RunnableGenerator(many).astream_events("x")
    for _ in range(5):
        await anext(stream)
    for _ in range(100):
        await asyncio.sleep(0)
    count = len(made)
    await stream.aclose()  # type: ignore[attr-defined]  # a generator

    assert count < 100


async def test_memory_does_not_grow_with_the_stream() -> None:
    def many(pieces: Iterator[str]) -> Iterator[Any]:
        for number in range(int(next(pieces))):
            yield {"n": number}  # the last one stands for all, so that the sum does not grow either

    async def most(length: int) -> int:
        gc.collect()
        tracemalloc.start()
        async for _ in RunnableGenerator(many).astream_events(str(length)):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    await most(10)

    assert await most(3000) < await most(300) + 100_000


async def test_a_failure_is_raised_after_the_events_before_it() -> None:
    def fail(text: str) -> str:
        raise LookupError("no")

    seen: list[str] = []

    async def read() -> None:
        async for event in (RunnableLambda(str.upper, name="a") | fail).astream_events("x"):
            seen.extend([f"{event['name']} {event['event']}"])

    with pytest.raises(LookupError, match="no"):
        await read()

    assert "a on_chain_end" in seen
    assert len(asyncio.all_tasks()) == 1


async def test_a_model_that_cannot_stream_has_one_piece_where_it_is_streamed() -> None:
    events = await events_of(WholeNative(), "cat")

    assert [event["event"] for event in events] == [
        "on_chat_model_start",
        "on_chat_model_stream",
        "on_chat_model_end",
    ]
    assert isinstance(events[-1]["data"]["output"], AIMessage)


async def test_events_inside_events_are_each_readers_own() -> None:
    async def inner(text: str) -> str:
        found = await events_of(MODEL, text, include_types=["chat_model"])
        return f"{len(found)}"

    events = await events_of(RunnableLambda(inner, name="outer"), "cat")

    assert int(events[-1]["data"]["output"]) >= 5
    assert {event["name"] for event in events} == {"outer", "model"}


def test_there_are_two_versions() -> None:
    with pytest.raises(ValueError, match="no version 'v3'"):
        MODEL.astream_events("x", version="v3")  # type: ignore[arg-type]  # the mistake under test
