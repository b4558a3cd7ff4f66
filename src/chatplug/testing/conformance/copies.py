"""Copies of a model, in this process and for another one."""

# ruff: noqa: D102  # A test's name is its documentation.
from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from chatplug.language_models import BaseChatModel
from chatplug.testing.conformance.part import Part, fault
from chatplug.testing.conformance.way import Way

__all__ = ["Copies"]

_COPIERS: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),  # noqa: S301  # written on the same line
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "model_copy": lambda model: model.model_copy(update={"tags": ["copied"]}),
}


class Copies(Part):
    """Pickling and copying."""

    group: ClassVar[str] = "copies"

    @pytest.mark.parametrize("how", list(_COPIERS))
    @pytest.mark.parametrize("used", [False, True], ids=["new", "used"])
    def test_a_copy_answers_as_the_model_does(self, model: BaseChatModel, way: Way, how: str, used: bool) -> None:  # noqa: FBT001  # pytest gives it
        expected = self.answer(way, model).text if used else None
        try:
            copied: BaseChatModel = _COPIERS[how](model)
        except Exception as error:  # noqa: BLE001  # whatever the plugin's class does
            fault(
                f"{type(model).__name__} cannot be copied by {how}{' once it was used' if used else ''}: {error!r}.",
                "Keep clients, locks and open files in private attributes that __getstate__ leaves out, "
                "or make them when a call needs them.",
            )

        text = self.answer(way, copied).text

        if self.repeatable and expected is not None and text != expected:
            fault(
                f"The model answers {expected!r}, and its copy by {how} answers {text!r}.",
                "Keep every setting in a pydantic field: fields are what is copied.",
            )
        if (copied.provider, copied.model_id) != (model.provider, model.model_id):
            fault(
                f"{model.provider}:{model.model_id} became {copied.provider}:{copied.model_id} when copied by {how}.",
                "Let model_copy and __getstate__ keep the private attributes of BaseChatModel.",
            )
