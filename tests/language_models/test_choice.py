"""What a call may choose of a model, and which models are kept."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from chatplug.errors import ConfigError, ModelNameError, SettingsError
from chatplug.plugins import PluginManager
from chatplug.runnables import ConfigurableField
from tests.language_models.animals import Animals, Weather, chosen, init

# ---- what may be chosen


def test_without_a_model_at_all_a_call_is_told_how_to_choose_one(manager: PluginManager) -> None:
    with pytest.raises(ModelNameError, match=r"'configurable': \{'model': 'provider:model'\}"):
        init(plugins=manager).invoke("Hi")
    with pytest.raises(ModelNameError, match="first_model"):
        init(config_prefix="first", plugins=manager).invoke("Hi")


SECRETS = [
    "api_key",
    "auth_token",
    "base_url",
    "default_headers",
    "http_client",
    "openai_api_key",
    "plugins",
    "proxy_url",
]


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("fields", ["any", ("model",), None])
@pytest.mark.parametrize("prefix", ["", "first"])
def test_keys_and_addresses_are_refused_unless_they_are_named(
    manager: PluginManager, animals: Animals, name: str, fields: Any, prefix: str
) -> None:
    model = init("cats:tom", configurable_fields=fields or ("model",), config_prefix=prefix, plugins=manager)
    key = f"{prefix}_{name}" if prefix else name

    with pytest.raises(ConfigError, match="open only where they are named") as caught:
        model.invoke("Hi", config=chosen(**{key: "https://evil.example"}))

    assert key in str(caught.value)
    assert "evil" not in str(caught.value)
    assert animals.made == []


def test_a_key_that_is_named_may_be_chosen(manager: PluginManager, animals: Animals) -> None:
    model = init("cats:tom", configurable_fields=("api_key",), plugins=manager)

    model.invoke("Hi", config=chosen(api_key="sk-mine"))

    key = animals.made[-1].api_key
    assert key is not None
    assert key.get_secret_value() == "sk-mine"


def test_the_defaults_key_and_address_are_not_for_another_provider(manager: PluginManager, animals: Animals) -> None:
    model = init(
        "cats:tom",
        api_key="sk-cats",
        base_url="https://cats.example",
        temperature=1,
        configurable_fields=("model", "model_provider"),
        plugins=manager,
    )

    for name in ("cats:kit", "dogs:rex"):
        model.invoke("Hi", config=chosen(model=name))
    model.invoke("Hi", config=chosen(model_provider="dogs", model="max"))

    kit, *others = animals.made
    assert (kit.base_url, kit.temperature) == ("https://cats.example", 1)
    assert kit.api_key is not None
    assert [(dog.api_key, dog.base_url, dog.temperature) for dog in others] == [(None, None, 1)] * 2


def test_what_belongs_to_somebody_else_is_left_alone(manager: PluginManager) -> None:
    model = init("cats:tom", configurable_fields=("model",), config_prefix="first", plugins=manager)

    said = chosen(second_model="dogs:rex", api_key="another's", session="1", temperature=1)

    assert model.invoke("Hi", config=said).text == "cats:tom None []"


def test_what_is_not_open_is_refused_with_the_nearest_that_is(manager: PluginManager) -> None:
    model = init("cats:tom", configurable_fields=("temperature",), config_prefix="first", plugins=manager)

    with pytest.raises(ConfigError, match="Did you mean 'first_temperature'"):
        model.invoke("Hi", config=chosen(first_temprature=1))


def test_a_field_may_have_a_key_of_its_own(manager: PluginManager) -> None:
    fields: Any = {"model": "which", "temperature": ConfigurableField("heat")}
    model = init("cats:tom", configurable_fields=fields, plugins=manager)

    assert model.invoke("Hi", config=chosen(which="dogs:rex", heat=2, model="cats:x")).text == "dogs:rex 2.0 []"


def test_a_wrong_value_is_the_same_error_as_at_init(manager: PluginManager) -> None:
    model = init("cats:tom", configurable_fields="any", plugins=manager)

    with pytest.raises(SettingsError, match="'temperature'"):
        model.invoke("Hi", config=chosen(temperature="hot"))
    with pytest.raises(SettingsError, match="Did you mean 'temperature'"):
        model.invoke("Hi", config=chosen(temprature=1))
    with pytest.raises(ModelNameError, match="int"):
        model.invoke("Hi", config=chosen(model=3))


def test_a_prefix_without_fields_and_fields_that_are_a_text_are_refused(manager: PluginManager) -> None:
    with pytest.raises(ConfigError, match="config_prefix"):
        init("cats:tom", config_prefix="first", plugins=manager)
    with pytest.raises(ConfigError, match="'any', a list"):
        init("cats:tom", configurable_fields="model", plugins=manager)


# ---- what is kept


def test_a_model_is_made_once_for_a_choice(manager: PluginManager, animals: Animals) -> None:
    model = init(plugins=manager)
    tools = model.bind_tools([Weather])

    for _ in range(3):
        model.invoke("Hi", config=chosen(model="cats:tom"))
        tools.invoke("Hi", config=chosen(model="cats:tom"))

    assert len(animals.made) == 1


def test_what_is_kept_has_an_end_and_the_least_used_goes(manager: PluginManager, animals: Animals) -> None:
    model = init(plugins=manager)

    for number in range(200):
        model.invoke("Hi", config=chosen(model=f"cats:{number}"))
        model.invoke("Hi", config=chosen(model="cats:tom"))

    assert len(animals.made) == 201
    assert len(model._models) == 64
    assert len(model._ready) == 64


def test_a_choice_that_cannot_be_a_key_is_made_anew(manager: PluginManager, animals: Animals) -> None:
    class Odd:
        __hash__ = None  # type: ignore[assignment]

    model = init("cats:tom", configurable_fields="any", plugins=manager)

    model.invoke("Hi", config=chosen(metadata={"a": [1, {"b": 2}]}))
    model.invoke("Hi", config=chosen(metadata={"a": [1, {"b": 2}]}))
    model.invoke("Hi", config=chosen(metadata={"a": Odd()}))
    model.invoke("Hi", config=chosen(metadata={"a": Odd()}))

    assert len(animals.made) == 3


def test_its_repr_has_no_key(manager: PluginManager) -> None:
    model = init("cats:tom", api_key="sk-secret", configurable_fields=("model",), plugins=manager)

    assert (
        repr(model.bind_tools([Weather]))
        == "ConfigurableModel(model='cats:tom', configurable=['model']).bind_tools(...)"
    )


def test_it_can_be_pickled() -> None:
    model = pickle.loads(pickle.dumps(init("echo:n3", configurable_fields="any")))  # noqa: S301  # our own

    assert model.invoke("Meow!", config=chosen(model="echo:n2")).text == "Me"
