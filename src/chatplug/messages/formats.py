"""Conversations in the formats of others, out and in.

`openai` (chat completions) and `anthropic` (messages) come with chatplug; plugins bring others by the hooks
`chatplug_import_messages` and `chatplug_export_messages`. Nothing is lost in silence: what a format, or the one who
gets the conversation, has no place for is in the list of losses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, overload

from chatplug.errors import MessageError, nearest
from chatplug.messages.anthropic_format import export_anthropic, import_anthropic
from chatplug.messages.convert import MessageLike, convert_to_messages
from chatplug.messages.extension import converters
from chatplug.messages.loss import Exported, warn_of
from chatplug.messages.message import BaseMessage
from chatplug.messages.openai_format import export_openai, import_openai
from chatplug.wire.shape import is_object

__all__ = ["FORMATS", "convert_to_openai_messages", "export_messages", "import_messages"]

_OUT: dict[str, Callable[..., Exported]] = {"anthropic": export_anthropic, "openai": export_openai}
_IN: dict[str, Callable[..., list[BaseMessage]]] = {"anthropic": import_anthropic, "openai": import_openai}
FORMATS = tuple(sorted(_OUT))
"""The formats that need no plugin."""


def export_messages(messages: Iterable[MessageLike] | str, format: str, *, provider: str | None = None) -> Exported:
    """A conversation in the format of others, and what that format has no place for.

    What the receiver made (signatures, sealed reasoning, items and fields of its own) goes back as it came; what
    others made is left out and listed. Ids of tool calls that the receiver would refuse are replaced, the same ones
    everywhere.

    Args:
        messages: The conversation, as messages or what messages can be made of.
        format: `openai` for a list of dicts, `anthropic` for a dict with `system` and `messages`, or one of a plugin.
        provider: Who gets it; the provider that the format is named after unless told otherwise.

    Raises:
        MessageError: If nobody knows the format, or a block is malformed.

    >>> conversation = [("user", "Why?"), ("assistant", [{"type": "thinking", "thinking": "Hm.", "signature": "Ab=="}])]
    >>> exported = export_messages(conversation, "openai")
    >>> exported.value
    [{'role': 'user', 'content': 'Why?'}, {'role': 'assistant', 'content': ''}]
    >>> [(loss.path, loss.kind) for loss in exported.losses]
    [('messages[1].content[0]', 'reasoning'), ('messages[1].content[0].extras.signature', 'signature')]
    """
    conversation = convert_to_messages(messages)
    export = _OUT.get(format)
    if export is not None:
        return export(conversation, provider=provider or format)
    foreign = converters()
    exported = foreign.export_messages(conversation, format) if foreign is not None else None
    if exported is None:
        raise _unknown(format)
    return exported


def import_messages(value: Any, format: str | None = None, *, provider: str | None = None) -> list[BaseMessage]:
    """The messages that a conversation in the format of others stands for.

    What is in a form of its own stays as it is, and the message says in its `response_metadata` who made it.

    Args:
        value: The conversation: a request's body, its list of messages, or an object that a plugin knows.
        format: `openai` or `anthropic`; None to find out.
        provider: Who took part in it; the provider that the format is named after unless told otherwise.

    Raises:
        MessageError: If nobody knows the format, or the value is not in it; says where.

    >>> import_messages({"system": "Be brief.", "messages": [{"role": "user", "content": "Hello"}]})
    [SystemMessage(content='Be brief.'), HumanMessage(content='Hello')]
    """
    named = format
    if named is None and is_object(value) and "messages" in value:
        if "system" in value:
            named = "anthropic"
        else:
            value = value["messages"]
    if named is None:
        messages = convert_to_messages([value] if is_object(value) and "role" in value else value)
        if provider:
            messages = [message.model_copy(deep=True) for message in messages]  # some are the caller's own
            for message in messages:
                message.response_metadata.setdefault("model_provider", provider)
        return messages
    read = _IN.get(named)
    if read is None:
        raise _unknown(named)
    if not isinstance(value, (Mapping, Sequence)) or isinstance(value, (str, bytes)):
        raise MessageError(
            f"{type(value).__name__} is no conversation in the format {named!r}.",
            hint="Give a list of dicts, or a dict with 'messages'.",
        )
    return read(value, provider=provider or named)


def _unknown(format: str) -> MessageError:
    return MessageError(
        f"Nobody knows the format {format!r}.",
        hint=nearest(format, FORMATS) or f"Without plugins there are {' and '.join(FORMATS)}.",
    )


@overload
def convert_to_openai_messages(  # type: ignore[overload-overlap]  # a mapping is iterable, and means one message
    messages: BaseMessage | Mapping[str, Any],
    *,
    text_format: Literal["string", "block"] = "string",
    include_id: bool = False,
) -> dict[str, Any]: ...
@overload
def convert_to_openai_messages(
    messages: str | Iterable[MessageLike],
    *,
    text_format: Literal["string", "block"] = "string",
    include_id: bool = False,
) -> list[dict[str, Any]]: ...
def convert_to_openai_messages(
    messages: MessageLike | Iterable[MessageLike],
    *,
    text_format: Literal["string", "block"] = "string",
    include_id: bool = False,
) -> dict[str, Any] | list[dict[str, Any]]:
    """Messages as the dicts of OpenAI's chat completions; of one message one dict.

    A loss is a `LossWarning`, once for each kind; `export_messages` lists them all.

    Args:
        messages: One message, or a conversation, or what these can be made of.
        text_format: `string` to join contents that are text alone, `block` to make each content a list of parts.
        include_id: Whether messages keep their ids.

    Raises:
        MessageError: If no messages can be made of it, or a block is malformed.

    >>> convert_to_openai_messages([("system", "Be brief."), ("user", "Hello")])
    [{'role': 'system', 'content': 'Be brief.'}, {'role': 'user', 'content': 'Hello'}]
    """
    if text_format not in ("string", "block"):
        raise MessageError(f"text_format is {text_format!r}.", hint="It is 'string' or 'block'.")
    is_one = isinstance(messages, (BaseMessage, Mapping))
    conversation = convert_to_messages([messages] if is_one else messages)  # type: ignore[list-item,arg-type]  # as above
    exported = export_openai(conversation)
    warn_of(exported.losses)
    wire: list[dict[str, Any]] = exported.value
    for message, made in zip(conversation, wire, strict=True):
        made["content"] = _joined(made["content"]) if text_format == "string" else _split(made["content"])
        if message.name is not None:
            made["name"] = message.name
        if include_id and message.id is not None:
            made["id"] = message.id
    return wire[0] if is_one and len(wire) == 1 else wire


def _joined(content: Any) -> Any:
    if not content:
        return ""
    if isinstance(content, str) or any(part["type"] != "text" for part in content):
        return content
    return "\n".join(part["text"] for part in content)


def _split(content: Any) -> Any:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content or []
