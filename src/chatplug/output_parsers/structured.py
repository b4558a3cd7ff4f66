"""The answer to a call that wanted structure: JSON or the arguments of a tool call, as a dict or an instance.

An answer that is no such thing has a reason, and the reason is an error of its own: it ended at the limit of tokens,
the model refused, the provider's filter cut it off. Only where there is none of these is it JSON that cannot be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatplug.errors import (
    OutputError,
    OutputFilteredError,
    OutputParsingError,
    OutputRefusedError,
    OutputTruncatedError,
)
from chatplug.messages import AIMessage, AIMessageChunk, message_chunk_to_message
from chatplug.output_parsers.parser import BaseOutputParser, Reader, added, unreadable
from chatplug.output_parsers.validated import Partials, validated
from chatplug.wire import JSONInText
from chatplug.wire.partial_json import PartialJSON
from chatplug.wire.shape import is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chatplug.messages import BaseMessage, ToolCall

__all__ = ["StructuredAnswerParser", "explained"]

# What providers call the ends of an answer that the model did not end (recorded traffic, 2026-11), in small letters.
# `model_context_window_exceeded` is from Anthropic's page "Handling stop reasons" (2026-11).
_TRUNCATED = frozenset({"length", "max_tokens", "max_output_tokens", "model_context_window_exceeded", "model_length"})
_FILTERED = frozenset(
    {"blocklist", "content_filter", "content_filtered", "guardrail_intervened", "image_safety", "model_armor"}
    | {"prohibited_content", "recitation", "safety", "spii"}
)
_REFUSED = frozenset({"refusal"})


class StructuredAnswerParser(BaseOutputParser[Any]):
    """Makes a dict or an instance of an answer; `with_structured_output` puts it behind a model."""

    output_class: Any = None
    """The class that an answer makes an instance of: pydantic's, or a dataclass; None for a dict."""
    tool: str | None = None
    """The tool whose arguments are the answer; None where the answer is the text."""
    include_raw: bool = False
    """Whether to give `{"raw": message, "parsed": value, "parsing_error": error}`, and to raise nothing."""

    def parse(self, text: str) -> Any:
        """What a text stands for.

        Raises:
            OutputError: If it is not what was asked for, and `include_raw` is False.
        """
        return self.parse_message(AIMessage(text))

    def parse_message(self, message: BaseMessage) -> Any:
        """What a message stands for.

        Raises:
            OutputError: If it is not what was asked for, and `include_raw` is False; says why.
        """
        if isinstance(message, AIMessageChunk):
            message = message_chunk_to_message(message)
        if not self.include_raw:
            return self._value(message)
        try:
            return {"raw": message, "parsed": self._value(message), "parsing_error": None}
        except OutputError as error:
            return {"raw": message, "parsed": None, "parsing_error": error}

    def reader(self) -> Reader[Any]:
        """What reads one stream: dicts as they grow, instances as soon as what has arrived makes one."""
        reader = _Growing(self)
        return _Beside(reader) if self.include_raw else reader

    def _value(self, message: BaseMessage) -> Any:
        try:
            value = self.whole_of(message)
            return value if self.output_class is None else validated(self.output_class, value, message)
        except OutputParsingError as error:
            reason = explained(error, message)
            if reason is error:
                raise
            raise reason from error

    def whole_of(self, message: BaseMessage) -> dict[str, Any]:
        """The JSON object of a message."""
        if self.tool is not None and isinstance(message, AIMessage):
            call = _first(message.tool_calls, self.tool)
            if call is not None:
                return call["args"]
            for wrong in message.invalid_tool_calls:
                raise unreadable(
                    f"The arguments of the call of {wrong['name']!r} cannot be read: {wrong['error']}",
                    message,
                    text=wrong["args"],
                    partial=_beginning(wrong["args"] or ""),
                )
        found = JSONInText(only_objects=True)
        found.feed(message.text)
        if found.is_whole:
            value: dict[str, Any] = found.value()
            return value
        wanted = f"no call of {self.tool!r}" if self.tool is not None else "no JSON object"
        raise unreadable(f"There is {wanted} in the answer.", message, partial=found.value())


def _first(calls: Iterable[ToolCall], name: str) -> ToolCall | None:
    return next((call for call in calls if call["name"] == name), None)


