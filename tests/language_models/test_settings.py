"""The settings that a model is made with."""

from __future__ import annotations

import copy
import pickle
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import SecretStr

import chatplug
from chatplug.errors import ChatplugError, InvalidRequestError, SettingsError
from chatplug.language_models import UnsupportedSettingWarning
from chatplug.plugins import Declaration, PluginManager
from tests.language_models.models import Driver, Pieces, PiecesNative, Strict, Tuned, Whole, both


def test_an_unknown_setting_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(SettingsError, match=r"There is no setting 'temprature'. Did you mean 'temperature'\?"):
        Tuned(temprature=1)  # type: ignore[call-arg]  # the mistake under test
    with pytest.raises(SettingsError, match=r"There is no setting 'zzz'. Settings are .*temperature"):
        Tuned(zzz=1)  # type: ignore[call-arg]  # the mistake under test


@pytest.mark.parametrize(
    "settings",
    [
        {"depth": "sk-secret"},
        {"api_key": ["sk-secret"]},
        {"sk": "sk-secret"},
        {"depth": {"x": "sk-secret"}},
        {"on_unsupported": "sk-secret"},
        {"stop": [3, "sk-secret"], "tags": "sk-secret"},
        {"callbacks": ["sk-secret"]},
    ],
)
def test_an_error_about_a_setting_never_shows_its_value(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as caught:
        Tuned(**settings)

    assert "secret" not in f"{caught.value} {caught.value!r} {caught.value.__dict__} {caught.value.__cause__}"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_wrong_setting_is_named() -> None:
    with pytest.raises(SettingsError, match="The setting 'depth' is wrong"):
        Tuned(depth="deep")  # type: ignore[arg-type]  # the mistake under test


def test_a_setting_may_be_given_by_its_alias_and_by_its_name() -> None:
    for model in (Tuned(api_key="sk-1"), Tuned(key="sk-1")):  # type: ignore[call-arg, arg-type]  # pydantic takes both
        assert model.key is not None
        assert model.key.get_secret_value() == "sk-1"
        assert "sk-1" not in repr(model)


def test_a_model_shows_the_settings_that_were_made() -> None:
    assert repr(Tuned(temperature=0)) == "Tuned(temperature=0.0)"
    assert repr(Tuned()) == "Tuned()"


@both
def test_a_standard_setting_that_cannot_be_honoured_is_told_once_and_listed_on_each_answer(driver: Driver) -> None:
    class Plain(PiecesNative):
        pass

    with pytest.warns(UnsupportedSettingWarning, match=r"Plain cannot honour 'seed'\. It is ignored\.") as told:
        model = Plain(seed=1)  # type: ignore[call-arg]  # a standard setting that this model has no field for
    again = Plain(seed=2)  # type: ignore[call-arg]  # as above; a second warning would be an error

    assert [warning.filename for warning in told] == [__file__]
    assert model.unsupported_settings == ["seed"]
    assert driver.invoke(again, "x").response_metadata["unsupported_settings"] == ["seed"]
    *_, last = driver.stream(again, "x")
    assert last.response_metadata == {"model_name": "whole-1", "unsupported_settings": ["seed"]}
    assert last.chunk_position == "last"


def test_a_list_on_an_answer_is_not_the_model_s_own() -> None:
    model = Pieces(seed=1, on_unsupported="allow")  # type: ignore[call-arg]  # as above

    model.invoke("x").response_metadata["unsupported_settings"].append("mine")
    list(model.stream("x"))[-1].response_metadata["unsupported_settings"].append("mine")

    assert model.unsupported_settings == ["seed"]


def test_a_standard_setting_that_cannot_be_honoured_may_be_an_error_or_allowed() -> None:
    with pytest.raises(SettingsError, match=r"Whole cannot honour 'max_tokens', 'seed'. Leave it out"):
        Whole(seed=1, max_tokens=1, on_unsupported="raise")  # type: ignore[call-arg]  # as above
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Whole(timeout=1, on_unsupported="allow").unsupported_settings == ["timeout"]  # type: ignore[call-arg]  # as above


def test_a_warning_about_a_setting_points_at_whoever_asked_for_the_model() -> None:
    class Own(Whole):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)

    class Plugin:
        @chatplug.hookimpl
        def chatplug_create_model(self, settings: Any) -> Any:
            return Own(**settings)

    module = ModuleType("chatplug_test_warning")
    vars(module)["plugin"] = Plugin()
    sys.modules[module.__name__] = module
    manager = PluginManager({"own": [Declaration("own", f"{module.__name__}:plugin", "dist-a", "1.0")]})

    with pytest.warns(UnsupportedSettingWarning) as by_name:
        chatplug.init("own:x", seed=1, plugins=manager)
    with pytest.warns(UnsupportedSettingWarning) as by_class:
        Own(timeout=1)
    with pytest.warns(UnsupportedSettingWarning) as by_call:
        Strict().invoke("x", rate_limiter=1)
    del sys.modules[module.__name__]

    source = Path(__file__).read_text(encoding="utf-8").splitlines()
    told = [*by_name, *by_class, *by_call]
    assert [warning.filename for warning in told] == [__file__] * 3
    assert [source[warning.lineno - 1].strip() for warning in told] == [
        'chatplug.init("own:x", seed=1, plugins=manager)',
        "Own(timeout=1)",
        'Strict().invoke("x", rate_limiter=1)',
    ]


def test_a_standard_setting_that_is_none_is_not_given() -> None:
    assert Whole(seed=None, timeout=None).unsupported_settings == []  # type: ignore[call-arg]  # as above


def test_settings_errors_are_the_caller_s() -> None:
    assert issubclass(SettingsError, InvalidRequestError)
    assert issubclass(SettingsError, ChatplugError)


WAYS: list[Callable[[Any], Any]] = [
    copy.copy,
    copy.deepcopy,
    lambda model: model.model_copy(),
    lambda model: pickle.loads(pickle.dumps(model)),  # noqa: S301  # written on the same line
]


@pytest.mark.parametrize("way", WAYS)
def test_a_model_survives_a_copy_and_another_process(way: Any) -> None:
    model = Tuned(temperature=0, api_key="sk-1", seed=1, tags=["a"], on_unsupported="allow")  # type: ignore[call-arg, arg-type]  # as above
    model.set_origin("mine", "tuned-1")

    copied = way(model)

    assert copied == model
    assert copied.key == SecretStr("sk-1")
    assert (copied.provider, copied.model_id, copied.unsupported_settings) == ("mine", "tuned-1", ["seed"])
    assert copied.invoke("x").text == "x"
