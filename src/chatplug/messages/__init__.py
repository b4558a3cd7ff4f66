"""What is said to models and by them: messages, their pieces in a stream, and what they are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from chatplug.messages.chunk import (
    AIMessageChunk,
    BaseMessageChunk,
    ChatMessageChunk,
    FunctionMessageChunk,
    HumanMessageChunk,
    SystemMessageChunk,
    ToolMessageChunk,
    message_chunk_to_message,
)
from chatplug.messages.content import Content, ContentBlock
from chatplug.messages.convert import MessageLike, convert_to_messages
from chatplug.messages.message import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from chatplug.messages.tool_call import (
    InvalidToolCall,
    ToolCall,
    ToolCallChunk,
    invalid_tool_call,
    read_arguments,
    tool_call,
    tool_call_chunk,
)
from chatplug.messages.usage import InputTokenDetails, OutputTokenDetails, UsageMetadata, add_usage

if TYPE_CHECKING:
    from chatplug.messages.archive import message_to_dict, messages_from_dict, messages_to_dict
    from chatplug.messages.content import (
        Annotation,
        AudioContentBlock,
        Citation,
        DataContentBlock,
        FileContentBlock,
        ImageContentBlock,
        NonStandardAnnotation,
        NonStandardContentBlock,
        PlainTextContentBlock,
        ReasoningContentBlock,
        ServerToolCall,
        ServerToolCallChunk,
        ServerToolResult,
        TextContentBlock,
        VideoContentBlock,
        is_data_content_block,
    )
    from chatplug.messages.convert import MessageLike as MessageLikeRepresentation
    from chatplug.messages.formats import convert_to_openai_messages, export_messages, import_messages
    from chatplug.messages.history import (
        count_tokens_approximately,
        filter_messages,
        get_buffer_string,
        merge_message_runs,
    )
    from chatplug.messages.loss import Exported, Loss, LossWarning
    from chatplug.messages.repair import Repair, repair_messages
    from chatplug.messages.tool_call_id import ANTHROPIC_IDS, MISTRAL_IDS, OPENAI_IDS, ToolCallIdRule, mapped_id
    from chatplug.messages.trim import trim_messages

AnyMessage: TypeAlias = (
    AIMessage
    | HumanMessage
    | ChatMessage
    | SystemMessage
    | FunctionMessage
    | ToolMessage
    | AIMessageChunk
    | HumanMessageChunk
    | ChatMessageChunk
    | SystemMessageChunk
    | FunctionMessageChunk
    | ToolMessageChunk
)
"""Any message or chunk, as a type."""

__all__ = [
    "ANTHROPIC_IDS",
    "MISTRAL_IDS",
    "OPENAI_IDS",
    "AIMessage",
    "AIMessageChunk",
    "Annotation",
    "AnyMessage",
    "AudioContentBlock",
    "BaseMessage",
    "BaseMessageChunk",
    "ChatMessage",
    "ChatMessageChunk",
    "Citation",
    "Content",
    "ContentBlock",
    "DataContentBlock",
    "Exported",
    "FileContentBlock",
    "FunctionMessage",
    "FunctionMessageChunk",
    "HumanMessage",
    "HumanMessageChunk",
    "ImageContentBlock",
    "InputTokenDetails",
    "InvalidToolCall",
    "Loss",
    "LossWarning",
    "MessageLike",
    "MessageLikeRepresentation",
    "NonStandardAnnotation",
    "NonStandardContentBlock",
    "OutputTokenDetails",
    "PlainTextContentBlock",
    "ReasoningContentBlock",
    "Repair",
    "ServerToolCall",
    "ServerToolCallChunk",
    "ServerToolResult",
    "SystemMessage",
    "SystemMessageChunk",
    "TextContentBlock",
    "ToolCall",
    "ToolCallChunk",
    "ToolCallIdRule",
    "ToolMessage",
    "ToolMessageChunk",
    "UsageMetadata",
    "VideoContentBlock",
    "add_usage",
    "convert_to_messages",
    "convert_to_openai_messages",
    "count_tokens_approximately",
    "export_messages",
    "filter_messages",
    "get_buffer_string",
    "import_messages",
    "invalid_tool_call",
    "is_data_content_block",
    "mapped_id",
    "merge_message_runs",
    "message_chunk_to_message",
    "message_to_dict",
    "messages_from_dict",
    "messages_to_dict",
    "read_arguments",
    "repair_messages",
    "tool_call",
    "tool_call_chunk",
    "trim_messages",
]

# What few programs use is imported when it is first used.
_HOMES = {
    "ANTHROPIC_IDS": "tool_call_id",
    "Annotation": "content",
    "AudioContentBlock": "content",
    "Citation": "content",
    "DataContentBlock": "content",
    "Exported": "loss",
    "FileContentBlock": "content",
    "ImageContentBlock": "content",
    "Loss": "loss",
    "LossWarning": "loss",
    "MISTRAL_IDS": "tool_call_id",
    "NonStandardAnnotation": "content",
    "NonStandardContentBlock": "content",
    "OPENAI_IDS": "tool_call_id",
    "PlainTextContentBlock": "content",
    "ReasoningContentBlock": "content",
    "Repair": "repair",
    "ServerToolCall": "content",
    "ServerToolCallChunk": "content",
    "ServerToolResult": "content",
    "TextContentBlock": "content",
    "ToolCallIdRule": "tool_call_id",
    "VideoContentBlock": "content",
    "convert_to_openai_messages": "formats",
    "count_tokens_approximately": "history",
    "export_messages": "formats",
    "filter_messages": "history",
    "get_buffer_string": "history",
    "import_messages": "formats",
    "is_data_content_block": "content",
    "mapped_id": "tool_call_id",
    "merge_message_runs": "history",
    "message_to_dict": "archive",
    "messages_from_dict": "archive",
    "messages_to_dict": "archive",
    "repair_messages": "repair",
    "trim_messages": "trim",
}


def __getattr__(name: str) -> object:
    if name == "MessageLikeRepresentation":
        return MessageLike  # the name under which it is known
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
