"""Keys come from the environment and stay out of texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from chatplug.credentials import is_secret_name, read_secret, read_variable, redact, secrets_of, shown, shown_address


def test_a_variable_that_is_empty_is_as_good_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATPLUG_TEST_EMPTY", "")
    monkeypatch.delenv("CHATPLUG_TEST_ABSENT", raising=False)

    assert read_variable("CHATPLUG_TEST_EMPTY") is None
    assert read_variable("CHATPLUG_TEST_ABSENT") is None
    assert read_secret("CHATPLUG_TEST_EMPTY") is None


def test_a_key_from_the_environment_does_not_print(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATPLUG_TEST_KEY", "sk-very-secret")

    key = read_secret("CHATPLUG_TEST_KEY")

    assert key is not None
    assert key.get_secret_value() == "sk-very-secret"
    assert "very-secret" not in f"{key} {key!r}"


def test_a_key_is_taken_out_wherever_it_stands() -> None:
    text = redact("sk-12345 is not sk-12345.", [None, SecretStr("sk-12345")])

    assert "12345" not in text
    assert text.count("**********") == 2


@pytest.mark.parametrize("order", [1, -1])
def test_a_key_that_begins_with_another_one_is_taken_out_whole(order: int) -> None:
    keys = [SecretStr("sk-1234"), SecretStr("sk-1234-admin")][::order]

    assert redact("Invalid key sk-1234-admin.", keys) == "Invalid key **********."


def test_a_text_is_not_garbled_by_an_empty_or_tiny_secret() -> None:
    assert redact("a text", [SecretStr(""), SecretStr("t"), None]) == "a text"


@pytest.mark.parametrize(
    "name",
    [
        "api_key",
        "apiKey",
        "APIKey",
        "key",
        "X-Goog-Api-Key",
        "Authorization",
        "proxy-authorization",
        "hf_token",
        "Cookie",
        "clientSecret",
        "client_secret_value",
        "aws_session_token",
        "sig",
        "password",
        "virtual_keys",
        "auth",
        "api_key_2",
        "apiKey1",
        "token2",
        "refresh_tokens",
        "private_key_pem",
        "token_value",
        "passcode",
        "connection_string",
        "AzureConnectionString",
    ],
)
def test_a_name_that_says_so_is_secret(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "max_tokens",
        "stop_token_ids",
        "prompt_cache_key",
        "client_key",
        "Idempotency-Key",
        "author",
        "monkey",
        "keyboard",
        "significance",
        "token_values_count",
        "sort_key_value",
        "top_k",
        "_",
    ],
)
def test_a_name_that_only_looks_alike_is_none(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://host/v1", "https://host/v1"),
        ("https://me:canary@host:8080/v1", "https://**********@host:8080/v1"),
        ("https://canary@[::1]:8080", "https://**********@[::1]:8080"),
        ("https://host?canary", "https://host?**********"),
        ("https://host/?a=canary&b=&canary#canary", "https://host/?a=**********&b=**********&**********#**********"),
        ("https://me:can/ary@host/", "https://..."),
        ("https://me:1?canary@host/", "https://..."),
        ("HTTPS://me:canary@host", "HTTPS://**********@host"),
        (" https://me:canary@host ", "https://**********@host"),
        ("See https://host/?a=b for more.", "See https://host/?a=b for more."),
        ("a://b://", "a://b://"),
        ("me:canary@host", "me:canary@host"),
        ("", ""),
    ],
)
def test_an_address_shows_where_it_leads_and_nothing_that_opens_it(address: str, safe: str) -> None:
    assert shown_address(address) == safe


@pytest.mark.parametrize(
    ("value", "safe"),
    [("me:canary@host:1", "**********@host:1"), ("host:1", "host:1"), ("fe80::1", "fe80::1"), ("a host", "a host")],
)
def test_under_the_name_of_an_address_one_needs_no_scheme(value: str, safe: str) -> None:
    assert shown({"proxy": value}) == {"proxy": safe}


def test_what_is_below_a_secret_name_is_hidden_at_any_depth_and_what_is_shown_is_a_copy() -> None:
    inner: dict[str, Any] = {"kind": "basic", "more": [{"value": "canary"}, ("canary", 5, b"canary")], "on": True}
    value = {"auth": inner, "seed": 3}

    safe = shown(value)

    stars = "**********"
    assert safe == {"auth": {"kind": stars, "more": [{"value": stars}, (stars, stars, stars)], "on": True}, "seed": 3}
    assert inner["more"][0] == {"value": "canary"}


def test_a_set_below_a_secret_name_is_a_set_of_asterisks() -> None:
    value = {"api_keys": {"canary", "other canary"}, "tags": frozenset({"a"}), "password": bytearray(b"canary")}

    safe = shown(value)

    assert safe == {"api_keys": {"**********"}, "tags": frozenset({"a"}), "password": "**********"}


def test_all_headers_and_parameters_are_hidden_and_the_fields_of_a_schema_are_not() -> None:
    schema = {"type": "object", "properties": {"password": {"type": "string"}}, "required": ["password"]}

    safe = shown({"default_headers": {"x-any": "canary"}, "extra_query": {"a": 1}, "parameters": schema})

    assert safe == {
        "default_headers": {"x-any": "**********"},
        "extra_query": {"a": "**********"},
        "parameters": schema,
    }


def test_what_is_no_plain_data_is_left_as_it_is() -> None:
    key, path = SecretStr("canary"), Path("key.pem")

    assert shown({"api_key": key, "private_key": path, "token": None}) == {
        "api_key": key,
        "private_key": path,
        "token": None,
    }


def test_the_texts_that_are_hidden_can_be_taken_out_of_others() -> None:
    value = {
        "a": ["b"],
        "headers": {"x": "one"},
        "auth": {"user": "two", "n": 5},
        "properties": {"token": {"type": "s"}},
    }

    assert [secret.get_secret_value() for secret in secrets_of(value)] == ["one", "two"]
