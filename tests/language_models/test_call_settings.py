"""The settings that one call may have."""

from __future__ import annotations

from typing import Any

import pytest

from chatplug.errors import SettingsError
from chatplug.language_models import UnsupportedSettingWarning
from tests.language_models.models import Driver, Pieces, Strict, both


@both
@pytest.mark.parametrize(
    ("stop", "complaint"),
    [
        ([1], r"^test:whole-1: stop\[0\] is int\. Give a text, or a list of texts\.$"),
        (["a", None], r"stop\[1\] is NoneType"),
        (3, "stop is int"),
        ({"a": 1}, "stop is dict"),
    ],
)
def test_a_stop_that_is_no_list_of_texts_is_refused_before_the_model_is_asked(
    stop: Any, complaint: str, driver: Driver
) -> None:
    model = Pieces()

    for ask in (driver.invoke, driver.stream):
        with pytest.raises(SettingsError, match=complaint):
            ask(model, "cat", stop=stop)

    assert model.heard == []


@both
def test_a_class_that_says_nothing_of_the_settings_of_a_call_is_given_all_of_them(driver: Driver) -> None:
    model = Pieces()

    driver.invoke(model, "cat", logprobs=True, seed=1)
    driver.stream(model, "cat", logprobs=True, seed=1)

    assert model.heard == [(None, {"logprobs": True, "seed": 1})] * 2


@both
@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"temprature": 1}, r"There is no setting 'temprature' of a call\. Did you mean 'temperature'\?"),
        ({"zzz": 1}, r"There is no setting 'zzz' of a call\. A call has stop, temperature\."),
        ({"depth": 1}, r"'depth' is no setting of a call\. It is fixed when the model is made"),
    ],
)
def test_a_class_that_says_which_settings_a_call_has_is_given_no_other(
    settings: dict[str, Any], complaint: str, driver: Driver
) -> None:
    model = Strict()

    for ask in (driver.invoke, driver.stream):
        with pytest.raises(SettingsError, match=complaint):
            ask(model, "cat", **settings)

    assert model.heard == []


@both
def test_a_standard_setting_that_a_call_cannot_have_is_answered_as_when_the_model_was_made(driver: Driver) -> None:
    class Fresh(Strict):
        pass

    with pytest.warns(UnsupportedSettingWarning, match=r"Fresh cannot honour 'seed'\. It is ignored\."):
        answer = driver.invoke(Fresh(), "cat", seed=1, temperature=0)
    allowing = Fresh(on_unsupported="allow")
    *_, last = driver.stream(allowing, "cat", seed=1, timeout=None, max_tokens=1)

    assert answer.response_metadata["unsupported_settings"] == ["seed"]
    assert last.response_metadata["unsupported_settings"] == ["max_tokens", "seed"]
    assert allowing.heard == [(None, {})]
    assert "unsupported_settings" not in driver.invoke(allowing, "cat").response_metadata
    with pytest.raises(SettingsError, match=r"cannot honour 'seed'\. Leave it out"):
        driver.invoke(Fresh(on_unsupported="raise"), "cat", seed=1)
