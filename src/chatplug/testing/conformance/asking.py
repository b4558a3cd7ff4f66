"""Settings: of a model, and of one call."""

# ruff: noqa: D102  # A test's name is its documentation.
from __future__ import annotations

import ast
import inspect
import textwrap
import warnings
from itertools import pairwise
from typing import Any, ClassVar

import pytest

from chatplug.errors import ChatplugError, InvalidRequestError, PluginError, SettingsError
from chatplug.language_models import BaseChatModel, SimpleChatModel
from chatplug.plugins import default_manager
from chatplug.testing.conformance.part import Part, fault, settings_of
from chatplug.testing.conformance.way import Way

__all__ = ["Settings", "Stop"]

_NOBODYS = "chatplug_nobodys_setting"
_UNKNOWN: dict[str, Any] = {_NOBODYS: 1}
_STANDARD: dict[str, Any] = {"temperature": 0.5, "max_tokens": 50, "seed": 7}


class Settings(Part):
    """What the user may set, and what is said of the rest."""

    group: ClassVar[str] = "settings"

    def test_a_setting_that_nobody_knows_is_refused(self, model: BaseChatModel) -> None:
        settings: dict[str, Any] = {**settings_of(model), _NOBODYS: 1}
        try:
            type(model)(**settings)
        except InvalidRequestError:
            pass
        else:
            fault(
                f"{type(model).__name__} takes the setting {_NOBODYS!r}, which it does not have.",
                'Keep extra="forbid" in model_config, and do not swallow **settings in __init__.',
            )
        if model.provider not in default_manager().providers() or model.model_id is None:
            return
        try:
            default_manager().create_model(model.provider, model.model_id, {_NOBODYS: 1})
        except PluginError:
            raise
        except ChatplugError:
            return
        fault(
            f"chatplug_create_model drops the setting {_NOBODYS!r} in silence, and so every misspelt one.",
            f"Hand all settings to the model: {type(model).__name__}(**settings); it refuses those that it has not.",
        )

    def test_a_setting_of_a_call_that_nobody_knows_is_refused(self, model: BaseChatModel, way: Way) -> None:
        try:
            way.invoke(model, self.prompt, None, **_UNKNOWN)
        except (InvalidRequestError, TypeError):
            return
        fault(
            f"invoke(..., {_NOBODYS}=1) is answered as if nothing had been said, and so is every misspelt setting.",
            f"Say in {type(model).__name__} which settings one call may give: call_settings: ClassVar = frozenset().",
        )

    def test_a_standard_setting_is_honoured_or_said_to_be_ignored(self, model: BaseChatModel) -> None:
        for name, value in _STANDARD.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    made = type(model)(**{**settings_of(model), name: value})
                except SettingsError as error:
                    fault(
                        f"The standard setting {name}={value} is an error: {error}",
                        "Where the provider has none, leave it out of the class: the host answers by on_unsupported.",
                    )
            if name not in made.unsupported_settings and getattr(made, name, None) != value:
                fault(
                    f"The standard setting {name}={value} was taken, and is neither kept nor said to be unsupported.",
                    f"Give the model a field {name!r}, or no place at all for it.",
                )

    def test_every_setting_is_documented(self, model: BaseChatModel) -> None:
        known = BaseChatModel.model_fields
        silent: list[str] = []
        for cls in type(model).__mro__:
            if not issubclass(cls, BaseChatModel) or cls in (BaseChatModel, SimpleChatModel):
                continue
            described = _described(cls)
            for name in vars(cls).get("__annotations__", {}):
                field = cls.model_fields.get(name)
                if field is not None and name not in known and not field.description and name not in described:
                    silent.append(f"{cls.__name__}.{name}")
        if silent:
            fault(
                f"Nothing says what {', '.join(silent)} is for.",
                "Write a docstring below each setting, with its unit and what it is when it is not given.",
            )


class Stop(Part):
    """Texts at which an answer ends."""

    group: ClassVar[str] = "stop"

    def test_an_answer_ends_at_a_stop_text(self, model: BaseChatModel, way: Way) -> None:
        whole = self.answer(way, model).text
        if len(whole) < 3:
            pytest.skip(f"{self.prompt!r} got {whole!r}, too short to be stopped: say a `prompt` with a longer answer.")
        stop = whole[len(whole) // 2]

        texts = {
            "invoke": self.answer(way, model, stop=[stop]).text,
            "stream": "".join(chunk.text for chunk in self.chunks(way, model, stop=[stop])),
        }

        for how, text in texts.items():
            if text.partition(stop)[2]:
                fault(
                    f"With stop=[{stop!r}] the answer by {how} is {text!r}, which goes on behind it.",
                    "Hand `stop` to the provider, or cut the answer yourself; the stop text may be its end.",
                )


def _described(cls: type) -> set[str]:
    """The names of the fields of a class that have a docstring below them; all of them where there is no source."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError, SyntaxError):
        return set(vars(cls).get("__annotations__", {}))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    found: set[str] = set()
    for field, below in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
            value = below.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found.add(field.target.id)
    return found
