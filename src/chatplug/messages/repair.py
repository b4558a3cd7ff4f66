"""A conversation put in order, as an explicit step.

Most providers refuse a conversation in which a tool call has no result, or a result no call. Such conversations come
from programs that were interrupted, from stores that keep the last messages only, and from several answers of models
that number their calls from zero. Nothing is repaired unless somebody asks for it, and every change is told.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from chatplug.messages.chunk import message_chunk_to_message
from chatplug.messages.convert import convert_to_messages
from chatplug.messages.message import AIMessage, BaseMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage
from chatplug.messages.pairing import calls_of, pair, without
from chatplug.messages.tool_call import invalid_tool_call

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from chatplug.messages.convert import MessageLike
    from chatplug.messages.pairing import Call, Pairing

__all__ = ["Repair", "RepairKind", "repair_messages"]

RepairKind: TypeAlias = Literal[
    "duplicate_message_id",
    "duplicate_tool_call_id",
    "empty_message",
    "invalid_tool_call",
    "missing_tool_call_id",
    "misplaced_tool_result",
    "orphaned_tool_call",
    "orphaned_tool_result",
]
"""What was wrong."""

_Message = TypeVar("_Message", bound=BaseMessage)


@dataclass(frozen=True, slots=True)
class Repair:
    """One change that `repair_messages` made."""

    path: str
    """What was wrong, by its place in the conversation as it was: `messages[2].tool_calls[0]`."""
    kind: RepairKind
    """What was wrong with it, in one word."""
    reason: str
    """What was wrong with it, and what was done, for people."""


def repair_messages(messages: Iterable[MessageLike]) -> tuple[list[BaseMessage], list[Repair]]:
    """The conversation in order, and what was changed; a conversation in order comes back as it is.

    Afterwards each tool call has an id that no other call has, and its result directly behind its message, in the
    order of the calls; there is no other result; no message has another's id, and none is empty. Repairing once more
    changes nothing.

    | kind | what is done |
    | --- | --- |
    | `orphaned_tool_call` | a `ToolMessage` with `status="error"` is put behind it |
    | `orphaned_tool_result` | it is left out |
    | `misplaced_tool_result` | it is moved behind its call |
    | `duplicate_tool_call_id`, `missing_tool_call_id` | the call gets an id of its own, and so does its result |
    | `duplicate_message_id` | the later message gets an id of its own |
    | `empty_message` | it is left out; results of tools may be empty |
    | `invalid_tool_call` | without a name it is left out; else the model is told, as for an orphan, what is wrong |

    Args:
        messages: The conversation; none of its messages is changed.

    >>> repaired, repairs = repair_messages([("user", "Hello"), ("ai", ""), ("user", "Hello?")])
    >>> repaired
    [HumanMessage(content='Hello'), HumanMessage(content='Hello?')]
    >>> repairs[0].path, repairs[0].kind
    ('messages[1]', 'empty_message')
    """
    draft = _Draft(convert_to_messages(messages))
    draft.sort_out_calls()
    draft.leave_out_empty()
    pairing = pair(draft.messages)
    draft.leave_out_orphans(pairing)
    draft.name_calls(pairing)
    draft.name_messages()
    return draft.in_order(pairing), [repair for _, repair in sorted(draft.repairs, key=lambda entry: entry[0])]


class _Draft:
    """A conversation under repair. Messages keep their positions until the end; one that is left out is None."""

    def __init__(self, messages: Sequence[BaseMessage]) -> None:
        self._given = messages
        self.messages: list[BaseMessage | None] = [
            message_chunk_to_message(message) if isinstance(message, AIMessage) else message for message in messages
        ]
        # As long as nothing is changed in them, chunks come back as chunks.
        self._whole = list(self.messages)
        self._own: set[int] = set()
        self.repairs: list[tuple[int, Repair]] = []

    def _tell(self, position: int, kind: RepairKind, reason: str, place: tuple[str, int] | None = None) -> None:
        path = f"messages[{position}]" + (f".{place[0]}[{place[1]}]" if place else "")
        self.repairs.append((position, Repair(path, kind, reason)))

    def _mine(self, position: int, message: _Message) -> _Message:
        """A copy of the message that may be changed."""
        if position not in self._own:
            self._own.add(position)
            message = message.model_copy(deep=True)
            self.messages[position] = message
        return message

    def sort_out_calls(self) -> None:
        """Leave out calls without a name; a call whose arguments are no dict becomes an invalid one."""
        for position, message in enumerate(self.messages):
            if not isinstance(message, AIMessage):
                continue
            calls = calls_of(message, position)
            nameless = [call for call in calls if not call.name]
            broken = [call for call in calls if call.name and _is_broken(message, call)]
            for call in nameless:
                reason = "The call names no tool; it was left out."
                self._tell(position, "invalid_tool_call", reason, call.places[0])
            for call in broken:
                reason = "The arguments are no dict; the call is now among invalid_tool_calls."
                self._tell(position, "invalid_tool_call", reason, call.places[0])
            if nameless or broken:
                self._own.add(position)
                self.messages[position] = _with_invalid(message, broken, without(message, [*nameless, *broken]))

    def leave_out_empty(self) -> None:
        """Leave out messages that say nothing."""
        for position, message in enumerate(self.messages):
            if message is not None and _is_empty(message):
                self.messages[position] = None
                self._tell(position, "empty_message", "It has no content; it was left out.")

    def leave_out_orphans(self, pairing: Pairing) -> None:
        """Leave out results that answer no call."""
        for position, message in enumerate(self.messages):
            if isinstance(message, ToolMessage) and position not in pairing.answers:
                self.messages[position] = None
                why = "has a result already" if position in pairing.repeated else "is not in the conversation"
                reason = f"Its call {message.tool_call_id!r} {why}; the result was left out."
                self._tell(position, "orphaned_tool_result", reason)

    def name_calls(self, pairing: Pairing) -> None:
        """Give each call an id of its own, and its result the same."""
        results = {call: position for position, call in pairing.answers.items()}
        names = _Names({call.id for call in pairing.calls})
        seen = {""}
        for number, call in enumerate(pairing.calls):
            if call.id not in seen:
                seen.add(call.id)
                continue
            identity = names.free(call.id or f"call_{call.message}")
            message = self.messages[call.message]
            if message is not None:
                message = self._mine(call.message, message)
                for field, index in call.places:
                    entry: dict[str, Any] = getattr(message, field)[index]
                    getattr(message, field)[index] = {**entry, "id": identity}
            result = self.messages[results[number]] if number in results else None
            if isinstance(result, ToolMessage):
                self._mine(results[number], result).tool_call_id = identity
            kind: RepairKind = "duplicate_tool_call_id" if call.id else "missing_tool_call_id"
            why = f"Another call has the id {call.id!r}" if call.id else "The call has no id"
            self._tell(call.message, kind, f"{why}; it is now {identity!r}, for its result too.", call.places[0])

    def name_messages(self) -> None:
        """Give each message that has another's id one of its own."""
        names = _Names({message.id for message in self.messages if message is not None and message.id})
        seen: set[str] = set()
        for position, message in enumerate(self.messages):
            if message is None or not message.id:
                continue
            if message.id in seen:
                identity = names.free(message.id)
                reason = f"Another message has the id {message.id!r}; it is now {identity!r}."
                self._tell(position, "duplicate_message_id", reason)
                self._mine(position, message).id = identity
            seen.add(message.id)

    def in_order(self, pairing: Pairing) -> list[BaseMessage]:
        """The messages, each with the results of its calls behind it."""
        results = {call: position for position, call in pairing.answers.items()}
        numbers: dict[int, list[int]] = {}
        for number, call in enumerate(pairing.calls):
            numbers.setdefault(call.message, []).append(number)
        ordered: list[BaseMessage] = []
        positions: list[int] = []
        for position, message in enumerate(self.messages):
            if message is None or position in pairing.answers:
                continue
            ordered.append(self._given[position] if message is self._whole[position] else message)
            positions.append(position)
            for call, number in zip(calls_of(message, position), numbers.get(position, ()), strict=True):
                found = results.get(number)
                result = None if found is None else self.messages[found]
                if found is None or result is None:
                    ordered.append(self._stand_in(message, call))
                else:
                    ordered.append(result)
                    positions.append(found)
        before = (position for position, message in enumerate(self.messages) if message is not None)
        for position in _moved(before, positions, pairing.answers):
            call = pairing.calls[pairing.answers[position]]
            reason = f"It did not stand in its place behind its call in messages[{call.message}]; it was moved there."
            self._tell(position, "misplaced_tool_result", reason)
        return ordered

    def _stand_in(self, message: BaseMessage, call: Call) -> ToolMessage:
        """A result for a call that has none."""
        field, index = call.places[0]
        if field == "invalid_tool_calls":
            error = getattr(message, field)[index].get("error") or "not a JSON object"
            content = f"The tool was not called: its arguments cannot be read ({error})."
            kind: RepairKind = "invalid_tool_call"
            reason = f"The arguments cannot be read, and there is no result; an error was put behind it: {error}"
        else:
            content = "There is no result: the tool was not called, or its result was lost."
            kind, reason = "orphaned_tool_call", "The call has no result; an error was put behind it."
        self._tell(call.message, kind, reason, call.places[0])
        return ToolMessage(content, call.id, name=call.name, status="error")


