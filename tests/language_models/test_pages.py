"""LangChain's page "Models", its sections on tools and on structured output: the same programs, with our names."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

import chatplug
from chatplug.errors import SettingsError
from chatplug.language_models import BaseChatModel
from chatplug.messages import AIMessage, BaseMessage
from chatplug.testing import FakeCall, FakeChatModel
from chatplug.tools import tool


@tool
def get_weather(location: str) -> str:
    """Get the weather at a location."""
    return f"It is sunny in {location}."


def ask(*places: str) -> AIMessage:
    calls = [{"name": "get_weather", "args": {"location": place}, "id": f"call_{place}"} for place in places]
    return AIMessage("", tool_calls=calls)


def test_binding_user_tools() -> None:
    model = FakeChatModel(script=[ask("Boston")])

    model_with_tools = model.bind_tools([get_weather])

    response = model_with_tools.invoke("What is the weather like in Boston?")
    seen = []
    for tool_call in response.tool_calls:
        seen.append(f"Tool: {tool_call['name']}")
        seen.append(f"Args: {tool_call['args']}")
    assert seen == ["Tool: get_weather", "Args: {'location': 'Boston'}"]


def test_tool_execution_loop() -> None:
    def answer(call: FakeCall) -> str:
        return f"I was told: {call.messages[-1].text}"

    model = FakeChatModel(script=[ask("Boston"), answer])
    model_with_tools = model.bind_tools([get_weather])

    messages: list[Any] = [{"role": "user", "content": "What is the weather like in Boston?"}]
    ai_msg = model_with_tools.invoke(messages)
    messages.append(ai_msg)
    for tool_call in ai_msg.tool_calls:
        tool_result = get_weather.invoke(tool_call)
        messages.append(tool_result)
        assert tool_result.tool_call_id == tool_call["id"]
    final_response = model_with_tools.invoke(messages)

    assert final_response.text == "I was told: It is sunny in Boston."


@pytest.mark.parametrize("choice", ["any", "tool_1"])
def test_forcing_tool_calls(choice: str) -> None:
    @tool
    def tool_1(text: str) -> str:
        """The first."""
        return text

    model = FakeChatModel(script=["ok"])

    model.bind_tools([tool_1], tool_choice=choice).invoke("x")

    assert model.calls[0].settings["tool_choice"] == choice


def test_parallel_tool_calls() -> None:
    model = FakeChatModel(script=[ask("Boston", "Tokyo")])
    model_with_tools = model.bind_tools([get_weather])

    response = model_with_tools.invoke("What is the weather like in Boston and Tokyo?")
    results: list[BaseMessage] = []
    for tool_call in response.tool_calls:
        if tool_call["name"] == "get_weather":
            results.append(get_weather.invoke(tool_call))  # noqa: PERF401  # as the page has it

    assert [result.text for result in results] == ["It is sunny in Boston.", "It is sunny in Tokyo."]
    model.bind_tools([get_weather], parallel_tool_calls=False)


def test_streaming_tool_calls() -> None:
    model_with_tools = FakeChatModel(script=[ask("Boston", "Tokyo")], repeat=True).bind_tools([get_weather])

    seen: list[str] = []
    for chunk in model_with_tools.stream("What is the weather like in Boston and Tokyo?"):
        for tool_chunk in chunk.tool_call_chunks:
            if name := tool_chunk.get("name"):
                seen.append(f"Tool: {name}")
            if id_ := tool_chunk.get("id"):
                seen.append(f"ID: {id_}")
            if args := tool_chunk.get("args"):
                seen.append(f"Args: {args}")
    gathered: Any = None
    grown: list[Any] = []
    for chunk in model_with_tools.stream("What is the weather like in Boston?"):
        gathered = chunk if gathered is None else gathered + chunk
        grown.append(gathered.tool_calls)

    assert seen[:3] == ["Tool: get_weather", "ID: call_Boston", 'Args: {"lo']
    assert [call["args"] for call in grown[-1]] == [{"location": "Boston"}, {"location": "Tokyo"}]
    assert grown[0] != grown[-1]


FILM = {"title": "Inception", "year": 2010, "director": "Christopher Nolan", "rating": 8.8}


def film_model() -> BaseChatModel:
    return FakeChatModel(script=[FILM], repeat=True)


class Movie(BaseModel):
    """A movie with details."""

    title: str = Field(..., description="The title of the movie")
    year: int = Field(..., description="The year the movie was released")
    director: str = Field(..., description="The director of the movie")
    rating: float = Field(..., description="The movie's rating out of 10")


def test_structured_output_as_a_pydantic_model() -> None:
    model_with_structure = film_model().with_structured_output(Movie)

    response = model_with_structure.invoke("Provide details about the movie Inception")

    assert response == Movie(title="Inception", year=2010, director="Christopher Nolan", rating=8.8)


def test_structured_output_as_a_typed_dict() -> None:
    class MovieDict(TypedDict):
        """A movie with details."""

        title: Annotated[str, ..., "The title of the movie"]
        year: Annotated[int, ..., "The year the movie was released"]
        director: Annotated[str, ..., "The director of the movie"]
        rating: Annotated[float, ..., "The movie's rating out of 10"]

    model_with_structure = film_model().with_structured_output(MovieDict)

    assert model_with_structure.invoke("Provide details about the movie Inception") == FILM


def test_structured_output_by_json_schema() -> None:
    json_schema = {
        "title": "Movie",
        "description": "A movie with details",
        "type": "object",
        "properties": {
            "title": {"type": "string", "description": "The title of the movie"},
            "year": {"type": "integer", "description": "The year the movie was released"},
            "director": {"type": "string", "description": "The director of the movie"},
            "rating": {"type": "number", "description": "The movie's rating out of 10"},
        },
        "required": ["title", "year", "director", "rating"],
    }

    model_with_structure = film_model().with_structured_output(json_schema, method="json_schema")

    assert model_with_structure.invoke("Provide details about the movie Inception") == FILM


def test_the_message_beside_the_structure() -> None:
    model_with_structure = film_model().with_structured_output(Movie, include_raw=True)

    response = model_with_structure.invoke("Provide details about the movie Inception")

    assert isinstance(response["raw"], AIMessage)
    assert response["parsed"] == Movie(title="Inception", year=2010, director="Christopher Nolan", rating=8.8)
    assert response["parsing_error"] is None


@pytest.mark.parametrize("kind", ["pydantic", "TypedDict"])
def test_nested_structures(kind: str) -> None:
    class Actor(BaseModel):
        name: str
        role: str

    class MovieDetails(BaseModel):
        title: str
        year: int
        cast: list[Actor]
        genres: list[str]
        budget: float | None = Field(None, description="Budget in millions USD")

    class ActorDict(TypedDict):
        name: str
        role: str

    class MovieDetailsDict(TypedDict):
        title: str
        year: int
        cast: list[ActorDict]
        genres: list[str]
        budget: Annotated[float | None, ..., "Budget in millions USD"]

    film = {"title": "Up", "year": 2009, "cast": [{"name": "Ed", "role": "Carl"}], "genres": ["x"], "budget": None}
    schema: Any = MovieDetails if kind == "pydantic" else MovieDetailsDict
    model = FakeChatModel(script=[film])

    response: Any = model.with_structured_output(schema).invoke("Up?")

    assert response == (MovieDetails(**film) if kind == "pydantic" else film)  # type: ignore[arg-type]  # as pydantic takes it
    sent = model.calls[0].settings["response_format"]["json_schema"]["schema"]
    assert sent["properties"]["budget"]["description"] == "Budget in millions USD"


def test_server_side_tools_go_through() -> None:
    web_search = {"type": "web_search"}
    blocks: Any = [
        {"type": "server_tool_call", "name": "web_search", "args": {"query": "good news"}, "id": "ws_abc123"},
        {"type": "server_tool_result", "tool_call_id": "ws_abc123", "status": "success"},
        {"type": "text", "text": "Here is some."},
    ]
    model = FakeChatModel(script=[AIMessage(blocks)])
    model_with_tools = model.bind_tools([web_search])

    response = model_with_tools.invoke("What was a positive news story from today?")

    assert [block["type"] for block in response.content_blocks] == ["server_tool_call", "server_tool_result", "text"]
    assert model.calls[0].settings["tools"] == [web_search]


def test_a_model_without_tools_says_so_when_it_is_called() -> None:
    model = chatplug.init("echo:n80")

    with pytest.raises(SettingsError, match="echo:n80: There is no setting 'tools' of a call"):
        model.bind_tools([get_weather]).invoke("x")
