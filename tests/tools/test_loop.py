"""The loop of tool calls."""

from __future__ import annotations

import asyncio
import threading
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from chatplug.errors import InvalidRequestError, ToolRoundsError
from chatplug.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from chatplug.testing import FakeCall, FakeChatModel, RecordingHandler
from chatplug.tools import InjectedToolArg, InjectedToolCallId, arun_tools, run_tools, tool


def asks(*calls: tuple[str, dict[str, Any]]) -> AIMessage:
    return AIMessage(
        "", tool_calls=[{"name": name, "args": args, "id": f"call_{at}"} for at, (name, args) in enumerate(calls)]
    )


@tool
def weather(city: str) -> str:
    """The weather."""
    if city == "Atlantis":
        raise LookupError("It sank.")
    return f"Sunny in {city}."


def loop(how: str, model: Any, value: Any, tools: Any, **how_to: Any) -> list[BaseMessage]:
    if how == "sync":
        return run_tools(model, value, tools, **how_to)
    return asyncio.run(arun_tools(model, value, tools, **how_to))


def told(messages: list[BaseMessage]) -> list[tuple[str, str]]:
    return [(message.type, message.text) for message in messages]


both = pytest.mark.parametrize("how", ["sync", "async"])


@both
def test_tools_are_run_and_the_model_asked_again_until_it_asks_for_nothing(how: str) -> None:
    model = FakeChatModel(
        script=[
            asks(("weather", {"city": "Bern"}), ("weather", {"city": "Rom"})),
            asks(("weather", {"city": "Oslo"})),
            "Sunny everywhere.",
        ]
    )
    question = [HumanMessage("And the weather?")]

    messages = loop(how, model, question, [weather])

    assert told(messages) == [
        ("human", "And the weather?"),
        ("ai", ""),
        ("tool", "Sunny in Bern."),
        ("tool", "Sunny in Rom."),
        ("ai", ""),
        ("tool", "Sunny in Oslo."),
        ("ai", "Sunny everywhere."),
    ]
    assert [message.tool_call_id for message in messages if isinstance(message, ToolMessage)] == [
        "call_0",
        "call_1",
        "call_0",
    ]
    assert len(question) == 1
    assert [len(call.messages) for call in model.calls] == [1, 4, 6]
    assert all(call.settings["tools"][0]["function"]["name"] == "weather" for call in model.calls)


@both
def test_a_plain_function_is_a_tool(how: str) -> None:
    def twice(number: int) -> int:
        """Twice a number."""
        return number * 2

    messages = loop(how, FakeChatModel(script=[asks(("twice", {"number": 4})), "8"]), "2 * 4?", [twice])

    assert told(messages)[2:] == [("tool", "8"), ("ai", "8")]


@both
def test_several_calls_run_at_once(how: str) -> None:
    barrier = threading.Barrier(2, timeout=20)

    @tool
    def meet(name: str) -> str:
        """Wait for the other one."""
        barrier.wait()
        return name

    messages = loop(
        how, FakeChatModel(script=[asks(("meet", {"name": "a"}), ("meet", {"name": "b"})), "ok"]), "x", [meet]
    )

    assert told(messages)[2:4] == [("tool", "a"), ("tool", "b")]


@both
def test_the_model_is_told_of_what_went_wrong(how: str) -> None:
    broken = AIMessage(
        "",
        tool_calls=[
            {"name": "weather", "args": {"city": "Atlantis"}, "id": "call_0"},
            {"name": "weather", "args": {"town": "Bern"}, "id": "call_1"},
            {"name": "whether", "args": {}, "id": "call_2"},
        ],
        invalid_tool_calls=[
            {"name": "weather", "args": "{", "id": "call_3", "error": "not JSON", "type": "invalid_tool_call"}
        ],
    )

    messages = loop(how, FakeChatModel(script=[broken, "Sorry."]), "x", [weather])

    results = {message.tool_call_id: message for message in messages if isinstance(message, ToolMessage)}
    assert {message.status for message in results.values()} == {"error"}
    assert results["call_0"].text == "LookupError: It sank."
    assert "city: Field required" in results["call_1"].text
    assert results["call_2"].text == "There is no tool 'whether'. There are: weather."
    assert results["call_3"].text == "The arguments cannot be read: not JSON"


