"""Fields and alternatives that a call chooses."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import PrivateAttr

from chatplug.errors import ConfigError
from chatplug.messages import AIMessage
from chatplug.runnables import (
    ConfigurableField,
    Runnable,
    RunnableConfig,
    RunnableLambda,
    RunnableParallel,
    ensure_config,
)
from chatplug.testing import FakeChatModel
from tests.language_models.models import Pieces, WholeNative
from tests.runnables.chains import WAYS, Ends, call


class Model(WholeNative):
    n: int = 1

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        answer = super()._generate(messages)
        answer.generations[0].message.content *= self.n
        return answer

    async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        return self._generate(messages)


@pytest.mark.parametrize("way", WAYS)
def test_a_call_sets_a_field(way: str) -> None:
    model = Model().configurable_fields(n=ConfigurableField("times"))

    def text(output: Any) -> str:
        return str((output[0] if way in ("stream", "astream") else output).text)

    assert text(call(model, way, "ab")) == "ab"
    assert text(call(model, way, "ab", {"configurable": {"times": 2}})) == "abab"
    assert text(call(RunnableLambda(str) | model, way, "ab", {"configurable": {"times": "3"}})) == "ababab"
    assert text(call(model, way, "ab")) == "ab"


class Derived(WholeNative):
    n: int = 1
    _answer: str = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        super().model_post_init(context)
        self._answer = "ab" * self.n

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        return AIMessage(self._answer)


def test_what_a_model_derives_from_a_field_is_derived_anew_for_a_call() -> None:
    given: Any = {"seed": 1, "profile": {"max_input_tokens": 7}}
    made = Derived(n=2, tags=["kept"], on_unsupported="allow", **given)
    made.set_origin("cats", "tom")
    model = made.configurable_fields(n=ConfigurableField("times"))
    heard = Ends()

    answers = [model.invoke("x", {"configurable": said, "callbacks": [heard]}) for said in ({}, {"times": 3})]

    assert [answer.text for answer in answers] == ["abab", "ababab"]
    assert [answer.response_metadata["unsupported_settings"] for answer in answers] == [["seed"], ["seed"]]
    other = made.remade({"n": 5})
    assert (other.provider, other.model_id, other.tags, other.profile) == ("cats", "tom", ["kept"], made.profile)


def test_a_fake_model_goes_on_with_its_script_whatever_a_call_sets() -> None:
    fake = FakeChatModel(script=["one", "two"])
    model = fake.configurable_fields(model_name=ConfigurableField("called"))

    answers = [model.invoke(text, {"configurable": {"called": text}}) for text in ("a", "b")]

    assert [answer.text for answer in answers] == ["one", "two"]
    assert [answer.response_metadata["model_name"] for answer in answers] == ["a", "b"]
    assert len(fake.calls) == 2


def test_a_value_that_a_field_cannot_have_is_refused() -> None:
    model = Model().configurable_fields(n=ConfigurableField("times"))

    with pytest.raises(ConfigError, match="The field 'n' of Model cannot be set so") as caught:
        model.invoke("a", {"configurable": {"times": "hush"}})

    assert "hush" not in str(caught.value)


def test_a_field_that_is_not_there_is_found_at_once() -> None:
    with pytest.raises(ConfigError, match=r"Model has no field 'model_nam'\. Did you mean 'model_name'\?"):
        Model().configurable_fields(model_nam=ConfigurableField("x"))


def test_what_is_no_configurable_field_is_found_at_once() -> None:
    wrong: Any = "times"

    with pytest.raises(ConfigError, match=r"n is str\. Give a ConfigurableField\."):
        Model().configurable_fields(n=wrong)


def test_an_alternative_that_is_no_text_is_none() -> None:
    either = RunnableLambda(str.lower).configurable_alternatives(ConfigurableField("how"), upper=RunnableLambda(len))

    with pytest.raises(ConfigError, match=r"configurable\['how'\] is \['upper'\]\. Did you mean 'upper'\?"):
        either.invoke("a", {"configurable": {"how": ["upper"]}})


def test_a_runnable_that_is_no_pydantic_model_has_fields_too() -> None:
    parallel: Runnable[Any, Any] = RunnableParallel(a=len).configurable_fields(name=ConfigurableField("called"))
    heard = Ends()

    parallel.invoke("x", {"configurable": {"called": "mine"}, "callbacks": [heard]})

    assert "mine" in heard.names


@pytest.mark.parametrize("way", WAYS)
def test_a_call_chooses_an_alternative(way: str) -> None:
    made: list[str] = []

    def make() -> Runnable[str, str]:
        made.append("made")
        return RunnableLambda(str.upper)

    either = RunnableLambda(str.lower).configurable_alternatives(
        ConfigurableField("how"), default_key="lower", upper=make, title=RunnableLambda(str.title)
    )

    assert call(either, way, "aB") in ("ab", ["ab"])
    assert call(either, way, "aB", {"configurable": {"how": "lower"}}) in ("ab", ["ab"])
    assert made == []
    for _ in range(2):
        assert call(either, way, "aB", {"configurable": {"how": "upper"}}) in ("AB", ["AB"])
    assert made == ["made"]
    with pytest.raises(ConfigError, match=r"configurable\['how'\] is 'uper'\. Did you mean 'upper'\?"):
        call(either, way, "aB", {"configurable": {"how": "uper"}})


def test_fields_of_alternatives_may_be_marked() -> None:
    def model(times: int) -> Runnable[Any, Any]:
        return Model(n=times).configurable_fields(n=ConfigurableField("times"))

    either = model(1).configurable_alternatives(ConfigurableField("which"), prefix_keys=True, other=model(2))

    config: RunnableConfig = {"configurable": {"which": "other", "which==other/times": 3, "times": 7}}
    assert either.invoke("a", config).text == "aaa"
    assert either.invoke("a", {"configurable": {"which==default/times": 4}}).text == "aaaa"


def test_an_alternative_that_stands_for_itself_is_found() -> None:
    either = RunnableLambda(str).configurable_alternatives(ConfigurableField("which"))
    either.alternatives["again"] = either.with_config(tags=["a"])

    with pytest.raises(ConfigError, match="A Runnable stands for itself: RunnableConfigurableAlternatives -> "):
        either.invoke("x", {"configurable": {"which": "again"}})


def test_an_alternative_cannot_have_the_key_of_the_default() -> None:
    with pytest.raises(ConfigError, match="'default' is the key of the default"):
        RunnableLambda(str).configurable_alternatives(ConfigurableField("which"), default=RunnableLambda(str))


def test_a_stream_of_a_model_is_transformed_whole() -> None:
    model = Pieces()

    pieces = list(model.transform(iter(["c", "at"])))

    assert "".join(piece.text for piece in pieces) == "cat"
    assert list(model.transform(iter([]))) == []
    assert ensure_config() == {}


def test_a_key_that_is_bound_is_not_shown() -> None:
    bound = WholeNative().bind(api_key="sk-not-to-be-seen", seed=3)

    assert "sk-not" not in repr(bound)
    assert "'seed': 3" in repr(bound)
