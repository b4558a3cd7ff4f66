"""What a model cannot do is found before anything is sent."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

import chatplug
from chatplug.errors import UnsupportedRequestError
from chatplug.language_models import ModelEndWarning, UnsupportedRequestWarning
from chatplug.language_models.profiled import ProfiledModel
from chatplug.messages import AIMessage, HumanMessage, ToolMessage
from chatplug.plugins import PluginManager
from tests.language_models.models import DRIVERS, Driver, Whole
from tests.language_models.plugins import Facts, installed

TOOL: dict[str, Any] = {"type": "function", "function": {"name": "look", "parameters": {}}}
IMAGE = {"type": "image", "base64": "aGk=", "mime_type": "image/png"}
LINKED = {"type": "image", "url": "https://example.com/cat.png"}
SOUND = {"type": "audio", "base64": "aGk=", "mime_type": "audio/wav"}
FILM = {"type": "video", "base64": "aGk=", "mime_type": "video/mp4"}
PDF = {"type": "file", "base64": "aGk=", "mime_type": "application/pdf"}
SHEET = {"type": "file", "base64": "aGk=", "mime_type": "text/csv"}
SCHEMA: dict[str, Any] = {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}


def said(block: dict[str, Any]) -> list[Any]:
    return [HumanMessage([{"type": "text", "text": "Look:"}, block])]


def of_tool(block: dict[str, Any]) -> list[Any]:
    call: Any = {"name": "look", "args": {}, "id": "1", "type": "tool_call"}
    return [HumanMessage("Look"), AIMessage("", tool_calls=[call]), ToolMessage([block], tool_call_id="1")]


CASES: list[tuple[str, Any, Any, dict[str, Any]]] = [
    ("image_inputs", False, said(IMAGE), {}),
    ("image_inputs", False, said({"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}), {}),
    ("image_url_inputs", False, said(LINKED), {}),
    ("audio_inputs", False, said(SOUND), {}),
    ("video_inputs", False, said(FILM), {}),
    ("pdf_inputs", False, said(PDF), {}),
    ("attachment", False, said(SHEET), {}),
    ("image_tool_message", False, of_tool(IMAGE), {}),
    ("pdf_tool_message", False, of_tool(PDF), {}),
    ("tool_calling", False, "Meow", {"tools": [TOOL]}),
    ("tool_choice", False, "Meow", {"tool_choice": "required"}),
    ("tool_choice", False, "Meow", {"tool_choice": {"type": "function", "function": {"name": "look"}}}),
    ("tool_choice_modes", ["auto", "any"], "Meow", {"tool_choice": "look"}),
    ("tool_choice_modes", ["auto", "tool"], "Meow", {"tool_choice": "any"}),
    ("tool_choice_modes", ["auto"], "Meow", {"tool_choice": "none"}),
    ("parallel_tool_calls", False, "Meow", {"parallel_tool_calls": True}),
    ("structured_output", False, "Meow", {"response_format": SCHEMA}),
    ("structured_output_methods", ["function_calling"], "Meow", {"response_format": SCHEMA}),
    ("structured_output_methods", ["json_schema"], "Meow", {"response_format": {"type": "json_object"}}),
    ("max_output_tokens", 100, "Meow", {"max_tokens": 101}),
    ("temperature", False, "Meow", {"temperature": 0.0}),
    ("max_input_tokens", 1000, "word " * 2000, {}),
]


@pytest.mark.parametrize("driver", DRIVERS, ids=repr)
@pytest.mark.parametrize(("field", "value", "asked", "settings"), CASES, ids=lambda case: str(case)[:30])
def test_what_a_model_cannot_do_is_refused_before_it_is_asked(
    driver: Driver, field: str, value: Any, asked: Any, settings: dict[str, Any]
) -> None:
    model = Whole(profile={field: value}, on_unsupported="raise")  # type: ignore[misc]

    with pytest.raises(UnsupportedRequestError) as caught:
        driver.invoke(model, asked, **settings)
    with pytest.raises(UnsupportedRequestError):
        driver.stream(model, asked, **settings)

    assert model.heard == []
    assert (caught.value.field, caught.value.source) == (field, "profile=")
    assert f"profile={{'{field}': " in str(caught.value)


@pytest.mark.parametrize(("field", "value", "asked", "settings"), CASES, ids=lambda case: str(case)[:30])
def test_what_is_unknown_or_supported_passes(field: str, value: Any, asked: Any, settings: dict[str, Any]) -> None:
    enough = {
        "max_output_tokens": 101,
        "max_input_tokens": 10**6,
        "tool_choice_modes": ["auto", "none", "any", "tool"],
        "structured_output_methods": ["json_schema", "json_mode"],
    }
    given: Any = {field: enough.get(field, True)}
    for model in (Whole(on_unsupported="raise"), Whole(on_unsupported="raise", profile=given)):
        model.invoke(asked, **settings)

        assert len(model.heard) == 1


def test_a_model_that_was_made_with_too_much_is_refused_too() -> None:
    class Limited(Whole):
        max_tokens: int | None = None

    model = Limited(max_tokens=500, profile={"max_output_tokens": 100}, on_unsupported="raise")

    for _ in range(2):
        with pytest.raises(UnsupportedRequestError, match="max_tokens=500"):
            model.invoke("Meow")


def test_what_a_model_has_said_itself_is_not_asked_of_it() -> None:
    model = Whole(profile={"image_inputs": False}, on_unsupported="raise")

    model.invoke([HumanMessage("Draw"), AIMessage([IMAGE]), HumanMessage("Again")])

    assert len(model.heard) == 1


def test_it_is_sent_all_the_same_with_one_warning_unless_told_otherwise() -> None:
    model = Whole(profile={"image_inputs": False, "tool_calling": False})

    with pytest.warns(UnsupportedRequestWarning) as caught:
        model.invoke(said(IMAGE))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.invoke(said(IMAGE))
        Whole(profile={"image_inputs": False}, on_unsupported="allow").invoke(said(IMAGE))

    assert len(caught) == 1
    assert caught[0].filename == __file__
    text = str(caught[0].message)
    assert text.startswith("test:whole-1: The model cannot take an image")
    assert "profile={'image_inputs': True}" in text
    assert len(model.heard) == 2


def test_the_gate_gives_three_answers_with_field_and_source() -> None:
    model = Whole(profile={"image_inputs": True, "tool_calling": False})

    findings = model.check(said(IMAGE), {"tools": [TOOL], "max_tokens": 3})

    assert {finding.field: finding.answer for finding in findings} == {
        "tool_calling": "unsupported",
        "max_input_tokens": "unknown",
        "max_output_tokens": "unknown",
        "image_inputs": "supported",
    }
    assert [finding.source for finding in findings] == ["profile=", None, "profile=", None]
    assert [finding.override for finding in findings] == ["profile={'tool_calling': True}", None, None, None]


def test_a_profile_that_was_changed_in_place_counts() -> None:
    model = Whole(profile={"image_inputs": False}, on_unsupported="raise")
    model.profile["image_inputs"] = True
    model.profile["tool_calling"] = False

    model.invoke(said(IMAGE))
    with pytest.raises(UnsupportedRequestError, match="changed on this model"):
        model.invoke("Meow", tools=[TOOL])


def test_a_context_length_is_refused_only_where_it_is_surely_too_long() -> None:
    model = Whole(profile={"max_input_tokens": 1000}, on_unsupported="raise")

    model.invoke("word " * 1500)  # 7,500 letters: between 900 and 3,800 tokens
    with pytest.raises(UnsupportedRequestError, match="at least 1,250 tokens"):
        model.invoke("word " * 2000)


# ---- a look at the profile costs something, and most requests need none


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ProfiledModel, "_told", set[Any]())


def test_a_short_text_is_sent_without_a_look_at_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object) -> Any:
        raise AssertionError("looked up")

    model = Whole(profile={"image_inputs": False}, on_unsupported="raise")
    monkeypatch.setattr(ProfiledModel, "known", fail)

    model.invoke([("system", "Be brief."), ("user", "Meow"), ("ai", "Meo"), ("user", "w" * 3900)])
    with pytest.raises(AssertionError, match="looked up"):
        model.invoke(said(IMAGE))


END: dict[str, tuple[dict[str, Any], str]] = {
    "old": ({"status": "deprecated", "successor": "new"}, "cats:old is deprecated. Its provider recommends 'new'."),
    "going": (
        {"status": "deprecated", "retirement_date": "2999-01-01"},
        "cats:going is deprecated and answers until 2999-01-01.",
    ),
    "planned": ({"retirement_date": "2999-01-01"}, "cats:planned is deprecated and answers until 2999-01-01."),
    "gone": ({"status": "retired"}, "cats:gone is retired."),
    "late": (
        {"status": "deprecated", "retirement_date": "2020-01-01", "successor": "new"},
        "cats:late is retired since 2020-01-01. Its provider recommends 'new'.",
    ),
    "new": ({"status": "active"}, ""),
}


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> PluginManager:
    return installed(monkeypatch, cats=Facts({name: facts for name, (facts, _) in END.items()}))


@pytest.mark.parametrize("name", [name for name, (_, told) in END.items() if told])
def test_a_model_that_ends_warns_once_with_its_successor(manager: PluginManager, name: str) -> None:
    with pytest.warns(ModelEndWarning) as caught:
        chatplug.init(f"cats:{name}", plugins=manager).invoke("Meow")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = chatplug.init(f"cats:{name}", plugins=manager)
        again.invoke("Meow")
        _ = again.profile

    assert [str(warning.message) for warning in caught] == [END[name][1]]
    assert caught[0].filename == __file__


def test_a_model_that_does_not_end_is_silent(manager: PluginManager) -> None:
    chatplug.init("cats:new", plugins=manager).invoke("Meow")
