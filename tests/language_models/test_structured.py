"""Answers held to a schema."""

from __future__ import annotations

import itertools
import json
from typing import Annotated, Any, cast

import pytest
from pydantic import BaseModel, Field

from chatplug.errors import (
    OutputError,
    OutputFilteredError,
    OutputParsingError,
    OutputRefusedError,
    OutputTruncatedError,
    SchemaError,
    SettingsError,
)
from chatplug.messages import AIMessage, AIMessageChunk, tool_call_chunk
from chatplug.testing import FakeChatModel, RecordingHandler
from chatplug.tools import tool
from tests.language_models.structures import (
    METHODS,
    SCHEMAS,
    UP,
    Movie,
    MovieDict,
    both,
    every_method,
    invoke,
    settings_of,
    stream,
)

# ---- structure


@both
@every_method
@pytest.mark.parametrize("kind", SCHEMAS)
def test_the_answer_is_an_instance_or_a_dict(how: str, method: Any, kind: str) -> None:
    schema, expected = SCHEMAS[kind]
    model = FakeChatModel(script=[UP], repeat=True, fragment=4)
    held = model.with_structured_output(schema, method=method)

    assert invoke(how, held) == expected
    pieces = stream(how, held)
    assert pieces[-1] == expected
    if isinstance(expected, dict):
        assert {"title": "U"} in pieces or {"title": "Up"} in pieces
        assert all(before != after for before, after in itertools.pairwise(pieces))
    else:
        assert all(isinstance(piece, type(expected)) for piece in pieces)


@pytest.mark.parametrize("kind", SCHEMAS)
def test_json_schema_is_sent_with_name_description_and_strictness(kind: str) -> None:
    schema, _ = SCHEMAS[kind]
    model = FakeChatModel(script=[UP])

    model.with_structured_output(schema, method="json_schema").invoke("Up?")

    form = settings_of(model)["response_format"]
    said = form["json_schema"]
    assert form["type"] == "json_schema"
    assert said["name"].startswith("Movie")
    assert said["description"] == "A film with its details."
    assert said.get("strict") == (None if kind == "JSON Schema" else True)
    assert ("additionalProperties" in said["schema"]) == (kind != "JSON Schema")


def test_strictness_is_the_callers_to_say() -> None:
    class Open(BaseModel):
        names: dict[str, int]

    class Short(BaseModel):
        name: Annotated[str, Field(max_length=3)] = ""

    model = FakeChatModel(script=['{"names": {}}'], repeat=True)

    model.with_structured_output(Open).invoke("x")
    assert "strict" not in settings_of(model)["response_format"]["json_schema"]
    model.with_structured_output(Short).invoke("x")
    assert "strict" not in settings_of(model)["response_format"]["json_schema"]
    model.with_structured_output(Short, strict=True).invoke("x")
    assert settings_of(model)["response_format"]["json_schema"]["strict"] is True
    model.with_structured_output(Movie, strict=False, include_raw=True).invoke("x")
    assert settings_of(model)["response_format"]["json_schema"]["strict"] is False
    with pytest.raises(SchemaError, match="cannot be strict: /properties/names"):
        model.with_structured_output(Open, strict=True)
    with pytest.raises(SettingsError, match="Nothing is strict in json_mode"):
        model.with_structured_output(Movie, method="json_mode", strict=True)
    with pytest.raises(SettingsError, match=r"no method 'json-mode'.*Did you mean 'json_mode'"):
        model.with_structured_output(Movie, method=cast("Any", "json-mode"))
    with pytest.raises(SchemaError):
        model.with_structured_output(cast("Any", 7))


@pytest.mark.parametrize(
    ("profile", "method"),
    [
        ({}, "json_schema"),
        ({"structured_output": True}, "json_schema"),
        ({"structured_output": False, "tool_calling": True}, "function_calling"),
        ({"tool_calling": True}, "function_calling"),
        ({"structured_output": False, "tool_calling": False}, "json_mode"),
        ({"structured_output_methods": ["function_calling", "json_mode"]}, "function_calling"),
        ({"structured_output_methods": ["json_mode"]}, "json_mode"),
    ],
)
def test_the_profile_chooses_the_method(profile: Any, method: str) -> None:
    model = FakeChatModel(script=[UP], profile=profile)

    model.with_structured_output(Movie).invoke("Up?")

    settings = settings_of(model)
    used = "function_calling" if "tools" in settings else settings["response_format"]["type"]
    assert used == {"json_mode": "json_object"}.get(method, method)


