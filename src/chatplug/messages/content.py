"""Content blocks: the pieces of a message, in the standard form.

The names of the types and of their fields are langchain-core 1.x's, so that a program that reads them there reads
them here. A block is a dict; `type` says which kind, and all fields that are not required may be absent.

`extras` holds what belongs to a block and has no standard field. What only the maker of a block understands (a
signature, encrypted reasoning) is there beside `provider`, the maker's name: it goes back to that provider as it came,
and to no other.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypeAlias, cast

from chatplug.messages.native_block import standard_block
from chatplug.messages.openai_beside import citations_beside, media_beside, reasoning_beside
from chatplug.messages.tool_call import InvalidToolCall, ToolCall, ToolCallChunk
from chatplug.wire.shape import is_array, is_object

if sys.version_info >= (3, 12):
    from typing import TypedDict
else:  # pydantic reads the kind of `typing` from 3.12 on, and brings the other one
    from typing_extensions import TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "STANDARD_TYPES",
    "Annotation",
    "AudioContentBlock",
    "Citation",
    "Content",
    "ContentBlock",
    "DataContentBlock",
    "FileContentBlock",
    "ImageContentBlock",
    "NonStandardAnnotation",
    "NonStandardContentBlock",
    "PlainTextContentBlock",
    "ReasoningContentBlock",
    "ServerToolCall",
    "ServerToolCallChunk",
    "ServerToolResult",
    "TextContentBlock",
    "VideoContentBlock",
    "is_data_content_block",
    "plain_copy",
    "standard_blocks",
    "text_of",
]


class Citation(TypedDict):
    """Where a piece of text comes from."""

    type: Literal["citation"]
    id: NotRequired[str]
    url: NotRequired[str]
    title: NotRequired[str]
    start_index: NotRequired[int]
    """Where the cited passage begins in the block's text, in characters."""
    end_index: NotRequired[int]
    """Where it ends."""
    cited_text: NotRequired[str]
    """The words of the source."""
    extras: NotRequired[dict[str, Any]]


class NonStandardAnnotation(TypedDict):
    """An annotation of a provider that has no standard form."""

    type: Literal["non_standard_annotation"]
    id: NotRequired[str]
    value: dict[str, Any]
    """The annotation as it came."""


Annotation: TypeAlias = Citation | NonStandardAnnotation
"""What may be said about a text."""


class TextContentBlock(TypedDict):
    """A text."""

    type: Literal["text"]
    text: str
    id: NotRequired[str]
    annotations: NotRequired[list[Annotation]]
    index: NotRequired[int | str]
    """Which block of the message a piece of a stream belongs to."""
    extras: NotRequired[dict[str, Any]]


class ReasoningContentBlock(TypedDict):
    """What a model thinks before it answers."""

    type: Literal["reasoning"]
    reasoning: NotRequired[str]
    """The reasoning; absent where the provider keeps it to itself and sends a sealed form in `extras`."""
    id: NotRequired[str]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class _Media(TypedDict):
    id: NotRequired[str]
    file_id: NotRequired[str]
    """The name under which the provider keeps the file."""
    mime_type: NotRequired[str]
    url: NotRequired[str]
    base64: NotRequired[str]
    """The data itself."""
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class ImageContentBlock(_Media):
    """A picture, by address, by data, or by the provider's name for it."""

    type: Literal["image"]


class AudioContentBlock(_Media):
    """Sound."""

    type: Literal["audio"]


class VideoContentBlock(_Media):
    """A film."""

    type: Literal["video"]


class FileContentBlock(_Media):
    """Any other file, such as a PDF."""

    type: Literal["file"]


class PlainTextContentBlock(_Media):
    """A document that is plain text."""

    type: Literal["text-plain"]
    text: NotRequired[str]
    title: NotRequired[str]
    context: NotRequired[str]
    """What the document is about, for the model."""


class ServerToolCall(TypedDict):
    """A tool call that the provider carries out itself."""

    type: Literal["server_tool_call"]
    id: str
    name: str
    args: dict[str, Any]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class ServerToolCallChunk(TypedDict):
    """A fragment of a `ServerToolCall`."""

    type: Literal["server_tool_call_chunk"]
    name: NotRequired[str]
    args: NotRequired[str]
    id: NotRequired[str]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class ServerToolResult(TypedDict):
    """What came of a `ServerToolCall`."""

    type: Literal["server_tool_result"]
    tool_call_id: str
    status: Literal["success", "error"]
    id: NotRequired[str]
    output: NotRequired[Any]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class NonStandardContentBlock(TypedDict):
    """A block of a provider that has no standard form."""

    type: Literal["non_standard"]
    value: dict[str, Any]
    """The block as it came."""
    id: NotRequired[str]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


