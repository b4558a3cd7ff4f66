"""Models whose author writes one method, or says what they are in the plainest way."""

from __future__ import annotations

from typing import Any, cast

import pytest

from chatplug.errors import PluginHookError
from chatplug.language_models import SimpleChatModel
from tests.language_models.models import DRIVERS


def test_a_simple_model_is_one_method_that_gives_a_text() -> None:
    class Shout(SimpleChatModel):
        @property
        def _llm_type(self) -> str:
            return "shout"

        def _call(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> str:
            return str(messages[-1].text.upper()) + str(kwargs.get("mark", ""))

    for driver in DRIVERS:
        assert driver.invoke(Shout(), "cat", mark="!").text == "CAT!"
        assert [chunk.text for chunk in driver.stream(Shout(), "cat")] == ["CAT"]


async def _coroutine() -> str:
    return "a"


def test_a_simple_model_whose_call_gives_no_text_is_an_error_that_names_the_method() -> None:
    class Mute(SimpleChatModel):
        given: Any = None

        @property
        def _llm_type(self) -> str:
            return "mute"

        def _call(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> str:
            return cast("str", self.given() if callable(self.given) else self.given)

    for driver in DRIVERS:
        for given, what in ((None, "NoneType"), (b"a", "bytes"), (_coroutine, "coroutine")):
            with pytest.raises(PluginHookError, match=rf"mute: Mute\._call gave {what}\. It has to give a string\."):
                driver.invoke(Mute(given=given), "cat")


def test_a_kind_may_be_said_plainly_in_the_body_of_a_class() -> None:
    # As a program without types writes it: type checkers want what the base class has, a property.
    body: dict[str, Any] = {"__module__": __name__, "_llm_type": "plain", "_call": lambda *_, **__: "hi"}
    kind: Any = type("Plain", (SimpleChatModel,), body)

    model = kind()

    assert (model._llm_type, model.provider, model.identifying_params) == ("plain", "plain", {"_type": "plain"})
    assert model.model_copy()._llm_type == "plain"


def test_a_kind_that_nobody_says_is_asked_for() -> None:
    class Silent(SimpleChatModel):
        def _call(self, *args: Any, **kwargs: Any) -> str:
            return "hi"

    with pytest.raises(TypeError, match="_llm_type"):
        Silent()  # type: ignore[abstract]  # that is what is tried
