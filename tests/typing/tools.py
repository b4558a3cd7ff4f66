"""Tools, structured output and parsers as a typed program writes them. Type checkers read this file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, assert_type

from pydantic import BaseModel
from typing_extensions import TypedDict

from chatplug.errors import OutputError
from chatplug.language_models import BaseChatModel, LanguageModelInput
from chatplug.messages import AIMessage, AIMessageChunk, BaseMessage
from chatplug.output_parsers import JsonOutputParser, PydanticOutputParser, StrOutputParser
from chatplug.runnables import Runnable
from chatplug.tools import BaseTool, RunnableTool, StructuredTool, run_tools, tool


class Movie(BaseModel):
    """A film."""

    title: str


class MovieDict(TypedDict):
    """A film."""

    title: str


@dataclass
class MovieData:
    """A film."""

    title: str


@tool
def weather(city: str) -> str:
    """The weather."""
    return city


@tool("forecast", return_direct=True)
def ahead(city: str) -> str:
    """The weather to come."""
    return city


def having_tools(model: BaseChatModel) -> None:
    assert_type(weather, StructuredTool)
    assert_type(ahead, StructuredTool)
    bound = model.bind_tools([weather, ahead, Movie, MovieDict, print, {"type": "web_search"}], tool_choice="any")
    assert_type(bound.invoke("x"), AIMessage)
    assert_type(bound.stream("x"), Iterator[AIMessageChunk])
    assert_type(bound.astream("x"), AsyncIterator[AIMessageChunk])
    assert_type(run_tools(model, "x", [weather]), list[BaseMessage])
    for call in bound.invoke("x").tool_calls:
        weather.invoke(call)


def having_structure(model: BaseChatModel) -> None:
    assert_type(model.with_structured_output(Movie), Runnable[LanguageModelInput, Movie])
    assert_type(model.with_structured_output(Movie).invoke("x"), Movie)
    assert_type(model.with_structured_output(MovieData).stream("x"), Iterator[MovieData])
    assert_type(model.with_structured_output(MovieDict).invoke("x"), MovieDict)
    assert_type(model.with_structured_output({"title": "x"}).invoke("x"), dict[str, Any])
    found = model.with_structured_output(Movie, include_raw=True).invoke("x")
    assert_type(found["raw"], AIMessage)
    assert_type(found["parsed"], Movie | None)
    assert_type(found["parsing_error"], OutputError | None)
    model.with_structured_output(Movie, method="json")  # type: ignore[call-overload]  # one of three words


def having_parsers(model: BaseChatModel) -> None:
    assert_type((model | StrOutputParser()).invoke("x"), str)
    assert_type((model | PydanticOutputParser(pydantic_object=Movie)).invoke("x"), Movie)
    assert_type((model | JsonOutputParser()).stream("x"), Iterator[Any])


class Search(BaseTool):
    """A class of one's own."""

    name: str = "search"
    description: str = "Search."

    def _run(self, query: str) -> str:
        return query


def having_own_tools() -> None:
    Search().invoke({"query": "x"})


def tools_of_runnables(model: BaseChatModel, step: Runnable[str, int]) -> None:
    assert_type(step.as_tool(name="f", arg_types={"a": int}), RunnableTool)
    assert_type(model.as_tool(Movie), RunnableTool)
    assert_type(tool("f", step), RunnableTool)
    assert_type(tool("f", step, description="d", return_direct=True), RunnableTool)
    assert_type(tool("f")(step), RunnableTool)
    assert_type(tool(step), RunnableTool)
