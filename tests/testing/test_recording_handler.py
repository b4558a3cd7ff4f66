"""`RecordingHandler` keeps what it hears."""

from __future__ import annotations

import asyncio

import pytest

import chatplug
from chatplug.callbacks import BaseCallbackHandler
from chatplug.testing import RecordingHandler


def test_it_keeps_every_event_of_a_stream_in_order() -> None:
    handler = RecordingHandler()

    list(chatplug.init("echo:n2").stream("Meow!", {"callbacks": [handler]}))

    assert handler.names[0] == "on_chat_model_start"
    assert handler.names[-2:] == ["on_llm_end", "on_run_end"]
    assert "".join(handler.tokens) == "Me"
    assert [run.status for run in handler.runs] == ["ok"]


def test_it_hears_asynchronous_calls_alike() -> None:
    handler = RecordingHandler()

    asyncio.run(chatplug.init("echo:n2").ainvoke("Meow!", {"callbacks": [handler]}))

    assert handler.names == ["on_chat_model_start", "on_llm_end", "on_run_end"]


def test_it_hears_the_chunks_of_an_invoked_model_if_it_wants_them() -> None:
    handler = RecordingHandler(wants_streaming=True)

    chatplug.init("echo:n2").invoke("Meow!", {"callbacks": [handler]})

    assert "".join(handler.tokens) == "Me"


def test_it_defines_whatever_a_handler_can_hear() -> None:
    events = [name for name in vars(BaseCallbackHandler) if name.startswith("on_")]

    assert [name for name in events if name not in vars(RecordingHandler)] == []


def test_only_gives_the_one_event_and_complains_of_none_or_several() -> None:
    handler = RecordingHandler()
    handler.on_llm_end("first", run_id=1)  # type: ignore[arg-type]  # any arguments are kept

    assert handler.only("on_llm_end").args == ("first",)
    with pytest.raises(AssertionError, match=r"on_text was heard 0 times; heard were on_llm_end\."):
        handler.only("on_text")
    handler.clear()
    with pytest.raises(AssertionError, match="heard were no events"):
        handler.only("on_llm_end")
