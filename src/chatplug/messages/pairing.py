"""Which result answers which tool call of a conversation.

Ids alone do not say it: some providers begin at `call_0` in each answer. A result belongs to the nearest call before it
that has its id and no result yet; only a result that finds none looks at the calls behind it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from chatplug.messages.message import AIMessage, ToolMessage
from chatplug.wire.shape import is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from chatplug.messages.message import BaseMessage

__all__ = ["Call", "Pairing", "calls_of", "pair", "without"]

_CALL_BLOCKS = frozenset({"invalid_tool_call", "tool_call", "tool_use"})
"""Types of content block that are a call, or say again what `tool_calls` says."""


class Call(NamedTuple):
    """A tool call, wherever a message says it."""

    message: int
    """Which message of the conversation."""
    id: str
    """Its id; empty where it has none."""
    name: str | None
    places: list[tuple[str, int]]
    """The fields of the message that hold it, each with the position there."""


class Pairing(NamedTuple):
    """Calls and results; a result that stands in none of the dicts answers no call at all."""

    calls: list[Call]
    answers: dict[int, int]
    """Result (position of its message) -> call (position in `calls`)."""
    repeated: dict[int, int]
    """A further result -> the call, which has one already."""


def calls_of(message: BaseMessage, position: int) -> list[Call]:
    """The tool calls of a message: valid ones, invalid ones, and those that only its content tells."""
    if not isinstance(message, AIMessage):
        return []
    calls: list[Call] = []
    for field in ("tool_calls", "invalid_tool_calls"):
        for index, entry in enumerate(getattr(message, field)):
            calls.append(_call(position, entry, (field, index)))
    told: defaultdict[str, list[Call]] = defaultdict(list)
    for call in reversed(calls):
        told[call.id].append(call)
    for index, block in enumerate(message.content if is_array(message.content) else ()):
        if isinstance(block, dict) and block.get("type") in _CALL_BLOCKS:
            same = told[_text(block.get("id"))]
            if same:
                same.pop().places.append(("content", index))
            else:
                calls.append(_call(position, block, ("content", index)))
    return calls


def without(message: BaseMessage, calls: Iterable[Call]) -> BaseMessage:
    """A copy of a message that lacks some of its calls, wherever they stand in it."""
    left = message.model_copy(deep=True)
    places = {place for call in calls for place in call.places}
    for field in {field for field, _ in places}:
        entries: list[Any] = getattr(left, field)
        setattr(left, field, [entry for index, entry in enumerate(entries) if (field, index) not in places])
    return left


def _call(position: int, entry: object, place: tuple[str, int]) -> Call:
    fields = entry if is_object(entry) else {}
    return Call(position, _text(fields.get("id")), _text(fields.get("name")) or None, [place])


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def pair(messages: Sequence[BaseMessage | None]) -> Pairing:
    """The calls of a conversation and their results; a None is a message that does not count."""
    pairing = Pairing([], {}, {})
    latest: dict[str, int] = {}
    # For each id the calls that wait for a result: of the last message the first call comes first.
    waiting: defaultdict[str, list[int]] = defaultdict(list)
    early: list[tuple[int, str]] = []
    for position, message in enumerate(messages):
        if isinstance(message, ToolMessage):
            identity = message.tool_call_id
            if waiting[identity]:
                pairing.answers[position] = waiting[identity].pop()
            else:
                early.append((position, identity))
                if identity in latest:
                    pairing.repeated[position] = latest[identity]
        elif message is not None:
            first = len(pairing.calls)
            pairing.calls.extend(calls_of(message, position))
            for number in reversed(range(first, len(pairing.calls))):
                waiting[pairing.calls[number].id].append(number)
            latest.update((call.id, number) for number, call in enumerate(pairing.calls[first:], first))
    _pair_early(pairing, early, waiting)
    return pairing


def _pair_early(pairing: Pairing, early: Iterable[tuple[int, str]], waiting: Mapping[str, Sequence[int]]) -> None:
    """Results that came before their call, each with the first call behind it that waits."""
    left = {identity: sorted(numbers, reverse=True) for identity, numbers in waiting.items()}
    for position, identity in early:
        numbers = left.get(identity, [])
        while numbers and pairing.calls[numbers[-1]].message < position:
            numbers.pop()
        if numbers:
            pairing.answers[position] = numbers.pop()
            pairing.repeated.pop(position, None)
