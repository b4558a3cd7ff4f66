"""Adding up: the one place that knows what two pieces of a message make together.

A sum of chunks is a list of pieces (`Buffer`) and a number: how many of them belong to it. Adding appends; nothing
is merged until somebody reads. Then a `Fold` takes the pieces in order, and it only moves forward, so that a stream
costs the same whether it is read at the end or at each step. Because the list of pieces is what is added,
`(a + b) + c` and `a + (b + c)` are the same list, whatever the rules of merging are.

A piece is a text (a chunk that has only a text, and the id of those before it) or a `Piece`. Pieces hold copies of
what a chunk had when it was added: a chunk that is changed later changes no sum.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias

from chatplug.messages.content import plain_copy
from chatplug.messages.tool_call import CallFold
from chatplug.messages.usage import UsageMetadata, add_usage
from chatplug.wire.shape import is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from chatplug.messages.content import Content

__all__ = ["CALLS_SO_FAR", "CALLS_WHOLE", "Buffer", "Fold", "Piece"]

CALLS_SO_FAR, CALLS_WHOLE = "calls so far", "calls whole"
"""Where the other fields of a chunk hold its calls once they were read, without all of their fragments and with."""

_MADE_HERE = ("run-", "lc_")
_NAMES = frozenset(
    {
        "file_id",
        "format",
        "id",
        "index",
        "mime_type",
        "model",
        "name",
        "object",
        "provider",
        "role",
        "tool_call_id",
        "type",
    }
)
"""Keys of blocks and `additional_kwargs` whose text names something: repeated, it is not twice as long."""


Piece: TypeAlias = "tuple[Content, str | None, Mapping[str, Any]]"
"""What one chunk adds to a sum, beyond a text: its content, its id, and its other fields by name."""


class Buffer:
    """The pieces of a sum, shared by all sums that grew from it."""

    __slots__ = ("fold", "id", "lock", "pieces")

    def __init__(self, pieces: list[str | Piece], identity: str | None) -> None:
        self.pieces = pieces
        self.id = identity
        self.fold = Fold()
        self.lock = Lock()

    def folded(self, count: int) -> tuple[Content, str | None, dict[str, Any]]:
        """The first `count` pieces, added up: content, id, and the rest by name."""
        with self.lock:
            fold = self.fold
            if fold.count > count:
                # An older sum is read after a younger one; the shared fold cannot go back.
                fold = Fold()
            if fold.count + 1 == count:
                fold.push(self.pieces[count - 1])
            else:
                fold.extend(self.pieces[fold.count : count])
            return fold.content(), fold.id, fold.more()


class Fold:
    """Pieces in, the message so far out."""

    __slots__ = (
        *("_additional", "_blocks", "_calls", "_others", "_response", "_text", "_usage"),
        *("count", "id", "reads_calls"),
    )

    def __init__(self) -> None:
        self.count = 0
        self.reads_calls = False
        """Whether somebody reads the calls while they grow, so that they are worth reading at each step."""
        self.id: str | None = None
        self._text: _Text = _Text()
        self._blocks: list[Any] | None = None
        self._calls: CallFold | None = None
        self._usage: UsageMetadata | None = None
        self._additional: dict[str, Any] | None = None
        self._response: dict[str, Any] | None = None
        self._others: dict[str, Any] = {}

    def push(self, piece: str | Piece) -> None:
        """Add a piece."""
        self.count += 1
        if isinstance(piece, str):
            if self._blocks is None:
                self._text.add(piece)
            else:
                self._push_content(piece)
            return
        content, identity, more = piece
        if content:
            self._push_content(content)
        if identity and identity != self.id and (not self.id or self.id.startswith(_MADE_HERE)):
            # The provider's own id wins over one that was made up before it was known.
            self.id = identity if not self.id or not identity.startswith(_MADE_HERE) else self.id
        for name, value in more.items():
            if name == "tool_call_chunks" and value and self._calls is not None:
                # A stream may have thousands of them.
                for fragment in value:
                    self._calls.push(fragment)
            else:
                self._push_field(name, value)

    def extend(self, pieces: Iterable[str | Piece]) -> None:
        """Add pieces; texts that follow each other are one text, of which most of a stream is made."""
        texts: list[str] = []
        for piece in pieces:
            if isinstance(piece, str):
                texts.append(piece)
                continue
            self._push_texts(texts)
            texts = []
            self.push(piece)
        self._push_texts(texts)

    def _push_texts(self, texts: list[str]) -> None:
        if texts:
            self.count += len(texts) - 1
            self.push("".join(texts))

    def _push_content(self, content: Content) -> None:
        if isinstance(content, str):
            if self._blocks is None:
                self._text.add(content)
                return
            last = self._blocks[-1] if self._blocks else None
            if isinstance(last, _Text):
                last.add(content)
            elif isinstance(last, str):
                self._blocks[-1] = _Text((last, content))
            elif content:
                self._blocks.append(_Text((content,)))
            return
        first = content[0] if content else None
        if isinstance(first, str) and self._ends_in_text():
            # A text that begins a list continues the text before it, as it does when it stands alone.
            self._push_content(first)
            content = content[1:]
        if self._blocks is None:
            self._blocks = [self._text] if any(self._text) else []
        _extend(self._blocks, content)

    def _ends_in_text(self) -> bool:
        if self._blocks is None:
            return any(self._text)
        return bool(self._blocks) and isinstance(self._blocks[-1], (str, _Text))

    def _push_field(self, name: str, value: Any) -> None:
        if value is None:
            return
        if name == "tool_call_chunks":
            calls = self._calls = self._calls or CallFold()
            for fragment in value:
                calls.push(fragment)
        elif name == "usage_metadata":
            self._usage = add_usage(self._usage, value)
        elif name == "additional_kwargs":
            self._additional = self._additional or {}
            _grow(self._additional, value)
        elif name == "response_metadata":
            self._response = self._response or {}
            _replace(self._response, value)
        elif name != "status" or self._others.get(name) != "error":  # a tool that has failed stays failed
            self._others[name] = value

    def content(self) -> Content:
        """The content so far."""
        return self._text.joined() if self._blocks is None else [_thaw(block) for block in self._blocks]

    def more(self) -> dict[str, Any]:
        """The other fields so far, by name; those that nothing was said about are absent."""
        more = dict(self._others)
        if self._additional is not None:
            more["additional_kwargs"] = _thaw(self._additional)
        if self._response is not None:
            more["response_metadata"] = _facts(self._response)
        if self._calls is not None:
            more["tool_call_chunks"] = self._calls.chunks()
            if self.reads_calls:
                more[CALLS_SO_FAR] = self._calls.calls(whole=False)
        if self._usage is not None:
            more["usage_metadata"] = add_usage(self._usage, None)
        return more


class _Text(list[str]):
    """A text that is still growing. Joined when it is read, and now and then, so that it does not hold each piece."""

    __slots__ = ()

    def add(self, piece: str) -> None:
        self.append(piece)
        if len(self) > 512:  # few joins, and few pieces in memory
            self[:] = ["".join(self)]

    def joined(self) -> str:
        if len(self) > 1:
            self[:] = ["".join(self)]
        return self[0] if self else ""


def _grow(left: dict[str, Any], right: Mapping[str, Any]) -> None:
    """Add `right` to `left`: texts continue, lists and dicts grow, other values are replaced."""
    for key, new in right.items():
        old = left.get(key)
        if old is None:
            left[key] = plain_copy(new)
        elif new is None:
            continue
        elif isinstance(new, str) and isinstance(old, (str, _Text)):
            if key in _NAMES:
                left[key] = new or old
            elif isinstance(old, _Text):
                old.add(new)
            else:
                left[key] = _Text((old, new))
        elif is_object(new) and is_object(old):
            _grow(old, new)
        elif is_array(new) and is_array(old) and not isinstance(old, _Text):
            _extend(old, new)
        else:
            left[key] = plain_copy(new)


def _extend(left: list[Any], right: Iterable[Any]) -> None:
    """Add a list's items to a list: a dict with the index of one that is there continues it."""
    for new in right:
        old = _continued_by(new, left) if is_object(new) else None
        if old is not None:
            _grow(old, new)
        else:
            left.append(plain_copy(new))


