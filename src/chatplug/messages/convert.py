"""Whatever people write, as messages.

A string, `(role, content)` pairs, dicts with `role` and `content`, message objects, and lists of any of these.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from chatplug.errors import MessageError, nearest
from chatplug.messages.message import (
    AIMessage,
    BaseMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from chatplug.messages.tool_call import invalid_tool_call, read_arguments, tool_call

__all__ = ["MessageLike", "convert_to_messages"]

MessageLike: TypeAlias = BaseMessage | str | tuple[str, str | list[Any]] | Mapping[str, Any]
"""What one message can be written as."""

_ROLES = {
    "ai": "ai",
    "assistant": "ai",
    "developer": "system",
    "function": "function",
    "human": "human",
    "system": "system",
    "tool": "tool",
    "user": "human",
}
_SHAPES = "A message is a string, a (role, content) pair, a dict with 'role' and 'content', or a message object."


def convert_to_messages(value: str | BaseMessage | Sequence[MessageLike] | Iterable[MessageLike]) -> list[BaseMessage]:
    """The messages that a value stands for, in a new list.

    Raises:
        MessageError: If the value, or an item of it, is nothing that a message can be made of; says which item.

    >>> convert_to_messages([("system", "Be brief."), {"role": "user", "content": "Hello"}])
    [SystemMessage(content='Be brief.'), HumanMessage(content='Hello')]
    """
    if isinstance(value, str):
        return [HumanMessage(value)]
    if isinstance(value, BaseMessage):
        return [value]
    to_messages = getattr(value, "to_messages", None)
    if callable(to_messages):
        value = to_messages()
    if isinstance(value, Mapping) or not isinstance(value, Iterable):
        raise MessageError(f"No messages can be made of {type(value).__name__}.", hint=f"Give a list. {_SHAPES}")
    return [
        item if isinstance(item, BaseMessage) else _message(item, f"messages[{index}]")
        for index, item in enumerate(value)
    ]


def _message(item: MessageLike, where: str) -> BaseMessage:
    if isinstance(item, str):
        return HumanMessage(item)
    if isinstance(item, Mapping):
        return _from_dict(item, where)
    if (
        isinstance(item, Sequence) and len(item) == 2 and isinstance(item[0], str)
    ):  # a pair; pyright: ignore[reportUnnecessaryIsInstance]
        return _from_role(item[0], {"content": item[1]}, where)
    raise MessageError(f"{where} is {type(item).__name__}, and no message can be made of it.", hint=_SHAPES)


def _from_dict(item: Mapping[str, Any], where: str) -> BaseMessage:
    fields = dict(item)
    role = fields.pop("role", None)
    if role is None:
        role = fields.pop("type", None)
    if not isinstance(role, str):
        raise MessageError(f"{where} has no 'role'.", hint=_SHAPES)
    if "content" not in fields and not fields.get("tool_calls") and not fields.get("function_call"):
        raise MessageError(f"{where} has no 'content'.", hint=_SHAPES)
    return _from_role(role, fields, where)


def _from_role(role: str, fields: dict[str, Any], where: str) -> BaseMessage:
    kind = _ROLES.get(role)
    if kind is None:
        raise MessageError(
            f"{where} has the role {role!r}.",
            hint=nearest(role, _ROLES) or f"Roles are {', '.join(sorted(_ROLES))}; for another, give a ChatMessage.",
        )
    content = fields.pop("content", None)
    common: dict[str, Any] = {"content": "" if content is None else content}
    common |= {name: fields.pop(name) for name in ("id", "name", "additional_kwargs") if fields.get(name) is not None}
    try:
        if kind == "ai":
            return _ai(common, fields)
        if kind == "tool":
            message = ToolMessage(tool_call_id=fields.pop("tool_call_id", None), **common)
            message.status = fields.pop("status", "success")
        elif kind == "function":
            message = FunctionMessage(**common)
        else:
            message = HumanMessage(**common) if kind == "human" else SystemMessage(**common)
    except MessageError as error:
        raise MessageError(f"{where}: {error.message}", hint=error.hint) from None
    if role == "developer":
        message.additional_kwargs["role"] = role
    message.additional_kwargs.update(fields)
    return message


def _ai(common: dict[str, Any], fields: dict[str, Any]) -> AIMessage:
    message = AIMessage(**common)
    for call in fields.pop("tool_calls", None) or ():
        function = call.get("function")
        if function is None:
            message.tool_calls += AIMessage(tool_calls=[call]).tool_calls
            continue
        text = function.get("arguments")
        args, error = read_arguments(text if isinstance(text, str) else json.dumps(text or {}), whole=True)
        if args is None:
            bad = invalid_tool_call(name=function.get("name"), args=text, id=call.get("id"), error=error)
            message.invalid_tool_calls.append(bad)
        else:
            message.tool_calls.append(tool_call(name=function.get("name") or "", args=args, id=call.get("id")))
    if fields:
        message.additional_kwargs.update(fields)
    return message
