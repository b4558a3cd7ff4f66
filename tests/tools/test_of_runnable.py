"""A Runnable as a tool: what it takes, what it is called with, whose run it is a part of."""

from __future__ import annotations

import asyncio
import pickle
from dataclasses import dataclass
from typing import Annotated, Any, NotRequired

import pytest
from pydantic import BaseModel, Field, PydanticUserError
from typing_extensions import TypedDict

import chatplug
from chatplug.errors import SchemaError, ToolArgumentsError
from chatplug.messages import AIMessage, ToolMessage
from chatplug.runnables import Runnable, RunnableConfig, RunnableLambda, chain
from chatplug.testing import FakeChatModel, RecordingHandler
from chatplug.tools import RunnableTool, convert_to_openai_tool, run_tools, tool


class Fields(BaseModel):
    """Says how often."""

    word: str = Field(description="What is said")
    times: int = 2


class Keys(TypedDict):
    """Says how often."""

    word: Annotated[str, "What is said"]
    times: NotRequired[int]


@dataclass
class Data:
    """Says how often."""

    word: str
    times: int = 2


def of_fields(given: Fields) -> str:
    """Repeats a word."""
    return given.word * given.times


def of_keys(given: Keys) -> str:
    """Repeats a word."""
    return given["word"] * given.get("times", 2)


def of_data(given: Data) -> str:
    """Repeats a word."""
    return given.word * given.times


def of_dict(given: dict[str, Any]) -> str:
    """Repeats a word."""
    return str(given["word"] * given.get("times", 2))


def of_anything(given: object) -> str:
    return str(given)


def shout(text: str) -> str:
    """Says it loudly."""
    return text.upper()


def called(one: RunnableTool, given: Any, *, is_async: bool, config: RunnableConfig | None = None) -> Any:
    return asyncio.run(one.ainvoke(given, config)) if is_async else one.invoke(given, config)


both = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
TOOLS = {
    "a pydantic class": RunnableLambda(of_fields).as_tool(),
    "a TypedDict": RunnableLambda(of_keys).as_tool(),
    "a dataclass": RunnableLambda(of_data).as_tool(),
    "args_schema": RunnableLambda(of_dict).as_tool(Fields),
    "a JSON Schema": RunnableLambda(of_dict).as_tool(
        {
            "type": "object",
            "properties": {"word": {"type": "string"}, "times": {"type": "integer"}},
            "required": ["word"],
        }
    ),
}


@both
@pytest.mark.parametrize("one", TOOLS.values(), ids=TOOLS)
def test_the_fields_of_what_it_takes_are_its_arguments(one: RunnableTool, is_async: bool) -> None:
    call = {"type": "tool_call", "name": one.name, "args": {"word": "meow", "times": 3}, "id": "call_1"}

    assert list(one.args) == ["word", "times"]
    assert called(one, {"word": "meow"}, is_async=is_async) == "meowmeow"
    assert called(one, call, is_async=is_async) == ToolMessage("meowmeowmeow", "call_1", name=one.name)
    with pytest.raises(ToolArgumentsError, match=f"The tool '{one.name}' does not take these arguments: word: Field"):
        called(one, {"times": 3}, is_async=is_async)


@both
def test_any_other_type_is_one_argument(is_async: bool) -> None:
    one = (RunnableLambda(shout) | len).as_tool(name="length")
    total = RunnableLambda(sum).with_types(input_type=list[int]).as_tool(name="total")

    assert one.args == {"input": {"type": "string"}}
    assert called(one, "meow", is_async=is_async) == 4 == called(one, {"input": "meow"}, is_async=is_async)
    assert total.args == {"input": {"items": {"type": "integer"}, "type": "array"}}
    assert called(total, {"input": ["1", 2]}, is_async=is_async) == 3


@both
def test_the_types_of_the_arguments_may_be_said(is_async: bool) -> None:
    one = RunnableLambda(of_dict).as_tool(arg_types={"word": str, "times": int})

    assert one.args == {"word": {"type": "string"}, "times": {"type": "integer"}}
    assert called(one, {"word": "a", "times": "3"}, is_async=is_async) == "aaa"


def test_a_model_is_a_tool_that_takes_a_text() -> None:
    one = chatplug.init("echo:n3").as_tool(name="echo", description="Says the beginning.")

    assert one.args == {"input": {"type": "string"}}
    assert one.invoke("Meow!").text == "Meo"


def test_name_and_description_are_the_functions_unless_they_are_given() -> None:
    by_function, by_class = (
        RunnableLambda(shout).as_tool(),
        RunnableLambda(lambda given: given).as_tool(Fields, name="f"),
    )
    given = tool("loud", RunnableLambda(shout), description="Shouts.", return_direct=True)
    bare = RunnableLambda(lambda given: given).as_tool(name="f", arg_types={"a": int})

    assert (by_function.name, by_function.description) == ("shout", "Says it loudly.")
    assert by_class.description == "Says how often."
    assert (given.name, given.description, given.return_direct) == ("loud", "Shouts.", True)
    assert bare.description == 'Takes {"a": {"type": "integer"}}.'
    assert convert_to_openai_tool(given)["function"] == {
        "name": "loud",
        "description": "Shouts.",
        "parameters": {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]},
    }


