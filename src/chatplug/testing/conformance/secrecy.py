"""Keys: kept where nobody prints them."""

# ruff: noqa: D102  # A test's name is its documentation.
from __future__ import annotations

import logging
import re
import traceback
from typing import ClassVar

import pytest
from pydantic import SecretBytes, SecretStr

from chatplug.errors import ChatplugError
from chatplug.language_models import BaseChatModel
from chatplug.testing.conformance.part import Part, fault
from chatplug.testing.conformance.way import Way
from chatplug.testing.recording_handler import RecordingHandler

__all__ = ["Secrets", "keys_of", "tells"]

_SECRET_NAME = re.compile(r"^key$|(^|_)((api|access|secret|private)_?key|token|secret|password|credentials?)$")
_REMEDY = "Type the setting as pydantic's SecretStr, and read it with get_secret_value() where the request is written."
_SHORTEST = 4


def keys_of(model: BaseChatModel) -> dict[str, str]:
    """The secrets that a model holds, by the name of their setting."""
    found: dict[str, str] = {}
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, SecretBytes):
            found[name] = value.get_secret_value().decode("latin-1")
        elif isinstance(value, SecretStr):
            found[name] = value.get_secret_value()
        elif isinstance(value, str) and _SECRET_NAME.search(name):
            found[name] = value
    return {name: value for name, value in found.items() if len(value) >= _SHORTEST}


def tells(text: str, keys: dict[str, str]) -> str | None:
    """The name of the first setting whose secret is in the text."""
    return next((name for name, value in keys.items() if value in text), None)


class Secrets(Part):
    """Where a key must not be seen. A model without a key passes; give it one in `make_model` to be sure."""

    group: ClassVar[str] = "secrets"

    def test_settings_that_hold_a_secret_are_secret_strings(self, model: BaseChatModel) -> None:
        for name, field in type(model).model_fields.items():
            if _SECRET_NAME.search(name) and "Secret" not in str(field.annotation):
                fault(f"The setting {name!r} is {field.annotation}, which shows what it holds.", _REMEDY)

    @pytest.mark.parametrize("place", ["repr", "str", "model_dump", "model_dump_json", "identifying_params"])
    def test_no_key_is_shown_by_the_model(self, model: BaseChatModel, place: str) -> None:
        shown = {
            "repr": lambda: repr(model),
            "str": lambda: str(model),
            "model_dump": lambda: repr(model.model_dump()),
            "model_dump_json": lambda: model.model_dump_json(fallback=repr),
            "identifying_params": lambda: repr(model.identifying_params),
        }[place]()

        name = tells(shown, keys_of(model))
        if name is not None:
            fault(f"{place} of the model shows the secret of the setting {name!r}.", _REMEDY)

    def test_no_key_is_heard_or_logged(
        self, model: BaseChatModel, way: Way, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        handler, keys = RecordingHandler(), keys_of(model)

        with caplog.at_level(logging.DEBUG):
            answer = way.invoke(model, self.prompt, {"callbacks": [handler]})
            way.stream(model, self.prompt, {"callbacks": [handler]})

        printed = capfd.readouterr()
        for where, text in (
            ("The answer", answer.model_dump_json()),
            ("What handlers hear", repr(handler.heard)),
            ("The log, at level DEBUG,", caplog.text),
            ("What the model prints", printed.out + printed.err),
        ):
            name = tells(text, keys)
            if name is not None:
                fault(f"{where} shows the secret of the setting {name!r}.", _REMEDY)

    def test_no_key_is_told_by_an_error(self, model: BaseChatModel, way: Way) -> None:
        keys = keys_of(model)

        with pytest.raises(ChatplugError) as caught:
            way.invoke(model, object())

        told = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
        name = tells(told, keys)
        if name is not None:
            fault(f"The error of a wrong question shows the secret of the setting {name!r}.", _REMEDY)
