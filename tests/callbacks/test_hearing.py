"""What every handler may count on, whatever its policy."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest

from chatplug.callbacks import BaseCallbackHandler, flush
from chatplug.messages import HumanMessage
from tests.callbacks.observing import END, SECONDS, START, Observing
from tests.language_models.models import Driver, PiecesNative, Whole, WholeNative, both


@both
@pytest.mark.parametrize("is_inline", [True, False])
@pytest.mark.parametrize("is_async", [True, False])
def test_what_a_handler_sets_in_a_context_variable_it_finds_again_and_nobody_else(
    is_async: bool, is_inline: bool, driver: Driver
) -> None:
    mine: ContextVar[str] = ContextVar("mine", default="nobody's")
    found: list[str] = []

    class Sets(BaseCallbackHandler):
        run_inline = is_inline

        def on_chat_model_start(self, *args: Any, **kwargs: Any) -> Any:
            self.token = mine.set("the handler's")

        def on_llm_end(self, *args: Any, **kwargs: Any) -> Any:
            found.append(mine.get())
            mine.reset(self.token)

    class SetsLater(Sets):
        async def on_chat_model_start(self, *args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(0)
            super().on_chat_model_start()

        async def on_llm_end(self, *args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(0)
            super().on_llm_end()

    class Looks(WholeNative):
        def _generate(self, *args: Any, **kwargs: Any) -> Any:
            found.append(mine.get())
            return super()._generate(*args, **kwargs)

        async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
            found.append(mine.get())
            return await super()._agenerate(*args, **kwargs)

    mine.set("the caller's")
    driver.invoke(Looks(), "cat", {"callbacks": [SetsLater() if is_async else Sets()]})

    assert found == ["the caller's", "the handler's"]
    assert mine.get() == "the caller's"


@both
def test_starts_are_heard_in_the_order_of_handlers_and_ends_in_the_reverse(driver: Driver) -> None:
    order: list[str] = []

    class Named(BaseCallbackHandler):
        run_inline = True

        def __init__(self, name: str) -> None:
            self.name = name

        def on_chat_model_start(self, *args: Any, **kwargs: Any) -> Any:
            order.append(f"start {self.name}")

        def on_llm_end(self, *args: Any, **kwargs: Any) -> Any:
            order.append(f"end {self.name}")

        def on_run_end(self, run: Any) -> Any:
            order.append(f"run {self.name}")

    driver.invoke(WholeNative(callbacks=[Named("model")]), "cat", {"callbacks": [Named("a"), Named("b")]})

    assert order == ["start a", "start b", "start model", "end model", "end b", "end a", "run model", "run b", "run a"]


@both
@pytest.mark.parametrize("is_inline", [True, False])
def test_a_handler_does_not_hear_what_it_calls_itself_and_others_do(is_inline: bool, driver: Driver) -> None:
    class Asks(BaseCallbackHandler):
        run_inline = is_inline

        def __init__(self) -> None:
            self.ended: list[str] = []

        def on_run_end(self, run: Any) -> Any:
            self.ended.append(run.name)
            Whole(name="inner", callbacks=[self, other]).invoke("cat")

    handler, other = Asks(), Observing()

    driver.invoke(WholeNative(name="outer"), "cat", {"callbacks": [handler]})

    assert flush(SECONDS)
    assert handler.ended == ["outer"]
    assert other.names == [START, END]


@both
def test_a_handler_that_knows_prompts_alone_gets_the_conversation_as_a_text(driver: Driver) -> None:
    heard: list[Any] = []

    class Old(BaseCallbackHandler):
        def on_llm_start(self, serialized: dict[str, Any], prompts: list[str], **kwargs: Any) -> Any:
            heard.append((prompts, kwargs["name"]))

    class New(Old):
        def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> Any:
            heard.append((messages, kwargs["name"]))

    driver.invoke(WholeNative(name="it"), [("system", "Be brief."), ("user", "cat")], {"callbacks": [Old()]})
    driver.invoke(WholeNative(name="it"), "cat", {"callbacks": [New()]})

    assert heard == [(["System: Be brief.\nHuman: cat"], "it"), ([[HumanMessage("cat")]], "it")]


@both
def test_a_handler_that_ignores_models_hears_nothing_of_them(driver: Driver) -> None:
    class Ignores(Observing):
        ignore_llm = True
        ignore_chat_model = True

    handler = Ignores()

    driver.stream(PiecesNative(), "cat", {"callbacks": [handler]})

    assert handler.names == []


@both
@pytest.mark.parametrize("policy", ["observe", "required"])
def test_a_handler_with_methods_of_both_kinds_finds_in_one_what_another_set(policy: Any, driver: Driver) -> None:
    mine: ContextVar[str] = ContextVar("mine", default="nobody's")
    found: list[str] = []

    class Mixed(BaseCallbackHandler):
        def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
            mine.set("the handler's")

        async def on_llm_end(self, *args: Any, **kwargs: Any) -> None:
            found.append(mine.get())

    handler = Mixed()
    handler.policy = policy
    driver.invoke(WholeNative(), "cat", {"callbacks": [handler]})

    assert flush()
    assert found == ["the handler's"]
    assert mine.get() == "nobody's"


@both
def test_what_a_handler_does_to_the_tags_of_a_token_no_other_sees(driver: Driver) -> None:
    found: list[list[str]] = []

    class Changes(BaseCallbackHandler):
        run_inline = True

        def on_llm_new_token(self, *args: Any, **kwargs: Any) -> None:
            found.append(list(kwargs["tags"]))
            kwargs["tags"].append("mine")

    list(driver.stream(PiecesNative(), "cat", {"callbacks": [Changes(), Changes()], "tags": ["ours"]}))

    assert len(found) > 2
    assert all(tags == ["ours"] for tags in found)
