"""The kit as `chatplug conformance` runs it: of a provider that is installed, made as a user makes it."""

from __future__ import annotations

import json

import chatplug
from chatplug.credentials import read_variable
from chatplug.language_models import BaseChatModel
from chatplug.testing.conformance import ChatModelConformance

__all__ = ["VARIABLE", "TestInstalled"]

VARIABLE = "CHATPLUG_CONFORMANCE"
"""Which model, for the process that runs the tests: its name and its settings, as JSON. A key among them is seen by
nobody who could not read the memory of that process; in its arguments everybody would see it."""


class TestInstalled(ChatModelConformance):
    """The model that the command was given."""

    def make_model(self) -> BaseChatModel:
        """The model, made by its provider's name."""
        name, settings = json.loads(read_variable(VARIABLE) or "[]")
        return chatplug.init(str(name), **settings)
