"""One block, as Anthropic's messages write it; pure."""

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

__all__ = ["anthropic_block"]

_Block = Mapping[str, Any]


def anthropic_block(block: dict[str, Any], where: str, maker: str | None, transfer: Transfer) -> dict[str, Any] | None:
    """A block of a message, as Anthropic's messages write it; None where it is lost.

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
    is_own = made_by == transfer.receiver
    if is_own and (home_of(block) == "anthropic" or kind not in STANDARD_TYPES):
        return {name: value for name, value in block.items() if name != "extras"}
    known = standard_block(block, maker) or block
    if str(known.get("type")) in STANDARD_TYPES:
        made = _STANDARD[str(known["type"])](known, where, made_by, transfer)
        if made is not None and known is block and kind == "text":
            made.update(transfer.more_fields(block, where, made_by, ("text",)))
        return made
    if made_by is not None:
        transfer.lose_as_foreign(where, "non_standard", made_by)
        return None
    raise MessageError(
        f"{where}, a block of type {kind!r}, cannot be sent in this wire format.",
        hint="Use a standard block, or say in its extras['provider'] who understands it.",
    )


def _text(block: _Block, where: str, maker: str | None, transfer: Transfer) -> dict[str, Any] | None:
    if not isinstance(block.get("text"), str):
        raise MessageError(f"{where}, a block of type 'text', has no 'text'.", hint="Give 'text'.")
    if block.get("annotations"):
        transfer.lose_as_placeless(f"{where}.annotations", "annotation")
    return {"type": "text", "text": block["text"], **transfer.extras(block, where, maker, ())}


def _reasoning(block: _Block, where: str, maker: str | None, transfer: Transfer) -> dict[str, Any] | None:
    extras: dict[str, Any] = block.get("extras") or {}
    if maker == transfer.receiver and isinstance(extras.get("signature"), str):
        more = transfer.extras(block, where, maker, ("signature",))
        return {"type": "thinking", "thinking": block.get("reasoning", ""), "signature": extras["signature"], **more}
    if maker == transfer.receiver and isinstance(extras.get("data"), str):
        return {"type": "redacted_thinking", **transfer.extras(block, where, maker, ())}
    if maker == transfer.receiver:
        transfer.lose(where, "reasoning", "it has no signature, and without one it is refused")
        return None
    transfer.lose_as_foreign(where, "reasoning", maker)
    transfer.lose_extras(block, where, maker)
    return None


def _image(block: _Block, where: str, maker: str | None, transfer: Transfer) -> dict[str, Any] | None:
    return _with_source("image", block, where, maker, transfer)


def _file(block: _Block, where: str, maker: str | None, transfer: Transfer) -> dict[str, Any] | None:
    kind = block.get("mime_type")
    if block.get("base64") and kind not in (None, "application/pdf"):
        transfer.lose(where, "media", f"the format takes no files of the type {kind}")
        return None
    return _with_source("document", block, where, maker, transfer)


def _with_source(kind: str, block: _Block, where: str, maker: str | None, transfer: Transfer) -> dict[str, Any] | None:
    source: dict[str, Any]
    if block.get("base64"):
        media_type = block.get("mime_type") or ("application/pdf" if kind == "document" else None)
        if media_type is None:
            raise MessageError(f"{where} does not say of which type its data is.", hint="Give 'mime_type'.")
        source = {"type": "base64", "media_type": media_type, "data": block["base64"]}
    elif block.get("url"):
        source = {"type": "url", "url": block["url"]}
    elif block.get("file_id"):
        if maker not in (None, transfer.receiver):
            transfer.lose_as_foreign(where, "media", maker)
            return None
        source = {"type": "file", "file_id": block["file_id"]}
    else:
        raise MessageError(f"{where} has no data.", hint="Give 'url', 'file_id', or 'base64' and 'mime_type'.")
    made: dict[str, Any] = {"type": kind, "source": source}
    extras = block.get("extras")
    title = extras.get("filename") if kind == "document" and is_object(extras) else None
    if isinstance(title, str):
        made["title"] = title
    return {**made, **transfer.extras(block, where, maker, ("filename",) if title else ())}


def _plain_text(block: _Block, where: str, maker: str | None, transfer: Transfer) -> dict[str, Any] | None:
    if not isinstance(block.get("text"), str):
        return _with_source("document", block, where, maker, transfer)
    source = {"type": "text", "media_type": "text/plain", "data": block["text"]}
    more = {name: block[name] for name in ("title", "context") if block.get(name)}
    return {"type": "document", "source": source, **more, **transfer.extras(block, where, maker, ())}


def _no_media(block: _Block, where: str, _maker: str | None, transfer: Transfer) -> None:
    transfer.lose(where, "media", f"the format takes no {block['type']}")


def _server_call(block: _Block, where: str, maker: str | None, transfer: Transfer) -> dict[str, Any] | None:
    if maker != transfer.receiver or not is_object(block.get("args")):
        transfer.lose_as_foreign(where, "server_tool", maker)
        return None
    made = {"type": "server_tool_use", "id": block.get("id"), "name": block.get("name"), "input": block["args"]}
    return {**made, **transfer.extras(block, where, maker, ())}


def _server_result(block: _Block, where: str, maker: str | None, transfer: Transfer) -> dict[str, Any] | None:
    extras = transfer.extras(block, where, maker, ()) if maker == transfer.receiver else {}
    if not isinstance(extras.get("type"), str):
        transfer.lose_as_foreign(where, "server_tool", maker)
        return None
    return {**extras, "tool_use_id": block.get("tool_call_id"), "content": block.get("output")}


def _non_standard(block: _Block, where: str, maker: str | None, transfer: Transfer) -> dict[str, Any] | None:
    if maker == transfer.receiver and is_object(block.get("value")):
        return dict(block["value"])
    transfer.lose_as_foreign(where, "non_standard", maker)
    return None


_STANDARD: dict[str, Callable[[_Block, str, str | None, Transfer], dict[str, Any] | None]] = {
    "audio": _no_media,
    "file": _file,
    "image": _image,
    "non_standard": _non_standard,
    "reasoning": _reasoning,
    "server_tool_call": _server_call,
    "server_tool_call_chunk": _no_media,
    "server_tool_result": _server_result,
    "text": _text,
    "text-plain": _plain_text,
    "video": _no_media,
}
"""How each type of standard block is written; tool calls have a place of their own."""
