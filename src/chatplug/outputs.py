"""What a model gives back, before the caller gets the message out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chatplug.errors import MessageError

if TYPE_CHECKING:
    from typing import Self

    from chatplug.messages import AIMessageChunk, BaseMessage

__all__ = ["ChatGeneration", "ChatGenerationChunk", "ChatResult", "LLMResult"]


@dataclass(slots=True, kw_only=True)
class ChatGeneration:
    """One answer of a model."""

    message: BaseMessage
    """The answer."""
    generation_info: dict[str, Any] | None = None
    """Facts about the answer, in the provider's own terms; None where there are none."""

    @property
    def text(self) -> str:
        """The answer's text."""
        return self.message.text


@dataclass(slots=True, kw_only=True)
class ChatGenerationChunk:
    """A piece of an answer; pieces add up."""

    message: AIMessageChunk
    """The piece."""
    generation_info: dict[str, Any] | None = None
    """Facts about the answer, in the provider's own terms; None where there are none."""

    @property
    def text(self) -> str:
        """The piece's text."""
        return self.message.text

    def __add__(self, other: Self) -> Self:
        if not isinstance(other, ChatGenerationChunk):
            raise MessageError(f"ChatGenerationChunk + {type(other).__name__} is not a sum of chunks.")
        info = {**(self.generation_info or {}), **(other.generation_info or {})}
        return type(self)(message=self.message + other.message, generation_info=info or None)


@dataclass(slots=True, kw_only=True)
class ChatResult:
    """The answers of a model to one conversation; most often there is one."""

    generations: list[ChatGeneration]
    """The answers, the first one is what `invoke` gives."""
    llm_output: dict[str, Any] | None = None
    """Facts about the whole call, in the provider's own terms."""


@dataclass(slots=True, kw_only=True)
class LLMResult:
    """What handlers hear at the end of a call: the answers for each conversation of it."""

    generations: list[list[ChatGeneration]]
    """For each conversation its answers."""
    llm_output: dict[str, Any] | None = None
    """Facts about the whole call, in the provider's own terms."""
