"""Messages as plain data, to be stored, and back again.

The form is langchain-core's, so that what is stored there is read here and the other way round: the type of the
message, and its fields under `data`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from chatplug.errors import MessageError, nearest
from chatplug.messages.chunk import (
    AIMessageChunk,
    ChatMessageChunk,
    FunctionMessageChunk,
    HumanMessageChunk,
    SystemMessageChunk,
    ToolMessageChunk,
)
from chatplug.messages.message import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["TYPES", "message_to_dict", "messages_from_dict", "messages_to_dict", "stored_message"]

_CLASSES: dict[str, type[BaseMessage]] = {
    kind.type: kind
    for kind in (
        AIMessage,
        AIMessageChunk,
        ChatMessage,
        ChatMessageChunk,
        FunctionMessage,
        FunctionMessageChunk,
        HumanMessage,
        HumanMessageChunk,
        SystemMessage,
        SystemMessageChunk,
        ToolMessage,
        ToolMessageChunk,
    )
}

TYPES = frozenset(_CLASSES)
"""The types of messages that can be stored."""


def message_to_dict(message: BaseMessage) -> dict[str, Any]:
    """The message as `{"type": ..., "data": {...}}`.

    >>> message_to_dict(HumanMessage("Hello"))["type"]
    'human'
    """
    return {"type": message.type, "data": message.model_dump()}


def messages_to_dict(messages: Iterable[BaseMessage]) -> list[dict[str, Any]]:
    """Each of the messages as `message_to_dict` gives it."""
    return [message_to_dict(message) for message in messages]


def messages_from_dict(messages: Iterable[Mapping[str, Any]]) -> list[BaseMessage]:
    """The messages that were made such dicts: `messages_to_dict`'s, langchain-core's, or `model_dump`'s.

    Raises:
        MessageError: If one of them is no message, is of a type that is not known, or has unknown fields; says which.

    >>> messages_from_dict(messages_to_dict([HumanMessage("Hello")]))
    [HumanMessage(content='Hello')]
    """
    return [stored_message(item, f"messages[{index}]") for index, item in enumerate(messages)]


def stored_message(item: Mapping[str, Any], where: str) -> BaseMessage:
    """The message that was made such a dict.

    Raises:
        MessageError: If it is none, or not whole; begins with `where`.
    """
    whole = isinstance(item, Mapping)  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without types
    name = item.get("type") if whole else None
    data: object = item.get("data", item) if whole else None
    if not isinstance(name, str) or not isinstance(data, Mapping):
        raise MessageError(
            f"{where} is no stored message.", hint="It is a dict such as {'type': 'human', 'data': {'content': ...}}."
        )
    kind = _CLASSES.get(name)
    if kind is None:
        raise MessageError(
            f"{where} has the type {name!r}.", hint=nearest(name, _CLASSES) or f"Types are {', '.join(_CLASSES)}."
        )
    fields = dict(cast("Mapping[str, Any]", data))
    _adopt(kind, fields)
    try:
        return kind.model_validate(fields)
    except MessageError as error:
        raise MessageError(f"{where}: {error.message}", hint=error.hint) from None
    except TypeError as error:
        raise MessageError(f"{where} is no {kind.__name__}: {error}") from error


def _adopt(kind: type[BaseMessage], fields: dict[str, Any]) -> None:
    """Give langchain-core's fields that have no place of their own the place that is theirs here."""
    if fields.pop("example", False):
        fields["additional_kwargs"] = {**(fields.get("additional_kwargs") or {}), "example": True}
    if kind is AIMessageChunk:
        # There a chunk says its calls twice: as they came, and as far as they can be read.
        calls, invalid = fields.pop("tool_calls", None), fields.pop("invalid_tool_calls", None)
        if not fields.get("tool_call_chunks"):
            made = AIMessageChunk(tool_calls=calls or (), invalid_tool_calls=invalid or ())
            fields["tool_call_chunks"] = made.tool_call_chunks
