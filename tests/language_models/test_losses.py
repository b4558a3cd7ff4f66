"""What a provider cannot take of a conversation: an error, a warning or nothing, and readable on the answer."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pydantic import Field

from chatplug.errors import InvalidRequestError, LossError, SettingsError
from chatplug.language_models import BaseChatModel
from chatplug.messages import AIMessage, AIMessageChunk, BaseMessage, Exported, LossWarning, export_messages
from chatplug.messages import loss as loss_module
from chatplug.runnables import RunnableLambda
from tests.language_models.models import DRIVERS, Driver

REASONING: Any = {"role": "assistant", "content": [{"type": "reasoning", "reasoning": "Hm."}, "a"]}
NAMED: Any = {"role": "user", "content": "a", "name": "Ada"}
every_way = pytest.mark.parametrize("driver", DRIVERS, ids=repr)


class Sends(BaseChatModel):
    """Encodes as a provider's model does, and answers with what it would have sent."""

    sent: list[Any] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "sends"

    def _encode(self, messages: list[BaseMessage]) -> tuple[Exported, dict[str, Any]]:
        exported = export_messages(messages, "anthropic", provider="sends")
        facts = self.report(exported.losses)
        self.sent.append(exported.value)
        return exported, facts

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AIMessage:
        return AIMessage(messages[-1].text, response_metadata=self._encode(messages)[1])

    def _stream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[AIMessageChunk]:
        _, facts = self._encode(messages)
        yield AIMessageChunk("a", response_metadata=facts)
        yield AIMessageChunk("b")

    async def _astream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        for chunk in self._stream(messages):
            yield chunk


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing has been warned of yet."""
    monkeypatch.setattr(loss_module, "_warned", set[str]())


@every_way
def test_losses_are_readable_on_the_answer_and_on_the_sum_of_a_stream(driver: Driver) -> None:
    model = Sends(on_loss="allow")

    answer = driver.invoke(model, [REASONING])
    chunks = driver.stream(model, [REASONING])

    lost = [
        {
            "path": "messages[0].content[0]",
            "kind": "reasoning",
            "reason": "nobody says who made it, and sends would not understand it",
        }
    ]
    assert answer.response_metadata["losses"] == lost
    assert sum(chunks[1:], chunks[0]).response_metadata["losses"] == lost


@every_way
def test_where_nothing_is_lost_the_answer_says_nothing_of_it(driver: Driver) -> None:
    model = Sends(on_loss="raise")

    assert "losses" not in driver.invoke(model, "Hello").response_metadata
    assert all("losses" not in chunk.response_metadata for chunk in driver.stream(model, "Hello"))


@every_way
@pytest.mark.parametrize("is_stream", [False, True])
def test_a_loss_that_is_forbidden_is_an_error_before_anything_is_sent(is_stream: bool, driver: Driver) -> None:
    model = Sends(on_loss="raise")

    with pytest.raises(LossError, match=r"messages\[0\].content\[0\] and 1 more cannot be sent: .*on_loss") as caught:
        (driver.stream if is_stream else driver.invoke)(model, [REASONING, NAMED])

    assert isinstance(caught.value, InvalidRequestError)
    assert [loss.kind for loss in caught.value.losses] == ["reasoning", "name"]
    assert caught.value.provider == "sends"
    assert model.sent == []


def test_a_loss_is_warned_of_once_for_each_kind_in_a_process() -> None:
    with pytest.warns(LossWarning, match=r"messages\[0\].content\[0\] is left out") as caught:
        Sends().invoke([REASONING])
    assert len(caught) == 1

    with pytest.warns(LossWarning, match=r"messages\[1\].name is left out: the format has no place") as caught:
        Sends().invoke([REASONING, NAMED])
    assert len(caught) == 1

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answer = Sends().invoke([REASONING, NAMED])
    assert len(answer.response_metadata["losses"]) == 2


WAYS: dict[str, Callable[[BaseChatModel], object]] = {
    "invoke": lambda model: model.invoke([NAMED]),
    "stream": lambda model: list(model.stream([NAMED])),
    "in a function of a chain": lambda model: RunnableLambda[Any, Any](lambda _: model.invoke([NAMED])).invoke("x"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_loss_is_a_warning_about_the_line_that_asks(way: str) -> None:
    ask: Any = WAYS[way]

    with pytest.warns(LossWarning) as caught:
        ask(Sends())

    assert (caught[0].filename, caught[0].lineno) == (__file__, ask.__code__.co_firstlineno)


def test_the_losses_of_many_calls_at_once_are_each_its_own() -> None:
    model = Sends(on_loss="allow")
    conversations: list[Any] = [[NAMED] * (number % 4) or ["a"] for number in range(200)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(model.invoke, conversations))

    for number, answer in enumerate(answers):
        assert len(answer.response_metadata.get("losses", [])) == number % 4


def test_on_loss_has_three_values() -> None:
    with pytest.raises(SettingsError, match="on_loss"):
        Sends(on_loss="ignore")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # as it says
