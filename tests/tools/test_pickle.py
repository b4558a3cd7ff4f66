"""Tools that go to another process."""

from __future__ import annotations

import asyncio
import pickle
from typing import Annotated, Any

import pytest

from chatplug.callbacks import CallbackManagerForToolRun
from chatplug.errors import ToolArgumentsError
from chatplug.tools import BaseTool, InjectedToolCallId, StructuredTool
from tests.tools.calling import Where, call, weather


def plain(city: str, /, days: int = 1, *, run_manager: CallbackManagerForToolRun | None = None) -> str:
    """The weather in a city.

    Args:
        city: Where
        days: How many
    """
    return f"{city}, {days} days"


async def waits(city: str, call_id: Annotated[str, InjectedToolCallId]) -> str:
    """The weather in a city, after a while."""
    return f"{city}, {call_id}"


def unpickled(one: BaseTool, protocol: int) -> Any:
    return pickle.loads(pickle.dumps(one, protocol))  # noqa: S301  # our own


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_tool_can_be_pickled_where_its_function_can(protocol: int) -> None:
    one = StructuredTool.from_function(plain, name="sky", return_direct=True)
    bare = StructuredTool.from_function(plain, parse_docstring=False)
    held = StructuredTool.from_function(waits, description="Asks", args_schema=Where)
    asks = StructuredTool.from_function(waits)

    for tool_ in (one, bare, held, asks):
        again = unpickled(unpickled(tool_, protocol), protocol)
        assert type(again) is StructuredTool
        assert (again.name, again.description, again.args) == (tool_.name, tool_.description, tool_.args)
        assert again.return_direct == tool_.return_direct
    assert unpickled(one, protocol).invoke({"city": "Bern", "days": "3"}) == "Bern, 3 days"
    assert unpickled(held, protocol).args_schema is Where
    answer = asyncio.run(unpickled(asks, protocol).ainvoke(call("waits", city="Bern")))
    assert answer.content == "Bern, call_1"
    with pytest.raises(ToolArgumentsError):
        unpickled(one, protocol).invoke({"city": "Bern", "days": "many"})


def test_a_tool_that_its_function_became_is_found_again_by_name() -> None:
    assert unpickled(weather, pickle.HIGHEST_PROTOCOL) is weather


class Doubles(BaseTool):
    """A tool with a signature."""

    name: str = "doubles"

    def _run(self, number: int) -> int:
        return 2 * number


def test_a_tool_of_a_class_can_be_pickled_after_it_was_called() -> None:
    one = Doubles()
    assert one.invoke({"number": 2}) == 4

    assert unpickled(one, pickle.HIGHEST_PROTOCOL).invoke({"number": 3}) == 6


def test_a_tool_of_a_function_that_nobody_finds_cannot_be_pickled() -> None:
    def local(city: str) -> str:
        """The weather in a city."""
        return city

    with pytest.raises((pickle.PicklingError, AttributeError), match="local"):
        pickle.dumps(StructuredTool.from_function(local))
