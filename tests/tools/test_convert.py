"""Whatever describes a tool, as OpenAI's wire describes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from chatplug.errors import SchemaError
from chatplug.tools import (
    InjectedToolArg,
    StructuredTool,
    convert_to_json_schema,
    convert_to_openai_function,
    convert_to_openai_tool,
    tool,
)
from chatplug.wire import is_array, is_object

PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Where"}, "days": {"type": "integer", "default": 1}},
    "required": ["city"],
}
WEATHER = {"name": "weather", "description": "The weather.", "parameters": PARAMETERS}


class Weather(BaseModel):
    """The weather."""

    model_config = ConfigDict(title="weather")

    city: str = Field(description="Where")
    days: int = 1


class weather_dict(TypedDict):  # noqa: N801  # its name is the tool's
    """The weather."""

    city: Annotated[str, ..., "Where"]
    days: Annotated[int, 1, "Where"]


@dataclass
class weather_data:  # noqa: N801  # its name is the tool's
    """The weather.

    Attributes:
        city: Where
    """

    city: str
    days: int = 1


def weather(city: Annotated[str, "Where"], days: int = 1) -> str:
    """The weather."""
    return f"{city} {days}"


async def aweather(city: str, days: int = 1) -> str:
    """The weather.

    Args:
        city: Where
    """
    return f"{city} {days}"


JSON_SCHEMA = {"title": "weather", "description": "The weather.", **PARAMETERS}

DESCRIPTIONS: dict[str, Any] = {
    "pydantic class": Weather,
    "TypedDict": weather_dict,
    "dataclass": weather_data,
    "function": weather,
    "coroutine function": aweather,
    "tool": tool(weather),
    "JSON Schema": JSON_SCHEMA,
    "OpenAI function": WEATHER,
    "OpenAI tool": {"type": "function", "function": WEATHER},
    "OpenAI Responses tool": {"type": "function", **WEATHER},
    "Anthropic tool": {"name": "weather", "description": "The weather.", "input_schema": PARAMETERS},
    "Anthropic custom tool": {
        "type": "custom",
        "name": "weather",
        "description": "The weather.",
        "input_schema": PARAMETERS,
    },
    "Bedrock tool": {
        "toolSpec": {"name": "weather", "description": "The weather.", "inputSchema": {"json": PARAMETERS}}
    },
    "MCP tool": {"name": "weather", "description": "The weather.", "inputSchema": PARAMETERS},
}


@pytest.mark.parametrize("kind", DESCRIPTIONS)
def test_every_description_says_the_same(kind: str) -> None:
    converted = convert_to_openai_tool(DESCRIPTIONS[kind])

    function = converted["function"]
    assert converted["type"] == "function"
    assert function["name"].removesuffix("_dict").removesuffix("_data").removeprefix("a") == "weather"
    assert function["description"] == "The weather."
    parameters = function["parameters"]
    parameters["properties"]["days"].pop("description", None)
    assert parameters == PARAMETERS


@pytest.mark.parametrize("kind", DESCRIPTIONS)
def test_as_json_schema_it_has_a_title(kind: str) -> None:
    schema = convert_to_json_schema(DESCRIPTIONS[kind])

    assert "weather" in schema["title"]
    assert schema["description"] == "The weather."
    assert schema["required"] == ["city"]
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("kind", DESCRIPTIONS)
def test_strict_says_so_and_closes_the_schema(kind: str) -> None:
    function = convert_to_openai_tool(DESCRIPTIONS[kind], strict=True)["function"]

    assert function["strict"] is True
    assert function["parameters"]["additionalProperties"] is False
    assert function["parameters"]["required"] == ["city", "days"]
    assert "default" not in json.dumps(function["parameters"]["properties"]["days"]).replace("(default", "")


def test_not_strict_says_so_and_leaves_the_schema() -> None:
    function = convert_to_openai_function(weather, strict=False)

    assert function["strict"] is False
    assert function["parameters"] == PARAMETERS


@pytest.mark.parametrize(
    "own",
    [
        {"type": "web_search"},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 5},
        {"type": "custom", "name": "sql", "format": {"type": "grammar"}},
        {"type": "mcp", "server_url": "https://example.org"},
        {"google_search": {}},
        {"function_declarations": {}},
    ],
)
def test_a_tool_that_only_its_provider_knows_goes_through_as_it_is(own: dict[str, Any]) -> None:
    converted = convert_to_openai_tool(own)

    assert converted == own
    assert converted is not own


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"properties": {}, "type": "object"}, "no title"),
        ({"nam": "x", "parameters": {}}, "describes a tool"),
        ({}, "nothing"),
        (7, "int"),
        (int, "class int"),
        ("weather", "str"),
    ],
)
def test_what_describes_no_tool_is_an_error(wrong: Any, why: str) -> None:
    with pytest.raises(SchemaError, match=why):
        convert_to_openai_tool(wrong)


def test_what_a_tool_has_beside_its_function_stays_beside_it() -> None:
    cached = {"cache_control": {"type": "ephemeral"}}
    function = {"name": "weather", "parameters": PARAMETERS}

    of_openai = convert_to_openai_tool({"type": "function", "function": function, **cached})
    of_anthropic = convert_to_openai_tool({"name": "weather", "input_schema": PARAMETERS, **cached})
    of_ours = convert_to_openai_tool(tool(extras=cached)(weather))

    assert of_openai == of_anthropic == {"type": "function", "function": function, **cached}
    assert of_ours["cache_control"] == cached["cache_control"]


def test_injected_arguments_are_not_in_the_schema() -> None:
    @tool
    def remember(text: str, user: Annotated[str, InjectedToolArg]) -> str:
        """Remember it."""
        return text + user

    function = convert_to_openai_function(remember)

    assert list(function["parameters"]["properties"]) == ["text"]
    assert function["parameters"]["required"] == ["text"]


def test_what_is_converted_is_the_callers_own() -> None:
    given = json.loads(json.dumps(WEATHER))

    convert_to_openai_function(given, strict=True)["parameters"]["properties"]["city"]["type"] = "spoilt"

    assert given == WEATHER


def test_the_name_of_a_generic_class_is_one_that_providers_allow() -> None:
    from typing import Generic, TypeVar

    T = TypeVar("T")

    class Page(BaseModel, Generic[T]):
        """A page."""

        items: list[T]

    assert convert_to_openai_function(Page[int])["name"] == "Page_int"


@pytest.mark.recordings
def test_every_recorded_tool_of_every_provider_is_read(recordings: Path) -> None:
    seen = kept = same = 0
    for path in sorted(recordings.glob("**/*.json")):
        recording = json.loads(path.read_text(encoding="utf-8"))
        for given in tools_of(recording):
            seen += 1
            converted = convert_to_openai_tool(given)
            if "function" not in converted:
                kept += 1
                assert converted == given
                continue
            assert converted["function"]["name"]
            assert isinstance(converted["function"].get("parameters", {}), dict)
            if "function" in given:
                # What a real client sent in this form is sent again as it was.
                same += 1
                assert converted == given

    assert seen > 800
    assert same > 300
    assert kept < seen / 2


def tools_of(recording: Any) -> list[dict[str, Any]]:
    """The tools that a recorded request offers."""
    request: Any = recording.get("request") if is_object(recording) else None
    body: Any = request.get("body") if is_object(request) else None
    if not is_object(body):
        return []
    converse: Any = body.get("toolConfig")
    listed: Any = body.get("tools") or (converse["tools"] if is_object(converse) else None)
    found: list[dict[str, Any]] = []
    for one in listed if is_array(listed) else ():
        declared = one.get("functionDeclarations") or one.get("function_declarations")
        found += declared if is_array(declared) else [one]
    return found


@pytest.mark.parametrize("wrong", [list[int], int | str, dict[str, int]])
def test_a_type_without_named_parts_is_an_error_that_says_what_to_do(wrong: Any) -> None:
    with pytest.raises(SchemaError, match="Make it a field of a class"):
        convert_to_openai_tool(wrong)


def _lambda() -> Any:
    def city(city: str) -> str:
        return city

    city.__name__ = (lambda: None).__name__
    return city


def test_a_lambda_without_a_name_is_refused() -> None:
    with pytest.raises(SchemaError, match="A lambda has no name by which a model could call it"):
        convert_to_openai_tool(_lambda())


def test_a_lambda_with_a_name_is_a_tool() -> None:
    made = StructuredTool.from_function(_lambda(), name="same", description="The same.")

    assert convert_to_openai_tool(made)["function"]["name"] == "same"
