"""Models that each call chooses."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import SecretStr

from chatplug.callbacks import Run
from chatplug.errors import ConfigError, ModelNameError, ProviderConnectionError, SettingsError
from chatplug.language_models.configurable import ConfigurableModel
from chatplug.plugins import PluginManager
from chatplug.runnables import ConfigurableField, RunnableLambda
from tests.language_models.animals import Animals, Population, Weather, chosen, init
from tests.runnables.chains import Ends, every_way

# ---- the page's blocks


def test_without_a_model_each_call_says_which(manager: PluginManager) -> None:
    model = init(temperature=0, plugins=manager)

    first = model.invoke("what's your name", config=chosen(model="cats:tom"))
    second = model.invoke("what's your name", config=chosen(model="dogs:rex"))
    third = model.invoke("what's your name", config=chosen(model="rex", model_provider="dogs"))

    assert isinstance(model, ConfigurableModel)
    assert [answer.text for answer in (first, second, third)] == [
        "cats:tom 0.0 []",
        "dogs:rex 0.0 []",
        "dogs:rex 0.0 []",
    ]


def test_a_default_stands_where_a_call_says_nothing(manager: PluginManager) -> None:
    model = init(
        model="cats:tom",
        temperature=0,
        configurable_fields=("model", "model_provider", "temperature", "max_tokens"),
        config_prefix="first",
        plugins=manager,
    )

    said = chosen(first_model="dogs:rex", first_temperature=0.5, first_max_tokens=100)

    assert model.invoke("Hi").text == "cats:tom 0.0 []"
    assert model.invoke("Hi", config=said).text == "dogs:rex 0.5 []"


def test_tools_that_are_bound_before_a_model_is_known_go_with_each(manager: PluginManager) -> None:
    model = init(temperature=0, plugins=manager).bind_tools([Weather, Population])

    for name in ("cats:tom", "dogs:rex"):
        (call,) = model.invoke("How is it?", config=chosen(model=name)).tool_calls
        assert (call["name"], call["args"]) == ("Weather", {"place": "Paris"})


def test_a_schema_that_is_set_before_a_model_is_known_goes_with_each(manager: PluginManager) -> None:
    model = init(plugins=manager).with_structured_output(Weather)

    assert model.invoke("How is it?", config=chosen(model="cats:tom")) == Weather(place="Paris")


# ---- chaining


def test_nothing_is_lost_when_one_thing_is_set_after_another(manager: PluginManager, animals: Animals) -> None:
    one = (
        init(plugins=manager)
        .with_config(configurable={"model": "cats:tom"}, tags=["a"])
        .bind(seed=1)
        .bind_tools([Weather], tool_choice="any")
        .bind(top_p=0.5)
        .with_config(tags=["b"], metadata={"x": 1})
    )

    one.invoke("Hi", seed=2)

    (heard,) = animals.made[-1].heard
    assert set(heard) == {"seed", "top_p", "tools", "tool_choice"}
    assert (heard["seed"], heard["top_p"], heard["tool_choice"]) == (2, 0.5, "any")
    assert one._config.get("tags") == ["a", "b"]


def test_what_is_said_last_counts(manager: PluginManager, animals: Animals) -> None:
    model = init("cats:tom", configurable_fields="any", plugins=manager)

    model.bind_tools([Weather], tool_choice="any").bind(tool_choice="none", seed=1).bind(seed=2).invoke("Hi")
    model.bind_tools([Weather], tool_choice="Weather").bind_tools([Population]).invoke("Hi")

    first, second = animals.made[-1].heard
    assert (first["tool_choice"], first["seed"]) == ("none", 2)
    assert [tool["function"]["name"] for tool in second["tools"]] == ["Population"]
    assert "tool_choice" not in second


def test_what_is_bound_goes_into_a_structured_answer(manager: PluginManager, animals: Animals) -> None:
    one = init("cats:tom", configurable_fields="any", plugins=manager).bind(seed=7)

    assert one.with_structured_output(Weather).invoke("Hi") == Weather(place="Paris")

    assert animals.made[-1].heard[0]["seed"] == 7


def test_what_one_is_changed_to_leaves_it_as_it_was(manager: PluginManager) -> None:
    plain = init("cats:tom", configurable_fields="any", plugins=manager)

    plain.bind_tools([Weather])
    plain.bind(seed=1)
    plain.with_config(configurable={"model": "dogs:rex"})

    assert plain.invoke("Hi").text == "cats:tom None []"


def test_nothing_is_bound_to_what_is_no_model_any_more(manager: PluginManager) -> None:
    held = init(plugins=manager).with_structured_output(Weather)

    with pytest.raises(ConfigError, match="bind_tools comes after with_structured_output"):
        held.bind_tools([Population])


def test_the_other_verbs_work_and_choose_too(manager: PluginManager) -> None:
    model = init("cats:tom", configurable_fields="any", plugins=manager)
    said = chosen(model="dogs:rex")

    assert [piece.text for piece in model.stream("Hi", config=said)] == ["dogs:rex None []"]
    assert [one.text for one in model.batch(["a", "b"], [chosen(), said])] == ["cats:tom None []", "dogs:rex None []"]
    assert asyncio.run(model.ainvoke("Hi", config=said)).text == "dogs:rex None []"
    assert (model | (lambda message: message.text[:4])).invoke("Hi", config=said) == "dogs"


def test_attributes_are_those_of_the_default(manager: PluginManager) -> None:
    with_default = init("cats:tom", configurable_fields="any", plugins=manager)

    assert with_default.profile["tool_calling"] is True
    assert with_default.model_id == "tom"
    with pytest.raises(AttributeError, match="before a call has chosen a model"):
        _ = init(plugins=manager).profile
    with pytest.raises(AttributeError, match="cannot make its default"):
        _ = init("nobody:x", configurable_fields="any", plugins=manager).profile


# ---- what other Runnables are made of it


def test_a_model_that_fails_is_tried_again_and_is_the_one_that_the_call_chooses(
    manager: PluginManager, animals: Animals
) -> None:
    model = init("cats:tom", configurable_fields=("model", "failures"), plugins=manager)
    stubborn = model.with_retry(wait_exponential_jitter=False)

    answers = every_way(stubborn, "Hi", chosen(model="dogs:rex", failures=2))

    assert [getattr(one, "text", None) or one[0].text for one in answers] == ["dogs:rex None []"] * 4
    (dog,) = animals.made
    assert len(dog.heard) == 2 + 4
    with pytest.raises(ProviderConnectionError):
        stubborn.invoke("Hi", chosen(model="cats:kit", failures=3))


def test_a_fallback_is_chosen_by_the_config_as_well_and_by_a_key_of_its_own(manager: PluginManager) -> None:
    first = init("cats:tom", failures=100, configurable_fields=("model",), config_prefix="first", plugins=manager)
    second = init("dogs:rex", configurable_fields=("model",), config_prefix="second", plugins=manager)
    safe = first.with_fallbacks([second])

    assert safe.invoke("Hi").text == "dogs:rex None []"
    for answer in every_way(safe, "Hi", chosen(second_model="dogs:max")):
        text = getattr(answer, "text", None) or answer[0].text
        assert text == "dogs:max None []"


def test_in_a_chain_it_is_chosen_by_the_config_of_the_chain(manager: PluginManager) -> None:
    model = init(plugins=manager)
    chain = RunnableLambda[Any, str](lambda word: f"{word}!") | model | (lambda message: message.text.split()[0])
    names = ["cats:tom", "dogs:rex", "cats:kit"]

    assert every_way(chain, "Hi", chosen(model="dogs:rex")) == ["dogs:rex", ["dogs:rex"]] * 2
    assert chain.batch(["a", "b", "c"], [chosen(model=name) for name in names]) == names
    with pytest.raises(ModelNameError, match="No model is chosen"):
        chain.invoke("Hi")


def test_each_input_of_a_batch_has_the_model_that_its_own_config_chooses(manager: PluginManager) -> None:
    model = init(plugins=manager)
    configs = [chosen(model=name) for name in ("cats:tom", "dogs:rex")]
    expected = ["cats:tom None []", "dogs:rex None []"]

    assert [one.text for one in model.batch(["a", "b"], configs)] == expected
    assert [one.text for one in asyncio.run(model.abatch(["a", "b"], configs))] == expected
    assert {number: one.text for number, one in model.batch_as_completed(["a", "b"], configs)} == dict(
        enumerate(expected)
    )
    bad, good = model.batch(["a", "b"], [chosen(), configs[1]], return_exceptions=True)
    assert isinstance(bad, ModelNameError)
    assert good.text == expected[1]


def test_its_events_are_those_of_the_model_that_is_chosen_and_of_no_run_more(manager: PluginManager) -> None:
    model = init(plugins=manager)

    async def events() -> list[Any]:
        return [event async for event in model.astream_events("Hi", chosen(model="dogs:rex"))]

    told = asyncio.run(events())

    assert {event["event"] for event in told} == {
        "on_chat_model_start",
        "on_chat_model_stream",
        "on_chat_model_end",
    }
    assert len({event["run_id"] for event in told}) == 1
    assert told[-1]["data"]["output"].text == "dogs:rex None []"


def test_listeners_hear_the_run_of_the_model_that_is_chosen_and_nobody_hears_one_twice(
    manager: PluginManager,
) -> None:
    heard: list[str | None] = []

    def listen(run: Run) -> None:
        heard.append(run.model)

    model = init(plugins=manager).with_listeners(on_end=listen)
    ends = Ends()

    model.invoke("Hi", {**chosen(model="dogs:rex"), "callbacks": [ends]})
    model.bind(seed=1).with_config(run_name="mine").invoke("Hi", {**chosen(model="cats:tom"), "callbacks": [ends]})

    assert heard == ["rex", "tom"]
    assert [run.kind for run in ends.runs] == ["chat_model", "chat_model"]
    assert ends.names[1] == "mine"


def test_one_of_its_settings_is_opened_later_and_it_stays_a_model(manager: PluginManager, animals: Animals) -> None:
    model = init("cats:tom", plugins=manager, configurable_fields=("model",)).configurable_fields(
        temperature=ConfigurableField("heat"), api_key=ConfigurableField("mine")
    )

    answer = model.bind_tools([Weather]).invoke("Hi", chosen(model="dogs:rex", heat=1, mine="sk-1"))

    assert answer.text == "dogs:rex 1.0 ['tools']"
    assert animals.made[-1].api_key == SecretStr("sk-1")
    anything = init("cats:tom", plugins=manager, configurable_fields="any")
    warm = anything.configurable_fields(temperature=ConfigurableField("heat"))
    assert warm.invoke("Hi", chosen(model="dogs:rex", heat=1)).text == "dogs:rex 1.0 []"
    with pytest.raises(SettingsError, match="heat"):
        anything.invoke("Hi", chosen(heat=1))


def test_it_may_be_one_of_several_of_which_a_call_chooses(manager: PluginManager) -> None:
    either = init("cats:tom", plugins=manager, configurable_fields=("model",)).configurable_alternatives(
        ConfigurableField("which"), dog=init("dogs:rex", plugins=manager)
    )

    assert either.invoke("Hi", chosen(model="cats:kit")).text == "cats:kit None []"
    assert either.invoke("Hi", chosen(model="cats:kit", which="dog")).text == "dogs:rex None []"
