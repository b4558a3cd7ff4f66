"""What real providers answered, read whole: every recording, at every way of splitting its bytes.

The expected message is folded here by hand from the raw JSON, with none of the code under test.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chatplug_openai_compat.decode import decode_answer
from chatplug_openai_compat.errors import error_from_answer, error_from_event
from chatplug_openai_compat.json_text import read_json
from chatplug_openai_compat.model import ChatOpenAICompat
from chatplug_openai_compat.stream import StreamReader

from chatplug.messages import AIMessage, AIMessageChunk, message_chunk_to_message
from tools.recordings import load

SPLITS = ["whole", "event", "line", "bytes:1", "bytes:7", "random:1", "random:2:512", "utf8"]
ENDS_IN_AN_ERROR = {
    "groq.chat-stream.tool-use-failed-error-streaming-with-text.0.bffc60e8": "an error object in the stream",
    "openrouter.chat-stream.openrouter-stream-error.0.8e733830": "an error beside a choice, after a finish reason",
    "azure.chat-plain.prompt-content-filtering.0.68c15728": "an error object with status 200",
}

pytestmark = pytest.mark.recordings


@pytest.fixture(scope="module")
def replay(recordings: Path) -> Any:
    return load(recordings)


@pytest.fixture(scope="module")
def answers(replay: Any) -> list[Any]:
    """Every chat answer of success."""
    found = replay.load(where={"endpoint": "chat", "status": 200})
    return [rec for rec in found.values() if rec.id not in ENDS_IN_AN_ERROR]


def events_of(data: bytes) -> Iterator[Any]:
    text = data.decode().replace("\r\n", "\n").replace("\r", "\n")
    for block in text.split("\n\n"):
        payload = "\n".join(line[5:].removeprefix(" ") for line in block.split("\n") if line.startswith("data:"))
        if payload and payload != "[DONE]":
            yield json.loads(payload)


def thought(content: Any, beside: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Text and what stands beside it, after reasoning between tags is taken out of the text."""
    found = re.fullmatch(r"\s*<think>(.*?)</think>\s*(.*)", content, re.DOTALL) if isinstance(content, str) else None
    return (found[2], {**beside, "reasoning_content": found[1]}) if found else (content, beside)


WORDS = {"eos": "stop"}


def some(value: Any, else_: Any = ()) -> Any:
    return value or else_


def usage_of(usage: Any) -> tuple[int, int] | None:
    return (usage["prompt_tokens"], usage["completion_tokens"]) if usage and "prompt_tokens" in usage else None


def expected_of_stream(data: bytes) -> dict[str, Any]:
    content: Any = ""
    beside: dict[str, str] = {}
    calls: list[Any] = []
    finish: Any = None
    usage: Any = None
    identity: Any = None
    for event in events_of(data):
        identity = identity or event.get("id")
        usage = event.get("usage") or usage
        for choice in some(event.get("choices")):
            if choice.get("index", 0) != 0:
                continue
            finish = choice.get("finish_reason") or finish
            delta: Any = some(choice.get("delta"), {})
            piece: Any = delta.get("content")
            if isinstance(piece, str):
                if isinstance(content, str):
                    content += piece
                elif piece and isinstance(content[-1], str):
                    content[-1] += piece
                elif piece:
                    content.append(piece)
            elif piece:
                content = [content] if isinstance(content, str) and content else content or []
                for block in piece:
                    is_thought = block["type"] == "thinking" and isinstance(block["thinking"], list)
                    if is_thought and content and content[-1]["type"] == "thinking":
                        content[-1]["thinking"] += block["thinking"]
                    else:
                        content.append(block)
            for name in ("reasoning_content", "reasoning", "refusal"):
                if delta.get(name):
                    beside[name] = beside.get(name, "") + delta[name]
            for fragment in some(delta.get("tool_calls")):
                function: Any = some(fragment.get("function"), {})
                same = [
                    call
                    for call in calls
                    if call["index"] == fragment.get("index") and fragment.get("id") in (None, "", call["id"])
                ]
                if not same:
                    calls.append({"index": fragment.get("index"), "id": fragment.get("id"), "name": "", "text": ""})
                    same = calls[-1:]
                same[-1]["name"] = same[-1]["name"] or function.get("name") or ""
                same[-1]["text"] += function.get("arguments") or ""
    content, beside = thought(content, beside)
    return {
        "content": content,
        "beside": beside,
        "calls": [(call["name"], json.loads(call["text"] or "{}"), call["id"]) for call in calls],
        "finish": WORDS.get(finish, finish),
        "usage": usage_of(usage),
        "id": identity or None,
    }


def expected_of_body(body: Any) -> dict[str, Any]:
    choice = body["choices"][0]
    message: Any = some(choice.get("message"), {})
    calls: list[Any] = [call for call in some(message.get("tool_calls")) if "function" in call]
    beside = {name: message[name] for name in ("reasoning_content", "reasoning", "refusal") if message.get(name)}
    content, beside = thought(message.get("content") or "", beside)
    return {
        "content": content,
        "beside": beside,
        "calls": [
            (call["function"]["name"], json.loads(call["function"]["arguments"] or "{}"), call["id"]) for call in calls
        ],
        "finish": WORDS.get(choice.get("finish_reason"), choice.get("finish_reason")),
        "usage": usage_of(body.get("usage")),
        "id": body.get("id") or None,
    }


