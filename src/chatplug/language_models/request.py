"""A request, as a provider's encoder gets it: nothing left to look up, nothing yet in the provider's form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chatplug.messages import BaseMessage

__all__ = ["ChatRequest"]


@dataclass(slots=True, frozen=True, kw_only=True)
class ChatRequest:
    """What is asked of a model, once."""

    model: str
    """The model's name, as the provider knows it."""
    messages: Sequence[BaseMessage]
    """The conversation."""
    stop: Sequence[str] = ()
    """Texts at which the answer ends."""
    stream: bool = False
    """Whether the answer is wanted in pieces."""
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The other settings of this request: those of the model, overridden by those of the call."""
