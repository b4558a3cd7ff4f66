"""A model that echoes the first `n` characters of the last message."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from chatplug.errors import ModelNameError
from chatplug.language_models import BaseChatModel
from chatplug.messages import AIMessage, AIMessageChunk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from chatplug.messages import BaseMessage

__all__ = ["EchoChatModel", "read_length"]


def read_length(model: str) -> int:
    """The number in a model's name; `n3` echoes three characters."""
    match = re.fullmatch(r"n(\d{1,9})", model, re.ASCII)
    if match is None:
        raise ModelNameError("An echo model is named n<number>.", hint="For example: echo:n3")
    return int(match[1])


class EchoChatModel(BaseChatModel):
    """Echoes the first `n` characters of the last message, up to and including the first stop text."""

    n: int = Field(ge=0)
    """How many characters are echoed."""

    # What one call may set besides `stop`, as in `invoke("Meow!", temperature=0)`: nothing. Names that are not listed
    # here are refused by the host.
    call_settings: ClassVar = frozenset[str]()

    # A provider's network calls would go here; the methods below are what every plugin writes. Only `_generate` is
    # needed. The others make the model stream, and stream natively in asynchronous programs.

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: object = None, **kwargs: Any
    ) -> AIMessage:
        return AIMessage(self._echo(messages, stop), response_metadata=self._metadata())

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: object = None, **kwargs: Any
    ) -> AIMessage:
        return self._generate(messages, stop)

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: object = None, **kwargs: Any
    ) -> Iterator[AIMessageChunk]:
        for character in self._echo(messages, stop):
            yield AIMessageChunk(character)
        yield AIMessageChunk("", response_metadata=self._metadata())

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: object = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        for chunk in self._stream(messages, stop):
            yield chunk

    @property
    def _llm_type(self) -> str:
        return "echo"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": f"n{self.n}"}

    def _echo(self, messages: Sequence[BaseMessage], stop: Sequence[str] | None) -> str:
        text = messages[-1].text[: self.n] if messages else ""
        # The stop text itself is part of the answer, so that a program sees why it ended.
        ends = [text.index(word) + len(word) for word in stop or () if word and word in text]
        return text[: min(ends)] if ends else text

    def _metadata(self) -> dict[str, Any]:
        return {"model_provider": "echo", "model_name": f"n{self.n}", "finish_reason": "stop"}
