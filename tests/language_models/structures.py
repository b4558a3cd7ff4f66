"""One film as each kind of schema, and the two ways to ask for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from chatplug.runnables import Runnable
from chatplug.testing import FakeChatModel
from chatplug.tools import tool


class Movie(BaseModel):
    """A film with its details."""

    title: str = Field(description="Its name")
    year: int
    genres: list[str] = []


class MovieDict(TypedDict):
    """A film with its details."""

    title: Annotated[str, ..., "Its name"]
    year: Annotated[int, ..., "Its year"]


@dataclass
class MovieData:
    """A film with its details."""

    title: str
    year: int


JSON_SCHEMA = {
    "title": "Movie",
    "description": "A film with its details.",
    "type": "object",
    "properties": {"title": {"type": "string"}, "year": {"type": "integer"}},
    "required": ["title", "year"],
}
UP = {"title": "Up", "year": 2009}
SCHEMAS: dict[str, tuple[Any, Any]] = {
    "pydantic": (Movie, Movie(title="Up", year=2009)),
    "dataclass": (MovieData, MovieData("Up", 2009)),
    "TypedDict": (MovieDict, UP),
    "JSON Schema": (JSON_SCHEMA, UP),
}
METHODS = ("json_schema", "function_calling", "json_mode")


def invoke(how: str, model: Runnable[Any, Any], value: Any = "Up?") -> Any:
    return model.invoke(value) if how == "sync" else asyncio.run(model.ainvoke(value))


def stream(how: str, model: Runnable[Any, Any], value: Any = "Up?") -> list[Any]:
    if how == "sync":
        return list(model.stream(value))

    async def collect() -> list[Any]:
        return [piece async for piece in model.astream(value)]

    return asyncio.run(collect())


both = pytest.mark.parametrize("how", ["sync", "async"])
every_method = pytest.mark.parametrize("method", METHODS)


@tool
def weather(city: str) -> str:
    """The weather."""
    return city


def settings_of(model: FakeChatModel) -> dict[str, Any]:
    return dict(model.calls[-1].settings)