def test_every_way_of_saying_tool_makes_one() -> None:
    @tool
    @chain
    def first(text: str) -> str:
        return text[:1]

    @tool("second")
    @chain
    def other(text: str) -> str:
        return text[1:2]

    assert (first.name, first.invoke("meow")) == ("first", "m")
    assert (other.name, other.invoke("meow")) == ("second", "e")


untyped: Any = tool


class Unreadable:
    """As a `typing.TypedDict` is before Python 3.12."""

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: object) -> Any:
        raise PydanticUserError("It cannot be read.", code=None)


def fails(_: dict[str, Any]) -> None:
    raise TypeError("It fails.")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: RunnableLambda(of_dict).as_tool(), r"'of_dict' takes: the input of its Runnable is dict\[str"),
        (lambda: RunnableLambda(lambda given: given).as_tool(name="f"), "is of any type"),
        (lambda: RunnableLambda(shout).as_tool(name=""), "has no name by which a model could call it"),
        (
            lambda: RunnableLambda(shout).as_tool(return_drect=True),
            r"no field .return_drect.\. Did you mean .return_direct",
        ),
        (lambda: RunnableLambda(of_dict).as_tool(arg_types={"_x": int}), "cannot have an argument '_x'"),
        (lambda: RunnableLambda(of_dict).as_tool(arg_types={"model_config": int}), "an argument 'model_config'"),
        (
            lambda: RunnableLambda(of_dict).as_tool(arg_types={"x": Unreadable}),
            "that pydantic cannot check: It cannot be",
        ),
        (lambda: untyped("f", "no Runnable"), "tool takes a function, or a name and a Runnable"),
        (lambda: untyped(RunnableLambda(shout), RunnableLambda(shout)), "tool takes a function, or a name"),
    ],
)
def test_what_can_be_no_tool_says_what_is_missing(make: Any, said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        make()


@both
def test_the_run_of_the_runnable_is_a_part_of_the_tools(is_async: bool) -> None:
    handler = RecordingHandler()
    one = (RunnableLambda(shout) | chatplug.init("echo:n3")).as_tool(name="loud")

    called(one, "meow", is_async=is_async, config={"callbacks": [handler], "tags": ["mine"], "metadata": {"a": 1}})

    runs = {run.name: run for run in handler.runs}
    outer, sequence = runs["loud"], runs["RunnableSequence"]
    assert outer.kind == "tool"
    assert outer.parent_id is None
    assert sequence.parent_id == outer.id
    assert {runs["shout"].parent_id, runs["EchoChatModel"].parent_id} == {sequence.id}
    assert all("mine" in run.tags and run.metadata["a"] == 1 for run in runs.values())
    assert handler.only("on_tool_start").facts["inputs"] == {"input": "meow"}


@both
def test_an_error_below_ends_both_runs_and_reaches_the_caller(is_async: bool) -> None:
    handler = RecordingHandler()
    one = RunnableLambda(of_keys).as_tool()

    with pytest.raises(TypeError):
        called(
            RunnableLambda(fails).as_tool(arg_types={}),
            {},
            is_async=is_async,
            config={"callbacks": [handler]},
        )
    with pytest.raises(ToolArgumentsError):
        called(one, {}, is_async=is_async)

    assert [(run.kind, run.status) for run in handler.runs] == [("chain", "error"), ("tool", "error")]


def test_arguments_that_are_wrong_are_told_to_the_model_where_that_is_wanted() -> None:
    one = RunnableLambda(of_keys).as_tool(handle_validation_error=True)

    answer = one.invoke({"type": "tool_call", "name": "of_keys", "args": {"word": 1}, "id": "call_1"})

    assert answer.status == "error"
    assert "word: Input should be a valid string" in answer.text


def test_a_model_calls_it_in_a_loop() -> None:
    asking = AIMessage(tool_calls=[{"name": "shout", "args": {"input": "meow"}, "id": "1", "type": "tool_call"}])

    messages = run_tools(FakeChatModel(script=[asking, "Done."]), "Say it", [RunnableLambda(shout).as_tool()])

    assert [message.text for message in messages][-2:] == ["MEOW", "Done."]


def test_it_is_pickled_where_its_runnable_can_be() -> None:
    for one in (RunnableLambda(of_fields).as_tool(), RunnableLambda(of_dict).as_tool(arg_types={"word": str})):
        again = pickle.loads(pickle.dumps(one))  # noqa: S301  # our own

        assert again.args == one.args
        assert again.invoke({"word": "meow"}) == "meowmeow"


TYPES: dict[str, tuple[Runnable[Any, Any], Any, Any]] = {
    "function": (RunnableLambda(shout), str, str),
    "sequence": (RunnableLambda(shout) | of_anything, str, str),
    "each": (RunnableLambda(shout).map(), list[str], list[str]),
    "retry": (RunnableLambda(shout).with_retry(), str, str),
    "fallbacks": (RunnableLambda(shout).with_fallbacks([RunnableLambda(shout)]), str, str),
    "bound": (RunnableLambda(shout).bind(), str, str),
    "parallel": (chain(lambda given: given) | {"a": shout}, Any, dict[str, Any]),
}


@pytest.mark.parametrize(("one", "takes", "gives"), TYPES.values(), ids=TYPES)
def test_what_is_made_of_others_takes_and_gives_what_they_do(one: Any, takes: Any, gives: Any) -> None:
    assert (one.InputType, one.OutputType) == (takes, gives)
