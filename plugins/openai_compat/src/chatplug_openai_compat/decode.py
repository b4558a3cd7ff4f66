"""What the server answers, as messages; pure.

What is known has its place in the message. What is not known is kept as it came: fields of the answer and of the
choice in `response_metadata`, fields of the message in `additional_kwargs`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from chatplug.errors import InvalidResponseError
from chatplug.messages import (
    AIMessage,
    AIMessageChunk,
    UsageMetadata,
    invalid_tool_call,
    read_arguments,
    tool_call,
)
from chatplug.outputs import ChatGeneration, ChatResult
from chatplug.wire import is_array, is_object
from chatplug_openai_compat.fields import (
    HINT,
    ODD,
    additional,
    arguments_text,
    choice_facts,
    content_of,
    facts_of,
    odd,
    read_usage,
    text_or_none,
)
from chatplug_openai_compat.think_tags import MARK, OPEN, ThinkTags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chatplug.messages import BaseMessage, InvalidToolCall, ToolCall

__all__ = ["add_reasoning", "chunk_of_answer", "decode_answer", "is_refusal"]


def is_refusal(answer: Any) -> bool:
    """Whether an answer or an event says that the server failed, whatever else it says."""
    return is_object(answer) and bool(answer.get("error") or answer.get("object") == "error")


def decode_answer(body: Any, provider: str, *, think_tags: bool = False) -> ChatResult:
    """The messages of a whole answer, one for each choice.

    Args:
        body: The answer, parsed.
        provider: Who answers, for `response_metadata`.
        think_tags: Whether a text that begins with `<think>` begins with reasoning.

    Raises:
        InvalidResponseError: If it is JSON of another form.
    """
    choices = body.get("choices") if is_object(body) else None
    if not is_array(choices) or not choices or not all(is_object(choice) for choice in choices):
        raise InvalidResponseError(
            "The answer is JSON, but no chat completion: it has no choices.", hint=HINT, body=body
        )
    try:
        common = facts_of(body, provider)
        usage = read_usage(body.get("usage"))
        identity = body.get("id")
        if not isinstance(identity, str):
            identity = None
        generations = [_generation(choice, identity, common, usage) for choice in choices]
    except ODD as error:
        raise odd(error, body) from None
    if think_tags:
        for generation in generations:
            _part(generation.message)
    return ChatResult(generations=generations)


def _part(message: BaseMessage) -> None:
    """Take reasoning out of a text that begins with it."""
    text = message.content
    if not isinstance(text, str) or not text.lstrip().startswith(OPEN):
        return
    tags = ThinkTags()
    begun, rest = tags.feed(text), tags.end()
    message.content = begun[1] + rest[1]
    add_reasoning(message, begun[0] + rest[0], tags.between)


def add_reasoning(message: BaseMessage, reasoning: str, between: str | None) -> None:
    """Put reasoning that came in the text, or a piece of it, where reasoning is.

    Args:
        message: The message that it belongs to, or the chunk.
        reasoning: The reasoning.
        between: The space between it and the text, where the text has begun.
    """
    if reasoning:
        beside = message.additional_kwargs
        beside["reasoning_content"] = beside.get("reasoning_content", "") + reasoning
    if between is not None:
        message.response_metadata[MARK] = between


def chunk_of_answer(result: ChatResult, body: Mapping[str, Any]) -> AIMessageChunk:
    """A whole answer as the one chunk of a stream: some servers do not stream, though they are asked to."""
    message = result.generations[0].message
    fields = {name: getattr(message, name) for name in AIMessage.field_names()}
    chunk = AIMessageChunk(**fields, chunk_position="last")
    others = body["choices"][1:]
    if others:
        chunk.additional_kwargs["choices"] = others
    return chunk


def _generation(
    choice: Mapping[str, Any], identity: str | None, common: Mapping[str, Any], usage: UsageMetadata | None
) -> ChatGeneration:
    fields = choice.get("message")
    if fields is None and choice.get("finish_reason"):
        # Azure's content filter takes the whole message away (recorded in 2025).
        fields = cast("dict[str, Any]", {})
    if not is_object(fields):
        raise InvalidResponseError("The answer has a choice without a message.", hint=HINT, body=dict(choice))
    content = fields.get("content")
    message = AIMessage(
        content_of(content),
        id=identity or None,
        additional_kwargs=additional(fields),
        response_metadata={**common, **choice_facts(choice, "message")},
        usage_metadata=usage,
    )
    for call in fields.get("tool_calls") or ():
        _add_call(message, call)
    return ChatGeneration(message=message)


def _add_call(message: AIMessage, call: Mapping[str, Any]) -> None:
    function = call.get("function")
    if not is_object(function):
        message.additional_kwargs.setdefault("tool_calls", []).append(call)
        return
    name, identity = text_or_none(function, "name") or "", text_or_none(call, "id")
    text = arguments_text(function.get("arguments"))
    args, error = read_arguments(text, whole=True)
    # Google's servers put a signature beside a call, and want it back (recorded in 2025).
    more: Any = {key: value for key, value in call.items() if key not in _OF_CALLS and value is not None}
    if args is not None:
        message.tool_calls.append(cast("ToolCall", {**tool_call(name=name, args=args, id=identity), **more}))
    else:
        bad = invalid_tool_call(name=name, args=text, id=identity, error=error)
        message.invalid_tool_calls.append(cast("InvalidToolCall", {**bad, **more}))


_OF_CALLS = frozenset({"function", "id", "index", "type"})
"""Fields of a call that have a place of their own, or say again where it stands."""