DataContentBlock: TypeAlias = (
    ImageContentBlock | VideoContentBlock | AudioContentBlock | PlainTextContentBlock | FileContentBlock
)
"""A block that holds data, or says where they are."""
ContentBlock: TypeAlias = (
    TextContentBlock
    | ReasoningContentBlock
    | ToolCall
    | ToolCallChunk
    | InvalidToolCall
    | ImageContentBlock
    | AudioContentBlock
    | VideoContentBlock
    | FileContentBlock
    | PlainTextContentBlock
    | ServerToolCall
    | ServerToolCallChunk
    | ServerToolResult
    | NonStandardContentBlock
)
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


_DATA_TYPES = frozenset({"audio", "file", "image", "text-plain", "video"})
_DATA_PLACES = ("base64", "file_id", "text", "url")


def is_data_content_block(block: Mapping[str, Any]) -> bool:
    """Whether a block is an image, a video, audio, a file or a plain text, and holds it or says where it is.

    In the form of langchain-core 0.3, with a `source_type`, it is one as well.

    >>> is_data_content_block({"type": "image", "url": "https://example.org/cat.png"})
    True
    >>> is_data_content_block({"type": "text", "text": "Meow!"})
    False
    """
    if block.get("type") not in _DATA_TYPES:
        return False
    source = block.get("source_type")
    return (
        any(name in block for name in _DATA_PLACES)
        or (source == "base64" and "data" in block)
        or (source == "id" and "id" in block)
    )


def plain_copy(value: Any) -> Any:
    """A deep copy of plain data; what is neither dict nor list is shared."""
    if is_object(value):
        return {key: plain_copy(item) for key, item in value.items()}
    return [plain_copy(item) for item in value] if is_array(value) else value


def text_of(content: Content) -> str:
    """The text of a content: itself, or its text blocks joined."""
    if isinstance(content, str):
        return content
    return "".join(block if isinstance(block, str) else _text(block) for block in content)


def _text(block: Mapping[str, Any]) -> str:
    text = block.get("text") if block.get("type") == "text" else None
    return text if isinstance(text, str) else ""


def standard_blocks(
    content: Content,
    *,
    beside: object = None,
    calls: Iterable[Mapping[str, Any]] = (),
    maker: object = None,
) -> list[ContentBlock]:
    """A message's content as standard blocks: reasoning first, tool calls last.

    Args:
        content: The message's content.
        beside: What else the provider sent: reasoning, citations, audio and images.
        calls: Tool calls, whole or in fragments, that stand beside the content.
        maker: The provider that made the message, where it says so.
    """
    maker = maker if isinstance(maker, str) else None
    fields: dict[str, Any] = beside if is_object(beside) else {}
    blocks: list[dict[str, Any]] = []
    reasoning = reasoning_beside(fields) if fields else ""
    if reasoning:
        blocks.append({"type": "reasoning", "reasoning": reasoning})
    for block in [content] if isinstance(content, str) else content:
        if isinstance(block, str):
            if block:
                blocks.append({"type": "text", "text": block})
            continue
        read = standard_block(block, maker)
        if read is not None:
            blocks.append(read)
        elif str(block.get("type")) in STANDARD_TYPES:
            blocks.append(dict(block))
        else:
            blocks.append({"type": "non_standard", "value": dict(block)})
    if fields:
        _cite(blocks, citations_beside(fields))
        blocks.extend(media_beside(fields, maker))
    known = [block.get("id") for block in blocks if block["type"] in ("tool_call", "invalid_tool_call")]
    blocks.extend(dict(call) for call in calls if call.get("id") is None or call.get("id") not in known)
    return cast("list[ContentBlock]", blocks)


def _cite(blocks: list[dict[str, Any]], citations: list[dict[str, Any]]) -> None:
    """Give the citations to the text; where there are several, to the last."""
    texts = [index for index, block in enumerate(blocks) if block["type"] == "text"]
    if citations and texts:
        last = blocks[texts[-1]]
        blocks[texts[-1]] = {**last, "annotations": [*last.get("annotations", ()), *citations]}
