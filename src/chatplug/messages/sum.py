"""A sum of chunks: a share in a `Buffer`, which reads its fields from there when they are asked for.

A chunk is either made by somebody, and then it has what it was given, or it is a sum. Both are values: adding gives a
new chunk and changes none.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from chatplug.errors import MessageError
from chatplug.messages.content import plain_copy
from chatplug.messages.fold import CALLS_SO_FAR, CALLS_WHOLE, Buffer, Piece
from chatplug.messages.message import AIMessage, BaseMessage
from chatplug.wire.shape import is_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Self

    from chatplug.messages.content import Content

__all__ = ["READ", "SLOTS", "BaseMessageChunk", "lazily"]

_Chunk = TypeVar("_Chunk", bound="type[BaseMessageChunk]")
_DICTS = ("additional_kwargs", "response_metadata")
READ = (CALLS_SO_FAR, CALLS_WHOLE)
SLOTS = ("_buffer", "_content", "_count", "_folded", "_id", "_more")


def _readable(slot: str) -> Any:
    """A property for a slot that a sum fills when it is read; to be changed it has to be filled before."""
    plain = attrgetter(slot)

    def read(self: Any) -> object:
        if self._count > 0:
            self._unfold()
        return plain(self)

    def write(self: Any, value: object) -> None:
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
        # A list is handed out and may be changed in place, so it counts as changed; the other fields are handed out in
        # copies, to be compared with what was read here.
        self._folded = content if isinstance(content, str) else None, self._id, self._more  # type: ignore[misc]  # as above

    def _seen(self) -> dict[str, Any]:
        """The other fields of a sum as they were read; nobody else has these."""
        assert self._folded is not None
        return self._folded[2]

    def _unchanged(self) -> int:
        """How many pieces of its buffer a sum still is; 0 for one that somebody has changed since it was read."""
        if self._count > 0:
            return self._count
        seen = self._folded
        if seen and self._content is seen[0] and self._id is seen[1]:
            return -self._count if self._more is seen[2] or _are_same(self._more or {}, seen[2]) else 0
        return 0

    def as_piece(self) -> str | Piece:
        """A copy of what this chunk has, for a sum: its text, where that and an id are all."""
        if self._count > 0:
            self._unfold()
        more, content = self._more, self._content
        if not more:
            return content if isinstance(content, str) else (plain_copy(content), self._id, {})
        if len(more) == 1 and "tool_call_chunks" in more and not content:
            fragments: list[Any] = more["tool_call_chunks"]
            # Nearly always one, and a comprehension takes as long as its copy.
            copied = [fragments[0].copy()] if len(fragments) == 1 else [fragment.copy() for fragment in fragments]
            return "", self._id, {"tool_call_chunks": copied}
        fields = {name: _copied(name, value) for name, value in more.items() if name not in READ}
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


def _are_same(fields: dict[str, Any], seen: dict[str, Any]) -> bool:
    """Whether fields are what was read, or copies of it that were handed out, or empty dicts for nothing."""
    for name in (fields.keys() | seen.keys()).difference(READ):
        mine, theirs = fields.get(name), seen.get(name)
        if mine is theirs:
            continue
        # What is neither dict nor list may be anything, such as the artifact of a tool: it is not asked.
        if not (isinstance(mine, (dict, list)) and (mine == theirs or (not mine and theirs is None))):
            return False
    return True


def _copied(name: str, value: Any) -> Any:
    """A copy of a chunk's field; fragments, of which a stream has thousands, are flat."""
    return [fragment.copy() for fragment in value or ()] if name == "tool_call_chunks" else plain_copy(value)


def lazily(*fields: str) -> Callable[[_Chunk], _Chunk]:
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
        elif is_object(value) and self._count and value is self._folded[2].get(field):
            value = plain_copy(value)
            self._more = {**more, field: value}
        return value

    def write(self: Any, value: Any) -> None:
        if self._count > 0:
            self._unfold()
        if value is not None or self._more:
            self._more = {**(self._more or {}), field: value}

    return property(read, write)
