"""A `ChatRequest` as the body of a chat completions request; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticSerializationError, to_json

from chatplug.errors import MessageError
from chatplug.messages import AIMessage, ChatMessage, FunctionMessage, HumanMessage, SystemMessage, ToolMessage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chatplug.language_models import ChatRequest
    from chatplug.messages import BaseMessage

__all__ = ["encode"]

_NATIVE = frozenset({"file", "image_url", "input_audio", "refusal", "text"})
"""Blocks in the wire's own form, which go as they are."""
_IN_TOOL_CALLS = frozenset({"invalid_tool_call", "tool_call", "tool_call_chunk"})
"""Blocks that say again what `tool_calls` says."""


def encode(request: ChatRequest) -> bytes:
    """The body of the request.

    Raises:
        MessageError: If a message holds something that the wire has no place for; says which one.
    """
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [_message(message, f"messages[{i}]") for i, message in enumerate(request.messages)],
    }
    body.update((name, value) for name, value in request.settings.items() if value is not None)
    if request.stop:
        body["stop"] = list(request.stop)
    if request.stream:
        body["stream"] = True
        # Without this the wire tells no usage in streams.
        body["stream_options"] = {"include_usage": True}
    try:
        return to_json(body)
    except (PydanticSerializationError, UnicodeError) as error:
        raise MessageError(f"The request cannot be written as JSON: {error}") from None


def _message(message: BaseMessage, where: str) -> dict[str, Any]:
    if isinstance(message, AIMessage):
        return _ai(message, where)
    wire: dict[str, Any] = {"role": _role(message), "content": _content(message.content, where)}
    if message.name is not None and not isinstance(message, ToolMessage):
        wire["name"] = message.name
    if isinstance(message, ToolMessage):
        wire["tool_call_id"] = message.tool_call_id
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


def _ai(message: AIMessage, where: str) -> dict[str, Any]:
    calls: list[dict[str, Any]] = [
        {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": _json(call["args"])}}
        for call in message.tool_calls
    ]
    calls += [
        {"id": bad["id"], "type": "function", "function": {"name": bad["name"], "arguments": bad["args"] or ""}}
        for bad in message.invalid_tool_calls
    ]
    content = _content(message.content, where)
    wire: dict[str, Any] = {"role": "assistant", "content": content or None if calls else content}
    if calls:
        wire["tool_calls"] = calls
    if message.name is not None:
        wire["name"] = message.name
    for key in ("audio", "function_call", "refusal"):
        value = message.additional_kwargs.get(key)
        if value is not None:
            # Of an audio answer the wire takes back the id alone.
            wire[key] = {"id": value.get("id")} if key == "audio" else value
    return wire


def _content(content: str | Sequence[str | Mapping[str, Any]], where: str) -> str | list[Any]:
    if isinstance(content, str):
        return content
    blocks = ((block, f"{where}.content[{i}]") for i, block in enumerate(content))
    return [
        {"type": "text", "text": block} if isinstance(block, str) else _block(block, path)
        for block, path in blocks
        if isinstance(block, str) or block.get("type") not in _IN_TOOL_CALLS
    ]


def _block(block: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    kind = block.get("type")
    if kind == "text" and "text" in block:
        return {"type": "text", "text": block["text"]}
    if kind in _NATIVE and isinstance(block.get(str(kind)), (dict, str)):
        return block
    if kind == "image":
        return {"type": "image_url", "image_url": {"url": block.get("url") or _data_url(block, where)}}
    if kind == "audio" and "base64" in block:
        form = str(block.get("mime_type", "")).rpartition("/")[2]
        return {"type": "input_audio", "input_audio": {"data": block["base64"], "format": _FORMATS.get(form, form)}}
    if kind == "file" and block.get("file_id"):
        return {"type": "file", "file": {"file_id": block["file_id"]}}
    if kind == "file" and "base64" in block:
        name = block.get("filename") or "file"
        return {"type": "file", "file": {"filename": name, "file_data": _data_url(block, where)}}
    if kind == "text-plain" and "text" in block:
        return {"type": "text", "text": block["text"]}
    raise MessageError(
        f"{where}, a block of type {kind!r}, cannot be sent in this wire format.",
        hint="Take it out, or use a provider that has a place for it.",
    )


_FORMATS = {"mpeg": "mp3", "wave": "wav", "x-wav": "wav"}


def _data_url(block: Mapping[str, Any], where: str) -> str:
    data, mime_type = block.get("base64"), block.get("mime_type")
    if not data or not mime_type:
        raise MessageError(f"{where} has no data.", hint="Give 'url', or 'base64' and 'mime_type'.")
    return f"data:{mime_type};base64,{data}"


def _json(value: object) -> str:
    return to_json(value).decode()
