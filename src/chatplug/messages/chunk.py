"""Pieces of messages, as a stream brings them, and their `+`.

A chunk is either made by somebody, and then it has what it was given, or a sum, and then it is a share in a `Buffer`
and reads its fields from there when they are asked for. Both are values: adding gives a new chunk and changes none.
"""

from __future__ import annotations

import json
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, cast

from chatplug.errors import MessageError
from chatplug.messages.content import plain_copy, standard_blocks
from chatplug.messages.fold import CALLS_SO_FAR, CALLS_WHOLE, Buffer, Piece
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
    CallFold,
    InvalidToolCall,
    ToolCall,
    ToolCallChunk,
    checked_call,
    tool_call_chunk,
)
from chatplug.wire.shape import is_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Self

    from chatplug.messages.content import Content, ContentBlock
    from chatplug.messages.usage import UsageMetadata

__all__ = [
    "AIMessageChunk",
    "BaseMessageChunk",
    "ChatMessageChunk",
    "FunctionMessageChunk",
    "HumanMessageChunk",
    "SystemMessageChunk",
    "ToolMessageChunk",
    "message_chunk_to_message",
]

_Chunk = TypeVar("_Chunk", bound="type[BaseMessageChunk]")
_DICTS = ("additional_kwargs", "response_metadata")
_READ = (CALLS_SO_FAR, CALLS_WHOLE)
_SLOTS = ("_buffer", "_content", "_count", "_folded", "_id", "_more")


def _readable(slot: str) -> Any:
    """A property for a slot that a sum fills when it is read; to be changed it has to be filled before."""

    def write(self: BaseMessageChunk, value: object) -> None:
        getattr(self, slot)
        setattr(self, slot, value)

    return property(attrgetter(slot), write)


class BaseMessageChunk(BaseMessage):
    """What all chunks have: they add up."""

    __slots__ = ()

    _fixed: ClassVar[tuple[str, ...]] = ()
    """Fields that must be equal in the chunks that are added."""
    _whole: ClassVar[type[BaseMessage]] = BaseMessage
    """The class of the message that the chunks make."""

    if TYPE_CHECKING:
        _buffer: Buffer | None
        _content: Content
        _count: int
        _folded: tuple[Content | None, str | None, dict[str, Any]] | None
        _id: str | None
        _more: dict[str, Any] | None
    else:
        content = _readable("_content")
        id = _readable("_id")

        # Called for a slot that is not set: a chunk that somebody made has its default there, a sum was never read.
        def __getattr__(self, field: str) -> object:
            if field not in _SLOTS:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {field!r}")
            if field in ("_content", "_id", "_more") and self._buffer is not None:
                content, self._id, self._more = self._buffer.folded(self._count)
                self._content = content
                # A list is handed out and may be changed in place, so it counts as changed.
                self._folded = content if isinstance(content, str) else None, self._id, self._more
                return getattr(self, field)
            value = "" if field == "_content" else None
            setattr(self, field, value)
            return value

    def as_piece(self) -> str | Piece:
        """A copy of what this chunk has, for a sum: its text, where that and an id are all."""
        more, content = self._more, self._content
        if not more:
            return content if isinstance(content, str) else Piece(plain_copy(content), self._id, {})
        fields = {name: _copied(name, value) for name, value in more.items() if name not in _READ}
        return Piece(plain_copy(content), self._id, fields)

    def _share(self) -> tuple[Buffer, int]:
        """The pieces of this chunk, and how many of them are its own."""
        buffer = self._buffer
        if buffer is not None:
            seen = self._folded
            if seen is None or (self._content is seen[0] and self._id is seen[1] and self._more is seen[2]):
                return buffer, self._count
        # A chunk that somebody made, or a sum that somebody has changed since, or was handed what can be changed.
        return Buffer([self._with_id(self.as_piece())], self._id), 1

    def _with_id(self, piece: str | Piece) -> str | Piece:
        return Piece(piece, self._id, {}) if isinstance(piece, str) and self._id is not None else piece

    def __add__(self, other: Self) -> Self:
        if other.__class__ is not self.__class__:
            return self._add_others(other)
        if self._fixed:
            self._check_fixed(other)
        buffer = self._buffer
        if buffer is not None and self._folded is None:
            count = self._count
        else:
            buffer, count = self._share()
        pieces = buffer.pieces
        more: list[str | Piece]
        if other._buffer is None:
            piece = other.as_piece()
            more = [piece if other._id is None or other._id == buffer.id else other._with_id(piece)]
        else:
            theirs, number = other._share()
            more = theirs.pieces[:number]
        if len(pieces) != count:
            # Another sum has grown from these pieces already: this one goes its own way.
            buffer = Buffer(pieces[:count], buffer.id)
            pieces = buffer.pieces
        pieces += more
        end = count + len(more)
        if pieces[count] is not more[0] or (end - count > 1 and pieces[count:end] != more):
            # Another thread was here in between.
            buffer = Buffer(pieces[:count] + more, buffer.id)
        made = object.__new__(self.__class__)
        made._buffer = buffer  # type: ignore[misc]  # a slot of each class that is made
        made._count = end  # type: ignore[misc]  # a slot of each class that is made
        made._folded = None  # type: ignore[misc]  # a slot of each class that is made
        return made

    def _add_others(self, other: object) -> Self:
        if isinstance(other, (list, tuple)):
            total, chunks = self, cast("Iterable[Self]", other)
            for chunk in chunks:
                total = total + chunk
            return total
        raise MessageError(
            f"{type(self).__name__} + {type(other).__name__} is not a sum of chunks.",
            hint=f"Only a {type(self).__name__} can be added to it.",
        )

    def __radd__(self, other: int) -> Self:
        # `sum` begins with a zero.
        if other == 0:
            return self
        return NotImplemented

    def _check_fixed(self, other: Self) -> None:
        for field in self._fixed:
            mine, theirs = getattr(self, field), getattr(other, field)
            if mine != theirs:
                raise MessageError(f"Two {type(self).__name__} with {field} {mine!r} and {theirs!r} do not add up.")


