"""What servers of OpenAI's wire put beside a message's content, as standard blocks; pure.

It stays in `additional_kwargs` as it came, so that it can go back as it came. Here it is read in the standard form:
reasoning, the citations of a text, audio and images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatplug.messages.native_block import standard_block
from chatplug.wire.shape import is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["citations_beside", "media_beside", "reasoning_beside"]

_REASONING = ("reasoning_content", "reasoning")
"""DeepSeek's name for it, and that of OpenRouter, Groq, Ollama and vLLM (recorded in 2025)."""


def reasoning_beside(fields: Mapping[str, Any]) -> str:
    """The model's reasoning; empty where there is none.

    >>> reasoning_beside({"reasoning": "Hm."})
    'Hm.'
    """
    return next((value for name in _REASONING if isinstance(value := fields.get(name), str) and value), "")


def citations_beside(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The citations of the text, as annotations.

    >>> citations_beside({"annotations": [{"type": "url_citation", "url_citation": {"url": "https://a.example"}}]})
    [{'type': 'citation', 'url': 'https://a.example'}]
    """
    given = fields.get("annotations")
    return [_annotation(item) for item in given if is_object(item)] if is_array(given) else []


def _annotation(item: dict[str, Any]) -> dict[str, Any]:
    inner = item.get("url_citation")
    if not is_object(inner):
        return {"type": "non_standard_annotation", "value": dict(item)}
    made: dict[str, Any] = {"type": "citation"}
    for name, kind in (("url", str), ("title", str), ("start_index", int), ("end_index", int)):
        if isinstance(inner.get(name), kind):
            made[name] = inner[name]
    if isinstance(inner.get("content"), str):
        made["cited_text"] = inner["content"]
    extras = {name: value for name, value in inner.items() if name not in made and name != "content"}
    return {**made, "extras": extras} if extras else made


def media_beside(fields: Mapping[str, Any], maker: str | None) -> Iterator[dict[str, Any]]:
    """Audio and images that the model made, as blocks.

    Args:
        fields: What stands beside the content.
        maker: The provider that made the message, where it says so.
    """
    audio = fields.get("audio")
    if is_object(audio) and isinstance(audio.get("data"), str):
        block: dict[str, Any] = {"type": "audio", "base64": audio["data"]}
        if isinstance(audio.get("id"), str):
            block["id"] = audio["id"]
        extras = {name: value for name, value in audio.items() if name not in ("data", "id")}
        if extras:
            block["extras"] = {"provider": maker, **extras} if maker else extras
        yield block
    images = fields.get("images")
    for image in images if is_array(images) else ():
        read = standard_block(image, maker) if is_object(image) else None
        if read is not None:
            yield read
