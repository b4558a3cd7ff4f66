"""Plugins that convert what the host does not know; one that is broken stops nobody else."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from chatplug import hookimpl
from chatplug.callbacks import BaseCallbackHandler
from chatplug.callbacks import extension as handlers
from chatplug.errors import MessageError
from chatplug.messages import (
    BaseMessage,
    Exported,
    HumanMessage,
    Loss,
    convert_to_messages,
    export_messages,
    extension,
    import_messages,
)
from chatplug.plugins import Declaration, PluginManager
from tests.dists.writing import Site
from tests.language_models.models import Whole


class Letter:
    """What no message can be made of without a plugin."""

    def __init__(self, text: str) -> None:
        self.text = text


class Letters:
    """A good extension."""

    @hookimpl
    def chatplug_import_messages(self, value: object) -> list[BaseMessage] | None:
        return [HumanMessage(value.text)] if isinstance(value, Letter) else None

    @hookimpl
    def chatplug_export_messages(self, messages: list[BaseMessage], format: str) -> Exported | None:
        if format != "letter":
            return None
        return Exported(
            Letter("\n".join(m.text for m in messages)), [Loss("messages[0].id", "name", "letters have none")]
        )


class Broken:
    """An extension whose hooks do what a test says."""

    def __init__(self, does: Any) -> None:
        self.does = does

    @hookimpl
    def chatplug_import_messages(self) -> Any:
        return self.does()

    @hookimpl
    def chatplug_export_messages(self) -> Any:
        return self.does()


class Provider:
    """A plugin that makes models."""

    @hookimpl
    def chatplug_create_model(self) -> Whole:
        return Whole()


class Installed:
    """Extensions that are objects of a module made for one test."""

    def __init__(self) -> None:
        self.module = ModuleType("chatplug_test_extensions")
        self.extensions: dict[str, list[Declaration]] = {}

    def add(self, name: str, plugin: object) -> None:
        setattr(self.module, name, plugin)
        self.extensions[name] = [Declaration(name, f"{self.module.__name__}:{name}", f"dist-{name}", "1.0")]

    def manager(self) -> PluginManager:
        self.module.provider = Provider()  # type: ignore[attr-defined]  # a module of ours
        declared = {"mine": [Declaration("mine", f"{self.module.__name__}:provider", "dist-mine", "1.0")]}
        return PluginManager(declared, self.extensions)


@pytest.fixture
def installed() -> Iterator[Installed]:
    made = Installed()
    sys.modules[made.module.__name__] = made.module
    yield made
    del sys.modules[made.module.__name__]


def raise_key_error() -> None:
    raise KeyError("mine")


def exit_now() -> None:
    raise SystemExit(3)


async def coroutine() -> None: ...


WRONG: dict[str, tuple[Any, str]] = {
    "raises": (raise_key_error, "raised KeyError: 'mine'"),
    "exits": (exit_now, "raised SystemExit: 3"),
    "gives a text": (lambda: "Hello", "gave str"),
    "gives a list of texts": (lambda: ["Hello"], "gave list"),
    "is asynchronous": (coroutine, "gave coroutine"),
}


@pytest.mark.parametrize(("does", "said"), WRONG.values(), ids=WRONG)
def test_an_extension_that_misbehaves_is_logged_by_its_name_and_stops_nobody_else(
    does: Any, said: str, installed: Installed, caplog: pytest.LogCaptureFixture
) -> None:
    installed.add("a_broken", Broken(does))
    installed.add("b_letters", Letters())
    manager = installed.manager()

    assert manager.import_messages(Letter("Hello")) == [HumanMessage("Hello")]
    exported = manager.export_messages([HumanMessage("Hello")], "letter")

    assert exported is not None
    assert [loss.kind for loss in exported.losses] == ["name"]
    logged = [record.getMessage() for record in caplog.records if record.name == "chatplug.plugins"]
    begins = "The extension dist-a_broken 1.0 is left out: chatplug"
    assert len(logged) == 2
    assert logged[0].startswith(f"{begins}_import_messages {said}")
    assert logged[1].startswith(f"{begins}_export_messages {said}")


def test_the_first_answer_counts_in_the_order_of_names(installed: Installed) -> None:
    installed.add("b", Broken(lambda: [HumanMessage("b")]))
    installed.add("a", Broken(lambda: None))
    installed.add("c", Broken(lambda: [HumanMessage("c")]))

    assert installed.manager().import_messages(Letter("Hello")) == [HumanMessage("b")]


def test_an_extension_that_cannot_be_loaded_is_logged_once_and_left_out(
    installed: Installed, caplog: pytest.LogCaptureFixture
) -> None:
    installed.extensions["absent"] = [Declaration("absent", "nothing_of_this_name", "dist-absent", "1.0")]
    installed.add("letters", Letters())
    manager = installed.manager()

    for _ in range(2):
        assert manager.import_messages(Letter("Hello")) == [HumanMessage("Hello")]

    (record,) = (record for record in caplog.records if record.name == "chatplug.plugins")
    assert record.levelno == logging.ERROR
    assert "dist-absent 1.0" in record.getMessage()


def test_a_hook_may_keep_what_it_is_given(installed: Installed) -> None:
    kept: list[Any] = []

    class Keeps:
        @hookimpl
        def chatplug_export_messages(self, messages: list[BaseMessage]) -> None:
            kept.append(messages)
            messages.clear()

    installed.add("a", Keeps())
    conversation: list[BaseMessage] = [HumanMessage("Hello")]

    assert installed.manager().export_messages(conversation, "letter") is None
    assert kept == [[]]
    assert conversation == [HumanMessage("Hello")]


def test_conversions_ask_the_manager_that_left_itself_there(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed.add("letters", Letters())
    manager = installed.manager()
    monkeypatch.setattr(extension, "_source", lambda: manager)

    assert convert_to_messages(["Hello", Letter("you")]) == [HumanMessage("Hello"), HumanMessage("you")]  # type: ignore[list-item]  # a foreign value
    assert import_messages(Letter("Hello")) == [HumanMessage("Hello")]
    assert export_messages("Hello", "letter").value.text == "Hello"
    with pytest.raises(MessageError, match=r"messages\[0\] is object"):
        convert_to_messages([object()])  # type: ignore[list-item]  # as it says
    with pytest.raises(MessageError, match="No messages can be made of dict"):
        convert_to_messages({"a": 1})


def test_extensions_are_loaded_when_the_first_model_is_made(installed: Installed) -> None:
    installed.add("letters", Letters())
    manager = installed.manager()
    before = manager._extensions.are_loaded

    manager.create_model("mine", "m", {})

    assert not before
    assert manager._extensions.are_loaded
    assert [plugin.declaration.name for plugin in manager._extensions.plugins()] == ["letters"]


def test_an_extension_may_make_a_model_while_it_is_loaded(installed: Installed) -> None:
    manager = installed.manager()

    class Eager(Letters):
        def __getattr__(self, name: str) -> Any:
            manager.create_model("mine", "m", {})
            raise AttributeError(name)

    installed.add("eager", Eager())

    assert manager.import_messages(Letter("Hello")) == [HumanMessage("Hello")]


EXTENSION = """
    from chatplug import hookimpl
    from chatplug.messages import HumanMessage

    @hookimpl
    def chatplug_import_messages(value):
        return [HumanMessage(str(value))] if isinstance(value, complex) else None