def _copied(name: str, value: Any) -> Any:
    """A copy of a chunk's field; fragments, of which a stream has thousands, are flat."""
    return [fragment.copy() for fragment in value or ()] if name == "tool_call_chunks" else plain_copy(value)


def _lazily(*fields: str) -> Callable[[_Chunk], _Chunk]:
    """Class decorator: these fields are read from, and written to, a chunk's `_more`."""

    def decorate(cls: _Chunk) -> _Chunk:
        for field in fields:
            setattr(cls, field, _property(field, dict if field in _DICTS else None))
        return cls

    return decorate


def _property(field: str, default: type[dict[str, Any]] | None) -> property:
    def read(self: Any) -> Any:
        more = self._more
        value = more.get(field) if more else None
        if value is None and default is not None:
            # The dict is handed out, so that it can be changed in place; from now on it is part of the chunk.
            value = default()
            self._more = {**(more or {}), field: value}
        elif is_object(value) and self._folded is not None and more is self._folded[2]:
            self._more = dict(more)
        return value

    def write(self: Any, value: Any) -> None:
        self._more = {**(self._more or {}), field: value}

    return property(read, write)


@_lazily("additional_kwargs", "name", "response_metadata")
class SystemMessageChunk(SystemMessage, BaseMessageChunk):
    """A piece of a `SystemMessage`."""

    __slots__ = _SLOTS
    type: ClassVar[str] = "SystemMessageChunk"
    _whole = SystemMessage


@_lazily("additional_kwargs", "name", "response_metadata")
class HumanMessageChunk(HumanMessage, BaseMessageChunk):
    """A piece of a `HumanMessage`."""

    __slots__ = _SLOTS
    type: ClassVar[str] = "HumanMessageChunk"
    _whole = HumanMessage


