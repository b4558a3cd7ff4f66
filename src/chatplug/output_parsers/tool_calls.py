"""The tool calls of an answer as values, whole or while they arrive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ValidationError

from chatplug.json_schema import schema_name
from chatplug.messages import AIMessage, AIMessageChunk, message_chunk_to_message
from chatplug.output_parsers.parser import BaseOutputParser, Reader, added, unreadable
from chatplug.output_parsers.validated import Budget, validated

if TYPE_CHECKING:
    from chatplug.messages import BaseMessage, ToolCall

__all__ = ["JsonOutputKeyToolsParser", "JsonOutputToolsParser", "PydanticToolsParser"]


class _Calls(Reader[Any]):
    """Gives the value each time that the calls have grown."""

    def __init__(self, parser: _ToolsParser) -> None:
        self._parser = parser
        self._message: BaseMessage | None = None
        self._last: Any = _NOTHING
        self._budget = Budget()

    def feed(self, message: BaseMessage) -> Iterable[Any]:
        self._message = added(self._message, message)
        if not isinstance(self._message, AIMessage):
            return ()
        if isinstance(message, AIMessageChunk):
            if not message.tool_call_chunks:
                return ()
            self._budget.grow("".join(fragment["args"] or "" for fragment in message.tool_call_chunks))
            if not self._budget.allows():
                return ()
        if self._parser.is_costly:
            self._budget.spend()
        value = self._parser.of_calls(self._message.tool_calls, None)
        if value is None or value == [] or (self._last is not _NOTHING and self._last == value):
            return ()
        self._last = value
        return (value,)

    def end(self) -> Iterable[Any]:
        value = self._parser.parse_message(self._message or AIMessage(""))
        return () if self._last is not _NOTHING and self._last == value else (value,)


_NOTHING: Any = object()


class _ToolsParser(BaseOutputParser[Any]):
    """What the parsers of tool calls have in common."""

    first_tool_only: bool = False
    """Whether the value is that of the first call (None where there is no call), not a list."""

    is_costly: ClassVar[bool] = False
    """Whether the calls are validated, so that they are not to be read at each step of a long stream."""

    def parse(self, text: str) -> Any:
        """Nothing: a text has no tool calls.

        Raises:
            OutputParsingError: Always.
        """
        raise unreadable("A text has no tool calls.", None, text=text, hint="Give the model's message.")

    def parse_message(self, message: BaseMessage) -> Any:
        """The value that the calls of a message stand for.

        Raises:
            OutputParsingError: If the arguments of a call cannot be read, or are not what is wanted.
        """
        if isinstance(message, AIMessageChunk):
            message = message_chunk_to_message(message)
        if not isinstance(message, AIMessage):
            raise unreadable(f"{type(message).__name__} has no tool calls.", message, hint="Give the model's message.")
        for call in message.invalid_tool_calls:
            raise unreadable(
                f"The arguments of the call of {call['name']!r} cannot be read: {call['error']}",
                message,
                text=call["args"],
            )
        return self.of_calls(message.tool_calls, message)

    def reader(self) -> Reader[Any]:
        """What gives the value each time that the calls have grown."""
        return _Calls(self)

    def of_calls(self, calls: Sequence[ToolCall], message: BaseMessage | None) -> Any:
        """The value that calls stand for; of a message that is still arriving (None) what can be read already."""
        values = [value for call in calls for value in self._values(call, message)]
        if self.first_tool_only:
            return values[0] if values else None
        return values

    def _values(self, call: ToolCall, message: BaseMessage | None) -> Iterable[Any]:
        raise NotImplementedError


class JsonOutputToolsParser(_ToolsParser):
    """The tool calls of an answer as dicts: `type` is the tool's name, `args` are its arguments."""

    return_id: bool = False
    """Whether the dicts hold the `id` of the call."""

    def _values(self, call: ToolCall, message: BaseMessage | None) -> Iterable[Any]:
        value: dict[str, Any] = {"args": call["args"], "type": call["name"]}
        return ({**value, "id": call["id"]} if self.return_id else value,)


class JsonOutputKeyToolsParser(_ToolsParser):
    """The arguments of the calls of one tool."""

    key_name: str
    """The tool's name."""
    return_id: bool = False
    """Whether the values are dicts with `type`, `args` and `id` instead."""

    def _values(self, call: ToolCall, message: BaseMessage | None) -> Iterable[Any]:
        if call["name"] != self.key_name:
            return ()
        return ({"args": call["args"], "id": call["id"], "type": call["name"]} if self.return_id else call["args"],)


class PydanticToolsParser(_ToolsParser):
    """The tool calls of an answer as instances of pydantic classes.

    A stream gives a call as soon as what has arrived of it makes an instance.
    """

    is_costly: ClassVar[bool] = True

    tools: Sequence[type[BaseModel]]
    """The classes; each is the tool that `bind_tools` makes of it."""

    def _values(self, call: ToolCall, message: BaseMessage | None) -> Iterable[Any]:
        named = {schema_name(cls): cls for cls in self.tools}
        cls = named.get(call["name"])
        if message is None:
            return _instance(cls, call["args"])
        if cls is None:
            names = ", ".join(named)
            raise unreadable(f"The model called {call['name']!r}.", message, hint=f"The parser knows {names}.")
        return (validated(cls, call["args"], message),)


def _instance(cls: type[BaseModel] | None, args: dict[str, Any]) -> tuple[BaseModel, ...]:
    if cls is None:
        return ()
    try:
        return (cls.model_validate(args),)
    except ValidationError:
        return ()