"""


def test_an_installed_extension_is_found_by_a_conversion_without_any_model(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.add("foreign-values", EXTENSION)
    entry_points = "[chatplug.extensions]\nforeign = foreign_values\n"
    site.write("foreign_values-1.2.3.dist-info/entry_points.txt", entry_points)

    shown, imported = site.run(
        """
        import sys
        from chatplug.messages import convert_to_messages
        convert_to_messages(["Hello"])
        show("foreign_values" in sys.modules)
        show(convert_to_messages([1j])[0].text)
        """
    )

    assert shown == [False, "1j"]
    assert imported == ["foreign_values"]


def test_an_extension_is_not_imported_for_what_the_host_converts_itself(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.add("foreign-values", EXTENSION)
    site.write("foreign_values-1.2.3.dist-info/entry_points.txt", "[chatplug.extensions]\nforeign = foreign_values\n")

    _, imported = site.run(
        """
        from chatplug.messages import export_messages, import_messages
        show(export_messages(import_messages([{"role": "user", "content": "a"}], "openai"), "anthropic").losses)
        """
    )

    assert imported == []


class Hears:
    """An extension with handlers."""

    def __init__(self, *handlers: BaseCallbackHandler) -> None:
        self.handlers = list(handlers)
        self.asked = 0

    @hookimpl
    def chatplug_callback_handlers(self) -> list[BaseCallbackHandler]:
        self.asked += 1
        return self.handlers


def test_the_handlers_of_all_extensions_hear_every_run_and_are_asked_for_once(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = BaseCallbackHandler(), BaseCallbackHandler()
    hears = Hears(second)
    installed.add("b", hears)
    installed.add("a", Hears(first))
    installed.add("letters", Letters())
    manager = installed.manager()
    monkeypatch.setattr(handlers, "_source", lambda: manager)

    found = handlers.extension_handlers()

    assert found == [first, second]
    assert handlers.extension_handlers() is found
    assert hears.asked == 1


WRONG_HANDLERS: dict[str, tuple[Any, str]] = {
    "raises": (raise_key_error, "raised KeyError: 'mine'"),
    "gives a handler alone": (BaseCallbackHandler, "gave BaseCallbackHandler, which is no list of handlers"),
    "gives a class": (lambda: [BaseCallbackHandler], "gave list, which is no list of handlers"),
    "is asynchronous": (coroutine, "gave coroutine, which is no list of handlers"),
}


@pytest.mark.parametrize(("does", "said"), WRONG_HANDLERS.values(), ids=WRONG_HANDLERS)
def test_an_extension_whose_handlers_are_none_is_logged_and_stops_nobody_else(
    does: Any, said: str, installed: Installed, caplog: pytest.LogCaptureFixture
) -> None:
    class Wrong:
        @hookimpl
        def chatplug_callback_handlers(self) -> Any:
            return does()

    handler = BaseCallbackHandler()
    installed.add("a_broken", Wrong())
    installed.add("b", Hears(handler))

    assert installed.manager().callback_handlers() == [handler]
    (record,) = (record for record in caplog.records if record.name == "chatplug.plugins")
    assert record.getMessage().startswith(
        f"The extension dist-a_broken 1.0 is left out: chatplug_callback_handlers {said}"
    )


def test_without_extensions_there_are_no_handlers() -> None:
    assert PluginManager({}).callback_handlers() == []
