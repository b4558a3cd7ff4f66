"""What the user sets: what is shown of it, what may change, and what is found out at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from chatplug_openai_compat.model import ChatOpenAICompat
from pydantic import SecretStr

import chatplug
from chatplug.errors import ChatplugError, CredentialsError, NotFoundError, ProviderConnectionError, SettingsError
from chatplug.runnables import ConfigurableField
from chatplug.testing import Exchange, LoopbackServer

KEY = "sk-not-to-be-seen-1234"
URL = "http://127.0.0.1:9/v1"


def made(**settings: Any) -> Any:
    given: dict[str, Any] = {"base_url": URL, "api_key": KEY, "max_retries": 0, **settings}
    return chatplug.init("openai_compat:tiny", **given)


def test_the_space_around_a_key_is_no_part_of_it() -> None:
    assert made(api_key=f" {KEY}\n").api_key.get_secret_value() == KEY


def test_a_query_in_the_address_is_sent_and_not_shown(canned: Callable[[bytes], Any]) -> None:
    server = canned(b"HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n")
    model = made(base_url=f"{server.base_url}?key={KEY}")

    with pytest.raises(NotFoundError) as caught:
        model.invoke("Hello")

    assert server.requests[0].startswith(f"POST /v1/chat/completions?key={KEY} HTTP/1.1".encode())
    assert KEY not in f"{model} {model!r} {model.identifying_params} {caught.value} {caught.value.__dict__}"


@pytest.mark.parametrize(
    ("name", "value"),
    [("base_url", URL), ("api_key", SecretStr("x")), ("model", "other"), ("temperature", 1.0), ("http_client", None)],
)
def test_a_setting_of_a_made_model_cannot_be_changed_and_the_error_says_what_to_do(name: str, value: object) -> None:
    model = made()

    with pytest.raises(SettingsError, match=rf"{name}.*model_copy\(update="):
        setattr(model, name, value)


@pytest.mark.parametrize(
    ("update", "kind"),
    [
        ({"temperature": "hot"}, SettingsError),
        ({"base_url": "ftp://x"}, SettingsError),
        ({"api_key": "a\nb"}, CredentialsError),
        ({"temprature": 1}, SettingsError),
        ({"http_client": object()}, SettingsError),
    ],
)
def test_a_copy_is_checked_as_when_the_model_was_made(update: dict[str, Any], kind: type[ChatplugError]) -> None:
    with pytest.raises(kind):
        made().model_copy(update=update)


def test_a_copy_with_another_model_and_key_names_them_and_keeps_the_rest() -> None:
    with httpx.Client(trust_env=False) as client:
        model = made(temperature=0.5, http_client=client, max_tokens=3)

        copied = model.model_copy(update={"model": "other", "api_key": "sk-other"}, deep=True)

        assert (copied.model, copied.model_id, copied.provider) == ("other", "other", "openai_compat")
        assert copied.api_key.get_secret_value() == "sk-other"
        assert copied.common.headers["authorization"] == "Bearer sk-other"
        assert (copied.temperature, copied.max_tokens, copied.http_client) == (0.5, 3, client)
        assert model.model_id == "tiny"
        with pytest.raises(ProviderConnectionError, match=r"^openai_compat:other: "):
            copied.invoke("Hello")


def test_a_setting_that_a_call_chooses_is_the_one_that_is_sent() -> None:
    asked: list[tuple[str, float]] = []

    def answer(exchange: Exchange) -> None:
        asked.append((exchange.path, json.loads(exchange.body)["temperature"]))
        exchange.answer(b'{"choices": [{"message": {"content": "Hi"}}]}')

    with LoopbackServer(answer) as server:
        model = made(base_url=f"{server.url}/v1", temperature=0.1).configurable_fields(
            temperature=ConfigurableField("heat"), base_url=ConfigurableField("where")
        )

        for said in ({}, {"heat": 0.9}, {"where": f"{server.url}/v2"}):
            model.invoke("Hello", {"configurable": said})

    assert asked == [("/v1/chat/completions", 0.1), ("/v1/chat/completions", 0.9), ("/v2/chat/completions", 0.1)]


def test_a_copy_still_says_which_settings_are_not_honoured() -> None:
    model = chatplug.init("groq:tiny", base_url=URL, logprobs=True, on_unsupported="allow")

    assert model.model_copy(update={"temperature": 0}).unsupported_settings == ["logprobs"]
    assert model.model_copy().unsupported_settings == ["logprobs"]


@pytest.mark.parametrize("name", ["http_client", "http_async_client"])
def test_a_client_that_is_none_is_found_when_the_model_is_made(name: str) -> None:
    with pytest.raises(SettingsError, match=f"'{name}' is wrong"):
        made(**{name: object()})


def test_a_users_client_is_wrapped_once() -> None:
    with httpx.Client(trust_env=False) as client:
        model = ChatOpenAICompat(model="tiny", base_url=URL, http_client=client)

        assert model._transport is model._transport
