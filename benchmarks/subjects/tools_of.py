"""chatplug with tools, and with structure that grows: what it costs to have them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, Field, create_model

import chatplug
from chatplug.messages import AIMessageChunk
from chatplug.output_parsers.structured import StructuredAnswerParser

_QUESTION = "What did the cat do?"
SIZES = (500, 1000, 2000, 4000)


class Place(BaseModel):
    """A place."""

    city: str = Field(description="Its name, in any language")
    country: str | None = Field(default=None, description="ISO 3166-1, two letters")


def _tool(number: int) -> type[BaseModel]:
    return create_model(
        f"Tool{number}",
        __doc__=f"Tool number {number}: looks something up about a place, between two dates.",
        place=(Place, Field(description="Where")),
        first=(str, Field(description="The first day, as in 2026-11-24")),
        last=(str, Field(description="The last day, as in 2026-11-24")),
        limit=(int, Field(default=10, ge=1, le=100, description="How many at most")),
    )


TOOLS = [_tool(number) for number in range(10)]


class Film(BaseModel):
    """A film."""

    title: str
    scenes: list[str] = []


def _fragments(size: int) -> list[str]:
    """The JSON of a film in so many fragments: a scene for each of most."""
    body = [f'"scene {number}"{"," if number < size - 3 else ""}' for number in range(size - 2)]
    return ['{"title": "Up", "scenes": [', *body, "]}"]


def cases(base_url: str, kind: str) -> dict[str, Any]:
    """The cases of one kind: `plain` calls, or calls with ten tools `bound`."""
    model = chatplug.init("openai_compat:gpt-4o-mini", base_url=f"{base_url}/call/v1", api_key="sk-benchmark")
    asked: Any = model.bind_tools(TOOLS) if kind == "bound" else model.bind(temperature=None)

    def call(number: int) -> object:
        text = None
        for _ in range(number):
            text = asked.invoke(_QUESTION).text
        return text

    async def acall(number: int) -> object:
        text = None
        for _ in range(number):
            text = (await asked.ainvoke(_QUESTION)).text
        return text

    def grow(size: int, output_class: type[BaseModel] | None) -> Callable[[int], object]:
        chunks = [AIMessageChunk(fragment) for fragment in _fragments(size)]
        parser = StructuredAnswerParser(output_class=output_class)

        def run(number: int) -> object:
            last: Any = None
            for _ in range(number):
                for value in parser.transform(iter(chunks)):
                    last = value
            return len(json.dumps(last.model_dump() if output_class else last))

        return run

    found: dict[str, Any] = {"call": call, "acall": acall}
    for size in SIZES:
        found[f"{size}_dict"] = grow(size, None)
        found[f"{size}_instance"] = grow(size, Film)
    return found
