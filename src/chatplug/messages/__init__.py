"""What is said to models and by them: messages, their pieces in a stream, and what they are made of."""

from __future__ import annotations

from typing import TypeAlias

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
    "AIMessage",
    "AIMessageChunk",
    "AnyMessage",
    "BaseMessage",
    "BaseMessageChunk",
    "ChatMessage",
    "ChatMessageChunk",
    "Content",
    "ContentBlock",
    "FunctionMessage",
    "FunctionMessageChunk",
    "HumanMessage",
    "HumanMessageChunk",
    "InputTokenDetails",
    "InvalidToolCall",
    "MessageLike",
    "OutputTokenDetails",
    "SystemMessage",
    "SystemMessageChunk",
    "ToolCall",
    "ToolCallChunk",
    "ToolMessage",
    "ToolMessageChunk",
    "UsageMetadata",
    "add_usage",
    "convert_to_messages",
    "invalid_tool_call",
    "message_chunk_to_message",
    "read_arguments",
    "tool_call",
    "tool_call_chunk",
]
