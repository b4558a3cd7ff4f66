"""Each provider is a row of facts: its address, its key, and what its wire calls things."""

from __future__ import annotations

import inspect
import json
import pickle
import tomllib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from chatplug_openai_compat import gateway as table
from chatplug_openai_compat.body_settings import BODY, OF_A_CALL
from chatplug_openai_compat.gateway import Gateway, gateway_names, gateway_of
from chatplug_openai_compat.model import ChatOpenAICompat
from click.testing import CliRunner

import chatplug
from chatplug.cli.app import app
from chatplug.errors import AuthenticationError, CredentialsError, MessageError, SettingsError
from chatplug.language_models import UnsupportedSettingWarning
from chatplug.plugins import default_manager
from chatplug.rate_limiters import BaseRateLimiter
from chatplug.wire import is_array

FOLDER = Path(__file__).resolve().parent.parent
PLUGIN = "chatplug_openai_compat.plugin"
KEY = "sk-not-to-be-seen-1234"
TOOL: Any = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
OTHER: Any = {"type": "function", "function": {"name": "listen", "parameters": {"type": "object", "properties": {}}}}
ANSWER = b'{"id":"c1","choices":[{"index":0,"finish_reason":"stop","message":{"content":"Hi"}}]}'
HTTP = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER)

every_gateway = pytest.mark.parametrize("name", gateway_names())


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key and no address of this machine's user gets into a test."""
    for name in gateway_names():
        row = gateway_of(name)
        version = [row.api_version["variable"]] if row.api_version else []
        for variable in (*row.key_variables, *row.base_url_variables, *version):
            monkeypatch.delenv(variable, raising=False)


def rows() -> dict[str, dict[str, Any]]:
    return tomllib.loads(Path(table.__file__).with_name("gateways.toml").read_text(encoding="utf-8"))


def body_of(server: Any, provider: str, *, call: dict[str, Any] | None = None, **settings: Any) -> dict[str, Any]:
    """The body that reaches a server."""
    model = chatplug.init(f"{provider}:m", base_url=server.base_url, api_key=KEY, timeout=5, **settings)
    model.invoke("Hello", **(call or {}))
    body: dict[str, Any] = json.loads(server.requests[-1].partition(b"\r\n\r\n")[2])
    return body


