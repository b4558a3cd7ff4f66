"""The sections invoke, stream, batch and configuration of LangChain's page "Models", names read as chatplug's."""

from __future__ import annotations

from typing import Any

import pytest

import chatplug
from chatplug.messages import AIMessageChunk
from tests.runnables.chains import Ends

MODEL = chatplug.init("echo:n100")
QUESTIONS = ["Why do parrots have colours?", "How do planes fly?", "What is a qubit?"]


def test_a_conversation_is_dicts() -> None:
    conversation = [
        {"role": "system", "content": "You translate."},
        {"role": "user", "content": "Translate: I love programming."},
        {"role": "assistant", "content": "J'adore la programmation."},
        {"role": "user", "content": "Translate: I love building applications."},
    ]

    assert MODEL.invoke(conversation).text == "Translate: I love building applications."


def test_chunks_add_up_while_they_come() -> None:
    full: AIMessageChunk | None = None
    texts: list[str] = []
    for chunk in MODEL.stream("What colour is the sky?"):
        full = chunk if full is None else full + chunk
        texts.append(full.text)

    assert texts[:3] == ["W", "Wh", "Wha"]
    assert full is not None
    assert full.content_blocks == [{"type": "text", "text": "What colour is the sky?"}]


def test_chunks_are_read_by_their_blocks() -> None:
    found = [block for chunk in MODEL.stream("sky") for block in chunk.content_blocks]

    assert [block["type"] for block in found] == ["text"] * 3


async def test_a_model_tells_what_happens() -> None:
    told: list[str] = []
    async for event in MODEL.astream_events("Hi!"):
        if event["event"] == "on_chat_model_start":
            told.append(f"Input: {event['data']['input']}")
        elif event["event"] == "on_chat_model_stream":
            told.append(f"Token: {event['data']['chunk'].text}")
        elif event["event"] == "on_chat_model_end":
            told.append(f"Full message: {event['data']['output'].text}")

    assert told == ["Input: Hi!", "Token: H", "Token: i", "Token: !", "Token: ", "Full message: Hi!"]


def test_a_batch_gives_all_or_each_as_it_comes() -> None:
    whole = [response.text for response in MODEL.batch(QUESTIONS)]
    as_they_came = dict(MODEL.batch_as_completed(QUESTIONS))
    five = MODEL.batch(QUESTIONS * 4, config={"max_concurrency": 5})

    assert whole == QUESTIONS
    assert [as_they_came[number].text for number in range(3)] == QUESTIONS
    assert [response.text for response in five] == QUESTIONS * 4


def test_a_call_is_configured() -> None:
    my_callback_handler = Ends()

    MODEL.invoke(
        "Tell me a joke",
        config={
            "run_name": "joke_generation",
            "tags": ["humor", "demo"],
            "metadata": {"user_id": "123"},
            "callbacks": [my_callback_handler],
        },
    )

    run = my_callback_handler.named("joke_generation")
    assert (run.tags, run.metadata) == (["humor", "demo"], {"user_id": "123"})


@pytest.mark.parametrize("key", ["run_name", "tags", "metadata", "max_concurrency", "callbacks", "recursion_limit"])
def test_the_page_s_keys_are_known(key: str) -> None:
    values: dict[str, Any] = {"run_name": "a", "tags": ["a"], "metadata": {}, "callbacks": []}
    config: Any = {key: values.get(key, 5)}

    assert MODEL.invoke("a", config).text == "a"