@pytest.mark.parametrize(
    ("profile", "choice"),
    [({}, "Movie"), ({"tool_choice": False}, None), ({"tool_choice_modes": ["auto", "any"]}, "any")],
)
def test_a_model_that_cannot_be_made_to_call_a_tool_is_not_told_to(profile: Any, choice: Any) -> None:
    model = FakeChatModel(script=['It is {"title": "Up", "year": 2009}.'], profile=profile)

    found = model.with_structured_output(Movie, method="function_calling").invoke("Up?")

    assert settings_of(model).get("tool_choice") == choice
    assert found == Movie(title="Up", year=2009)  # in the text, since no tool was called


@both
@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"title": "Up", "year": 2009}\n```',
        'Here: {"title": "Up", "year": 2009} as you wished.',
        '<think>{"title": "Down"}</think>{"title": "Up", "year": 2009}',
    ],
)
def test_json_in_a_fence_in_prose_or_behind_thoughts_is_found(how: str, text: str) -> None:
    held = FakeChatModel(script=[text], repeat=True).with_structured_output(Movie, method="json_mode")

    assert invoke(how, held) == stream(how, held)[-1] == Movie(title="Up", year=2009)


# ---- what goes wrong


def call_of(args: str, finish: str = "tool_calls") -> list[AIMessageChunk]:
    first = tool_call_chunk(name="Movie", args=args, id="call_1", index=0)
    return [
        AIMessageChunk("", tool_call_chunks=[first]),
        AIMessageChunk("", response_metadata={"finish_reason": finish}),
    ]


def said(text: str, **metadata: Any) -> AIMessage:
    return AIMessage(text, response_metadata=metadata)


FAULTS: dict[str, tuple[str, Any, type[OutputError], Any]] = {
    "prose": ("json_schema", said("I would rather not."), OutputParsingError, None),
    "no JSON object": ("json_schema", said("[1, 2]"), OutputParsingError, None),
    "wrong type": ("json_schema", said('{"title": 7, "year": 1}'), OutputParsingError, {"title": 7, "year": 1}),
    "missing": ("json_mode", said('{"title": "Up"}'), OutputParsingError, {"title": "Up"}),
    "no call": ("function_calling", said("Hello"), OutputParsingError, None),
    "broken call": ("function_calling", call_of('{"title": "Up", }'), OutputParsingError, {"title": "Up"}),
    "other call": (
        "function_calling",
        AIMessage("", tool_calls=[{"name": "other", "args": {}, "id": "1"}]),
        OutputParsingError,
        None,
    ),
    "cut": ("json_schema", said('{"title": "Up", "ye', finish_reason="length"), OutputTruncatedError, {"title": "Up"}),
    "cut, as Anthropic says": ("json_schema", said('{"title', stop_reason="max_tokens"), OutputTruncatedError, {}),
    "cut, where the model takes no more": (
        "json_schema",
        said('{"title', stop_reason="model_context_window_exceeded"),
        OutputTruncatedError,
        {},
    ),
    "cut, as Google says": ("json_schema", said("", finish_reason="MAX_TOKENS"), OutputTruncatedError, None),
    "cut call": ("function_calling", call_of('{"title": "Up", "ye', "length"), OutputTruncatedError, {"title": "Up"}),
    "cut before the arguments": ("function_calling", call_of("", "length"), OutputTruncatedError, {}),
    "filter": ("json_schema", said('{"title": "', finish_reason="content_filter"), OutputFilteredError, {"title": ""}),
    "filter, as Google says": ("json_schema", said("", finish_reason="SAFETY"), OutputFilteredError, None),
    "refusal": (
        "json_schema",
        AIMessage("", additional_kwargs={"refusal": "No."}, response_metadata={"finish_reason": "stop"}),
        OutputRefusedError,
        None,
    ),
    "refusal, as Anthropic says": ("json_schema", said("No.", stop_reason="refusal"), OutputRefusedError, None),
}  # fmt: skip


@both
@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_an_error_of_its_own_with_the_message_and_what_could_be_read(how: str, name: str) -> None:
    method, turn, kind, partial = FAULTS[name]
    held = FakeChatModel(script=[turn], repeat=True).with_structured_output(Movie, method=cast("Any", method))

    for read in (invoke, stream):
        with pytest.raises(kind) as caught:
            read(how, held)

        assert type(caught.value) is kind
        assert isinstance(caught.value.raw, AIMessage)
        assert caught.value.partial == partial
        if not isinstance(turn, list):  # whose chunks say nothing of their provider
            assert (caught.value.provider, caught.value.model) == ("fake", "fake")
        assert getattr(caught.value, "refusal", "No.") == "No."


@both
@pytest.mark.parametrize("name", FAULTS)
def test_with_the_raw_message_no_fault_is_raised(how: str, name: str) -> None:
    method, turn, kind, _ = FAULTS[name]
    held = FakeChatModel(script=[turn], repeat=True).with_structured_output(
        Movie, method=cast("Any", method), include_raw=True
    )

    for found in (invoke(how, held), stream(how, held)[-1]):
        assert set(found) == {"raw", "parsed", "parsing_error"}
        assert isinstance(found["raw"], AIMessage)
        assert found["parsed"] is None
        assert type(found["parsing_error"]) is kind


@both
@every_method
def test_with_the_raw_message_both_are_given_and_grow_in_a_stream(how: str, method: Any) -> None:
    held = FakeChatModel(script=[UP], repeat=True).with_structured_output(MovieDict, method=method, include_raw=True)

    whole = invoke(how, held)
    pieces = stream(how, held)

    assert whole["parsed"] == pieces[-1]["parsed"] == UP
    assert whole["parsing_error"] is None
    assert pieces[-1]["raw"].model_copy(update={"id": None}) == whole["raw"].model_copy(update={"id": None})
    grown = [piece["parsed"] for piece in pieces if piece["parsed"]]
    assert len(grown) > 3
    assert list(grown[0]) == ["title"]


def test_an_error_of_the_provider_is_raised_in_any_case() -> None:
    held = FakeChatModel(script=[KeyError("gone")]).with_structured_output(Movie, include_raw=True)

    with pytest.raises(KeyError):
        held.invoke("Up?")


def test_an_answer_that_ended_at_the_limit_and_is_whole_all_the_same_is_taken() -> None:
    whole = AIMessage(json.dumps(UP), response_metadata={"finish_reason": "length"})

    assert FakeChatModel(script=[whole]).with_structured_output(Movie).invoke("x") == Movie(title="Up", year=2009)


def test_instances_are_given_while_the_answer_grows_and_the_last_is_whole() -> None:
    film = Movie(title="Up", year=2009, genres=[f"genre {number}" for number in range(30)])
    held = FakeChatModel(script=[film], fragment=7).with_structured_output(Movie)

    pieces = list(held.stream("Up?"))

    assert pieces[-1] == film
    assert len(pieces) > 30
    assert [len(piece.genres) for piece in pieces] == sorted(len(piece.genres) for piece in pieces)


@both
def test_model_and_parser_are_runs_below_one(how: str) -> None:
    recorder = RecordingHandler()
    held = FakeChatModel(script=[UP]).with_structured_output(Movie).with_config(callbacks=[recorder])

    invoke(how, held)

    kinds = [(run.kind, run.parent.kind if run.parent else None) for run in recorder.runs]
    assert sorted(kinds, key=str) == [("chain", None), ("chat_model", "chain"), ("parser", "chain")]


def test_what_was_bound_before_goes_with_the_tools_and_the_schema_that_are_bound_then() -> None:
    @tool
    def look(where: str) -> str:
        """Look."""
        return where

    fake, heard = FakeChatModel(script=["Hi", Movie(title="Up", year=2009)]), RecordingHandler()
    ended: list[str] = []
    bound = fake.bind(temperature=0).with_config(tags=["kept"], callbacks=[heard])
    told = bound.with_listeners(on_end=lambda run: ended.append(run.name))

    told.bind_tools([look], tool_choice="any", seed=1).invoke("Hello")
    movie = told.with_structured_output(Movie, method="json_schema").invoke("Up?")

    assert movie == Movie(title="Up", year=2009)
    assert [call.settings["temperature"] for call in fake.calls] == [0, 0]
    assert (fake.calls[0].settings["tool_choice"], fake.calls[0].settings["seed"]) == ("any", 1)
    assert "response_format" in fake.calls[1].settings
    assert ended == ["FakeChatModel"] * 2
    assert [next(iter(run.tags)) for run in heard.runs if run.kind == "chat_model"] == ["kept", "kept"]
    assert told.bind_tools([look]).bind(seed=2).kwargs.keys() == {"temperature", "tools", "seed"}


def test_a_model_with_something_bound_knows_its_profile() -> None:
    given: Any = {"profile": {"structured_output": False, "tool_calling": True}}
    fake = FakeChatModel(script=[Movie(title="Up", year=2009)], **given)
    bound = fake.bind(seed=1).with_config(tags=["a"])

    bound.with_structured_output(Movie).invoke("Up?")

    assert bound.profile == fake.profile
    assert fake.calls[0].settings["tool_choice"] == "Movie"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("schema", [int, "Movie", ["title"]])
def test_what_is_no_schema_is_refused_by_every_method(method: Any, schema: Any) -> None:
    with pytest.raises(SchemaError):
        FakeChatModel(script=[]).with_structured_output(schema, method=method)