def read(message: AIMessage) -> dict[str, Any]:
    usage = message.usage_metadata
    beside = message.additional_kwargs
    return {
        "content": message.content,
        "beside": {name: beside[name] for name in ("reasoning_content", "reasoning", "refusal") if name in beside},
        "calls": [(call["name"], call["args"], call["id"]) for call in message.tool_calls],
        "finish": message.response_metadata.get("finish_reason"),
        "usage": (usage["input_tokens"], usage["output_tokens"]) if usage else None,
        "id": message.id,
    }


def streamed(pieces: list[bytes]) -> AIMessage:
    reader = StreamReader("recorded", error_from_event, think_tags=True)
    chunks: list[AIMessageChunk] = [chunk for piece in pieces for chunk in reader.feed(piece)]
    chunks += reader.end()
    total = message_chunk_to_message(sum(chunks[1:], chunks[0]))
    assert isinstance(total, AIMessage)
    return total


def test_every_whole_answer_reads_into_the_message_that_its_body_says(answers: list[Any]) -> None:
    plain = [rec for rec in answers if rec.kind == "body"]

    for rec in plain:
        result = decode_answer(read_json(rec.data), "recorded", think_tags=True)

        message = result.generations[0].message
        assert isinstance(message, AIMessage)
        assert read(message) == expected_of_body(rec.doc["response"]["body"]), rec.id
        assert len(result.generations) == len(rec.doc["response"]["body"]["choices"]), rec.id
    assert len(plain) > 400


@pytest.mark.parametrize("split", SPLITS)
def test_every_stream_reads_into_the_message_that_its_events_say_at_any_split(answers: list[Any], split: str) -> None:
    streams = [rec for rec in answers if rec.kind == "sse"]

    for rec in streams:
        message = streamed(rec.pieces(split))

        assert read(message) == expected_of_stream(rec.data), rec.id
    assert len(streams) > 130


def test_nothing_that_an_answer_says_of_itself_is_lost(answers: list[Any]) -> None:
    for rec in answers:
        if rec.kind != "body":
            continue
        body = rec.doc["response"]["body"]

        message = decode_answer(read_json(rec.data), "recorded").generations[0].message

        metadata = message.response_metadata
        for name in set(body) - {"id", "object", "choices", "usage", "model"}:
            assert metadata.get(name) == body[name], (rec.id, name)
        assert metadata.get("model_name") == body.get("model")
        assert metadata.get("token_usage", {}) == (some(body.get("usage"), {}))
        said: dict[str, Any] = some(body["choices"][0].get("message"), {})
        for name, value in said.items():
            if name not in ("content", "role", "tool_calls") and value not in (None, [], ""):
                assert message.additional_kwargs[name] == value, (rec.id, name)


def test_every_refused_request_ends_in_an_error_with_the_providers_words(replay: Any) -> None:
    refused = [rec for rec in replay.load(where={"endpoint": "chat"}).values() if rec.status != 200]

    for rec in refused:
        error = error_from_answer(rec.status, rec.headers, rec.data, "http://127.0.0.1/v1/chat/completions")

        body = rec.doc["response"].get("body", {})
        told = body.get("error", body)
        assert error.status == rec.status
        assert told["message"].rstrip(".") in str(error), rec.id
    assert len(refused) > 10


def test_an_error_object_where_an_answer_should_be_is_an_error_of_its_own_class(replay: Any) -> None:
    for rec in replay.load(where={"endpoint": "chat", "status": 200}).values():
        if rec.id not in ENDS_IN_AN_ERROR:
            continue
        if rec.kind == "sse":
            with pytest.raises(Exception, match=r"Tool choice is required|Token limit reached"):
                streamed([rec.data])
        else:
            assert type(error_from_event(read_json(rec.data))).__name__ == "ContentFilterError"


@pytest.mark.parametrize("split", ["event", "random:3", "utf8"])
def test_replayed_over_http_a_stream_and_a_whole_answer_are_the_same_as_read_from_the_file(
    replay: Any, split: str
) -> None:
    where = {"provider": "openai", "endpoint": "chat", "status": 200}
    with replay.Replay(where=where, split=split) as server:
        for number, rec in enumerate(server.recordings.values()):
            if rec.kind not in ("body", "sse") or (rec.kind == "body" and number % 4):
                continue
            model = ChatOpenAICompat(model=rec.model, base_url=server.base_url(rec.id))

            if rec.kind == "sse":
                chunks = list(model.stream("anything"))
                message = message_chunk_to_message(sum(chunks[1:], chunks[0]))
                assert isinstance(message, AIMessage)
                assert read(message) == expected_of_stream(rec.data), rec.id
            else:
                assert read(model.invoke("anything")) == expected_of_body(rec.doc["response"]["body"]), rec.id
