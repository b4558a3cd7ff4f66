"""What real clients sent, asked for once more with chatplug: the same body, or a difference with its reason."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from chatplug_openai_compat.body_settings import BODY
from chatplug_openai_compat.gateway import Gateway, gateway_names, gateway_of
from chatplug_openai_compat.model import ChatOpenAICompat

from chatplug.messages import import_messages
from plugins.openai_compat.tests.recorded import gateway_of_recording
from tools.recordings import load

pytestmark = pytest.mark.recordings

ABSENT = "absent"
NOT_SETTINGS: Mapping[str, str] = {
    "clear_thinking": "Cerebras",
    "echo": "Together",
    "enable_thinking": "servers of Qwen's models",
    "function_call": "OpenAI, deprecated since 2023-11",
    "functions": "OpenAI, deprecated since 2023-11",
    "min_p": "Together",
    "models": "OpenRouter",
    "plugins": "OpenRouter",
    "provider": "OpenRouter",
    "reasoning": "OpenRouter, Snowflake",
    "reasoning_format": "Groq",
    "repetition_penalty": "Together",
    "safe_prompt": "Mistral",
    "safety_model": "Together",
    "thinking": "DeepSeek, Z.AI",
    "top_k": "OpenRouter, Together",
    "transforms": "OpenRouter",
    "usage": "OpenRouter",
}
"""Fields of one provider's own, which go by `extra_body`."""


@pytest.fixture(scope="module")
def replay(recordings: Path) -> Any:
    return load(recordings)


def same_json(recorded: Any, sent: Any) -> bool:
    return isinstance(recorded, str) and isinstance(sent, str) and json.loads(recorded or "{}") == json.loads(sent)


# Each difference that is right, with its reason: the provider, the place, and a test of both values.
RIGHT: list[tuple[str, str, str, Callable[[Any, Any], bool]]] = [
    (
        "beside tool calls an empty content is null; clients also write '' or [], or leave it out",
        r"\w+",
        r"/messages/\d+/content",
        lambda recorded, sent: sent is None and recorded in ("", [], ABSENT),
    ),
    (
        "arguments are the same JSON, written without spaces",
        r"\w+",
        r"/messages/\d+/tool_calls/\d+/function/arguments",
        same_json,
    ),
    (
        "a field of a message that is null, and an empty list of calls, say what their absence says",
        r"\w+",
        r"/messages/\d+/\w+",
        lambda recorded, sent: sent is ABSENT and recorded in (None, []),
    ),
    (
        "no tools say what their absence says",
        "huggingface",
        "/tools",
        lambda recorded, sent: sent is ABSENT and recorded == [],
    ),
    (
        "Groq's documentation takes no n but 1, so it is never sent",
        "groq",
        "/n",
        lambda recorded, sent: sent is ABSENT and recorded == 1,
    ),
    (
        "an address with the deployment in it needs no model; here one is always named",
        "azure_openai",
        "/model",
        lambda recorded, sent: recorded is ABSENT and sent == "-",
    ),
    (
        "OpenAI has deprecated max_tokens, and its reasoning models refuse it",
        "openai|azure_openai",
        "/max_tokens",
        lambda recorded, sent: isinstance(recorded, int) and sent is ABSENT,
    ),
    (
        "OpenAI has deprecated max_tokens: this takes its place",
        "openai|azure_openai",
        "/max_completion_tokens",
        lambda recorded, sent: recorded is ABSENT and isinstance(sent, int),
    ),
    (
        "Ollama's documentation has no tool_choice, and a recorded answer took no notice of it",
        "ollama",
        "/tool_choice",
        lambda recorded, sent: sent is ABSENT,
    ),
    (
        "Mistral takes both words for the same",
        "mistral",
        "/tool_choice",
        lambda recorded, sent: (recorded, sent) == ("any", "required"),
    ),
    (
        "one text to stop at is a list of one",
        r"\w+",
        "/stop",
        lambda recorded, sent: sent == [recorded],
    ),
]


def reason(gateway: Gateway, difference: Mapping[str, Any]) -> str | None:
    recorded, sent = difference.get("recorded", ABSENT), difference.get("sent", ABSENT)
    return next(
        (
            why
            for why, name, place, is_right in RIGHT
            if re.fullmatch(name, gateway.name) and re.fullmatch(place, difference["at"]) and is_right(recorded, sent)
        ),
        None,
    )


def asked_again(request: Mapping[str, Any], gateway: Gateway) -> tuple[Any, set[str]]:
    """The body that chatplug sends for the same conversation and settings, and the fields that have no setting."""
    ours = {theirs: name for name, theirs in gateway.names.items()}
    given = {ours.get(name, name): value for name, value in request.items()}
    settings = {name: given[name] for name in BODY if name in given}
    elsewhere = {"messages", "model", "stop", "stream"}
    more = {name: value for name, value in given.items() if name not in settings and name not in elsewhere}
    model = ChatOpenAICompat(
        model=given.get("model") or "-",
        gateway=gateway.name,
        base_url="http://127.0.0.1:9/v1",
        stop=given.get("stop"),
        extra_body=more or None,
        on_unsupported="allow",
        on_loss="raise",
        **settings,
    )
    messages = import_messages(given["messages"], "openai", provider=gateway.name)
    exchange = model._exchange(messages, model.stop, {}, stream=bool(given.get("stream")))
    return json.loads(exchange.request.body or b""), set(more)


