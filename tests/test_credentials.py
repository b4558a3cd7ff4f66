"""Keys come from the environment and stay out of texts."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from chatplug.credentials import read_secret, read_variable, redact


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
