"""OpenAI's own client reads the same recordings over HTTP: on text, tool calls, usage and finish reason both agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from chatplug_openai_compat.model import ChatOpenAICompat

from chatplug.errors import ChatplugError
from chatplug.messages import AIMessage, message_chunk_to_message
from chatplug.wire import is_array
from plugins.openai_compat.tests.recorded import gateway_of_recording
from tools.recordings import load

openai = pytest.importorskip("openai")
pytestmark = pytest.mark.recordings

Said = dict[str, Any]
FAILED: Said = {"error": True}


@pytest.fixture(scope="module")
def replay(recordings: Path) -> Any:
    return load(recordings)


def text_of(content: Any) -> str:
    """The text of content in any form: a text, or parts of which some are texts."""
    if is_array(content):
        return "".join(part["text"] for part in content if part.get("type") == "text")
    return content or ""


def counted(usage: Any) -> tuple[int, int] | None:
    if usage is None or usage.prompt_tokens is None or usage.completion_tokens is None:
        return None
    return usage.prompt_tokens, usage.completion_tokens


def of_official_answer(answer: Any) -> Said:
    if not answer.choices:
        return {"text": None}
    choice = answer.choices[0]
    message = choice.message
    calls = [call for call in (message.tool_calls or ()) if call.function] if message else []
    return {
        "text": text_of(message.content if message else None),
        "calls": [(call.id, call.function.name, json.loads(call.function.arguments or "{}")) for call in calls],
        "usage": counted(answer.usage),
        "finish": choice.finish_reason,
    }


def of_official_stream(chunks: Any) -> Said:
    text, finish, usage = "", None, None
    calls: list[list[Any]] = []
    for chunk in chunks:
        usage = counted(chunk.usage) or usage
        for choice in chunk.choices or ():
            if choice.index:
                continue
            finish = choice.finish_reason or finish
            if choice.delta is None:
                continue
            text += text_of(choice.delta.content)
            for piece in choice.delta.tool_calls or ():
                known = next((call for call in reversed(calls) if call[0] == piece.index), None)
                if known is None or (piece.id and known[1] and piece.id != known[1]):
                    calls.append([piece.index, piece.id, "", ""])
                    known = calls[-1]
                known[2] = known[2] or (piece.function and piece.function.name) or ""
                known[3] += (piece.function and piece.function.arguments) or ""
    return {
        "text": text,
        "calls": [(identity, name, json.loads(arguments or "{}")) for _, identity, name, arguments in calls],
        "usage": usage,
        "finish": finish,
    }


def of_ours(message: AIMessage) -> Said:
    usage, facts = message.usage_metadata, message.response_metadata
    return {
        "text": message.text,
        "calls": [(call["id"], call["name"], call["args"]) for call in message.tool_calls],
        "usage": (usage["input_tokens"], usage["output_tokens"]) if usage else None,
        "finish": facts.get("raw_finish_reason", facts.get("finish_reason")),
    }


def asked_with_ours(rec: Any, url: str) -> Said:
    gateway = gateway_of_recording(rec).name
    # Their client knows nothing of the tags.
    model = ChatOpenAICompat(model="m", gateway=gateway, base_url=url, api_key="k", think_tags=False)  # type: ignore[arg-type]  # as a user writes it
    if rec.kind == "body":
        return of_ours(model.invoke("anything"))
    chunks = list(model.stream("anything"))
    message = message_chunk_to_message(sum(chunks[1:], chunks[0]))
    assert isinstance(message, AIMessage)
    return of_ours(message)


def asked_with_theirs(rec: Any, client: Any) -> Said:
    asked = {"model": "m", "messages": [{"role": "user", "content": "anything"}]}
    if rec.kind == "body":
        return of_official_answer(client.chat.completions.create(**asked))
    return of_official_stream(client.chat.completions.create(**asked, stream=True))


DIFFERENT = {
    "azure.chat-plain.prompt-content-filtering.0.68c15728": (
        "an error object with status 200: theirs gives a completion in which everything is None",
        (FAILED, {"text": None}),
    ),
}
"""Recordings that the two read differently: why ours is right, and what both say."""


def test_the_official_client_and_ours_say_the_same_of_every_recorded_answer(replay: Any) -> None:
    compared = 0
    different: dict[str, Any] = {}
    official = openai.OpenAI(base_url="http://127.0.0.1:9/v1", api_key="k", max_retries=0)
    with official, replay.Replay(where={"endpoint": "chat", "status": 200}) as server:
        for rec in server.recordings.values():
            url = server.base_url(rec.id)
            try:
                theirs = asked_with_theirs(rec, official.with_options(base_url=url))
            except openai.APIError:
                theirs = FAILED
            try:
                ours = asked_with_ours(rec, url)
            except ChatplugError:
                ours = FAILED

            compared += 1
            if ours != theirs:
                different[rec.id] = (ours, theirs)
    assert different == {ident: both for ident, (_, both) in DIFFERENT.items()}
    assert compared > 540
