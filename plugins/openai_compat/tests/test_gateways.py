"""Each provider is a row of facts: its address, its key, and what it lists."""

from __future__ import annotations

import json
import pickle
import tomllib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from chatplug_openai_compat import gateway as table
from chatplug_openai_compat.body_settings import BODY
from chatplug_openai_compat.gateway import Gateway, gateway_names, gateway_of
from chatplug_openai_compat.model import ChatOpenAICompat
from click.testing import CliRunner

import chatplug
from chatplug.cli.app import app
from chatplug.errors import AuthenticationError, CredentialsError, SettingsError
from chatplug.rate_limiters import BaseRateLimiter
from chatplug.wire import is_array
from plugins.openai_compat.tests.asked import HTTP, KEY, every_gateway

pytestmark = pytest.mark.usefixtures("no_variables")

FOLDER = Path(__file__).resolve().parent.parent
PLUGIN = "chatplug_openai_compat.plugin"


def rows() -> dict[str, dict[str, Any]]:
    return tomllib.loads(Path(table.__file__).with_name("gateways.toml").read_text(encoding="utf-8"))


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


def test_the_command_line_prints_the_models_that_a_server_lists(canned: Callable[[bytes], Any]) -> None:
    body = b'{"object":"list","data":[{"id":"b:7b"},{"id":"a"},{"no":"id"}]}'
    server = canned(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))

    result = CliRunner().invoke(app, ["models", "openai_compat", "-o", f"base_url={server.base_url}"])

    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines == [["Provider", "Model"], *(["openai_compat", f"openai_compat:{name}"] for name in ("a", "b:7b"))]
    assert server.requests[0].startswith(b"GET /v1/models HTTP/1.1")


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


def test_the_row_is_chosen_by_the_name_of_the_provider_alone() -> None:
    with pytest.raises(SettingsError, match="chosen by the provider's name"):
        chatplug.init("groq:m", gateway="openai", api_key=KEY)
