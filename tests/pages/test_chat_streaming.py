"""The loops of LangChain's page "How to stream chat model responses", over a model that answers from a script."""

from __future__ import annotations

import pytest

from chatplug.messages import AIMessage
from chatplug.testing import FakeChatModel

SONG = "Here is a song: goldfish on the moon."


@pytest.fixture
def chat() -> FakeChatModel:
    return FakeChatModel(script=[AIMessage(SONG)] * 3)


def test_pieces_come_one_by_one(chat: FakeChatModel) -> None:
    pieces = [chunk.content for chunk in chat.stream("Write me a song about goldfish on the moon")]

    assert "".join(map(str, pieces)) == SONG
    assert len(pieces) > 2


async def test_pieces_come_one_by_one_asynchronously(chat: FakeChatModel) -> None:
    pieces = [chunk.content async for chunk in chat.astream("Write me a song about goldfish on the moon")]

    assert "".join(map(str, pieces)) == SONG
    assert len(pieces) > 2


async def test_the_loop_over_events_is_left_after_a_few(chat: FakeChatModel) -> None:
    seen: list[str] = []
    count = 0

    async for event in chat.astream_events("Write me a song about goldfish on the moon", version="v1"):
        count += 1
        if count >= 5:
            break
        seen.append(event["event"])

    assert seen == ["on_chat_model_start", *["on_chat_model_stream"] * 3]