def _is_broken(message: AIMessage, call: Call) -> bool:
    field, index = call.places[0]
    # A list that anybody may have appended to.
    return field == "tool_calls" and not isinstance(message.tool_calls[index].get("args"), dict)


def _with_invalid(message: AIMessage, broken: Iterable[Call], left: BaseMessage) -> BaseMessage:
    """What is left of a message, and its broken calls as invalid ones."""
    for call in broken:
        args: object = message.tool_calls[call.places[0][1]].get("args")
        text = args if isinstance(args, str) else json.dumps(args, ensure_ascii=False, default=str)
        error = f"not a dict: {type(args).__name__}"
        bad = invalid_tool_call(name=call.name, args=text, id=call.id or None, error=error)
        left.invalid_tool_calls.append(bad)  # type: ignore[attr-defined]  # a copy of an AIMessage
    return left


def _is_empty(message: BaseMessage) -> bool:
    if not isinstance(message, (AIMessage, ChatMessage, HumanMessage, SystemMessage)) or calls_of(message, 0):
        return False
    if any(value not in (None, "", [], {}) for value in message.additional_kwargs.values()):
        return False
    content = message.content
    return not content if isinstance(content, str) else all(_says_nothing(block) for block in content)


def _says_nothing(block: str | dict[str, Any]) -> bool:
    if isinstance(block, str):
        return not block
    return block.get("type") == "text" and not any(
        value for key, value in block.items() if key not in ("id", "index", "type")
    )


class _Names:
    """Ids, each for one owner."""

    def __init__(self, taken: set[str]) -> None:
        self._taken = taken
        self._numbers: dict[str, int] = {}

    def free(self, identity: str) -> str:
        """This id, or the one with the first number that makes it free; it is taken from now on."""
        free, number = identity, self._numbers.get(identity, 1)
        while free in self._taken:
            number += 1
            free = f"{identity}_{number}"
        self._numbers[identity] = number
        self._taken.add(free)
        return free


def _moved(before: Iterable[int], after: Iterable[int], movable: Container[int]) -> set[int]:
    """What was moved to make one order the other; the rest has kept its order."""
    moved: set[int] = set()
    waiting = iter(before)
    ahead = next(waiting, None)
    for position in after:
        while ahead is not None and (ahead in moved or (ahead != position and position not in movable)):
            ahead = next(waiting, None)
        if position == ahead:
            ahead = next(waiting, None)
        else:
            moved.add(position)
    return moved