def test_every_row_is_an_entry_point_and_every_beginning_of_a_model_name_is_one() -> None:
    points = tomllib.loads((FOLDER / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]

    assert points["chatplug.providers"] == dict.fromkeys(rows(), PLUGIN)
    assert points["chatplug.models"] == {
        beginning: f"{PLUGIN}:{name}" for name, row in rows().items() for beginning in row.get("models", ())
    }


def test_a_row_read_alone_is_the_row_that_the_whole_table_has() -> None:
    known = {one.name for one in fields(Gateway)}

    for name, row in rows().items():
        gateway = gateway_of(name)

        assert row.keys() <= known - {"name"}, name
        for fact, value in row.items():
            assert getattr(gateway, fact) == (tuple(value) if is_array(value) else value), (name, fact)
    assert gateway_names() == list(rows())


@every_gateway
def test_a_row_says_where_its_facts_are_from_and_names_only_settings_that_there_are(name: str) -> None:
    gateway = gateway_of(name)

    assert gateway.sources
    assert gateway.checked is not None
    assert {*gateway.unsupported, *gateway.names} <= {*BODY, "stop"}
    assert set(gateway.tool_choice) <= {"auto", "none", "required", "named"}
    assert gateway.base_url or gateway.base_url_variables


def test_an_unknown_gateway_is_answered_with_the_nearest() -> None:
    with pytest.raises(SettingsError, match=r"no gateway 'grok'\. Did you mean 'groq'"):
        ChatOpenAICompat(model="m", gateway="grok")


@every_gateway
def test_a_provider_is_asked_at_its_own_address_with_the_key_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    gateway = gateway_of(name)
    monkeypatch.setenv(gateway.key_variables[0], KEY)
    if gateway.base_url is None:
        monkeypatch.setenv(gateway.base_url_variables[0], "https://own.example.com")

    model: Any = chatplug.init(f"{name}:m")

    assert model.provider == name
    assert model.common.url.startswith(gateway.base_url or "https://own.example.com/")
    assert KEY in model.common.headers[gateway.key_header]
    assert KEY not in f"{model!r} {model.model_dump()} {model.identifying_params}"


@every_gateway
def test_without_a_key_a_provider_that_needs_one_says_which_variable_holds_it(name: str) -> None:
    gateway = gateway_of(name)
    base_url = gateway.base_url or "https://own.example.com/v1"

    if "127.0.0.1" in base_url:
        assert "authorization" not in ChatOpenAICompat(model="m", gateway=name).common.headers
    else:
        with pytest.raises(CredentialsError, match=gateway.key_variables[0]):
            chatplug.init(f"{name}:m", base_url=base_url)


@pytest.mark.parametrize(
    ("base_url", "version", "url"),
    [
        ("https://r.openai.azure.com", None, "https://r.openai.azure.com/openai/v1/chat/completions"),
        (
            "https://r.openai.azure.com/",
            "2024-10-21",
            "https://r.openai.azure.com/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21",
        ),
        ("https://r.openai.azure.com/openai/v1/", None, "https://r.openai.azure.com/openai/v1/chat/completions"),
        (
            "https://r.services.ai.azure.com/models",
            "2024-05-01-preview",
            "https://r.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview",
        ),
    ],
)
def test_azure_is_asked_by_deployment_with_a_dated_version_and_by_its_newer_address_without(
    monkeypatch: pytest.MonkeyPatch, base_url: str, version: str | None, url: str
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", base_url)
    if version:
        monkeypatch.setenv("OPENAI_API_VERSION", version)

    model: Any = chatplug.init("azure_openai:my gpt", api_key=KEY)

    assert model.common.url == url
    assert model.common.headers["api-key"] == KEY
    assert "authorization" not in model.common.headers


@pytest.mark.parametrize(
    ("version", "name"),
    [("2024-08-01-preview", "max_tokens"), ("2024-10-21", "max_completion_tokens"), (None, "max_completion_tokens")],
)
def test_a_dated_version_of_azure_that_does_not_know_a_name_gets_the_older_one(
    canned: Callable[[bytes], Any], version: str | None, name: str
) -> None:
    body = body_of(canned(HTTP), "azure_openai", max_tokens=7, api_version=version)

    assert {field: body[field] for field in body if field.startswith("max_")} == {name: 7}


def test_a_token_may_take_the_place_of_azures_key() -> None:
    model: Any = chatplug.init(
        "azure_openai:m", base_url="https://r.azure.com", api_key="", extra_headers={"Authorization": "Bearer token-1"}
    )

    assert model.common.headers["authorization"] == "Bearer token-1"
    assert "api-key" not in model.common.headers
    assert "token-1" not in repr(model)


def test_another_deployment_may_be_asked_with_one_call(canned: Callable[[bytes], Any]) -> None:
    server = canned(HTTP)
    model = chatplug.init(
        "azure_openai:one", base_url=server.base_url.removesuffix("/v1"), api_key=KEY, api_version="2024-10-21"
    )

    model.invoke("Hello", model="two")

    assert server.requests[0].startswith(b"POST /openai/deployments/two/chat/completions?api-version=2024-10-21 ")


@pytest.mark.parametrize("version", ["2024-10-21", None])
def test_a_deployment_may_have_another_name_than_its_model(canned: Callable[[bytes], Any], version: str | None) -> None:
    server = canned(HTTP)
    model: Any = chatplug.init(
        "azure_openai:gpt-4o-mini",
        azure_deployment="ours in May",
        base_url=server.base_url.removesuffix("/v1"),
        api_key=KEY,
        api_version=version,
    )

    model.invoke("Hello")

    [request] = server.requests
    path = b"/openai/deployments/ours%20in%20May/chat/completions" if version else b"/openai/v1/chat/completions"
    assert request.startswith(b"POST " + path)
    assert json.loads(request.partition(b"\r\n\r\n")[2])["model"] == "ours in May"
    assert (model.model_id, model.profile["name"]) == ("gpt-4o-mini", "GPT-4o mini")


def test_azure_lists_its_models_beside_the_deployments(canned: Callable[[bytes], Any]) -> None:
    body = b'{"data":[{"id":"gpt-b"},{"id":"gpt-a"}]}'
    server = canned(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
    settings = {"base_url": server.base_url.removesuffix("/v1"), "api_key": KEY, "api_version": "2024-10-21"}

    names = default_manager().list_models("azure_openai", settings)

    assert names == ["gpt-a", "gpt-b"]
    assert server.requests[0].startswith(b"GET /openai/models?api-version=2024-10-21 ")


def test_the_command_line_prints_the_models_that_a_server_lists(canned: Callable[[bytes], Any]) -> None:
    body = b'{"object":"list","data":[{"id":"b:7b"},{"id":"a"},{"no":"id"}]}'
    server = canned(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))

    result = CliRunner().invoke(app, ["models", "openai_compat", "-o", f"base_url={server.base_url}"])

    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines == [["Provider", "Model"], *(["openai_compat", f"openai_compat:{name}"] for name in ("a", "b:7b"))]
    assert server.requests[0].startswith(b"GET /v1/models HTTP/1.1")


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


def test_a_refused_key_names_the_variable_of_the_provider_and_shows_no_secret(canned: Callable[[bytes], Any]) -> None:
    body = json.dumps({"error": {"message": f"Wrong: {KEY}, hidden-word, of-this-call, My App."}}).encode()
    server = canned(b"HTTP/1.1 401 No\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
    headers = {"x-portal-key": "hidden-word", "x-title": "My App"}
    model = chatplug.init("groq:m", base_url=server.base_url, api_key=KEY, extra_headers=headers)

    with pytest.raises(AuthenticationError, match=r"variable GROQ_API_KEY") as caught:
        model.invoke("Hello", extra_headers={"authorization-2": "of-this-call"})

    said = f"{caught.value} {caught.value.__dict__}"
    assert "My App" in said
    assert KEY not in said
    assert "hidden-word" not in said
    assert "of-this-call" not in said


class Heard(BaseRateLimiter):
    """Lets everybody pass and keeps what the headers said."""

    def __init__(self) -> None:
        self.headers: list[dict[str, str]] = []

    def acquire(self, *, blocking: bool = True) -> bool:
        return True

    async def aacquire(self, *, blocking: bool = True) -> bool:
        return True

    def observe(self, headers: Any) -> None:
        self.headers.append(dict(headers))


def test_a_rate_limiter_hears_of_limits_under_their_usual_names(canned: Callable[[bytes], Any]) -> None:
    more = b"x-ratelimit-remaining-req-minute: 7\r\nx-ratelimit-limit-tokens-minute: 100\r\n\r\n"
    server = canned(HTTP.replace(b"\r\n\r\n", b"\r\n" + more, 1))
    limiter = Heard()

    chatplug.init("mistral:m", base_url=server.base_url, api_key=KEY, rate_limiter=limiter).invoke("Hello")

    assert limiter.headers[-1]["x-ratelimit-remaining-requests"] == "7"
    assert limiter.headers[-1]["x-ratelimit-limit-tokens"] == "100"


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_json_does_not_have_is_refused_before_anything_is_sent(number: float) -> None:
    model = chatplug.init("openai_compat:m", base_url="http://127.0.0.1:9/v1", extra_body={"x": [number]})

    with pytest.raises(MessageError, match="cannot be written as JSON"):
        model.invoke("NaN")


def test_the_word_for_such_a_number_may_be_said(canned: Callable[[bytes], Any]) -> None:
    server = canned(HTTP)

    chatplug.init("openai_compat:m", base_url=server.base_url).invoke('Is NaN or "Infinity" a number?', model=None)

    assert json.loads(server.requests[0].partition(b"\r\n\r\n")[2])["messages"][0]["content"].startswith("Is NaN")


def test_a_model_that_was_sent_to_another_process_is_the_same(canned: Callable[[bytes], Any]) -> None:
    server = canned(HTTP)
    model = chatplug.init(
        "azure_openai:m", base_url=server.base_url, api_key=KEY, n=1, extra_headers={"x-one": "1"}, api_version="1"
    )

    copied = pickle.loads(pickle.dumps(model))  # noqa: S301  # our own

    assert repr(copied) == repr(model)
    assert copied.invoke("Hello").text == "Hi"
    assert b"\r\nx-one: 1" in server.requests[0].lower()
    assert f"\r\napi-key: {KEY}".encode() in server.requests[0]


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


def test_the_row_is_chosen_by_the_name_of_the_provider_alone() -> None:
    with pytest.raises(SettingsError, match="chosen by the provider's name"):
        chatplug.init("groq:m", gateway="openai", api_key=KEY)
