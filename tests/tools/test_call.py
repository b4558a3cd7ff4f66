"""What becomes of a call: its arguments, its answer, and what goes wrong."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ValidationError

from chatplug.errors import InvalidRequestError, PluginHookError, ToolArgumentsError
from chatplug.messages import ToolMessage
from chatplug.runnables import RunnableConfig
from chatplug.tools import StructuredTool, ToolException, tool
from tests.tools.calling import both, call, invoke, same, weather

# ---- how it is called


@both
def test_an_annotation_may_hold_what_has_no_hash(how: str) -> None:
    @tool
    def look(city: Annotated[str, {"unit": "none"}], run: RunnableConfig | None = None) -> str:
        """Look."""
        return f"{city}, {run is not None}"

    assert invoke(how, look, {"city": "Bern"}) == "Bern, True"


def test_an_argument_may_have_any_name_that_a_parameter_may_have() -> None:
    @tool
    def join(a: str, self: int = 1, args: str = "", kwargs: str = "") -> str:
        """Join them."""
        return f"{a}{self}{args}{kwargs}"

    given = {"a": "a", "self": 2, "args": "b", "kwargs": "c"}

    assert join.invoke(given) == "a2bc"
    assert asyncio.run(join.ainvoke(given)) == "a2bc"


@both
def test_a_tool_call_is_answered_by_a_message_with_its_id(how: str) -> None:
    answer = invoke(how, weather, call("weather", "call_7", city="Bern", days="2"))

    assert answer == ToolMessage("Bern: sunny for 2 days", "call_7", name="weather", status="success")


@both
def test_arguments_alone_are_answered_by_what_the_function_gives(how: str) -> None:
    assert invoke(how, weather, {"city": "Bern"}) == "Bern: sunny for 1 days"


@both
def test_a_text_is_the_only_argument(how: str) -> None:
    @tool
    def shout(text: str) -> str:
        """Shout."""
        return text.upper()

    assert invoke(how, shout, "hey") == "HEY"
    with pytest.raises(ToolArgumentsError, match=r"cannot be called with a str.* It takes city, days"):
        invoke(how, weather, "Bern")


@both
def test_a_coroutine_function_is_a_tool(how: str) -> None:
    @tool
    async def weather(city: str) -> str:
        """The weather."""
        await asyncio.sleep(0)
        return city

    if how == "async":
        assert invoke(how, weather, {"city": "Bern"}) == "Bern"
    else:
        with pytest.raises(InvalidRequestError, match=r"only be called asynchronously\..*ainvoke"):
            invoke(how, weather, {"city": "Bern"})


def test_a_tool_may_have_a_function_of_each_kind() -> None:
    async def later(city: str) -> str:
        return f"{city} later"

    one = StructuredTool.from_function(same, later, name="weather", description="Sky.")

    assert invoke("sync", one, {"city": "Bern"}) == "Bern"
    assert invoke("async", one, {"city": "Bern"}) == "Bern later"


@both
def test_arguments_are_converted_to_what_the_function_declares(how: str) -> None:
    class Point(BaseModel):
        x: int

    seen: list[Any] = []

    @tool
    def look(points: list[Point], /, copy: bool, *, ratio: float = 0.5, **more: int) -> str:
        """Look."""
        seen.extend([points, copy, ratio, more])
        return "seen"

    given = {"points": [{"x": "1"}], "copy": "yes", "z": "3"}
    invoke(how, look, given)

    assert seen == [[Point(x=1)], True, 0.5, {"z": 3}]
    assert given == {"points": [{"x": "1"}], "copy": "yes", "z": "3"}


@both
def test_wrong_arguments_are_an_error_that_says_which_and_shows_no_values(how: str) -> None:
    with pytest.raises(ToolArgumentsError) as caught:
        invoke(how, weather, call("weather", town="secret", days="many"))

    assert str(caught.value).startswith("The tool 'weather' does not take these arguments: city: Field required; days:")
    assert "secret" not in str(caught.value)
    assert isinstance(caught.value.__cause__, ValidationError)
    assert isinstance(caught.value, ValueError)


@both
@pytest.mark.parametrize(
    ("handling", "said"),
    [
        (True, "The tool 'weather' does not take these arguments: city: Field required"),
        ("Try again.", "Try again."),
        (ValidationError.error_count, "1"),
    ],
)
def test_wrong_arguments_can_be_told_to_the_model(how: str, handling: Any, said: str) -> None:
    handled = weather.model_copy(update={"handle_validation_error": handling})

    answer = invoke(how, handled, call("weather"))

    assert answer == ToolMessage(said, "call_1", name="weather", status="error")


@both
def test_a_tool_exception_can_be_told_to_the_model_and_any_other_propagates(how: str) -> None:
    @tool
    def fails(kind: str) -> str:
        """Fail."""
        raise ToolException("The line is busy.") if kind == "tool" else KeyError(kind)

    handled = fails.model_copy(update={"handle_tool_error": True})

    with pytest.raises(ToolException, match="busy"):
        invoke(how, fails, call("fails", kind="tool"))
    answer = invoke(how, handled, call("fails", kind="tool"))
    assert answer == ToolMessage("The line is busy.", "call_1", name="fails", status="error")
    with pytest.raises(KeyError):
        invoke(how, handled, call("fails", kind="other"))


def test_wrong_arguments_of_a_tool_inside_a_tool_are_not_the_outer_ones() -> None:
    @tool(handle_validation_error="mine")
    def outer(text: str) -> str:
        """Call another one."""
        weather.invoke({"town": text})
        return text

    with pytest.raises(ToolArgumentsError, match="'weather'"):
        outer.invoke({"text": "x"})
    assert outer.invoke({}) == "mine"


# ---- what it gives


@both
@pytest.mark.parametrize(
    ("result", "content"),
    [
        ({"a": 1, "ä": [None]}, '{"a":1,"ä":[null]}'),
        (7, "7"),
        (None, "null"),
        ([], "[]"),
        ([{"type": "text", "text": "x"}], [{"type": "text", "text": "x"}]),
        ([1, 2], "[1,2]"),
    ],
)
def test_a_result_that_is_no_text_is_json_for_the_model(how: str, result: Any, content: Any) -> None:
    @tool
    def give() -> Any:
        """Give."""
        return result

    assert invoke(how, give, call("give")).content == content
    assert invoke(how, give, {}) == result


@both
def test_content_and_artifact_go_to_the_model_and_to_the_program(how: str) -> None:
    @tool(response_format="content_and_artifact")
    def search(query: str) -> tuple[str, list[int]]:
        """Search."""
        return f"2 found for {query}", [1, 2]

    answer = invoke(how, search, call("search", query="x"))

    assert (answer.content, answer.artifact) == ("2 found for x", [1, 2])


@both
def test_content_and_artifact_that_is_no_pair_is_an_error(how: str) -> None:
    @tool(response_format="content_and_artifact")
    def search(query: str) -> str:
        """Search."""
        return query

    with pytest.raises(PluginHookError, match=r"'search' gave str.*tuple of the two"):
        invoke(how, search, call("search", query="x"))


@both
def test_a_tool_may_write_its_message_itself(how: str) -> None:
    own = ToolMessage("mine", "call_1", name="x", status="error")

    @tool
    def write() -> Any:
        """Write."""
        return own

    assert invoke(how, write, call("write")) is own
