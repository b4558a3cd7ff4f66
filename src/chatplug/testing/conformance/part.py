"""What every group of the kit stands on: the model under test, the two ways to call it, and how a fault is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NoReturn, cast

import pytest

from chatplug.language_models import BaseChatModel
from chatplug.messages import AIMessage, AIMessageChunk
from chatplug.testing.conformance.way import ASYNC, SYNC, Way

__all__ = ["Part", "added_up", "fault", "settings_of"]


def fault(what: str, remedy: str) -> NoReturn:
    """End the test with what is wrong and what to do; the author needs no traceback through the kit for it."""
    pytest.fail(f"{what}\n{remedy}", pytrace=False)


def added_up(chunks: list[AIMessageChunk]) -> AIMessageChunk:
    """The sum of a stream."""
    total = chunks[0]
    for chunk in chunks[1:]:
        total = total + chunk
    return total


def settings_of(model: BaseChatModel) -> dict[str, Any]:
    """The settings that were given when a model was made, by name."""
    return {name: getattr(model, name) for name in model.model_fields_set}


class Part:
    """A group of the kit; its tests hold for synchronous and for asynchronous calls alike where they ask for `way`."""

    group: ClassVar[str] = ""
    """What the group is called in a score."""

    prompt: ClassVar[str] = "Hello! Please say a few words."
    """What the model is asked; it has to be answered with a text."""
    other_prompt: ClassVar[str] = "Good evening. How do you do?"
    """What it is asked beside it; where answers are repeatable it has to be answered differently."""
    repeatable: ClassVar[bool] = True
    """Whether one prompt always gets one answer. Where it does not, what several calls give is not compared."""
    expected_failures: ClassVar[Mapping[str, str]] = {}
    """Tests that the model cannot pass, each with the reason; `name[sync]` or `name[async]` for one way only. One that
    passes all the same is an error."""

    def make_model(self) -> BaseChatModel:
        """The model under test, new each time; made as users make it: `chatplug.init("provider:model", ...)`."""
        raise NotImplementedError(f"{type(self).__name__} has to write make_model(), which gives the model to test.")

    @pytest.fixture(params=["sync", "async"])
    def way(self, request: pytest.FixtureRequest) -> Way:
        """How the model is called."""
        return SYNC if request.param == "sync" else ASYNC

    @pytest.fixture(autouse=True)
    def _conformance(self, request: pytest.FixtureRequest) -> None:
        name = request.node.name
        request.node.user_properties.append(("chatplug_group", _group_of(type(self), request.function.__name__)))
        for each in (name, name.partition("[")[0]):
            if each in self.expected_failures:
                request.applymarker(pytest.mark.xfail(reason=self.expected_failures[each], strict=True))

    @pytest.fixture
    def model(self, request: pytest.FixtureRequest, _conformance: None) -> BaseChatModel:
        """The model under test."""
        model = self.new_model()
        request.node.user_properties.append(("chatplug_model", f"{model.provider}:{model.model_id}"))
        return model

    def new_model(self) -> BaseChatModel:
        """What `make_model` gives, if it is a model."""
        made = cast("object", self.make_model())
        if not isinstance(made, BaseChatModel):
            fault(f"make_model() gave {type(made).__name__}.", "It has to return the model: return chatplug.init(...)")
        return made

    def answer(self, way: Way, model: BaseChatModel, prompt: str | None = None, **settings: Any) -> AIMessage:
        """The answer to a prompt."""
        return way.invoke(model, self.prompt if prompt is None else prompt, None, **settings)

    def chunks(
        self, way: Way, model: BaseChatModel, prompt: str | None = None, **settings: Any
    ) -> list[AIMessageChunk]:
        """The chunks of an answer, which are at least one."""
        return way.stream(model, self.prompt if prompt is None else prompt, None, **settings)


def _group_of(cls: type[Part], test: str) -> str:
    """The group of the class that has written a test; one that the author wrote is of the group `own`."""
    for base in cls.__mro__:
        if test in vars(base):
            return str(vars(base).get("group", "own"))
    return "own"
