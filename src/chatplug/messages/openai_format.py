"""Conversations in the form of OpenAI's chat completions, out and in; pure.

The form is the one of https://platform.openai.com/docs/api-reference/chat and of the many servers that speak it. They
add fields of their own; such a field is kept where it stands, and goes back to the server that sent it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticSerializationError, to_json

from chatplug.errors import MessageError
from chatplug.messages.convert import messages_of
from chatplug.messages.loss import Exported
from chatplug.messages.message import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from chatplug.messages.openai_part import openai_part
from chatplug.messages.tool_call_id import OPENAI_IDS
from chatplug.messages.transfer import Transfer, calls_of, claim, maker_of
from chatplug.wire.shape import is_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chatplug.messages.tool_call_id import ToolCallIdRule

__all__ = ["export_openai", "import_openai"]

_REPEATED = frozenset({"invalid_tool_call", "tool_call", "tool_call_chunk", "tool_use"})
"""Blocks that say again what `tool_calls` says."""
_OF_STREAMS = frozenset({"channel", "choices", "index", "token_id"})
"""Fields that servers put beside the pieces of a stream: where a piece belongs, not what is said (recorded in 2025)."""


def export_openai(
    messages: Sequence[BaseMessage], *, provider: str = "openai", tool_call_ids: ToolCallIdRule = OPENAI_IDS
) -> Exported:
    """A conversation as the `messages` of a chat completions request, a list of dicts.

    Args:
        messages: The conversation.
        provider: Who gets it.
        tool_call_ids: Which ids of tool calls they accept.

    Raises:
        MessageError: If a message holds a block that is malformed, or of a type that nobody claims; says which one.
    """
    transfer = Transfer(messages, provider, tool_call_ids)
    wire = [_message(message, f"messages[{index}]", transfer) for index, message in enumerate(messages)]
    return Exported(wire, transfer.losses)


def import_openai(value: Any, *, provider: str = "openai") -> list[BaseMessage]:
    """The messages of a chat completions request: of its body, its `messages`, or one of them.

    Args:
        value: Dicts as the wire has them.
        provider: Who took part in the conversation.
    """
    items: Any = value
    if is_object(value):
        items = value.get("messages", [value])
    messages: list[BaseMessage] = []
    for index, item in enumerate(items):
        # What is a message already is the caller's own.
        messages += messages_of(
            item.model_copy(deep=True) if isinstance(item, BaseMessage) else item, f"messages[{index}]"
        )
    for message in messages:
        claim(message, provider)
        if isinstance(message, ToolMessage) and message.name is not None:
            # OpenAI's own tool messages have no name; some servers' do.
            message.response_metadata["model_provider"] = provider
    return messages


def _message(message: BaseMessage, where: str, transfer: Transfer) -> dict[str, Any]:
    if isinstance(message, AIMessage):
        return _ai(message, where, transfer)
    wire: dict[str, Any] = {"role": _role(message), "content": _content(message, where, transfer)}
    if isinstance(message, ToolMessage):
        wire["tool_call_id"] = transfer.call_id(message.tool_call_id)
        if message.name is not None and maker_of(message) == transfer.receiver:
            wire["name"] = message.name
        if message.status == "error":
            transfer.lose_as_placeless(f"{where}.status", "status")
    elif message.name is not None:
        wire["name"] = message.name
    if message.additional_kwargs:
        _add_fields(wire, message, where, transfer)
    return wire


def _role(message: BaseMessage) -> str:
    if isinstance(message, HumanMessage):
        return "user"
    if isinstance(message, SystemMessage):
        return "developer" if message.additional_kwargs.get("role") == "developer" else "system"
    if isinstance(message, ToolMessage):
        return "tool"
    if isinstance(message, FunctionMessage):
        return "function"
    if isinstance(message, ChatMessage):
        return message.role
    raise MessageError(f"{type(message).__name__} has no role.")


def _ai(message: AIMessage, where: str, transfer: Transfer) -> dict[str, Any]:
    content = _content(message, where, transfer)
    calls = [
        _call(call, f"{where}.tool_calls[{index}]", message, transfer) for index, call in enumerate(calls_of(message))
    ]
    wire: dict[str, Any] = {"role": "assistant", "content": content or None if calls else content}
    if calls:
        wire["tool_calls"] = calls
    if message.name is not None:
        wire["name"] = message.name
    if message.additional_kwargs:
        _add_fields(wire, message, where, transfer)
    return wire


def _call(call: Mapping[str, Any], where: str, message: AIMessage, transfer: Transfer) -> dict[str, Any]:
    args = call.get("args")
    text = _json(args, where) if is_object(args) else args or ""
    maker = maker_of(message)
    # Where a fragment belongs in a stream; some servers have it on whole calls and want it back (recorded in 2025).
    place = {"index": call["index"]} if "index" in call and maker == transfer.receiver else {}
    return {
        "id": transfer.call_id(call.get("id")),
        "type": "function",
        "function": {"name": call.get("name"), "arguments": text},
        **place,
        **transfer.more_fields(call, where, maker, ("args", "error", "name")),
        **transfer.extras(call, where, transfer.block_maker(call, maker), ()),
    }


def _json(value: object, where: str) -> str:
    try:
        return to_json(value).decode()
    except (PydanticSerializationError, UnicodeError) as error:
        raise MessageError(f"{where}.args cannot be written as JSON: {error}") from None


def _add_fields(wire: dict[str, Any], message: BaseMessage, where: str, transfer: Transfer) -> None:
    """Add what a message holds beside its content, as far as the receiver made it or everybody knows it."""
    maker = maker_of(message)
    is_own = maker == transfer.receiver
    for name, value in message.additional_kwargs.items():
        if value is None or name in _OF_STREAMS or (name == "role" and wire["role"] == "developer"):
            continue
        path = f"{where}.additional_kwargs"
        if name in ("function_call", "refusal") and isinstance(message, AIMessage):
            wire[name] = value
        elif (
            name == "audio"
            and isinstance(message, AIMessage)
            and is_object(value)
            and maker in (None, transfer.receiver)
        ):
            # Of an audio answer the wire takes back the id alone.
            wire[name] = {"id": value.get("id")}
        elif not is_own:
            if value is not False:
                transfer.lose_field(path, name, maker)
        elif name == "tool_calls":
            wire[name] = [*wire.get(name, ()), *value]
        else:
            wire.setdefault(name, value)


# ---- content


def _content(message: BaseMessage, where: str, transfer: Transfer) -> str | list[Any]:
    content = message.content
    if isinstance(content, str):
        return content
    maker = maker_of(message)
    parts: list[Any] = []
    for index, block in enumerate(content):
        if isinstance(block, str):
            parts.append({"type": "text", "text": block})
        elif str(block.get("type")) in _REPEATED:
            if not isinstance(message, AIMessage):
                transfer.lose(f"{where}.content[{index}]", "non_standard", "only the model calls tools")
            elif not calls_of(message):
                transfer.lose(f"{where}.content[{index}]", "non_standard", "it is no whole call of a tool")
        else:
            part = openai_part(block, f"{where}.content[{index}]", maker, transfer)
            if part is not None:
                parts.append(part)
    if len(parts) < len(content):
        # Where only text is left, a text says it in the way that every server knows.
        if not parts:
            return ""
        if len(parts) == 1 and set(parts[0]) == {"type", "text"}:
            return str(parts[0]["text"])
    return parts
