"""Pieces of messages, as a stream brings them: one class for each role. How they add up is in `sum.py`."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypedDict, cast

from chatplug.errors import MessageError, nearest
from chatplug.messages.content import standard_blocks
from chatplug.messages.message import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from chatplug.messages.sum import READ, SLOTS, BaseMessageChunk, lazily
from chatplug.messages.tool_call import CallFold, InvalidToolCall, ToolCall, ToolCallChunk, checked_call
from chatplug.wire.shape import is_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Self, Unpack

    from chatplug.messages.content import Content, ContentBlock
    from chatplug.messages.usage import UsageMetadata

__all__ = [
    "AIMessageChunk",
    "AIMessageChunkFields",
    "BaseMessageChunk",
    "ChatMessageChunk",
    "FunctionMessageChunk",
    "HumanMessageChunk",
    "SystemMessageChunk",
    "ToolMessageChunk",
    "content_of",
    "message_chunk_to_message",
]

_DICTS = ("additional_kwargs", "response_metadata")


@lazily("additional_kwargs", "name", "response_metadata")
class SystemMessageChunk(SystemMessage, BaseMessageChunk):
    """A piece of a `SystemMessage`."""

    __slots__ = SLOTS
    type: ClassVar[str] = "SystemMessageChunk"
    _whole = SystemMessage


@lazily("additional_kwargs", "name", "response_metadata")
class HumanMessageChunk(HumanMessage, BaseMessageChunk):
    """A piece of a `HumanMessage`."""

    __slots__ = SLOTS
    type: ClassVar[str] = "HumanMessageChunk"
    _whole = HumanMessage


@lazily("additional_kwargs", "name", "response_metadata", "artifact", "status", "tool_call_id")
class ToolMessageChunk(ToolMessage, BaseMessageChunk):
    """A piece of a `ToolMessage`."""

    __slots__ = SLOTS
    type: ClassVar[str] = "ToolMessageChunk"
    _fixed = ("tool_call_id",)
    _whole = ToolMessage


@lazily("additional_kwargs", "name", "response_metadata")
class FunctionMessageChunk(FunctionMessage, BaseMessageChunk):
    """A piece of a `FunctionMessage`."""

    __slots__ = SLOTS
    type: ClassVar[str] = "FunctionMessageChunk"
    _fixed = ("name",)
    _whole = FunctionMessage


@lazily("additional_kwargs", "name", "response_metadata", "role")
class ChatMessageChunk(ChatMessage, BaseMessageChunk):
    """A piece of a `ChatMessage`."""

    __slots__ = SLOTS
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
content_of: Callable[[BaseMessageChunk], Content] = attrgetter("_content")
"""The content of a chunk that is no sum or has been read: its property looks whether it is."""


@lazily("additional_kwargs", "name", "response_metadata", "usage_metadata", "chunk_position")
class AIMessageChunk(AIMessage, BaseMessageChunk):
    """A piece of an `AIMessage`.

    Args:
        content: A text, or a list of content blocks.
        id: The message's id; the same on all chunks of a stream.
        **fields: Any of `AIMessageChunkFields`.
    """

    __slots__ = SLOTS
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
            self.tool_calls = calls or ()
            if broken:
                self.invalid_tool_calls = broken
        more: dict[str, Any] = self._more or {}
        for name, value in fields.items():
            if name not in _FIELDS:
                raise TypeError(f"AIMessageChunk has no field {name!r}. {nearest(name, AIMessageChunk.field_names())}")
            if value is not None:
                more[name] = self._dict(name, value) if name in _DICTS else value
        self._more = more or None

    def __add__(self, other: Self) -> Self:  # pyright: ignore[reportIncompatibleMethodOverride]  # both take their own class
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
                        made: Self = _new(AIMessageChunk)
                        made._buffer = buffer
                        made._count = count + 1
                        return made
        return super().__add__(other)

    @staticmethod
    def plain_taker(pieces: list[Any], id: str | None, holder: object) -> Callable[[object], AIMessageChunk | None]:
        """A function that makes of a chunk of text one with this id, and leaves a fragment of a call as it is.

        What it makes gives None where the chunk has something else, and for a fragment with another id.

        Args:
            pieces: Where it appends what the chunk has, for a sum.
            id: The id.
            holder: The class of what may be given in place of a chunk: it has that as `message`, and nothing beside it
                where `generation_info` is empty.
        """

        def take(given: Any) -> AIMessageChunk | None:
            if given.__class__ is holder and not given.generation_info:
                given = given.message
            chunk: AIMessageChunk = given
            if chunk.__class__ is not AIMessageChunk or chunk._count:
                return None
            content, more = chunk._content, chunk._more
            if more:
                if content or len(more) != 1 or not more.get("tool_call_chunks") or chunk._id != id:
                    return None
                pieces.append(chunk.as_piece())
                return chunk
            if content.__class__ is not str or not content:
                return None
            pieces.append(content)
            if chunk._id == id:
                return chunk
            made: AIMessageChunk = _new(AIMessageChunk)
            made._content = content
            made._id = id
            made._count = 0
            made._buffer = made._more = None
            return made

        return take

    @property
    def tool_call_chunks(self) -> list[ToolCallChunk]:
        """The fragments of tool calls; in a sum, one for each call."""
        if self._count > 0:
            self._unfold()
        more = self._more
        if not more or not more.get("tool_call_chunks"):
            return []
        found: list[ToolCallChunk] = more["tool_call_chunks"]
        if self._count and found is self._seen().get("tool_call_chunks"):
            found = [fragment.copy() for fragment in found]
        # The list is handed out and may be changed in place: from now on it is this chunk's own, to be read again.
        self._more = {**{name: value for name, value in more.items() if name not in READ}, "tool_call_chunks": found}
        return found

    @tool_call_chunks.setter
    def tool_call_chunks(self, fragments: list[ToolCallChunk]) -> None:
        if self._count > 0:
            self._unfold()
        more = self._more
        kept = {name: value for name, value in more.items() if name not in READ} if more else None
        self._more = {**kept, "tool_call_chunks": fragments} if kept else {"tool_call_chunks": fragments}

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tool calls, as far as their arguments have arrived."""
        return self._parsed()[0]

    @tool_calls.setter
    def tool_calls(self, calls: Iterable[ToolCall | Mapping[str, Any]]) -> None:
        import json  # which most programs have no need of

        whole = [checked_call(index, call) for index, call in enumerate(calls)]
        fragments: list[Any] = [
            {
                **call,
                "args": json.dumps(call["args"], ensure_ascii=False),
                "index": call.get("index"),
                "type": "tool_call_chunk",
            }
            for call in whole
        ]
        self.tool_call_chunks = fragments

    @property
    def invalid_tool_calls(self) -> list[InvalidToolCall]:
        """Calls whose arguments are no JSON object, and never will be."""
        return self._parsed()[1]

    @invalid_tool_calls.setter
    def invalid_tool_calls(self, calls: Iterable[InvalidToolCall]) -> None:
        self.tool_calls = self._parsed()[0]
        wrong: list[Any] = [{**call, "index": call.get("index"), "type": "tool_call_chunk"} for call in calls]
        self.tool_call_chunks = [*self.tool_call_chunks, *wrong]

    def _parsed(self, *, whole: bool | None = None) -> tuple[list[ToolCall], list[InvalidToolCall]]:
        if self._count > 0:
            self._unfold()
        more = self._more
        if not more or not more.get("tool_call_chunks"):
            return [], []
        if whole is None:
            whole = bool("chunk_position" in more and more["chunk_position"] == "last")
        key = READ[whole]
        is_sum = False
        if key not in more and self._count and self._seen().get("tool_call_chunks") == more["tool_call_chunks"]:
            # Where the fragments were handed out, nobody has changed them.
            more = self._seen()
            is_sum = True
        parsed: tuple[list[ToolCall], list[InvalidToolCall]] | None = more.get(key)
        if parsed is None:
            parsed = more[key] = _read(more["tool_call_chunks"], whole=whole, is_sum=is_sum)
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
        if self._count > 0:
            self._unfold()
        # Not the properties: they hand out what may be changed, and the chunk would count as changed.
        more: dict[str, Any] = self._more or {}
        calls: list[Any] = more.get("tool_call_chunks") or []
        if more.get("chunk_position") == "last":
            calls = [*self.tool_calls, *self.invalid_tool_calls]
        return standard_blocks(
            self.content,
            beside=more.get("additional_kwargs"),
            calls=calls,
            maker=_field(more.get("response_metadata"), "model_provider"),
        )