def _beginning(text: str) -> Any:
    parser = PartialJSON()
    parser.feed(text)
    value = parser.value()
    return value if is_object(value) else None


def explained(error: OutputParsingError, message: BaseMessage) -> OutputError:
    """Why an answer cannot be read: another error where the answer says so, else this one."""
    facts = message.response_metadata
    ends = {str(facts[name]).lower(): None for name in ("finish_reason", "stop_reason") if facts.get(name)}
    end = next((end for end in ends if end in _TRUNCATED | _FILTERED | _REFUSED), None)
    refusal = _refusal(message)
    more: dict[str, Any] = {"raw": message, "partial": error.partial}
    reason: OutputError = error
    if refusal is not None or end in _REFUSED:
        reason = OutputRefusedError(f"The model refused: {refusal or message.text or 'it gave no reason'}", **more)
        reason.refusal = refusal or message.text or None
    elif end in _TRUNCATED:
        hint = "Raise max_tokens, or ask for less; `partial` holds what can be read."
        reason = OutputTruncatedError(f"The answer ended at the limit of tokens ({end}).", hint=hint, **more)
    elif end in _FILTERED:
        reason = OutputFilteredError(f"The provider's content filter cut the answer off ({end}).", **more)
    return reason.about(facts.get("model_provider"), facts.get("model_name") or facts.get("model"))


def _refusal(message: BaseMessage) -> str | None:
    """The words in which a model refused, where they stand apart from the text."""
    said = message.additional_kwargs.get("refusal")
    if isinstance(said, str) and said:
        return said
    content = message.content
    for block in content if is_array(content) else ():
        inner = block.get("value", block) if is_object(block) else None
        if is_object(inner) and isinstance(inner.get("refusal"), str):
            return str(inner["refusal"])
    return None


class _Growing(Reader[Any]):
    """Gives the value each time it has grown."""

    def __init__(self, parser: StructuredAnswerParser) -> None:
        self._parser = parser
        self._found = JSONInText(only_objects=True)
        self._partials: Partials[Any] | None = None
        if parser.output_class is not None:
            self._partials = Partials(parser.output_class)
        self._seen = self._changes = 0
        self._last: Any = None
        self.message: BaseMessage | None = None

    def feed(self, message: BaseMessage) -> Iterable[Any]:
        self.message = added(self.message, message)
        if self._parser.tool is not None:
            return self._of_calls(message)
        text = message.text
        self._found.feed(text)
        return self._due(text, self._found.changes)

    def _of_calls(self, message: BaseMessage) -> Iterable[Any]:
        if isinstance(message, AIMessageChunk):
            pieces = [fragment["args"] or "" for fragment in message.tool_call_chunks]
            self._changes += bool(pieces)
            return self._due("".join(pieces), self._changes)
        return ()

    def _due(self, text: str, changes: int) -> Iterable[Any]:
        if self._partials is not None:
            return self._partials.after(text, changes, self._so_far)
        if changes == self._seen:
            return ()
        self._seen = changes
        value = self._so_far()
        # The text counts its changes itself; the fragments of a call do not, and some are a piece of a name.
        if value is None or (self._parser.tool is not None and value == self._last):
            return ()
        self._last = value
        return (value,)

    def _so_far(self) -> Any:
        message = self.message
        if self._parser.tool is None or not isinstance(message, AIMessage):
            return self._found.value()
        call = _first(message.tool_calls, self._parser.tool)
        return None if call is None else call["args"]

    def end(self) -> Iterable[Any]:
        message = self.message or AIMessage("")
        whole = message_chunk_to_message(message) if isinstance(message, AIMessageChunk) else message
        made = self._parser.parse_message(whole)
        if self._parser.include_raw:
            return (made,)
        if self._partials is not None:
            return () if self._partials.is_last(self._parser.whole_of(whole)) else (made,)
        return () if self._last == made else (made,)


class _Beside(Reader[dict[str, Any]]):
    """Gives the message so far and the value beside it, with each piece."""

    def __init__(self, reader: _Growing) -> None:
        self._reader = reader
        self._parsed: Any = None

    def feed(self, message: BaseMessage) -> Iterable[dict[str, Any]]:
        for value in self._reader.feed(message):
            self._parsed = value
        return ({"raw": self._reader.message, "parsed": self._parsed, "parsing_error": None},)

    def end(self) -> Iterable[dict[str, Any]]:
        return self._reader.end()
