"""Tool calls: whole, in fragments, and broken.

Fragments come in many shapes: with an index or without, with an id on each or only on the first, two of one call
in one delta, a second call that takes the first one's index. `CallFold` puts them together as they arrive.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any, Literal, NotRequired

from pydantic_core import from_json

from chatplug.errors import MessageError
from chatplug.wire.partial_json import ABSENT, PartialJSON
from chatplug.wire.shape import is_object

if sys.version_info >= (3, 12):
    from typing import TypedDict
else:  # pydantic reads the kind of `typing` from 3.12 on, and brings the other one
    from typing_extensions import TypedDict

__all__ = [
    "InvalidToolCall",
    "ToolCall",
    "ToolCallChunk",
    "checked_call",
    "invalid_tool_call",
    "read_arguments",
    "tool_call",
    "tool_call_chunk",
]


class ToolCall(TypedDict):
    """A request of the model to call a tool."""

    type: Literal["tool_call"]
    """Always `tool_call`."""
    id: str | None
    """The provider's name for this call, by which the result refers to it."""
    name: str
    """The tool's name."""
    args: dict[str, Any]
    """The arguments."""
    index: NotRequired[int | str]
    """Which call of the message this is, where the provider says so."""
    extras: NotRequired[dict[str, Any]]
    """What belongs to the call and has no standard field."""


class ToolCallChunk(TypedDict):
    """A fragment of a tool call."""

    type: Literal["tool_call_chunk"]
    """Always `tool_call_chunk`."""
    id: str | None
    """The call's id, usually on its first fragment only."""
    name: str | None
    """The tool's name, usually on the first fragment only."""
    args: str | None
    """A piece of the arguments' JSON text."""
    index: int | str | None
    """Which call of the message this belongs to, where the provider says so."""


class InvalidToolCall(TypedDict):
    """A tool call whose arguments are not a JSON object."""

    type: Literal["invalid_tool_call"]
    """Always `invalid_tool_call`."""
    id: str | None
    """The call's id."""
    name: str | None
    """The tool's name."""
    args: str | None
    """The arguments as they came."""
    error: str | None
    """What is wrong with them."""
    index: NotRequired[int | str]
    """Which call of the message this is, where the provider says so."""
    extras: NotRequired[dict[str, Any]]
    """What belongs to the call and has no standard field."""


def tool_call(*, name: str, args: dict[str, Any], id: str | None) -> ToolCall:  # the field's name
    """A tool call."""
    return {"name": name, "args": args, "id": id, "type": "tool_call"}


def tool_call_chunk(
    *,
    name: str | None = None,
    args: str | None = None,
    id: str | None = None,  # the field's name
    index: int | str | None = None,
) -> ToolCallChunk:
    """A fragment of a tool call."""
    return {"name": name, "args": args, "id": id, "index": index, "type": "tool_call_chunk"}


def invalid_tool_call(
    *,
    name: str | None = None,
    args: str | None = None,
    id: str | None = None,  # the field's name
    error: str | None = None,
) -> InvalidToolCall:
    """A tool call that cannot be made."""
    return {"name": name, "args": args, "id": id, "error": error, "type": "invalid_tool_call"}


class _Growing:
    """One call, as far as it has arrived."""

    __slots__ = ("_parser", "_pieces", "_unread", "id", "index", "more", "name")

    def __init__(self, identity: str | None, index: int | str | None) -> None:
        self.id = identity
        self.index = index
        self.name: str | None = None
        self.more: dict[str, Any] = {}
        """What the fragments have beside the standard keys; for an invalid call, what is wrong with it."""
        self._pieces: list[str] | None = None
        self._parser: PartialJSON | None = None
        self._unread: list[str] = []
        """The pieces that the parser has not been fed."""

    def add(self, text: str) -> None:
        if self._pieces is None:
            self._pieces = [text]
        else:
            self._pieces.append(text)
        if self._parser is not None:
            self._unread.append(text)

    def text(self) -> str | None:
        pieces = self._pieces
        if pieces is None:
            return None
        if len(pieces) > 1:
            pieces[:] = ["".join(pieces)]
        return pieces[0]

    @property
    def has_args(self) -> bool:
        return any(self._pieces or ())

    def has_object(self) -> bool:
        """Whether the arguments hold an object to its end, which nothing can continue.

        What came behind it is not asked: a sum's fragments, which hold it in one piece, are told apart as their leaves.
        """
        return self.has_args and self._read().has_ended

    def so_far(self) -> tuple[dict[str, Any] | None, str | None]:
        """What `read_arguments` gives for a text that is still arriving, without reading it from the beginning."""
        return _arguments_so_far(self._read())

    def _read(self) -> PartialJSON:
        if self._parser is None:
            self._parser = PartialJSON(allow_control_characters=True)
            self._unread = [self.text() or ""]
        for piece in self._unread:
            self._parser.feed(piece)
        self._unread = []
        return self._parser


