"""Whatever people write, as messages.

A string, `(role, content)` pairs, dicts with `role` and `content`, message objects and what they were dumped or stored
as, and lists of any of these. What is none of these, or only looks like one, is shown to plugins: first the item of a
list, then all of the list. Only where no plugin knows it is it an error, which says what is wrong with it as one of
ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, cast

from chatplug.errors import MessageError, nearest
from chatplug.messages.extension import converters
from chatplug.messages.message import (
    AIMessage,
    BaseMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from chatplug.messages.tool_call import (
    InvalidToolCall,
    ToolCall,
    checked_call,
    invalid_tool_call,
    read_arguments,
    tool_call,
)
from chatplug.wire.shape import is_array, is_object

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
_CLASSES: dict[str, Callable[..., BaseMessage]] = {
    "ai": AIMessage,
    "function": FunctionMessage,
    "human": HumanMessage,
    "system": SystemMessage,
    "tool": ToolMessage,
}
_FIELDS = ("additional_kwargs", "id", "name", "response_metadata")
_OWN_FIELDS = {
    "ai": ("invalid_tool_calls", "usage_metadata"),
    "tool": ("artifact", "status", "tool_call_id"),
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
    to_messages: Callable[[], Iterable[MessageLike]] | None = getattr(value, "to_messages", None)
    if callable(to_messages):
        value = to_messages()
    if isinstance(value, Mapping) or not isinstance(value, Iterable):
        foreign = _foreign(cast("object", value))
        if foreign is not None:
            return foreign
        kind = type(cast("object", value)).__name__
        raise MessageError(f"No messages can be made of {kind}.", hint=f"Give a list. {_SHAPES}")
    messages: list[BaseMessage] = []
    try:
        for index, item in enumerate(value):
            if isinstance(item, BaseMessage):
                messages.append(item)
            else:
                messages += messages_of(item, f"messages[{index}]")
    except MessageError:
        foreign = None if isinstance(value, Iterator) else _foreign(value)  # of an iterator not all is there any more
        if foreign is None:
            raise
        return foreign
    return messages


def messages_of(item: MessageLike, where: str) -> list[BaseMessage]:
    """The messages that one item of a list stands for; mostly one.

    Raises:
        MessageError: If no message can be made of it; begins with `where`.
    """
    if isinstance(item, BaseMessage):
        return [item]
    if isinstance(item, str):
        return [HumanMessage(item)]
    try:
        if isinstance(item, Mapping):
            if _is_anthropic(item):
                from chatplug.messages.anthropic_format import import_turn

                return import_turn(item, where)
            return [_from_dict(item, where)]
        if isinstance(item, Sequence) and len(item) == 2 and isinstance(item[0], str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without types
            return [_from_role(item[0], {"content": item[1]}, where)]
        raise MessageError(f"{where} is {type(item).__name__}, and no message can be made of it.", hint=_SHAPES)
    except MessageError:
        foreign = _foreign(item)
        if foreign is None:
            raise
        return foreign


def _is_anthropic(item: Mapping[str, Any]) -> bool:
    """Whether a dict is a turn that only Anthropic's form has: with calls or results among its blocks."""
    content = item.get("content")
    blocks = content if is_array(content) else []
    return any(is_object(block) and block.get("type") in ("tool_use", "tool_result") for block in blocks)


def _foreign(value: object) -> list[BaseMessage] | None:
    """The messages that a plugin makes of a value; None if none does."""
    known = converters()
    return None if known is None else known.import_messages(value)


def _from_dict(item: Mapping[str, Any], where: str) -> BaseMessage:
    kind = item.get("type")
    if isinstance(kind, str) and (kind not in _ROLES or ("data" in item and "content" not in item)):
        from chatplug.messages.archive import TYPES, stored_message  # which most programs have no need of

        if kind in TYPES:
            return stored_message(item, where)
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
    kind, content = _ROLES.get(role), fields.pop("content", None)
    if kind is None:
        raise MessageError(
            f"{where} has the role {role!r}.",
            hint=nearest(role, _ROLES) or f"Roles are {', '.join(sorted(_ROLES))}; for another, give a ChatMessage.",
        )
    common: dict[str, Any] = {"content": "" if content is None else content}
    for name in (*_FIELDS, *_OWN_FIELDS.get(kind, ())):
        value = fields.pop(name, None)
        if value is not None:
            common[name] = value
    calls = fields.pop("tool_calls", None) if kind == "ai" else None
    try:
        message = _CLASSES[kind](**common)
        if isinstance(message, AIMessage):
            if not isinstance(calls or (), (list, tuple)):
                raise MessageError(f"'tool_calls' is {type(calls).__name__}.", hint="Give a list.")
            _add_calls(message, calls or ())
    except MessageError as error:
        raise MessageError(f"{where}: {error.message}", hint=error.hint) from None
    if role == "developer":
        message.additional_kwargs["role"] = role
    message.additional_kwargs.update((name, value) for name, value in fields.items() if value is not None)
    return message


def _add_calls(message: AIMessage, calls: Iterable[Any]) -> None:
    """Add tool calls in our form, or in the form of OpenAI's chat completions."""
    for index, call in enumerate(calls):
        function = call.get("function") if is_object(call) else None
        if is_object(call) and call.get("type") not in (None, "function", "tool_call") and "args" not in call:
            # Calls of another kind than functions have no standard form; they are kept as they are.
            message.additional_kwargs.setdefault("tool_calls", []).append(call)
            continue
        if not is_object(function):
            message.tool_calls.append(checked_call(index, call))
            continue
        name, identity, text = function.get("name"), call.get("id"), function.get("arguments")
        if not isinstance(text, str):
            import json  # which most programs have no need of

            text = json.dumps(text or {}, ensure_ascii=False)
        args, error = read_arguments(text, whole=True)
        more: Any = {key: value for key, value in call.items() if key not in ("function", "id", "type")}
        if args is None:
            bad = invalid_tool_call(name=name, args=text, id=identity, error=error)
            message.invalid_tool_calls.append(cast("InvalidToolCall", {**bad, **more}))
        else:
            made = {**tool_call(name=name or "", args=args, id=identity), **more}
            message.tool_calls.append(cast("ToolCall", made))
