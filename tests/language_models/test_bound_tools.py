"""Tools bound to a model."""

from __future__ import annotations

from typing import Any

import pytest

from chatplug.errors import SettingsError, UnsupportedRequestError
from chatplug.messages import AIMessage
from chatplug.testing import FakeChatModel
from tests.language_models.structures import Movie, both, invoke, settings_of, stream, weather


@both
def test_bound_tools_go_with_every_call_in_the_form_that_is_known(how: str) -> None:
    model = FakeChatModel(script=["ok"], repeat=True)

    invoke(how, model.bind_tools([weather, Movie, {"type": "web_search"}], parallel_tool_calls=False, strict=True))

    settings = settings_of(model)
    assert [one.get("function", one).get("name") for one in settings["tools"]] == ["weather", "Movie", None]
    assert [one.get("function", {}).get("strict") for one in settings["tools"]] == [True, True, None]
    assert settings["parallel_tool_calls"] is False
    assert "tool_choice" not in settings


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("auto", "auto"),
        ("any", "any"),
        ("required", "any"),
        (True, "any"),
        ("none", "none"),
        ("weather", "weather"),
        ({"type": "tool", "name": "weather"}, {"type": "tool", "name": "weather"}),
        (None, None),
        (False, None),
    ],
)
def test_the_choice_of_a_tool_is_said_in_our_words(given: Any, sent: Any) -> None:
    model = FakeChatModel(script=["ok"])

    model.bind_tools([weather], tool_choice=given).invoke("x")

    assert settings_of(model).get("tool_choice") == sent


def test_a_choice_that_is_not_there_is_an_error_with_the_nearest() -> None:
    with pytest.raises(SettingsError, match=r"no tool 'wether' to choose\. Did you mean 'weather'\?"):
        FakeChatModel(script=[]).bind_tools([weather], tool_choice="wether")


def test_two_tools_of_one_name_are_an_error() -> None:
    with pytest.raises(SettingsError, match="Two tools have the name 'weather'"):
        FakeChatModel(script=[]).bind_tools([weather, {"name": "weather", "parameters": {}}])


@pytest.mark.parametrize(
    ("profile", "choice"), [({"tool_calling": False}, None), ({"tool_calling": True, "tool_choice": False}, "any")]
)
def test_what_the_profile_rules_out_is_refused_before_anything_is_sent(profile: Any, choice: Any) -> None:
    model = FakeChatModel(script=["ok"], profile=profile, on_unsupported="raise")

    with pytest.raises(UnsupportedRequestError, match="says its profile"):
        model.bind_tools([weather], tool_choice=choice).invoke("x")

    assert model.calls == []


@both
def test_tool_calls_are_streamed_in_fragments_that_add_up(how: str) -> None:
    calls = [{"name": "weather", "args": {"city": city}, "id": f"call_{city}"} for city in ("Bern", "Rom")]
    model = FakeChatModel(script=[AIMessage("", tool_calls=calls)], fragment=3)

    chunks = stream(how, model.bind_tools([weather]))

    full: Any = sum(chunks[1:], chunks[0])
    assert [{**call, "type": None} for call in full.tool_calls] == [{**call, "type": None} for call in calls]
    assert len([fragment for chunk in chunks for fragment in chunk.tool_call_chunks]) > 8


def test_a_profile_that_is_changed_in_place_holds_from_the_next_call_on() -> None:
    model = FakeChatModel(script=["ok"], repeat=True, profile={"tool_calling": True}, on_unsupported="raise")
    bound = model.bind_tools([weather])
    bound.invoke("x")
    bound.invoke("x")

    model.profile["tool_calling"] = False

    with pytest.raises(UnsupportedRequestError):
        bound.invoke("x")
