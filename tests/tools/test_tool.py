"""Functions and classes as tools: what a tool says of itself, and which may be one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel, Field

from chatplug.callbacks import CallbackManagerForToolRun
from chatplug.errors import SchemaError, ToolArgumentsError
from chatplug.runnables import RunnableConfig
from chatplug.tools import BaseTool, StructuredTool, tool
from tests.tools.calling import Recorder, both, invoke, same, weather


def test_a_field_that_no_tool_has_is_answered_with_the_nearest() -> None:
    with pytest.raises(SchemaError, match=r"A tool has no field 'retun_direct'\. Did you mean 'return_direct'"):
        tool(same, description="The same.", retun_direct=True)


def test_name_description_and_arguments_come_from_the_function() -> None:
    assert weather.name == "weather"
    assert weather.description == "The weather in a city."
    assert weather.args == {
        "city": {"type": "string", "description": "Where"},
        "days": {"type": "integer", "description": "How many", "default": 1},
    }


def test_the_decorator_takes_a_name_and_the_fields_of_the_tool() -> None:
    @tool("forecast", return_direct=True, description="Look ahead.", tags=["a"])
    def weather(city: str) -> str:
        return city

    assert (weather.name, weather.description, weather.return_direct, weather.tags) == (
        "forecast",
        "Look ahead.",
        True,
        ["a"],
    )


def test_without_parsing_the_docstring_all_of_it_is_the_description() -> None:
    @tool(parse_docstring=False)
    def weather(city: str) -> str:
        """The weather.

        Args:
            city: Where
        """
        return city

    assert weather.description == "The weather.\n\nArgs:\n    city: Where"
    assert weather.args == {"city": {"type": "string"}}


def test_a_docstring_that_tells_of_strangers_is_an_error_where_that_is_wanted() -> None:
    def weather(city: str) -> str:
        """The weather.

        Args:
            town: Where
        """
        return city

    assert tool(weather).args == {"city": {"type": "string"}}
    with pytest.raises(SchemaError, match="'town', which it does not take"):
        tool(error_on_invalid_docstring=True)(weather)


def test_a_tool_that_nothing_describes_is_an_error() -> None:
    with pytest.raises(SchemaError, match="Nothing says what the tool 'bare' does"):

        @tool
        def bare(city: str) -> str:
            return city


def test_args_schema_says_what_a_tool_takes_and_what_it_does() -> None:
    class Where(BaseModel):
        """Look at the sky."""

        city: str = Field(description="Where", min_length=2)

    @tool(args_schema=Where)
    def weather(city: str) -> str:
        return city

    assert weather.description == "Look at the sky."
    with pytest.raises(ToolArgumentsError, match="city: String should have at least 2 characters"):
        weather.invoke({"city": "B"})


def test_args_schema_may_be_json_schema_which_is_not_checked_but_for_what_is_required() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    one = StructuredTool.from_function(same, name="weather", description="Sky.", args_schema=schema)

    assert one.args == {"city": {"type": "string"}}
    assert one.invoke({"city": 7}) == 7
    with pytest.raises(ToolArgumentsError, match="city: Field required"):
        one.invoke({})


def test_an_args_schema_of_another_kind_is_an_error() -> None:
    wrong: Any = int

    with pytest.raises(SchemaError, match="args_schema of the tool 'same' is neither"):
        StructuredTool.from_function(same, description="x", args_schema=wrong)


@both
def test_a_subclass_writes_run_and_its_signature_says_what_it_takes(how: str) -> None:
    class Search(BaseTool):
        name: str = "search"
        description: str = "Search."

        def _run(self, query: str, run_manager: CallbackManagerForToolRun | None = None) -> str:
            return f"{query} {type(run_manager).__name__}"

    found = invoke(how, Search(), {"query": "x"}, {"callbacks": [Recorder()]})

    assert Search().args == {"query": {"type": "string"}}
    assert found == "x CallbackManagerForToolRun"


def test_a_subclass_may_write_arun() -> None:
    class Search(BaseTool):
        name: str = "search"

        def _run(self, query: str) -> str:
            return query

        async def _arun(self, query: str, config: RunnableConfig | None = None) -> str:
            return f"{query} with {json.dumps((config or {}).get('tags'))}"

    assert invoke("async", Search(), {"query": "x"}, {"tags": ["a"]}) == 'x with ["a"]'


def test_a_copy_with_another_name_is_named_so_in_errors() -> None:
    renamed = weather.model_copy(update={"name": "forecast"})

    with pytest.raises(ToolArgumentsError, match="'forecast'"):
        renamed.invoke({})
    with pytest.raises(ToolArgumentsError, match="'weather'"):
        weather.invoke({})


def test_a_class_and_a_method_without_its_object_are_no_tools() -> None:
    class Shelf:
        def find(self, title: str) -> str:
            """Find a book."""
            return title

    made: Any = tool
    with pytest.raises(SchemaError, match="The class Shelf does nothing"):
        made(Shelf)
    with pytest.raises(SchemaError, match="takes self"):
        made(Shelf.find)
    assert made(Shelf().find).invoke({"title": "Up"}) == "Up"
