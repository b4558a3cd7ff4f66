"""The smallest plugin, from its name to its last chunk."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import pytest
from chatplug_echo.model import EchoChatModel, read_length

import chatplug
from chatplug.errors import ModelNameError, SettingsError
from chatplug.language_models import BaseChatModel
from chatplug.messages import AIMessage, AIMessageChunk, HumanMessage
from chatplug.plugins import default_manager

FACTS = {"model_provider": "echo", "model_name": "n3", "finish_reason": "stop"}


def answers(model: BaseChatModel, value: Any, **settings: Any) -> list[AIMessage]:
    """The answers by invoke and by ainvoke."""
    return [model.invoke(value, **settings), asyncio.run(model.ainvoke(value, **settings))]


def streams(model: BaseChatModel, value: Any, **settings: Any) -> list[list[AIMessageChunk]]:
    """The chunks by stream and by astream."""

    async def collect() -> list[AIMessageChunk]:
        return [chunk async for chunk in model.astream(value, **settings)]

    return [list(model.stream(value, **settings)), asyncio.run(collect())]


def test_it_answers_with_the_first_characters_of_the_last_message() -> None:
    for answer in answers(chatplug.init("echo:n3"), [HumanMessage("hello!"), AIMessage("Hi!"), HumanMessage("Meow!")]):
        assert answer.text == "Meo"
        assert answer.response_metadata == FACTS


def test_it_streams_one_character_at_a_time_and_then_what_it_knows() -> None:
    for chunks in streams(chatplug.init("echo:n3"), "cat"):
        assert [chunk.content for chunk in chunks] == ["c", "a", "t", ""]
        assert [chunk.response_metadata for chunk in chunks] == [{}, {}, {}, FACTS]
        assert [chunk.chunk_position for chunk in chunks] == [None, None, None, "last"]


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        (["b"], "ab"),
        (["bcd"], "abcd"),
        (["cd", "b"], "ab"),
        (["x"], "abcdef"),
        ([""], "abcdef"),
        ("c", "abc"),
        ([], "abcdef"),
    ],
)
def test_it_ends_with_the_first_stop_text_which_is_part_of_the_answer(stop: Any, expected: str) -> None:
    model = chatplug.init("echo:n6")

    for answer in answers(model, "abcdefgh", stop=stop):
        assert answer.text == expected
    for chunks in streams(model, "abcdefgh", stop=stop):
        assert "".join(chunk.text for chunk in chunks) == expected


def test_a_stop_text_beyond_the_length_changes_nothing() -> None:
    assert chatplug.init("echo:n3", stop=["e"]).invoke("abcdef").text == "abc"


@pytest.mark.parametrize("value", ["", [], [HumanMessage("")]])
def test_nothing_is_echoed_as_nothing(value: Any) -> None:
    model = chatplug.init("echo:n3")

    assert [answer.text for answer in answers(model, value)] == ["", ""]
    assert [[chunk.text for chunk in chunks] for chunks in streams(model, value)] == [[""], [""]]


def test_blocks_are_echoed_by_their_text() -> None:
    message = HumanMessage(
        [{"type": "text", "text": "ab"}, {"type": "image", "url": "x"}, {"type": "text", "text": "cd"}]
    )

    assert chatplug.init("echo:n3", on_unsupported="allow").invoke([message]).text == "abc"
    assert chatplug.init("echo:n0").invoke("abc").text == ""


@pytest.mark.parametrize(
    "name", ["3", "n", "n-3", "n3x", "xn3", "n3.5", "n" + "9" * 10, "n\N{FULLWIDTH DIGIT THREE}", "n 3"]
)
def test_a_name_that_is_no_number_is_refused_with_an_example(name: str) -> None:
    with pytest.raises(ModelNameError, match=r"is named n<number>\. For example: echo:n3"):
        chatplug.init(f"echo:{name}")


def test_a_name_has_the_length_in_it() -> None:
    assert read_length("n0") == 0
    assert read_length("n12") == 12
    model = chatplug.init("echo:n12")
    assert isinstance(model, EchoChatModel)
    assert model.n == 12


def test_a_length_below_zero_is_a_wrong_setting() -> None:
    with pytest.raises(SettingsError, match="The setting 'n' is wrong"):
        EchoChatModel(n=-1)


def test_it_lists_some_names_and_each_of_them_works() -> None:
    names = default_manager().list_models("echo", {})

    assert "n3" in names
    assert all(chatplug.init(f"echo:{name}").model_id == name for name in names)


def test_it_says_who_it_is_and_survives_another_process() -> None:
    model = chatplug.init("echo:n3")

    assert model.identifying_params == {"model_name": "n3", "_type": "echo"}
    assert repr(model) == "EchoChatModel(n=3)"
    assert pickle.loads(pickle.dumps(model)) == model  # noqa: S301  # written on the same line


def test_the_length_is_said_by_the_name_and_not_again_by_a_setting() -> None:
    with pytest.raises(
        SettingsError, match=r"^echo:n3: The model's name says what n is\. Write echo:n5 and leave n out"
    ):
        chatplug.init("echo:n3", n=5)


@pytest.mark.parametrize("settings", [{"n": 2}, {"foo": 1}])
def test_a_call_has_no_settings_but_stop(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"^echo:n3: .* of a call\."):
        chatplug.init("echo:n3").invoke("abc", **settings)