_FRAGMENT = frozenset({"args", "id", "index", "name", "type"})


class CallFold:
    """Fragments in, calls out; what has been put in is never changed."""

    __slots__ = ("_by_index", "_calls")

    def __init__(self) -> None:
        self._calls: list[_Growing] = []
        self._by_index: dict[int | str, _Growing] = {}

    def push_call(self, fragment: ToolCallChunk) -> None:
        """Add one fragment that is all of a call, as those of a sum are: it continues no other."""
        before, self._calls, self._by_index = self._calls, [], {}
        self.push(fragment)
        before += self._calls
        self._calls = before

    def push(self, fragment: ToolCallChunk) -> None:
        """Add one fragment."""
        index = fragment.get("index")
        if index.__class__ is str:
            index = _plain_index(index)
        identity = fragment.get("id") or None
        name = fragment.get("name") or None
        args = fragment.get("args")
        if (
            name is None
            and identity is None
            and index in self._by_index
            and isinstance(args, str)
            and len(fragment) == 5
        ):
            # Most fragments are a piece of the arguments of a call that is there.
            self._by_index[index].add(args)
            return
        if not (args is None or isinstance(args, str)):  # pyright: ignore[reportUnnecessaryIsInstance]  # the wild sends objects
            args = _as_text(args)
        call = self._target(index, identity, name)
        if call is not None and args and args.lstrip().startswith("{") and call.has_object():
            # Gateways to Gemini give all calls one index, and some no id (reported to 2026-08); others say all of a
            # call again at its end (LiteLLM, reported 2026-02).
            if not identity or identity != call.id:
                call = None if name else call
            elif args == call.text():
                args = None
        if call is None:
            call = _Growing(identity, index)
            self._calls.append(call)
            if index is not None:
                self._by_index[index] = call
        elif call.index is None and index is not None and index not in self._by_index:
            call.index = index
            self._by_index[index] = call
        call.id = call.id or identity
        if name is not None and name != call.name:
            call.name = (call.name or "") + name
        if args is not None:
            call.add(args)
        call.more.update((key, value) for key, value in fragment.items() if key not in _FRAGMENT)

    def _target(self, index: int | str | None, identity: str | None, name: str | None) -> _Growing | None:
        """The call that a fragment continues; None where it begins one."""
        if index is None and not identity:
            return None if name or not self._calls else self._calls[-1]
        call = None if index is None else self._by_index.get(index)
        if call is not None and identity == call.id and identity:
            return call
        if identity:
            found = self._named(identity, index)
            # Some servers make a new id for each fragment (poolsideai/pool#9, 2026-05); a new call has a name.
            if found is not None or call is None or (call.id and (name or call.has_object())):
                return found
        # A new name after arguments, on an index that was used, is a second call that reuses it.
        is_second = call is not None and name and call.name and name != call.name and call.has_args
        return None if is_second else call

    def _named(self, identity: str, index: int | str | None) -> _Growing | None:
        """The call with this id, unless both it and the fragment have an index and these differ."""
        found = (call for call in reversed(self._calls) if call.id == identity)
        return next((call for call in found if index is None or call.index is None or call.index == index), None)

    def chunks(self) -> list[ToolCallChunk]:
        """Each call as one fragment."""
        return [
            {
                "name": call.name,
                "args": call.text(),
                "id": call.id,
                "index": call.index,
                "type": "tool_call_chunk",
                **call.more,  # type: ignore[typeddict-item]  # extra keys of a provider are kept
            }
            for call in self._calls
        ]

    def calls(self, *, whole: bool) -> tuple[list[ToolCall], list[InvalidToolCall]]:
        """The calls, and those whose arguments are no JSON object.

        Args:
            whole: Whether all fragments are there. Until then arguments are read as far as they go.
        """
        good: list[ToolCall] = []
        bad: list[InvalidToolCall] = []
        for call in self._calls:
            args, error = read_arguments(call.text(), whole=True) if whole else call.so_far()
            if args is None or "error" in call.more:
                wrong: InvalidToolCall = {
                    "name": call.name,
                    "args": call.text(),
                    "id": call.id,
                    "error": error,
                    "type": "invalid_tool_call",
                    **call.more,  # type: ignore[typeddict-item]  # extra keys of a provider are kept
                }
                bad.append(wrong)
            else:
                right: ToolCall = {"name": call.name or "", "args": args, "id": call.id, "type": "tool_call"}
                good.append({**right, **call.more} if call.more else right)  # type: ignore[typeddict-item]  # as above
        return good, bad


