"""Blocks in the form of a wire, as standard blocks.

`content` may hold blocks as OpenAI's chat completions or Anthropic's messages write them: that is how they come from
other programs, and how they go back to where they are from without a change. Here they are read in the standard form,
one row of a table for each type. What has no standard field is in `extras`, beside who made it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from chatplug.wire.shape import is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["data_url", "home_of", "standard_block"]

_Read = tuple[dict[str, Any], frozenset[str]]
"""A standard block, and the keys of the native one that are in it."""
_Row: TypeAlias = "tuple[str | None, tuple[str, type | tuple[type, ...]], Callable[[Mapping[str, Any]], _Read]]"
"""Of a type: whose own form it is, the field without which it is not, and how it is read."""


def home_of(block: Mapping[str, Any]) -> str | None:
    """The provider in whose own form a block is; None for a form that many speak, and for an unknown one."""
    row = _row_of(block)
    return None if row is None else row[0]


def standard_block(block: Mapping[str, Any], maker: str | None = None) -> dict[str, Any] | None:
    """A native block in the standard form; None if it is in no form that is known here.

    Args:
        block: The block.
        maker: Who made the message; None for the provider in whose own form the block is.

    >>> standard_block({"type": "thinking", "thinking": "Hm.", "signature": "Ab=="})
    {'type': 'reasoning', 'reasoning': 'Hm.', 'extras': {'provider': 'anthropic', 'signature': 'Ab=='}}
    """
    row = _row_of(block)
    if row is None:
        return None
    home, _, read = row
    made, used = read(block)
    for key in ("id", "index"):
        if key in block:
            made.setdefault(key, block[key])
    own: dict[str, Any] = block["extras"] if is_object(block.get("extras")) else {}
    more = {key: value for key, value in block.items() if key not in used and key not in _EVERYWHERE}
    extras = {**made.pop("extras", {}), **more, **own}
    if extras:
        named = maker or home
        made["extras"] = {"provider": named, **extras} if named else extras
    return made


_EVERYWHERE = frozenset({"extras", "id", "index", "type"})


def _row_of(block: Mapping[str, Any]) -> _Row | None:
    row = _ROWS.get(str(block.get("type")))
    if row is not None and isinstance(block.get(row[1][0]), row[1][1]):
        return row
    return _MISTRAL_THINKING if block.get("type") == "thinking" and _thoughts(block) else None


def data_url(url: str) -> dict[str, str]:
    """An address as fields of a standard block: data with its type where it is a `data:` address."""
    head, comma, data = url.partition(";base64,")
    if not comma or not head.startswith("data:"):
        return {"url": url}
    return {"base64": data, "mime_type": head.removeprefix("data:")}


# ---- OpenAI's chat completions


def _url_part(kind: str, key: str) -> Callable[[Mapping[str, Any]], _Read]:
    """Parts that hold an address, alone or in an object with more."""

    def read(block: Mapping[str, Any]) -> _Read:
        value = block[key]
        inner: dict[str, Any] = dict(value) if is_object(value) else {"url": value}
        made: dict[str, Any] = {"type": kind, **data_url(str(inner.pop("url", "")))}
        if inner:
            made["extras"] = inner
        return made, frozenset({key})

    return read


def _input_audio(block: Mapping[str, Any]) -> _Read:
    audio: dict[str, Any] = block["input_audio"]
    made: dict[str, Any] = {"type": "audio", "base64": audio.get("data", "")}
    if audio.get("format"):
        made["mime_type"] = f"audio/{_MIME.get(audio['format'], audio['format'])}"
    return made, frozenset({"input_audio"})


_MIME = {"mp3": "mpeg"}


def _file(block: Mapping[str, Any]) -> _Read:
    file: dict[str, Any] = block["file"]
    made: dict[str, Any] = {"type": "file"}
    if file.get("file_id"):
        made["file_id"] = file["file_id"]
    data = file.get("file_data")
    if isinstance(data, str):
        made.update(data_url(data) if data.startswith(("data:", "http")) else {"base64": data})
    extras = {key: value for key, value in file.items() if key not in ("file_data", "file_id")}
    if extras:
        made["extras"] = extras
    return made, frozenset({"file"})


# ---- Anthropic's messages


def _thinking(block: Mapping[str, Any]) -> _Read:
    return {"type": "reasoning", "reasoning": block["thinking"]}, frozenset({"thinking"})


def _redacted(_block: Mapping[str, Any]) -> _Read:
    return {"type": "reasoning"}, frozenset()


def _with_source(kind: str) -> Callable[[Mapping[str, Any]], _Read]:
    def read(block: Mapping[str, Any]) -> _Read:
        source: dict[str, Any] = block["source"]
        made: dict[str, Any] = {"type": kind}
        if source.get("type") == "text":
            made = {"type": "text-plain", "text": source.get("data", "")}
        elif source.get("type") == "content":
            return {"type": "non_standard", "value": dict(block)}, frozenset(block)
        used = {"source"}
        for theirs, ours in _SOURCE.items():
            if source.get(theirs) and (theirs != "data" or made["type"] != "text-plain"):
                made[ours] = source[theirs]
        for key in ("title", "context") if made["type"] == "text-plain" else ():
            if isinstance(block.get(key), str):
                made[key] = block[key]
                used.add(key)
        return made, frozenset(used)

    return read


_SOURCE = {"data": "base64", "file_id": "file_id", "media_type": "mime_type", "url": "url"}


def _call(kind: str) -> Callable[[Mapping[str, Any]], _Read]:
    def read(block: Mapping[str, Any]) -> _Read:
        made = {"type": kind, "id": block.get("id"), "name": block.get("name", ""), "args": block["input"]}
        return made, frozenset({"id", "input", "name"})

    return read


def _mcp_call(block: Mapping[str, Any]) -> _Read:
    made, used = _call("server_tool_call")(block)
    return {**made, "extras": {"type": block["type"]}}, used


def _server_result(block: Mapping[str, Any]) -> _Read:
    content = block.get("content")
    failed = bool(block.get("is_error")) or (is_object(content) and str(content.get("type", "")).endswith("_error"))
    made: dict[str, Any] = {"type": "server_tool_result", "tool_call_id": block["tool_use_id"]}
    made |= {"status": "error" if failed else "success", "output": content, "extras": {"type": block["type"]}}
    return made, frozenset({"content", "tool_use_id"})


def _cited(block: Mapping[str, Any]) -> _Read:
    annotations: list[dict[str, Any]] = [_citation(item) for item in block["citations"] if is_object(item)]
    return {"type": "text", "text": block.get("text", ""), "annotations": annotations}, frozenset({"citations", "text"})


def _citation(item: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "citation"}
    for theirs, ours in (("url", "url"), ("title", "title"), ("document_title", "title"), ("cited_text", "cited_text")):
        if isinstance(item.get(theirs), str):
            made.setdefault(ours, item[theirs])
    extras = {key: value for key, value in item.items() if key not in ("url", "title", "document_title", "cited_text")}
    return {**made, "extras": extras}


_SERVER_RESULTS = (
    "bash_code_execution",
    "code_execution",
    "mcp",
    "text_editor_code_execution",
    "tool_search",
    "web_fetch",
    "web_search",
)
_ROWS: dict[str, _Row] = {
    "image_url": (None, ("image_url", (dict, str)), _url_part("image", "image_url")),
    "video_url": (None, ("video_url", (dict, str)), _url_part("video", "video_url")),
    "input_audio": (None, ("input_audio", dict), _input_audio),
    "file": (None, ("file", dict), _file),
    "thinking": ("anthropic", ("thinking", str), _thinking),
    "redacted_thinking": ("anthropic", ("data", str), _redacted),
    "image": ("anthropic", ("source", dict), _with_source("image")),
    "document": ("anthropic", ("source", dict), _with_source("file")),
    "tool_use": ("anthropic", ("input", dict), _call("tool_call")),
    "server_tool_use": ("anthropic", ("input", dict), _call("server_tool_call")),
    "mcp_tool_use": ("anthropic", ("input", dict), _mcp_call),
    "text": ("anthropic", ("citations", list), _cited),
    **{f"{name}_tool_result": ("anthropic", ("tool_use_id", str), _server_result) for name in _SERVER_RESULTS},
}


# ---- Mistral's chat completions: a list of texts where Anthropic has one (recorded 2025-11)


def _thoughts(block: Mapping[str, Any]) -> list[str]:
    """The texts of a block that holds nothing but such; else none."""
    parts: list[Any] = block["thinking"] if is_array(block.get("thinking")) else []
    are_texts = all(
        is_object(part) and part.keys() == {"type", "text"} and isinstance(part["text"], str) for part in parts
    )
    return [part["text"] for part in parts] if are_texts else []


def _thinking_in_parts(block: Mapping[str, Any]) -> _Read:
    return {"type": "reasoning", "reasoning": "".join(_thoughts(block))}, frozenset({"thinking"})


# What goes back to Mistral goes as it came, as do all blocks that have no other home.
_MISTRAL_THINKING: _Row = (None, ("thinking", list), _thinking_in_parts)
