"""Tools and structured output against a real llama.cpp server, whose grammar holds even a random model to a schema."""

from __future__ import annotations

import asyncio
import enum
import itertools
import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

import chatplug
from chatplug.errors import OutputError, OutputTruncatedError
from chatplug.language_models import BaseChatModel
from chatplug.messages import AIMessage, ToolMessage
from chatplug.output_parsers import JsonOutputKeyToolsParser, JsonOutputParser, PydanticToolsParser
from chatplug.tools import arun_tools, convert_to_json_schema, run_tools, tool
from chatplug.wire import is_object
from tests.integration.asking import both, invoke, stream

pytestmark = pytest.mark.integration

SEEDS = range(6)


@pytest.fixture
def make(real_server: str) -> Any:
    def made(**settings: Any) -> BaseChatModel:
        return chatplug.init("openai_compat:tiny", base_url=f"{real_server}/v1", **settings)

    return made


class Unit(enum.Enum):
    CELSIUS = "celsius"
    FAHRENHEIT = "fahrenheit"


class Search(BaseModel):
    """Search the shelves."""

    query: Annotated[str, Field(max_length=12)]
    kind: Literal["film", "book"]
    most: Annotated[int, Field(ge=1, le=9)] = 3


@tool
def weather(city: Annotated[str, Field(max_length=12)], unit: Unit, days: Annotated[int, Field(ge=1, le=7)] = 1) -> str:
    """The weather in a city.

    Args:
        city: Where
        unit: In which unit
        days: For how many days
    """
    assert isinstance(unit, Unit)
    return f"12 degrees {unit.value} in {city} for {days} days"


def as_tool_message(call: Any) -> None:
    if call["name"] == "Search":
        Search.model_validate(call["args"])
    else:
        assert weather.invoke(call).tool_call_id == call["id"]


@both
@pytest.mark.parametrize("choice", [None, "auto", "any"])
def test_the_model_calls_tools_with_arguments_that_fit(make: Any, how: str, choice: str | None) -> None:
    for seed in SEEDS:
        model = make(seed=seed).bind_tools([weather, Search], tool_choice=choice)

        answer = invoke(model, how, "What about Bern?")

        assert answer.tool_calls
        assert not answer.invalid_tool_calls
        for call in answer.tool_calls:
            as_tool_message(call)


@both
def test_a_streamed_call_adds_up_and_is_read_while_it_grows(make: Any, how: str) -> None:
    for seed in SEEDS:
        model = make(seed=seed).bind_tools([Search], tool_choice="Search")

        chunks = stream(model, how, "What about Bern?")
        grown = stream(
            model | JsonOutputKeyToolsParser(key_name="Search", first_tool_only=True), how, "What about Bern?"
        )
        instances = stream(model | PydanticToolsParser(tools=[Search]), how, "What about Bern?")

        full: Any = sum(chunks[1:], chunks[0])
        assert [call["name"] for call in full.tool_calls] == ["Search"] * len(full.tool_calls)
        assert grown[-1] == full.tool_calls[0]["args"]
        assert len(grown) > 2
        assert instances[-1][0] == Search.model_validate(full.tool_calls[0]["args"])


@both
def test_none_of_the_tools_is_called_where_that_is_forbidden(make: Any, how: str) -> None:
    answer = invoke(make(max_tokens=20).bind_tools([weather], tool_choice="none"), how, "Hello")

    assert answer.tool_calls == []


@both
def test_the_loop_of_calls_and_results_ends_by_itself(make: Any, how: str) -> None:
    ran = 0
    for seed in SEEDS:
        model = make(seed=seed)

        if how == "sync":
            messages = run_tools(model, "How is it in Bern?", [weather])
        else:
            messages = asyncio.run(arun_tools(model, "How is it in Bern?", [weather]))

        results = [message for message in messages if isinstance(message, ToolMessage)]
        ran += len(results)
        assert {message.status for message in results} == {"success"}
        assert isinstance(messages[-1], AIMessage)
        assert messages[-1].text
        assert not messages[-1].tool_calls
    assert ran >= len(SEEDS)


class Actor(BaseModel):
    name: Annotated[str, Field(max_length=8)]
    role: Annotated[str, Field(max_length=8)] | None