def _field(fields: object, name: str) -> object:
    return fields.get(name) if is_object(fields) else None


def _read(
    fragments: Iterable[ToolCallChunk], *, whole: bool, is_sum: bool
) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    fold = CallFold()
    push = fold.push_call if is_sum else fold.push
    for fragment in fragments:
        push(fragment)
    return fold.calls(whole=whole)


_STANDARD = frozenset(ToolCallChunk.__annotations__)


def _checked_fragment(fragment: ToolCallChunk | Mapping[str, Any], position: int) -> ToolCallChunk:
    try:
        name, args, identity = fragment.get("name"), fragment.get("args"), fragment.get("id")
    except AttributeError:
        raise MessageError(f"tool_call_chunks[{position}] is {type(fragment).__name__}.", hint="Give a dict.") from None
    if not (name is None or isinstance(name, str)) or not (identity is None or isinstance(identity, str)):
        wrong = "id" if name is None or isinstance(name, str) else "name"
        raise MessageError(f"tool_call_chunks[{position}][{wrong!r}] is not a text.")
    if not (args is None or isinstance(args, str)):
        import json

        args = json.dumps(args, ensure_ascii=False)
    checked = {"name": name, "args": args, "id": identity, "index": fragment.get("index"), "type": "tool_call_chunk"}
    return cast("ToolCallChunk", checked if _STANDARD.issuperset(fragment) else {**fragment, **checked})


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
