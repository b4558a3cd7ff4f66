"""Conversations in the form of OpenAI's chat completions, out and in; pure.

The form is the one of https://platform.openai.com/docs/api-reference/chat and of the many servers that speak it. They
add fields of their own; such a field is kept where it stands, and goes back to the server that sent it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticSerializationError, to_json

from chatplug.errors import MessageError
from chatplug.messages.convert import messages_of
from chatplug.messages.loss import Exported
from chatplug.messages.message import (
    AIMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from chatplug.messages.native_block import standard_block
from chatplug.messages.tool_call_id import OPENAI_IDS
from chatplug.messages.transfer import Transfer, calls_of, claim, maker_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from chatplug.messages.message import BaseMessage
    from chatplug.messages.tool_call_id import ToolCallIdRule

__all__ = ["export_openai", "import_openai"]

_PARTS = frozenset({"file", "image_url", "input_audio", "refusal", "text", "video_url"})
"""Blocks in the format's own form. `video_url` is that of servers beside OpenAI's (OpenRouter, recorded in 2025)."""
_REPEATED = frozenset({"invalid_tool_call", "tool_call", "tool_call_chunk"})
"""Blocks that say again what `tool_calls` says."""
_OF_STREAMS = frozenset({"channel", "choices", "index", "token_id"})
"""Fields that servers put beside the text of a stream's pieces: where it belongs, not what is said (recorded in 2025)."""


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
    items: Iterable[Any] = value["messages"] if isinstance(value, Mapping) and "messages" in value else value
    if isinstance(items, Mapping):
        items = [items]
    messages = [message for index, item in enumerate(items) for message in messages_of(item, f"messages[{index}]")]
    for message in messages:
        claim(message, provider)
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
    calls = [_call(call, f"{where}.tool_calls[{index}]", message, transfer) for index, call in enumerate(calls_of(message))]
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
    text = _json(args, where) if isinstance(args, dict) else args or ""
    maker = maker_of(message)
    return {
        "id": transfer.call_id(call.get("id")),
        "type": "function",
        "function": {"name": call.get("name"), "arguments": text},
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
        if value is None or value is False or name in _OF_STREAMS or (name == "role" and wire["role"] == "developer"):
            continue
        path = f"{where}.additional_kwargs"
        if name in ("function_call", "refusal") and isinstance(message, AIMessage):
            wire[name] = value
        elif name == "audio" and isinstance(message, AIMessage) and isinstance(value, Mapping) and maker in (None, transfer.receiver):
            # Of an audio answer the wire takes back the id alone.
            wire[name] = {"id": value.get("id")}
        elif not is_own:
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
        elif block.get("type") not in _REPEATED:
            part = _part(block, f"{where}.content[{index}]", maker, transfer)
            if part is not None:
                parts.append(part)
    if len(parts) < len(content):
        # Where only text is left, a text says it in the way that every server knows.
        if not parts:
            return ""
        if len(parts) == 1 and set(parts[0]) == {"type", "text"}:
            return str(parts[0]["text"])
    return parts


def _part(block: dict[str, Any], where: str, maker: str | None, transfer: Transfer) -> dict[str, Any] | None:
    """A block in the format's form; None where it is lost, or said elsewhere."""
    kind = str(block.get("type"))
    made_by = transfer.block_maker(block, maker)
    if kind in _PARTS and isinstance(block.get(kind), (dict, str)) and "citations" not in block:
        return _own_part(block, kind, where, made_by, transfer)
    if kind in _STANDARD:
        known = standard_block(block, maker) or block
        return _STANDARD[str(known["type"])](known, where, made_by, transfer)
    if made_by == transfer.receiver:
        return {name: value for name, value in block.items() if name != "extras"}
    known = standard_block(block, maker)
    if known is not None:
        read = _STANDARD.get(str(known["type"]))
        return None if read is None else read(known, where, made_by, transfer)
    if made_by is not None:
        transfer.lose_as_foreign(where, "non_standard", made_by)
        return None
    raise MessageError(
        f"{where}, a block of type {kind!r}, cannot be sent in this wire format.",
        hint="Use a standard block, or say in its extras['provider'] who understands it.",
    )


def _own_part(block: dict[str, Any], kind: str, where: str, maker: str | None, transfer: Transfer) -> dict[str, Any]:
    part = {"type": kind, kind: block[kind]}
    if len(block) == 2:
        return part
    if block.get("annotations"):
        transfer.lose_as_placeless(f"{where}.annotations", "annotation")
    return {
        **part,
        **transfer.more_fields(block, where, maker, (kind,)),
        **transfer.extras(block, where, maker, ()),
    }


_Block = Mapping[str, Any]


def _text(block: _Block, where: str, maker: str | None, transfer: Transfer) -> dict[str, Any] | None:
    if not isinstance(block.get("text"), str):
        raise _malformed(block, where, "text")
    for name in ("title", "context"):
        if block.get(name):
            transfer.lose_as_placeless(f"{where}.{name}", "non_standard")
    if block.get("annotations"):
        transfer.lose_as_placeless(f"{where}.annotations", "annotation")
    return {"type": "text", "text": block["text"], **transfer.extras(block, where, maker, ())}


def _plain_text(block: _Block, where: str, maker: str | None, transfer: Transfer) -> dict[str, Any] | None:
    return _text(block, where, maker, transfer) if "text" in block else _no_media(block, where, transfer)


def _image(block: _Block, where: str, maker: str | None, transfer: Transfer) -> dict[str, Any] | None:
    return _by_address(block, "image_url", where, maker, transfer)


def _video(block: _Block, where: str, maker: str | None, transfer: Transfer) -> dict[str, Any] | None:
    return _by_address(block, "video_url", where, maker, transfer)


def _by_address(
    block: _Block, kind: str, where: str, maker: str | None, transfer: Transfer
) -> dict[str, Any] | None:
    if block.get("file_id") and not (block.get("url") or block.get("base64")):
        return _no_media(block, where, transfer)
    inner: dict[str, Any] = {"url": block.get("url") or _data_url(block, where)}
    detail = (block.get("extras") or {}).get("detail")
    if isinstance(detail, str) and kind == "image_url":
        inner["detail"] = detail
    return {"type": kind, kind: inner, **transfer.extras(block, where, maker, ("detail",))}


def _audio(block: _Block, where: str, maker: str | None, transfer: Transfer) -> dict[str, Any] | None:
    if "base64" not in block:
        return _no_media(block, where, transfer)
    form = str(block.get("mime_type", "")).rpartition("/")[2]
    inner = {"data": block["base64"], "format": _FORMATS.get(form, form)}
    return {"type": "input_audio", "input_audio": inner, **transfer.extras(block, where, maker, ())}


_FORMATS = {"mpeg": "mp3", "wave": "wav", "x-wav": "wav"}


def _file(block: _Block, where: str, maker: str | None, transfer: Transfer) -> dict[str, Any] | None:
    extras: dict[str, Any] = block.get("extras") or {}
    if block.get("file_id"):
        if maker not in (None, transfer.receiver):
            transfer.lose_as_foreign(where, "media", maker)
            return None
        inner = {"file_id": block["file_id"]}
    elif block.get("base64"):
        name = extras.get("filename") or block.get("filename") or "file"
        inner = {"filename": name, "file_data": _data_url(block, where)}
    else:
        return _no_media(block, where, transfer)
    return {"type": "file", "file": inner, **transfer.extras(block, where, maker, ("filename",))}


def _no_media(block: _Block, where: str, transfer: Transfer) -> None:
    given = next((name for name in ("url", "file_id", "base64") if block.get(name)), None)
    if given is None:
        raise _malformed(block, where, "url', 'base64' or 'file_id")
    transfer.lose(where, "media", f"the format takes no {block['type']} by {given}")


def _reasoning(block: _Block, where: str, maker: str | None, transfer: Transfer) -> None:
    if block.get("reasoning"):
        transfer.lose_as_placeless(where, "reasoning")
    transfer.extras(block, where, None if maker == transfer.receiver else maker, ("type",))


def _server_tool(block: _Block, where: str, maker: str | None, transfer: Transfer) -> None:
    transfer.lose_as_foreign(where, "server_tool", maker)


def _non_standard(block: _Block, where: str, maker: str | None, transfer: Transfer) -> dict[str, Any] | None:
    if maker == transfer.receiver and isinstance(block.get("value"), dict):
        value: dict[str, Any] = block["value"]
        return value
    transfer.lose_as_foreign(where, "non_standard", maker)
    return None


_STANDARD: dict[str, Callable[[_Block, str, str | None, Transfer], dict[str, Any] | None]] = {
    "audio": _audio,
    "file": _file,
    "image": _image,
    "non_standard": _non_standard,
    "reasoning": _reasoning,
    "server_tool_call": _server_tool,
    "server_tool_call_chunk": _server_tool,
    "server_tool_result": _server_tool,
    "text": _text,
    "text-plain": _plain_text,
    "video": _video,
}
"""How each type of standard block is written; tool calls have a place of their own."""


def _data_url(block: _Block, where: str) -> str:
    data, mime_type = block.get("base64"), block.get("mime_type")
    if not data or not mime_type:
        raise MessageError(f"{where} has no data.", hint="Give 'url', or 'base64' and 'mime_type'.")
    return f"data:{mime_type};base64,{data}"


def _malformed(block: _Block, where: str, wanted: str) -> MessageError:
    return MessageError(f"{where}, a block of type {block['type']!r}, has no {wanted!r}.", hint=f"Give {wanted!r}.")