def read_arguments(text: str | None, *, whole: bool) -> tuple[dict[str, Any] | None, str | None]:
    """A tool call's arguments and None, or None and what is wrong with their text.

    No text at all, and `null`, mean no arguments: so some servers tell a call of a tool that takes none (Ollama,
    reported 2026-09). A line break may stand in a text as it is: models that nothing forces to write JSON do that with
    code.
    """
    if not text or not text.strip():
        return {}, None
    if not whole:
        parser = PartialJSON(allow_control_characters=True)
        parser.feed(text)
        return _arguments_so_far(parser)
    try:
        value = from_json(text)
    except (TypeError, ValueError) as error:  # a TypeError for text that is no Unicode
        value, is_read = _read_leniently(text) if _CONTROL.search(text) else (None, False)
        if not is_read:
            return None, f"not JSON: {error}"
    if value is None:
        return {}, None
    if not is_object(value):
        return None, f"not an object: {type(value).__name__}"
    return value, None


_CONTROL = re.compile(r"[\x00-\x1f]")


def _read_leniently(text: str) -> tuple[Any, bool]:
    """The value of JSON with control characters in its texts, and whether it is that."""
    import json  # which most programs have no need of

    try:
        return json.loads(text, strict=False), True
    except (RecursionError, ValueError):
        return None, False


def _arguments_so_far(parser: PartialJSON) -> tuple[dict[str, Any] | None, str | None]:
    value = parser.value()
    if parser.error is not None:
        return None, f"not JSON: {parser.error}"
    if value.__class__ is dict:
        return value, None
    if value is None or (value is ABSENT and not parser.is_begun):
        return {}, None
    if not is_object(value):
        return None, "not an object" if value is ABSENT else f"not an object: {type(value).__name__}"
    return value, None


def _as_text(args: object) -> str:
    """Arguments that came as an object, as the text that they ought to be."""
    import json  # which most programs have no need of

    return json.dumps(args, ensure_ascii=False)


def _plain_index(index: int | str | None) -> int | str | None:
    """The index as a number where it is a number given as text."""
    return int(index) if isinstance(index, str) and index.isascii() and index.isdigit() else index


def checked_call(index: int, call: ToolCall | Mapping[str, Any]) -> ToolCall:
    """The tool call that a value of `tool_calls` is, in a new dict.

    Raises:
        MessageError: If it is none; says which.
    """
    whole = isinstance(call, Mapping)  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without types
    name, args = (call.get("name"), call.get("args")) if whole else (None, None)
    if isinstance(args, str):
        args, _ = read_arguments(args, whole=True)
    if not isinstance(name, str) or not isinstance(args, dict):
        raise MessageError(
            f"tool_calls[{index}] is not a tool call.", hint="It has the keys 'name' (text), 'args' (dict) and 'id'."
        )
    return {**call, "name": name, "args": args, "id": call.get("id"), "type": "tool_call"}  # type: ignore[typeddict-item]  # extra keys of a provider are kept
