"""What is set reaches each provider under the names of its wire, or is said to be none of it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import pytest
from chatplug_openai_compat.body_settings import OF_A_CALL
from chatplug_openai_compat.model import ChatOpenAICompat

import chatplug
from chatplug.errors import MessageError, SettingsError
from chatplug.language_models import UnsupportedSettingWarning
from plugins.openai_compat.tests.asked import HTTP, KEY, OTHER, TOOL, body_of

pytestmark = pytest.mark.usefixtures("no_variables")


def test_every_setting_of_the_official_client_is_one_here() -> None:
    openai = pytest.importorskip("openai")
    theirs = set(inspect.signature(openai.resources.chat.completions.Completions.create).parameters)
    elsewhere = {
        "self": "no setting",
        "messages": "the conversation",
        "model": "a setting of the model and of a call, but not of the body alone",
        "stop": "a setting of every model",
        "stream": "`stream` and `invoke` say it",
        "timeout": "a setting of every model",
        "metadata": "here it is of the run; the wire's goes into extra_body",
        "functions": "deprecated by OpenAI since 2023-11, tools took its place",
        "function_call": "deprecated by OpenAI since 2023-11, tool_choice took its place",
    }

    assert theirs - set(OF_A_CALL) == set(elsewhere)
    assert set(OF_A_CALL) <= (ChatOpenAICompat.call_settings or set())


SETTINGS: dict[str, Any] = {
    "temperature": 0,
    "top_p": 0.5,
    "max_tokens": 7,
    "seed": 3,
    "frequency_penalty": 0.5,
    "presence_penalty": -0.5,
    "reasoning_effort": "low",
    "tools": [TOOL],
    "tool_choice": "any",
    "response_format": {"type": "json_object"},
    "extra_body": {"top_k": 5},
}


@pytest.mark.parametrize("way", ["model", "call"])
@pytest.mark.parametrize(
    ("provider", "renamed"),
    [
        ("openai", {"max_completion_tokens": 7, "seed": 3}),
        ("mistral", {"max_tokens": 7, "random_seed": 3}),
        ("openai_compat", {"max_tokens": 7, "seed": 3}),
    ],
)
def test_settings_are_sent_under_the_names_of_the_providers_wire(
    canned: Callable[[bytes], Any], provider: str, renamed: dict[str, int], way: str
) -> None:
    given = {"call": SETTINGS} if way == "call" else SETTINGS

    body = body_of(canned(HTTP), provider, **given)

    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hello"}],
        "temperature": 0,
        "top_p": 0.5,
        "frequency_penalty": 0.5,
        "presence_penalty": -0.5,
        "reasoning_effort": "low",
        "response_format": {"type": "json_object"},
        "tool_choice": "required",
        "tools": [TOOL],
        "top_k": 5,
        **renamed,
    }


CHOICES: list[tuple[str, Any, list[Any], Any, list[Any]]] = [
    ("openai", "any", [TOOL], "required", [TOOL]),
    ("openai", "auto", [TOOL], "auto", [TOOL]),
    ("openai", "look", [TOOL, OTHER], {"type": "function", "function": {"name": "look"}}, [TOOL, OTHER]),
    ("openai", {"type": "allowed_tools"}, [TOOL], {"type": "allowed_tools"}, [TOOL]),
    ("llamacpp", "look", [TOOL, OTHER], "required", [TOOL]),
    ("llamacpp", {"type": "function", "function": {"name": "look"}}, [TOOL, OTHER], "required", [TOOL]),
    ("dashscope", "any", [TOOL], {"type": "function", "function": {"name": "look"}}, [TOOL]),
    ("zai", "auto", [TOOL], "auto", [TOOL]),
    ("ollama", "auto", [TOOL], None, [TOOL]),
]


@pytest.mark.parametrize(("provider", "choice", "tools", "sent", "offered"), CHOICES)
def test_a_choice_of_tools_is_said_as_the_provider_has_it(
    canned: Callable[[bytes], Any], provider: str, choice: Any, tools: list[Any], sent: Any, offered: list[Any]
) -> None:
    body = body_of(canned(HTTP), provider, call={"tools": tools, "tool_choice": choice})

    assert (body.get("tool_choice"), body["tools"]) == (sent, offered)


@pytest.mark.parametrize(
    ("provider", "name", "settings"),
    [
        ("groq", "logprobs", {"logprobs": True}),
        ("groq", "n", {"n": 2}),
        ("zai", "tool_choice", {"tools": [TOOL], "tool_choice": "any"}),
        ("dashscope", "tool_choice", {"tools": [TOOL, OTHER], "tool_choice": "any"}),
        ("ollama", "tool_choice", {"tools": [TOOL], "tool_choice": "look"}),
        ("cerebras", "parallel_tool_calls", {"parallel_tool_calls": False}),
    ],
)
@pytest.mark.parametrize("way", ["model", "call"])
def test_what_a_provider_refuses_is_not_sent_and_said_as_on_unsupported_wants_it(
    canned: Callable[[bytes], Any], provider: str, name: str, settings: dict[str, Any], way: str
) -> None:
    server = canned(HTTP)
    base: dict[str, Any] = {"base_url": server.base_url, "api_key": KEY}

    with pytest.raises(SettingsError, match=f"cannot honour '{name}'"):
        chatplug.init(f"{provider}:m", on_unsupported="raise", **base, **settings)
    model = chatplug.init(f"{provider}:m", on_unsupported="allow", **base, **(settings if way == "model" else {}))
    answer = model.invoke("Hello", **(settings if way == "call" else {}))

    assert answer.response_metadata["unsupported_settings"] == [name]
    assert name not in json.loads(server.requests[0].partition(b"\r\n\r\n")[2])


def test_each_provider_warns_for_itself(canned: Callable[[bytes], Any]) -> None:
    for provider in ("groq", "mistral"):
        with pytest.warns(UnsupportedSettingWarning, match="cannot honour 'top_logprobs'"):
            chatplug.init(f"{provider}:m", base_url="http://127.0.0.1:9/v1", top_logprobs=2)


def test_asking_for_what_everybody_does_anyway_is_no_reason_to_complain() -> None:
    model = chatplug.init("groq:m", base_url="http://127.0.0.1:9/v1", n=1, logprobs=False, on_unsupported="raise")

    assert model.unsupported_settings == []


def test_headers_query_and_fields_of_ones_own_are_sent_and_headers_are_kept_as_secrets(
    canned: Callable[[bytes], Any],
) -> None:
    server = canned(HTTP)
    model = chatplug.init(
        "openai_compat:m",
        base_url=f"{server.base_url}?tenant=1",
        api_key=KEY,
        extra_headers={"X-Portal-Key": "hidden-word", "accept": "text/plain"},
        extra_query={"trace": True},
        extra_body={"metadata": {"a": "b"}, "temperature": 2},
        temperature=1,
    )

    model.invoke("Hello", extra_headers={"x-one": "1"}, extra_query={"page": 2}, extra_body={"top_k": 5})

    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/chat/completions?tenant=1&trace=true&page=2 HTTP/1.1")
    assert b"\r\nx-portal-key: hidden-word" in head.lower()
    assert b"\r\nx-one: 1" in head.lower()
    assert b"\r\naccept: text/plain" in head.lower()
    sent = json.loads(body)
    assert (sent["metadata"], sent["temperature"], sent["top_k"]) == ({"a": "b"}, 2, 5)
    assert "hidden-word" not in f"{model!r} {model.model_dump()}"


def test_none_with_a_call_takes_back_what_the_model_has(canned: Callable[[bytes], Any]) -> None:
    body = body_of(canned(HTTP), "openai_compat", temperature=1, top_p=0.5, call={"temperature": None})

    assert "temperature" not in body
    assert body["top_p"] == 0.5


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_json_does_not_have_is_refused_before_anything_is_sent(number: float) -> None:
    model = chatplug.init("openai_compat:m", base_url="http://127.0.0.1:9/v1", extra_body={"x": [number]})

    with pytest.raises(MessageError, match="cannot be written as JSON"):
        model.invoke("NaN")


def test_the_word_for_such_a_number_may_be_said(canned: Callable[[bytes], Any]) -> None:
    server = canned(HTTP)

    chatplug.init("openai_compat:m", base_url=server.base_url).invoke('Is NaN or "Infinity" a number?', model=None)

    assert json.loads(server.requests[0].partition(b"\r\n\r\n")[2])["messages"][0]["content"].startswith("Is NaN")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"temprature": 1}, "Did you mean 'temperature'"),
        ({"tool_choise": "any"}, "Did you mean 'tool_choice'"),
        ({"temperature": "hot"}, "'temperature'"),
        ({"n": 0}, "'n'"),
        ({"tools": "look"}, "'tools'"),
        ({"extra_headers": {"x": "a\nb"}}, "'x' of extra_headers"),
    ],
)
def test_a_wrong_setting_is_found_before_anything_is_sent_with_the_model_as_with_a_call(
    settings: dict[str, Any], words: str
) -> None:
    model = chatplug.init("openai_compat:m", base_url="http://127.0.0.1:9/v1")

    with pytest.raises(SettingsError, match=words):
        chatplug.init("openai_compat:m", base_url="http://127.0.0.1:9/v1", **settings)
    with pytest.raises(SettingsError, match=words):
        model.invoke("Hello", **settings)


@pytest.mark.parametrize(
    ("provider", "given", "sent"),
    [
        ("openai", None, {"include_usage": True}),
        ("openai", {}, None),
        ("openai", {"include_obfuscation": False}, {"include_obfuscation": False}),
        ("mistral", None, None),
    ],
)
def test_tokens_of_a_stream_are_asked_for_where_the_provider_has_to_be_asked(
    canned: Callable[[bytes], Any], provider: str, given: Any, sent: Any
) -> None:
    server = canned(HTTP)
    model = chatplug.init(f"{provider}:m", base_url=server.base_url, api_key=KEY, stream_options=given)

    list(model.stream("Hello"))

    assert json.loads(server.requests[0].partition(b"\r\n\r\n")[2]).get("stream_options") == sent
