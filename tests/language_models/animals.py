"""A plugin whose models say which they are, for the tests of models that each call chooses."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, SecretStr

import chatplug
from chatplug import hookimpl
from chatplug.errors import ProviderConnectionError
from chatplug.language_models import BaseChatModel
from chatplug.messages import AIMessage
from tests.language_models.models import Whole

init: Any = chatplug.init
"""As a program without types calls it."""


class Weather(BaseModel):
    """The weather somewhere."""

    place: str


class Population(BaseModel):
    """How many people live somewhere."""

    place: str


class Animal(Whole):
    """Says its provider and name, and calls the first tool that it is given."""

    temperature: float | None = None
    max_tokens: int | None = None
    api_key: SecretStr | None = None
    base_url: str | None = None
    failures: int = 0
    """How many of its first calls fail."""

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> AIMessage:
        self.heard.append(kwargs)
        if len(self.heard) <= self.failures:
            raise ProviderConnectionError(f"{self.provider} is not there.")
        tools: list[Any] = kwargs.get("tools", [])
        calls: list[Any] = [
            {"name": one["function"]["name"], "args": {"place": "Paris"}, "id": "1"} for one in tools[:1]
        ]
        text = f"{self.provider}:{self.model_name} {self.temperature} {sorted(kwargs)}"
        return AIMessage(text, tool_calls=calls)


class Animals:
    """A plugin that keeps the models that it made."""

    def __init__(self) -> None:
        self.made: list[Animal] = []

    @hookimpl
    def chatplug_create_model(self, model: str, settings: Any) -> BaseChatModel:
        self.made.append(Animal(model_name=model, **settings))
        return self.made[-1]

    @hookimpl
    def chatplug_model_profiles(self) -> Any:
        return {"*": {"structured_output_methods": ["function_calling"], "tool_calling": True}}


def chosen(**values: Any) -> Any:
    return {"configurable": values}
