"""Content blocks: the pieces of a message, in the standard form.

The names of the types and of their fields are langchain-core 1.x's, so that a program that reads them there reads
them here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["STANDARD_TYPES", "Content", "ContentBlock", "plain_copy", "standard_blocks", "text_of"]

ContentBlock: TypeAlias = dict[str, Any]
"""One piece of a message; `type` says which kind."""
Content: TypeAlias = str | list[str | dict[str, Any]]
"""What a message holds: a text, or a list of blocks and texts."""

STANDARD_TYPES = frozenset(
    {
        "audio",
        "file",
        "image",
        "invalid_tool_call",
        "non_standard",
        "reasoning",
        "server_tool_call",
        "server_tool_call_chunk",
        "server_tool_result",
        "text",
        "text-plain",
        "tool_call",
        "tool_call_chunk",
        "video",
    }
)
"""The types of block that every reader knows."""


def plain_copy(value: Any) -> Any:
    """A deep copy of plain data; what is neither dict nor list is shared."""
    if isinstance(value, dict):
        return {key: plain_copy(item) for key, item in value.items()}
    return [plain_copy(item) for item in value] if isinstance(value, list) else value


def text_of(content: Content) -> str:
    """The text of a content: itself, or its text blocks joined."""
    if isinstance(content, str):
        return content
    return "".join(block if isinstance(block, str) else _text(block) for block in content)


def _text(block: Mapping[str, Any]) -> str:
    text = block.get("text") if block.get("type") == "text" else None
    return text if isinstance(text, str) else ""


def standard_blocks(
    content: Content, *, reasoning: object = None, calls: Iterable[Mapping[str, Any]] = ()
) -> list[ContentBlock]:
    """A message's content as standard blocks: reasoning first, tool calls last.

    Args:
        content: The message's content.
        reasoning: Reasoning that stands beside the content.
        calls: Tool calls, whole or in fragments, that stand beside the content.
    """
    blocks: list[ContentBlock] = []
    if isinstance(reasoning, str) and reasoning:
        blocks.append({"type": "reasoning", "reasoning": reasoning})
    for block in [content] if isinstance(content, str) else content:
        if isinstance(block, str):
            if block:
                blocks.append({"type": "text", "text": block})
        elif block.get("type") in STANDARD_TYPES:
            blocks.append(dict(block))
        else:
            blocks.append({"type": "non_standard", "value": dict(block)})
    known = {block.get("id") for block in blocks if block["type"] in ("tool_call", "invalid_tool_call")}
    blocks.extend(dict(call) for call in calls if call.get("id") is None or call.get("id") not in known)
    return blocks
