"""What other libraries call a message reaches the plugins that know it, in whatever shape it comes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel

import chatplug
from chatplug import hookimpl
from chatplug.errors import MessageError
from chatplug.messages import AIMessage, BaseMessage, HumanMessage, convert_to_messages, extension, import_messages
from chatplug.plugins import Declaration, PluginManager
from tests.language_models.models import DRIVERS, Driver


class Turn(BaseModel):
    """A message of another library; like every pydantic model it gives its fields when it is iterated."""

    name: str = "tom"
    says: str


class Chat:
    """A conversation of another library, which is no list and can be iterated."""

    def __init__(self, *turns: Turn) -> None:
        self.turns = turns

    def __iter__(self) -> Iterator[Turn]:
        return iter(self.turns)


class Converter:
    """Knows three shapes of a message: `parts` in a dict, a triple, and the objects above; and a list of numbers."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    @hookimpl
    def chatplug_import_messages(self, value: Any) -> list[BaseMessage] | None:
        self.asked.append(value)
        match value:
            case {"role": "user" | "model" as role, "parts": [*parts]}:
                text = "".join(part["text"] for part in parts)
                return [AIMessage(text) if role == "model" else HumanMessage(text)]
            case ("turn", str(text), _) | ("says", str(text)) | Turn(says=text):
                return [HumanMessage(text)]
            case [int(), *_] as numbers:
                return [HumanMessage(f"{number}") for number in numbers]
            case Chat(turns=turns):
                return [HumanMessage(turn.says) for turn in turns]
            case _:
                return None


@pytest.fixture
def converter(monkeypatch: pytest.MonkeyPatch) -> Converter:
    module = ModuleType("chatplug_test_converter")
    module.converter = made = Converter()  # type: ignore[attr-defined]  # a module of ours
    declared = {"converter": [Declaration("converter", f"{module.__name__}:converter", "dist-converter", "1.0")]}
    manager = PluginManager({}, declared)
    monkeypatch.setattr(extension, "_source", lambda: manager)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return made


MEOW = [HumanMessage("Meow!")]
FOREIGN: dict[str, Any] = {
    "a dict with a role of ours and no content": [{"role": "user", "parts": [{"text": "Meow!"}]}],
    "a triple": [("turn", "Meow!", 3)],
    "a pair whose first is no role": [("says", "Meow!")],
    "an object that can be iterated": [Turn(says="Meow!")],
    "an object alone": Turn(says="Meow!"),
    "a dict alone": {"role": "user", "parts": [{"text": "Meow!"}]},
    "a conversation that is no list": Chat(Turn(says="Meow!")),
}
foreign = pytest.mark.parametrize("value", FOREIGN.values(), ids=FOREIGN)


@foreign
def test_a_value_that_is_none_of_ours_is_what_a_plugin_says(value: Any, converter: Converter) -> None:
    assert convert_to_messages(value) == MEOW
    assert import_messages(value) == MEOW


@foreign
@pytest.mark.parametrize("driver", DRIVERS, ids=repr)
def test_a_model_takes_it_every_way_it_is_asked(value: Any, driver: Driver, converter: Converter) -> None:
    model = chatplug.init("echo:n3")

    assert driver.invoke(model, value).text == "Meo"
    assert "".join(chunk.text for chunk in driver.stream(model, value)) == "Meo"


def test_a_list_none_of_whose_items_is_known_is_shown_as_a_whole(converter: Converter) -> None:
    assert convert_to_messages([1, 2]) == [HumanMessage("1"), HumanMessage("2")]  # type: ignore[list-item]  # foreign
    assert converter.asked == [1, [1, 2]]


def test_values_of_ours_and_of_others_may_stand_in_one_list(converter: Converter) -> None:
    mixed: Any = ["Hi", {"role": "model", "parts": [{"text": "Hello"}]}, ("user", "Meow!"), Turn(says="Purr")]

    assert convert_to_messages(mixed) == [HumanMessage("Hi"), AIMessage("Hello"), *MEOW, HumanMessage("Purr")]


@pytest.mark.parametrize(
    "value",
    [
        "Meow!",
        [("user", "Meow!")],
        [{"role": "user", "content": "Meow!"}],
        HumanMessage("Meow!"),
        (HumanMessage("Meow!"),),
    ],
    ids=repr,
)
def test_no_plugin_is_asked_about_what_is_ours(value: Any, converter: Converter) -> None:
    assert convert_to_messages(value) == MEOW
    assert converter.asked == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([{"role": "usr", "content": "Meow!"}], r"^messages\[0\] has the role 'usr'\. Did you mean 'user'\?"),
        ([{"role": "user", "text": "Meow!"}], r"^messages\[0\] has no 'content'\."),
        (["Hi", {"says": "Meow!"}], r"^messages\[1\] has no 'role'\."),
        ([("usr", "Meow!")], r"^messages\[0\] has the role 'usr'"),
        ([object()], r"^messages\[0\] is object"),
        (iter([object()]), r"^messages\[0\] is object"),
        (object(), r"^No messages can be made of object"),
        ({"a": 1}, r"^No messages can be made of dict"),
    ],
    ids=repr,
)
def test_what_nobody_knows_is_told_as_if_there_were_no_plugins(value: Any, said: str, converter: Converter) -> None:
    with pytest.raises(MessageError, match=said):
        convert_to_messages(value)

    assert converter.asked


def test_an_error_of_the_plugin_does_not_hide_what_is_wrong(
    converter: Converter, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken: Callable[[Any], Any] = lambda value: 1 / 0  # noqa: E731  # what a hook does
    monkeypatch.setattr(converter, "chatplug_import_messages", hookimpl(broken), raising=False)

    with pytest.raises(MessageError, match=r"messages\[0\] has no 'content'"):
        asyncio.run(chatplug.init("echo:n3").ainvoke([{"role": "user", "parts": []}]))
