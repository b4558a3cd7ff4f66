"""A `ChatRequest` as the body of a chat completions request; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticSerializationError, to_json

from chatplug.errors import MessageError
from chatplug.messages import OPENAI_IDS
from chatplug.messages.openai_format import export_openai

if TYPE_CHECKING:
    from chatplug.language_models import ChatRequest
    from chatplug.messages import Loss

__all__ = ["encode"]


def encode(request: ChatRequest, provider: str) -> tuple[bytes, list[Loss]]:
    """The body of the request, and what of the conversation is not in it.

    Args:
        request: What is asked.
        provider: Who is asked; what it made itself goes back to it.

    Raises:
        MessageError: If a message holds something that cannot be written; says which one.
    """
    exported = export_openai(request.messages, provider=provider, tool_call_ids=OPENAI_IDS)
    body: dict[str, Any] = {"model": request.model, "messages": exported.value}
    body.update((name, value) for name, value in request.settings.items() if value is not None)
    if request.stop:
        body["stop"] = list(request.stop)
    if request.stream:
        body["stream"] = True
        # Without this the wire tells no usage in streams.
        body["stream_options"] = {"include_usage": True}
    try:
        return to_json(body), exported.losses
    except (PydanticSerializationError, UnicodeError) as error:
        raise MessageError(f"The request cannot be written as JSON: {error}") from None