def test_every_recorded_request_is_sent_as_the_real_client_sent_it(replay: Any) -> None:
    requests = [rec for rec in replay.load(where={"endpoint": "chat"}).values() if rec.request]
    reasons: Counter[str] = Counter()
    without_setting: set[str] = set()
    exact = 0

    for rec in requests:
        gateway = gateway_of_recording(rec)
        sent, more = asked_again(rec.request, gateway)

        found = list(replay.differences(replay.normalise(rec.request), replay.normalise(sent)))
        explained = [reason(gateway, difference) for difference in found]
        assert None not in explained, (rec.id, found)
        reasons.update(filter(None, explained))
        without_setting |= more
        exact += not found
    assert len(requests) >= 550
    assert exact >= 418
    assert set(reasons) == {why for why, *_ in RIGHT}, "a reason that no recording needs any more"
    assert without_setting == set(NOT_SETTINGS), "a field of a request that has no setting, or a reason too many"


def test_a_stream_asks_for_its_tokens_as_real_clients_do(replay: Any) -> None:
    asked: Counter[str] = Counter()
    for rec in replay.load(where={"endpoint": "chat", "feature": "in:include_usage"}).values():
        gateway = gateway_of_recording(rec)
        if gateway.usage == "stream_options":
            sent, _ = asked_again(rec.request, gateway)
            assert sent["stream_options"] == rec.request["stream_options"], rec.id
            asked[gateway.name] += 1
    assert sum(asked.values()) > 90


def test_tokens_that_are_not_asked_for_come_unasked_from_those_whose_row_says_so(replay: Any) -> None:
    seen: Counter[str] = Counter()
    for rec in replay.load(where={"endpoint": "chat", "status": 200, "stream": True}).values():
        gateway = gateway_of_recording(rec)
        if gateway.usage == "unasked" and "stream_options" not in (rec.request or {}):
            assert b'"usage":{' in rec.data.replace(b" ", b""), rec.id
            seen[gateway.name] += 1
    assert set(seen) == {name for name in gateway_names() if gateway_of(name).usage == "unasked"}


def test_real_clients_asked_at_the_address_that_the_row_says(replay: Any) -> None:
    asked: dict[str, set[str]] = {}
    for rec in replay.load(where={"endpoint": "chat"}).values():
        request = rec.doc["request"]
        asked.setdefault(gateway_of_recording(rec).name, set()).add(f"{request['host']}{request['path']}")
    known = {name: gateway_of(name) for name in asked if gateway_of(name).base_url}

    for name, gateway in known.items():
        model = ChatOpenAICompat(model="m", gateway=name, api_key="k")  # type: ignore[arg-type]  # as a user writes it
        parts = urlsplit(model.common.url)
        if parts.hostname == "127.0.0.1":
            assert any(where.endswith(parts.path) for where in asked[name]), (gateway.name, asked[name])
        else:
            assert f"{parts.hostname}{parts.path}" in asked[name], (gateway.name, asked[name])
    assert len(known) >= 13


def test_the_headers_with_rate_limits_and_the_requests_name_are_where_the_row_says(replay: Any) -> None:
    limits: dict[str, set[str]] = {}
    named: dict[str, bool] = {}
    for rec in replay.load(where={"endpoint": "chat"}).values():
        gateway = gateway_of_recording(rec)
        told = [name for name in rec.headers if "remaining" in name]
        if told:
            patterns = [pattern.replace("*", "remaining") for pattern in gateway.rate_limits.values()]
            limits.setdefault(gateway.name, set()).update(set(patterns) & set(told))
        named[gateway.name] = named.get(gateway.name, False) or gateway.request_id in rec.headers
    assert {name for name, found in limits.items() if len(found) == 2} >= {"azure_openai", "groq", "mistral", "openai"}
    assert {name for name, found in named.items() if found} >= {
        "azure_openai",
        "deepseek",
        "groq",
        "mistral",
        "ollama",
        "openai",
        "together",
    }


def test_reasoning_is_where_the_row_says(replay: Any) -> None:
    seen: dict[str, set[str]] = {}
    for rec in replay.load(where={"endpoint": "chat", "status": 200}).values():
        gateway = gateway_of_recording(rec)
        told_by: list[Any] = [rec.doc["response"]["body"]] if rec.kind == "body" else [*events_of(rec.data)]
        for event in told_by:
            choices: list[Any] = event.get("choices") or []
            for choice in choices:
                parts: dict[str, Any] = choice.get("message") or choice.get("delta") or {}
                fields = {name for name in REASONING if parts.get(name)}
                seen.setdefault(gateway.name, set()).update(fields)
                if str(parts.get("content") or "").lstrip().startswith("<think>"):
                    assert gateway.think_tags, rec.id

    told = {name: found for name, found in seen.items() if found}
    unexpected = {name: found - set(gateway_of(name).reasoning) for name, found in told.items()}
    assert {name: found for name, found in unexpected.items() if found} == {}
    assert set(told) >= {"cerebras", "dashscope", "deepseek", "groq", "ollama", "openrouter", "xai", "zai"}


REASONING = ("reasoning", "reasoning_content", "reasoning_details")


def events_of(data: bytes) -> Iterator[Any]:
    for line in data.decode().splitlines():
        if line.startswith("data:") and "[DONE]" not in line:
            yield json.loads(line[5:])