class Movie(BaseModel):
    """A film with its details."""

    title: Annotated[str, Field(max_length=16)]
    year: Annotated[int, Field(ge=1900, le=2099)]
    mood: Literal["dark", "light"]
    cast: Annotated[list[Actor], Field(max_length=3)]
    unit: Unit


class MovieDict(TypedDict):
    """A film with its details."""

    title: Annotated[str, ..., "Its name"]
    mood: Literal["dark", "light"]


@dataclass
class MovieData:
    """A film with its details."""

    mood: Literal["dark", "light"]
    rating: Literal[1, 2, 3]


JSON_SCHEMA = {
    "title": "Movie",
    "type": "object",
    "properties": {"title": {"type": "string", "maxLength": 12}, "year": {"type": "integer"}},
    "required": ["title", "year"],
    "additionalProperties": False,
}

SCHEMAS: dict[str, Any] = {
    "pydantic": Movie,
    "TypedDict": MovieDict,
    "dataclass": MovieData,
    "JSON Schema": JSON_SCHEMA,
}


def assert_fits(value: Any, schema: Any) -> None:
    if is_object(schema):
        Draft202012Validator(schema).validate(value)
    elif schema is MovieDict:
        Draft202012Validator(convert_to_json_schema(MovieDict)).validate(value)
    else:
        assert isinstance(value, schema)


@both
@pytest.mark.parametrize("strict", [None, False])
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
@pytest.mark.parametrize("kind", SCHEMAS)
def test_answers_are_held_to_the_schema(make: Any, how: str, kind: str, method: Any, strict: bool | None) -> None:
    schema = SCHEMAS[kind]
    for seed in (0, 1):
        held = make(seed=seed, max_tokens=400).with_structured_output(schema, method=method, strict=strict)

        assert_fits(invoke(held, how, "A film, please."), schema)


@both
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_stream_grows_to_the_whole_answer(make: Any, how: str, kind: str, method: Any) -> None:
    schema = SCHEMAS[kind]
    model = make(seed=3, temperature=0, max_tokens=400)
    held = model.with_structured_output(schema, method=method)

    pieces = stream(held, how, "A film, please.")
    both_given = stream(model.with_structured_output(schema, method=method, include_raw=True), how, "A film, please.")

    assert_fits(pieces[-1], schema)
    assert both_given[-1]["parsing_error"] is None
    assert_fits(both_given[-1]["parsed"], schema)
    if kind in ("TypedDict", "JSON Schema"):
        assert len(pieces) > 1


@both
def test_json_mode_gives_json(make: Any, how: str) -> None:
    found = 0
    for seed in range(8):
        model = make(seed=seed, max_tokens=60)
        held = model.with_structured_output({"type": "object"}, method="json_mode", include_raw=True)

        answer = invoke(held, how, "Some JSON, please.")

        error = answer["parsing_error"]
        found += error is None
        assert error is None or isinstance(error, OutputError)
        if error is None:
            assert answer["parsed"] == json.loads(answer["raw"].text)
    assert found


@both
def test_an_answer_that_is_cut_short_says_so(make: Any, how: str) -> None:
    model = make(seed=1, max_tokens=6)

    for method in ("json_schema", "function_calling"):
        held = model.with_structured_output(Movie, method=cast("Any", method))
        for ask in (invoke, stream):
            with pytest.raises(OutputTruncatedError, match="limit of tokens") as caught:
                ask(held, how, "A film, please.")

            assert caught.value.raw is not None
            assert caught.value.provider == "openai_compat"


@both
def test_json_grows_while_it_is_streamed(make: Any, how: str) -> None:
    schema = convert_to_json_schema(Movie)
    form = {"type": "json_schema", "json_schema": {"name": "Movie", "schema": schema}}
    chain = make(seed=2, max_tokens=400).bind(response_format=form) | JsonOutputParser()

    pieces = stream(chain, how, "A film, please.")

    assert len(pieces) > 5
    Draft202012Validator(schema).validate(pieces[-1])
    keys = [list(piece) for piece in pieces]
    assert all(after[: len(before)] == before for before, after in itertools.pairwise(keys))