@_lazily("additional_kwargs", "name", "response_metadata", "artifact", "status", "tool_call_id")
class ToolMessageChunk(ToolMessage, BaseMessageChunk):
    """A piece of a `ToolMessage`."""

    __slots__ = _SLOTS
    type: ClassVar[str] = "ToolMessageChunk"
    _fixed = ("tool_call_id",)
    _whole = ToolMessage


@_lazily("additional_kwargs", "name", "response_metadata")
class FunctionMessageChunk(FunctionMessage, BaseMessageChunk):
    """A piece of a `FunctionMessage`."""

    __slots__ = _SLOTS
    type: ClassVar[str] = "FunctionMessageChunk"
    _fixed = ("name",)
    _whole = FunctionMessage


@_lazily("additional_kwargs", "name", "response_metadata", "role")
class ChatMessageChunk(ChatMessage, BaseMessageChunk):
    """A piece of a `ChatMessage`."""

    __slots__ = _SLOTS
    type: ClassVar[str] = "ChatMessageChunk"
    _fixed = ("role",)
    _whole = ChatMessage


@_lazily("additional_kwargs", "name", "response_metadata", "usage_metadata", "chunk_position")
class AIMessageChunk(AIMessage, BaseMessageChunk):
    """A piece of an `AIMessage`.

    Args:
        content: A text, or a list of content blocks.
        id: The message's id; the same on all chunks of a stream.
        name: Who speaks.
        additional_kwargs: What the provider sent beside the content, in the provider's own terms.
        response_metadata: Facts about the answer.
        tool_calls: Whole tool calls, where the provider sends them whole.
        invalid_tool_calls: Calls whose arguments cannot be read.
        usage_metadata: The tokens of the call, on one chunk of the stream.
        tool_call_chunks: Fragments of tool calls.
        chunk_position: `last` on the last chunk of a stream.
    """

    __slots__ = _SLOTS
    type: ClassVar[str] = "AIMessageChunk"
    _whole = AIMessage

    chunk_position: Literal["last"] | None
    """`last` on the last chunk of a stream, else None."""

    def __init__(  # noqa: PLR0913  # one parameter for each field
        self,
        content: Content = "",
        *,
        id: str | None = None,  # the field's name
        name: str | None = None,
        additional_kwargs: dict[str, Any] | None = None,
        response_metadata: dict[str, Any] | None = None,
        tool_calls: Iterable[ToolCall | Mapping[str, Any]] | None = None,
        invalid_tool_calls: Iterable[InvalidToolCall] | None = None,
        usage_metadata: UsageMetadata | None = None,
        tool_call_chunks: Iterable[ToolCallChunk | Mapping[str, Any]] | None = None,
        chunk_position: Literal["last"] | None = None,
    ) -> None:
        self._content = content if content.__class__ is str else self._checked(content)
        self._id = id
        self._buffer = self._more = None
        if tool_call_chunks:
            self.tool_call_chunks = [_checked_fragment(i, item) for i, item in enumerate(tool_call_chunks)]
        elif tool_calls or invalid_tool_calls:
            self.tool_calls = tool_calls or ()  # pyright: ignore[reportIncompatibleVariableOverride]  # a property here
            self.tool_call_chunks += [
                tool_call_chunk(name=bad["name"], args=bad["args"], id=bad["id"]) for bad in invalid_tool_calls or ()
            ]
        if response_metadata is not None:
            self.response_metadata = dict(response_metadata)
        if usage_metadata is not None:
            self.usage_metadata = usage_metadata
        if additional_kwargs is not None:
            self.additional_kwargs = dict(additional_kwargs)
        if chunk_position is not None:
            self.chunk_position = chunk_position
        if name is not None:
            self.name = name

    @property
    def tool_call_chunks(self) -> list[ToolCallChunk]:
        """The fragments of tool calls; in a sum, one for each call."""
        found: list[ToolCallChunk] = (self._more or {}).get("tool_call_chunks") or []
        return found

    @tool_call_chunks.setter
    def tool_call_chunks(self, fragments: list[ToolCallChunk]) -> None:
        more = self._more
        kept = {name: value for name, value in more.items() if name not in _READ} if more else {}
        self._more = {**kept, "tool_call_chunks": fragments}

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tool calls, as far as their arguments have arrived."""
        return self._parsed()[0]

    @tool_calls.setter
    def tool_calls(self, calls: Iterable[ToolCall | Mapping[str, Any]]) -> None:
        whole = [checked_call(index, call) for index, call in enumerate(calls)]
        self.tool_call_chunks = [
            tool_call_chunk(name=call["name"], args=json.dumps(call["args"], ensure_ascii=False), id=call["id"])
            for call in whole
        ]

    @property
    def invalid_tool_calls(self) -> list[InvalidToolCall]:  # type: ignore[override]  # as above
        """Calls whose arguments are no JSON object, and never will be."""
        return self._parsed()[1]

    def _parsed(self, *, whole: bool | None = None) -> tuple[list[ToolCall], list[InvalidToolCall]]:
        more = self._more
        fragments = more.get("tool_call_chunks") if more else None
        if not more or not fragments:
            return [], []
        if whole is None:
            whole = self.chunk_position == "last"
        key = _READ[whole]
        parsed: tuple[list[ToolCall], list[InvalidToolCall]] | None = more.get(key)
        if parsed is None:
            parsed = more[key] = _read(fragments, whole=whole)
            if self._buffer is not None:
                self._buffer.fold.reads_calls = not whole
        return parsed

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        """The names of the fields, the most telling first."""
        kept = (name for name in super().field_names() if name not in ("tool_calls", "invalid_tool_calls"))
        return (*kept, "tool_call_chunks", "chunk_position")

    @property
    def content_blocks(self) -> list[ContentBlock]:
        """The content in standard blocks; tool calls as fragments until the last chunk is there."""
        calls: list[Any] = list(self.tool_call_chunks)
        if self.chunk_position == "last":
            calls = [*self.tool_calls, *self.invalid_tool_calls]
        more = self._more or {}  # not the properties: they make what is not there, and the chunk counts as changed
        return standard_blocks(
            self.content,
            reasoning=(more.get("additional_kwargs") or {}).get("reasoning_content"),
            calls=calls,
            maker=(more.get("response_metadata") or {}).get("model_provider"),
        )


def _read(fragments: Iterable[ToolCallChunk], *, whole: bool) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    fold = CallFold()
    for fragment in fragments:
        fold.push(fragment)
    return fold.calls(whole=whole)


def _checked_fragment(position: int, fragment: ToolCallChunk | Mapping[str, Any]) -> ToolCallChunk:
    for key in ("name", "id"):
        if not isinstance(fragment.get(key), (str, type(None))):
            raise MessageError(f"tool_call_chunks[{position}][{key!r}] is not a text.")
    args = fragment.get("args")
    return tool_call_chunk(
        name=fragment.get("name"),
        args=args if isinstance(args, (str, type(None))) else json.dumps(args, ensure_ascii=False),
        id=fragment.get("id"),
        index=fragment.get("index"),
    )


def message_chunk_to_message(chunk: BaseMessage) -> BaseMessage:
    """The message that a chunk, or a sum of chunks, makes; a message that is no chunk is given back.

    Tool calls whose arguments have not arrived whole are among `invalid_tool_calls`.
    """
    if not isinstance(chunk, BaseMessageChunk):
        return chunk
    names = chunk._whole.field_names()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # a class of this module
    fields = {name: getattr(chunk, name) for name in names if name not in ("tool_calls", "invalid_tool_calls")}
    if isinstance(chunk, AIMessageChunk):
        fields["tool_calls"], fields["invalid_tool_calls"] = chunk._parsed(whole=True)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # as above
    return chunk._whole(**{name: value for name, value in fields.items() if value is not None})  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # as above
