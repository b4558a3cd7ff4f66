"""One block, as OpenAI's chat completions write it; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chatplug.errors import MessageError
from chatplug.messages.content import STANDARD_TYPES
from chatplug.messages.native_block import home_of, standard_block
from chatplug.wire.shape import is_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from chatplug.messages.transfer import Transfer

__all__ = ["openai_part"]

_PARTS = frozenset({"file", "image_url", "input_audio", "refusal", "text", "video_url"})
"""Blocks in the format's own form. `video_url` is that of servers beside OpenAI's (OpenRouter, recorded in 2025)."""
_Block = Mapping[str, Any]


def openai_part(block: dict[str, Any], where: str, maker: str | None, transfer: Transfer) -> dict[str, Any] | None:
    """A block of a message, as OpenAI's chat completions write it; None where it is lost, or said elsewhere.

    Args:
        block: The block, standard or in some provider's own form.
        where: Its path.
        maker: Who made the message.
        transfer: The export that it is part of.

    Raises:
        MessageError: If it is malformed, or of a type that nobody claims.
    """
    kind = str(block.get("type"))
    made_by = transfer.block_maker(block, maker)
    home = home_of(block)
    if home is None:
        if kind in _PARTS and isinstance(block.get(kind), (dict, str)):
            return _own_part(block, kind, where, made_by, transfer)
        if kind not in STANDARD_TYPES and made_by == transfer.receiver:
            return {name: value for name, value in block.items() if name != "extras"}
    known = standard_block(block, maker) or block
    if str(known.get("type")) in STANDARD_TYPES:
        write = _STANDARD.get(str(known["type"]))
        return None if write is None else write(known, where, made_by, transfer)
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


def _text(block: _Block, where: str, maker: str | None, transfer: Transfer) -> dict[str, Any] | None:
    if not isinstance(block.get("text"), str):
        raise _malformed(block, where, "'text'")
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


def _by_address(block: _Block, kind: str, where: str, maker: str | None, transfer: Transfer) -> dict[str, Any] | None:
    if block.get("file_id") and not (block.get("url") or block.get("base64")):
        return _no_media(block, where, transfer)
    inner: dict[str, Any] = {"url": block.get("url") or _data_url(block, where)}
    extras = block.get("extras")
    detail = extras.get("detail") if is_object(extras) else None
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


def _no_media(block: _Block, where: str, transfer: Transfer) -> dict[str, Any] | None:
    given = next((name for name in ("url", "file_id", "base64") if block.get(name)), None)
    if given is None:
        raise _malformed(block, where, "'url', 'base64' or 'file_id'")
    transfer.lose(where, "media", f"the format takes no {block['type']} by {given}")
    return None


def _reasoning(block: _Block, where: str, maker: str | None, transfer: Transfer) -> None:
    transfer.lose_as_placeless(where, "reasoning")
    transfer.lose_extras(block, where, maker)


def _server_tool(_block: _Block, where: str, maker: str | None, transfer: Transfer) -> None:
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
    if data and not mime_type:
        raise MessageError(f"{where} does not say of which type its data is.", hint="Give 'mime_type'.")
    if not data:
        raise MessageError(f"{where} has no data.", hint="Give 'url', or 'base64' and 'mime_type'.")
    return f"data:{mime_type};base64,{data}"


def _malformed(block: _Block, where: str, wanted: str) -> MessageError:
    return MessageError(f"{where}, a block of type {block['type']!r}, has no {wanted}.", hint=f"Give {wanted}.")