def _continued_by(new: Mapping[str, Any], left: list[Any]) -> dict[str, Any] | None:
    """What a dict continues; None where it is one of its own."""
    if new.get("index") is not None:
        return next((item for item in reversed(left) if is_object(item) and _continues(item, new)), None)
    last = left[-1] if left and _is_thought(new) else None
    return last if is_object(last) and _is_thought(last) else None


def _is_thought(block: Mapping[str, Any]) -> bool:
    """Whether a block is what a model of Mistral's thinks; a stream has one for each token (recorded 2025-11)."""
    return block.get("type") == "thinking" and is_array(block.get("thinking"))


def _continues(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    if old.get("index") != new["index"]:
        return False
    return not (old.get("id") and new.get("id") and old["id"] != new["id"])


def _replace(left: dict[str, Any], right: Mapping[str, Any]) -> None:
    """Add facts to facts: the later value of a name wins, lists grow, dicts are merged.

    A model's name that comes with each chunk is said again, not continued.
    """
    for key, new in right.items():
        old = left.get(key)
        if is_object(new) and is_object(old):
            _replace(old, new)
        elif is_array(new) and is_array(old):
            old.extend(plain_copy(new))
        elif new is not None or old is None:
            left[key] = plain_copy(new)


def _facts(response: dict[str, Any]) -> dict[str, Any]:
    """A copy of facts for the reader. Items of lists never change, so a list of many (logprobs) is copied flat."""
    copied: dict[str, Any] = {}
    for key, value in response.items():
        if is_object(value):
            copied[key] = _facts(value)
        else:
            copied[key] = value.copy() if is_array(value) else value
    return copied


def _thaw(value: Any) -> Any:
    """A copy for the reader, with the texts joined."""
    if is_object(value):
        return {key: _thaw(item) for key, item in value.items()}
    if isinstance(value, _Text):
        return value.joined()
    return [_thaw(item) for item in value] if is_array(value) else value
