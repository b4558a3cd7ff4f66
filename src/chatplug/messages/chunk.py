"""Pieces of messages, as a stream brings them, and their `+`.

A chunk is either made by somebody, and then it has what it was given, or a sum, and then it is a share in a `Buffer`
and reads its fields from there when they are asked for. Both are values: adding gives a new chunk and changes none.
"""

from __future__ import annotations

import json
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypedDict, TypeVar, cast

from chatplug.errors import MessageError, nearest
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
    from typing import Self, Unpack

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
    plain = attrgetter(slot)

    def read(self: BaseMessageChunk) -> object:
        if self._count > 0:
            self._unfold()
        return plain(self)

    def write(self: BaseMessageChunk, value: object) -> None:
        if self._count > 0:
            self._unfold()
        setattr(self, slot, value)

    return property(read, write)


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
        """How many pieces of the buffer are this sum's, negative once it has been read; 0 in what is no sum."""
        _folded: tuple[Content | None, str | None, dict[str, Any]] | None
        _id: str | None
        _more: dict[str, Any] | None
    else:
        content = _readable("_content")
        id = _readable("_id")

    @classmethod
    def _blank(cls) -> Self:
        chunk = object.__new__(cls)
        chunk._content, chunk._count, chunk._id = "", 0, None  # type: ignore[misc]  # slots of each class that is made
        chunk._buffer = chunk._more = None  # type: ignore[misc]  # as above
        return chunk

    def _unfold(self) -> None:
        """Read a sum: from now on it has its fields itself."""
        buffer, count = self._buffer, abs(self._count)
        assert buffer is not None
        content, self._id, self._more = buffer.folded(count)  # type: ignore[misc]  # slots of each class that is made
        self._content, self._count = content, -count  # type: ignore[misc]  # as above
        # A list is handed out and may be changed in place, so it counts as changed.
        self._folded = content if isinstance(content, str) else None, self._id, self._more  # type: ignore[misc]  # as above

    def _unchanged(self) -> int:
        """How many pieces of its buffer a sum still is; 0 for one that somebody has changed since it was read."""
        if self._count > 0:
            return self._count
        seen = self._folded
        if seen and self._content is seen[0] and self._id is seen[1] and self._more is seen[2]:
            return -self._count
        return 0

    def as_piece(self) -> str | Piece:
        """A copy of what this chunk has, for a sum: its text, where that and an id are all."""
        if self._count > 0:
            self._unfold()
        more, content = self._more, self._content
        if not more:
            return content if isinstance(content, str) else (plain_copy(content), self._id, {})
        if len(more) == 1 and "tool_call_chunks" in more and not content:
            return "", self._id, {"tool_call_chunks": [fragment.copy() for fragment in more["tool_call_chunks"]]}
        fields = {name: _copied(name, value) for name, value in more.items() if name not in _READ}
        return (plain_copy(content), self._id, fields)

    def _share(self) -> tuple[Buffer, int]:
        """The pieces of this chunk, and how many of them are its own."""
        buffer = self._buffer
        if buffer is not None and (count := self._unchanged()):
            return buffer, count
        # A chunk that somebody made, or a sum that somebody has changed since, or was handed what can be changed.
        return Buffer([self._with_id(self.as_piece())], self._id), 1

    def _with_id(self, piece: str | Piece) -> str | Piece:
        return (piece, self._id, {}) if isinstance(piece, str) and self._id is not None else piece

    def __add__(self, other: Self) -> Self:
        if other.__class__ is not self.__class__:
            return self._add_others(other)
        if self._fixed:
            self._check_fixed(other)
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
        if not issubclass(cls, AIMessage):
            # Their parents' `__init__` sets the fields, and finds the slots below them in order.
            cls.__new__ = lambda made, *_, **__: made._blank()  # type: ignore[method-assign]  # noqa: SLF001  # of this module
        return cls

    return decorate


def _property(field: str, default: type[dict[str, Any]] | None) -> property:
    def read(self: Any) -> Any:
        if self._count > 0:
            self._unfold()
        more = self._more
        value = more.get(field) if more else None
        if value is None and default is not None:
            # The dict is handed out, so that it can be changed in place; from now on it is part of the chunk.
            value = default()
            self._more = {**(more or {}), field: value}
        elif is_object(value) and self._count and more is self._folded[2]:
            self._more = dict(more)
        return value

    def write(self: Any, value: Any) -> None:
        if self._count > 0:
            self._unfold()
        if value is not None or self._more:
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


class AIMessageChunkFields(TypedDict, total=False):
    """What an `AIMessageChunk` may be made with, beside its content and its id."""

    name: str | None
    """Who speaks."""
    additional_kwargs: dict[str, Any] | None
    """What the provider sent beside the content, in the provider's own terms."""
    response_metadata: dict[str, Any] | None
    """Facts about the answer."""
    tool_calls: Iterable[ToolCall | Mapping[str, Any]] | None
    """Whole tool calls, where the provider sends them whole."""
    invalid_tool_calls: Iterable[InvalidToolCall] | None
    """Calls whose arguments cannot be read."""
    usage_metadata: UsageMetadata | None
    """The tokens of the call, on one chunk of the stream."""
    tool_call_chunks: Iterable[ToolCallChunk | Mapping[str, Any]] | None
    """Fragments of tool calls."""
    chunk_position: Literal["last"] | None
    """`last` on the last chunk of a stream."""


_FIELDS = ("additional_kwargs", "chunk_position", "name", "response_metadata", "usage_metadata")
_new: Any = object.__new__