@both
def test_an_exception_is_raised_where_that_is_wanted(how: str) -> None:
    with pytest.raises(LookupError, match="It sank"):
        loop(how, FakeChatModel(script=[asks(("weather", {"city": "Atlantis"}))]), "x", [weather], on_error="raise")


@both
def test_a_model_that_goes_on_is_stopped_with_all_that_was_said(how: str) -> None:
    model = FakeChatModel(script=[asks(("weather", {"city": "Bern"}))], repeat=True)

    with pytest.raises(ToolRoundsError, match=r"goes on calling tools. Raise max_rounds") as caught:
        loop(how, model, "x", [weather], max_rounds=2)

    assert [message.type for message in caught.value.messages] == ["human", "ai", "tool", "ai", "tool", "ai"]
    assert caught.value.raw is caught.value.messages[-1]
    assert len(model.calls) == 3


@both
def test_a_tool_that_ends_the_conversation_is_not_followed_by_another_question(how: str) -> None:
    final = weather.model_copy(update={"return_direct": True})
    model = FakeChatModel(script=[asks(("weather", {"city": "Bern"}))])

    assert told(loop(how, model, "x", [final]))[-1] == ("tool", "Sunny in Bern.")


@both
def test_a_call_of_what_is_only_described_is_left_to_the_caller(how: str) -> None:
    class Form(BaseModel):
        """A form to be filled in."""

        name: str

    model = FakeChatModel(script=[asks(("Form", {"name": "Ada"}))])

    messages = loop(how, model, "x", [weather, Form, {"type": "web_search"}])

    assert [message.type for message in messages] == ["human", "ai"]


@both
def test_injected_arguments_come_from_the_program_alone(how: str) -> None:
    @tool
    def remember(text: str, user: Annotated[str, InjectedToolArg]) -> str:
        """Remember."""
        return f"{user}: {text}"

    model = FakeChatModel(
        script=[asks(("remember", {"text": "x", "user": "root"}), ("weather", {"city": "Rom"})), "ok"]
    )

    messages = loop(how, model, "x", [remember, weather], injected={"user": "Ada"})

    assert told(messages)[2:4] == [("tool", "Ada: x"), ("tool", "Sunny in Rom.")]


@both
def test_each_tool_and_each_question_is_a_run_below_one(how: str) -> None:
    recorder = RecordingHandler()
    model = FakeChatModel(script=[asks(("weather", {"city": "Bern"}), ("weather", {"city": "Rom"})), "ok"])

    loop(how, model, "x", [weather], config={"callbacks": [recorder]})

    kinds = sorted((run.kind, run.parent.name if run.parent else "") for run in recorder.runs)
    assert kinds == [
        ("chain", ""),
        ("chat_model", "run_tools"),
        ("chat_model", "run_tools"),
        ("tool", "run_tools"),
        ("tool", "run_tools"),
    ]


@both
def test_a_model_may_answer_by_what_it_was_told(how: str) -> None:
    def answer(call: FakeCall) -> str:
        return call.messages[-1].text.upper()

    messages = loop(how, FakeChatModel(script=[asks(("weather", {"city": "Bern"})), answer]), "x", [weather])

    assert messages[-1].text == "SUNNY IN BERN."


@both
def test_what_only_the_program_can_give_is_asked_of_the_program_before_the_model_is_asked(how: str) -> None:
    @tool
    def orders(day: str, user: Annotated[str, InjectedToolArg], call: Annotated[str, InjectedToolCallId]) -> str:
        """The orders of a day."""
        return f"{user}: none"

    model = FakeChatModel(script=[asks(("orders", {"day": "today"})), "None."])
    with pytest.raises(InvalidRequestError, match=r"'orders' wants 'user', .* injected=\{'user': ...\}"):
        loop(how, model, "x", [orders])
    assert model.calls == []

    messages = loop(how, model, "x", [orders], injected={"user": "Ann"})
    assert told(messages)[2:] == [("tool", "Ann: none"), ("ai", "None.")]


@both
def test_fewer_than_no_rounds_are_none(how: str) -> None:
    with pytest.raises(ToolRoundsError):
        loop(how, FakeChatModel(script=[asks(("weather", {"city": "Bern"}))]), "x", [weather], max_rounds=-1)