@_lazily("additional_kwargs", "name", "response_metadata", "usage_metadata", "chunk_position")
class AIMessageChunk(AIMessage, BaseMessageChunk):
    """A piece of an `AIMessage`.

    Args:
        content: A text, or a list of content blocks.
        id: The message's id; the same on all chunks of a stream.
        **fields: Any of `AIMessageChunkFields`.
    """

    __slots__ = _SLOTS
    type: ClassVar[str] = "AIMessageChunk"
    _whole = AIMessage

    chunk_position: Literal["last"] | None
    """`last` on the last chunk of a stream, else None."""

    # The other fields are no parameters of their own: each that is not given would cost every chunk of a stream a
    # look-up.
    def __init__(self, content: Content = "", *, id: str | None = None, **fields: Unpack[AIMessageChunkFields]) -> None:
        self._content = content if type(content) is str else self._checked(content)
        self._id = id
        self._count = 0
        self._buffer = self._more = None
        if fields:
            self._set(fields)

    def _set(self, fields: AIMessageChunkFields) -> None:
        fragments = fields.pop("tool_call_chunks", None)
        if fragments:
            self._more = {"tool_call_chunks": [_checked_fragment(item, i) for i, item in enumerate(fragments)]}
            if not fields:
                return
        calls, broken = fields.pop("tool_calls", None), fields.pop("invalid_tool_calls", None)
        if (calls or broken) and not fragments:
            self.tool_calls = calls or ()  # pyright: ignore[reportIncompatibleVariableOverride]  # a property here
            self.tool_call_chunks += [{**bad, "index": bad.get("index"), "type": "tool_call_chunk"} for bad in broken or ()]  # type: ignore[typeddict-item,misc]  # with its `error`
        more: dict[str, Any] = self._more or {}
        for name, value in fields.items():
            if name not in _FIELDS:
                raise TypeError(f"AIMessageChunk has no field {name!r}. {nearest(name, AIMessageChunk.field_names())}")
            if value is not None:
                more[name] = dict(cast("dict[str, Any]", value)) if name in _DICTS else value
        self._more = more or None

    def __add__(self, other: Self) -> Self:
        # What a stream does most: one more chunk, on a sum that nobody has grown or changed. The order matters: a sum
        # that is asked for its content counts as read.
        buffer = self._buffer
        if buffer is not None and type(other) is AIMessageChunk and not other._count:
            count, pieces, identity = self._count, buffer.pieces, other._id
            if count < 0:
                count = self._unchanged()
            if len(pieces) == count and (identity is buffer.id or identity is None or identity == buffer.id):
                piece: Any = other.as_piece() if other._more else other._content
                if type(piece) is not list:
                    pieces.append(piece)
                    if pieces[count] is piece:
                        made = _new(AIMessageChunk)
                        made._buffer = buffer
                        made._count = count + 1
                        return made
        return super().__add__(other)

    @property
    def tool_call_chunks(self) -> list[ToolCallChunk]:
        """The fragments of tool calls; in a sum, one for each call."""
        if self._count > 0:
            self._unfold()
        found: list[ToolCallChunk] = (self._more or {}).get("tool_call_chunks") or []
        return found

    @tool_call_chunks.setter
    def tool_call_chunks(self, fragments: list[ToolCallChunk]) -> None:
        if self._count > 0:
            self._unfold()
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
            {  # type: ignore[typeddict-item,misc]  # extra keys of a provider are kept
                **call,
                "args": json.dumps(call["args"], ensure_ascii=False),
                "index": call.get("index"),
                "type": "tool_call_chunk",
            }
            for call in whole
        ]

    @property
    def invalid_tool_calls(self) -> list[InvalidToolCall]:  # type: ignore[override]  # as above
        """Calls whose arguments are no JSON object, and never will be."""
        return self._parsed()[1]

    def _parsed(self, *, whole: bool | None = None) -> tuple[list[ToolCall], list[InvalidToolCall]]:
        if self._count > 0:
            self._unfold()
        more = self._more
        if not more or not more.get("tool_call_chunks"):
            return [], []
        if whole is None:
            whole = "chunk_position" in more and more["chunk_position"] == "last"
        key = _READ[whole]
        parsed: tuple[list[ToolCall], list[InvalidToolCall]] | None = more.get(key)
        if parsed is None:
            parsed = more[key] = _read(more["tool_call_chunks"], whole=whole)
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
        more: dict[str, Any] = (
            self._more or {}
        )  # not the properties: they make what is not there, and the chunk counts as changed
        return standard_blocks(
            self.content,
            reasoning=_field(more.get("additional_kwargs"), "reasoning_content"),
            calls=calls,
            maker=_field(more.get("response_metadata"), "model_provider"),
        )


def _field(fields: object, name: str) -> object:
    return fields.get(name) if is_object(fields) else None


def _read(fragments: Iterable[ToolCallChunk], *, whole: bool) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    fold = CallFold()
    for fragment in fragments:
        fold.push(fragment)
    return fold.calls(whole=whole)


def _checked_fragment(fragment: ToolCallChunk | Mapping[str, Any], position: int) -> ToolCallChunk:
    name, args, identity = fragment.get("name"), fragment.get("args"), fragment.get("id")
    if not (name is None or isinstance(name, str)) or not (identity is None or isinstance(identity, str)):
        wrong = "id" if name is None or isinstance(name, str) else "name"
        raise MessageError(f"tool_call_chunks[{position}][{wrong!r}] is not a text.")
    if not (args is None or isinstance(args, str)):
        args = json.dumps(args, ensure_ascii=False)
    checked = {"name": name, "args": args, "id": identity, "index": fragment.get("index"), "type": "tool_call_chunk"}
    return cast("ToolCallChunk", checked if len(fragment) <= len(checked) else {**fragment, **checked})


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
