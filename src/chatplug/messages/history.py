"""A conversation as a whole: runs of one speaker made one message, messages picked, told as text, counted.

All of these take whatever `convert_to_messages` takes and give new lists; no message that was handed in is changed.
They have no form without `messages` yet: as a step of a chain they are wrapped in a function, by `RunnableLambda`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from chatplug.errors import InvalidRequestError, nearest
from chatplug.messages.chunk import BaseMessageChunk, HumanMessageChunk, message_chunk_to_message
from chatplug.messages.content import plain_copy
from chatplug.messages.convert import convert_to_messages
from chatplug.messages.message import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from chatplug.messages.pairing import calls_of, without
from chatplug.messages.usage import add_usage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chatplug.messages.content import Content
    from chatplug.messages.convert import MessageLike

__all__ = [
    "MessageType",
    "count_tokens_approximately",
    "filter_messages",
    "get_buffer_string",
    "merge_message_runs",
    "type_matcher",
]

MessageType: TypeAlias = str | type[BaseMessage]
"""A kind of message: its class, or its `type`."""

_MESSAGES = (AIMessage, ChatMessage, FunctionMessage, HumanMessage, SystemMessage, ToolMessage)
_WIRE_ROLES = {"human": "user", "ai": "assistant"}


def merge_message_runs(messages: Iterable[MessageLike], *, chunk_separator: str = "\n") -> list[BaseMessage]:
    """The messages, with neighbours of one kind and one name made one.

    Tool messages stay apart, because each answers a call of its own, and so do chat messages of different roles. The id
    and `response_metadata` are the first message's; tool calls and usage add up.

    Args:
        messages: The conversation.
        chunk_separator: What stands between two texts that were two messages.

    >>> merge_message_runs([("user", "Hello."), ("user", "Are you there?")], chunk_separator=" ")
    [HumanMessage(content='Hello. Are you there?')]
    """
    runs: list[list[BaseMessage]] = []
    for message in convert_to_messages(messages):
        if runs and _continues(runs[-1][-1], message):
            runs[-1].append(message)
        else:
            runs.append([message])
    return [run[0] if len(run) == 1 else _merged(run, chunk_separator) for run in runs]


def _continues(before: BaseMessage, message: BaseMessage) -> bool:
    if isinstance(message, ToolMessage) or _kind(before) is not _kind(message) or before.name != message.name:
        return False
    return getattr(before, "role", None) == getattr(message, "role", None)


def _kind(message: BaseMessage) -> type[BaseMessage]:
    """The message's class; a chunk counts as the message that it makes."""
    kinds: tuple[type[Any], ...] = type(message).__mro__
    return next(kind for kind in kinds if not issubclass(kind, BaseMessageChunk))


def _merged(run: Sequence[BaseMessage], separator: str) -> BaseMessage:
    run = [message_chunk_to_message(message) for message in run]
    merged = run[0].model_copy(deep=True)
    merged.content = _joined([message.content for message in run], separator)
    if any(message.additional_kwargs for message in run):
        # What two of these make together is known where chunks are added.
        total = HumanMessageChunk()
        for message in run:
            total += HumanMessageChunk(additional_kwargs=message.additional_kwargs)
        merged.additional_kwargs = total.additional_kwargs
    if isinstance(merged, AIMessage):
        for message in run[1:]:
            if isinstance(message, AIMessage):
                merged.tool_calls.extend(plain_copy(message.tool_calls))
                merged.invalid_tool_calls.extend(plain_copy(message.invalid_tool_calls))
                if message.usage_metadata is not None:
                    merged.usage_metadata = add_usage(merged.usage_metadata, message.usage_metadata)
    return merged


def _joined(contents: Sequence[Content], separator: str) -> Content:
    """The contents as one; two texts side by side become one text."""
    blocks: list[str | dict[str, Any]] = []
    texts: list[str] = []
    for content in contents:
        if isinstance(content, str):
            texts.extend([content] if content else [])
            continue
        if texts:
            blocks.append(separator.join(texts))
            texts = []
        blocks.extend(plain_copy(content))
    text = separator.join(texts)
    if all(isinstance(content, str) for content in contents):
        return text
    return [*blocks, text] if text else blocks


def filter_messages(  # noqa: PLR0913  # langchain-core's parameters
    messages: Iterable[MessageLike],
    *,
    include_names: Sequence[str] | None = None,
    exclude_names: Sequence[str] | None = None,
    include_types: Sequence[MessageType] | None = None,
    exclude_types: Sequence[MessageType] | None = None,
    include_ids: Sequence[str] | None = None,
    exclude_ids: Sequence[str] | None = None,
    exclude_tool_calls: Sequence[str] | bool | None = None,
) -> list[BaseMessage]:
    """The messages that one of the `include_*` names and none of the `exclude_*`; without `include_*`, all others.

    Args:
        messages: The conversation.
        include_names: Names of speakers to keep.
        exclude_names: Names of speakers to leave out.
        include_types: Classes or types (`"human"`, `"ai"`, ...) to keep. The type of a message is also its chunks'.
        exclude_types: Classes or types to leave out.
        include_ids: Ids of messages to keep.
        exclude_ids: Ids of messages to leave out.
        exclude_tool_calls: True leaves out tool calls and their results, and with them the messages that make calls;
            ids leave out these calls, their results, and a message with no other call.

    Raises:
        InvalidRequestError: If an argument is no list, or names a type that no message has.

    >>> filter_messages([("system", "Be brief."), ("user", "Hello")], include_types=["human"])
    [HumanMessage(content='Hello')]
    """
    given = convert_to_messages(messages)
    names, no_names = _listed(include_names, "include_names"), _listed(exclude_names, "exclude_names")
    ids, no_ids = _listed(include_ids, "include_ids"), _listed(exclude_ids, "exclude_ids")
    is_wanted = type_matcher(include_types, "include_types", given)
    is_unwanted = type_matcher(exclude_types, "exclude_types", given)
    no_calls = exclude_tool_calls if isinstance(exclude_tool_calls, bool) else None
    no_call_ids = frozenset(_listed(None if no_calls is not None else exclude_tool_calls, "exclude_tool_calls"))  # type: ignore[arg-type]  # a bool is sorted out
    takes_all = not (names or ids or include_types)
    kept: list[BaseMessage] = []
    for message in given:
        if message.name in no_names or message.id in no_ids or is_unwanted(message):
            continue
        if not (takes_all or message.name in names or message.id in ids or is_wanted(message)):
            continue
        left = _without_calls(message, every=bool(no_calls), identities=no_call_ids)
        if left is not None:
            kept.append(left)
    return kept


def _listed(values: Sequence[str] | None, argument: str) -> Sequence[str]:
    if values is None:
        return ()
    if isinstance(values, str) or not isinstance(values, (Sequence, set, frozenset)):
        raise InvalidRequestError(f"{argument} is {values!r}.", hint=f"Give a list: {argument}=[...].")
    return values


def type_matcher(
    types: MessageType | Sequence[MessageType] | None, argument: str, messages: Sequence[BaseMessage]
) -> Callable[[BaseMessage], bool]:
    """A function that says whether a message is of one of these types.

    Args:
        types: Classes, or types as text; one of them, or several.
        argument: What the caller calls them, for errors.
        messages: The conversation; its own types are known, too.

    Raises:
        InvalidRequestError: If one of them is no class of messages and no type of one.
    """
    is_one = isinstance(types, str) or not isinstance(types, (Sequence, set, frozenset, type(None)))
    several = (cast("MessageType", types),) if is_one else cast("Sequence[MessageType]", types or ())
    known = {kind.type for kind in _MESSAGES} | {f"{kind.__name__}Chunk" for kind in _MESSAGES}
    known.update(message.type for message in messages)
    for kind in several:
        if isinstance(kind, str) and kind not in known:
            raise InvalidRequestError(
                f"{argument} names the type {kind!r}, which no message has.",
                hint=nearest(kind, known) or f"Types are {', '.join(sorted(m.type for m in _MESSAGES))}.",
            )
        if not isinstance(kind, str) and not (isinstance(kind, type) and issubclass(kind, BaseMessage)):
            raise InvalidRequestError(
                f"{argument} names {kind!r}.", hint="Give a class such as HumanMessage, or a type such as 'human'."
            )
    texts = frozenset(kind for kind in several if isinstance(kind, str))
    classes = tuple(kind for kind in several if isinstance(kind, type))
    return lambda message: isinstance(message, classes) or not texts.isdisjoint((message.type, _kind(message).type))


def _without_calls(message: BaseMessage, *, every: bool, identities: frozenset[str]) -> BaseMessage | None:
    """The message without these tool calls; None where nothing is left of it."""
    if isinstance(message, ToolMessage):
        return None if every or message.tool_call_id in identities else message
    whole = message_chunk_to_message(message)
    calls = calls_of(whole, 0)
    unwanted = [call for call in calls if every or call.id in identities]
    if not unwanted:
        return message
    return None if len(unwanted) == len(calls) else without(whole, unwanted)


def get_buffer_string(  # noqa: PLR0913  # langchain-core's parameters
    messages: Iterable[MessageLike],
    human_prefix: str = "Human",
    ai_prefix: str = "AI",
    *,
    system_prefix: str = "System",
    function_prefix: str = "Function",
    tool_prefix: str = "Tool",
    message_separator: str = "\n",
) -> str:
    """The conversation as one text, each message behind the name of its role.

    Args:
        messages: The conversation.
        human_prefix: What stands before the user's words.
        ai_prefix: What stands before the model's; its tool calls follow its words.
        system_prefix: What stands before a system message.
        function_prefix: What stands before a function's result.
        tool_prefix: What stands before a tool's result.
        message_separator: What stands between two messages.

    >>> print(get_buffer_string([("user", "Hello"), ("ai", "Good morning")], ai_prefix="Bot"))
    Human: Hello
    Bot: Good morning
    """
    prefixes: dict[type[BaseMessage], str] = {
        AIMessage: ai_prefix,
        FunctionMessage: function_prefix,
        HumanMessage: human_prefix,
        SystemMessage: system_prefix,
        ToolMessage: tool_prefix,
    }
    lines: list[str] = []
    for message in convert_to_messages(messages):
        role = message.role if isinstance(message, ChatMessage) else prefixes.get(_kind(message), message.type)
        calls: object = None
        if isinstance(message, AIMessage):
            calls = message.tool_calls or message.additional_kwargs.get("function_call")
        lines.append(f"{role}: {message.text}{calls or ''}")
    return message_separator.join(lines)


def count_tokens_approximately(
    messages: Iterable[MessageLike],
    *,
    chars_per_token: float = 4.0,
    extra_tokens_per_message: float = 3.0,
    count_name: bool = True,
    tokens_per_image: int = 85,
) -> int:
    """About how many tokens the messages take, by the length of their texts; asks no model and no tokenizer.

    Args:
        messages: The conversation.
        chars_per_token: How long a token is; 4 is about right for English.
        extra_tokens_per_message: What a provider adds to mark where a message begins and ends.
        count_name: Whether names of speakers are sent.
        tokens_per_image: What an image takes, whatever its size.

    >>> count_tokens_approximately([("user", "How are you?")])
    7
    """
    if not chars_per_token > 0:
        raise InvalidRequestError(f"chars_per_token is {chars_per_token!r}.", hint="It is a number above 0, such as 4.")
    total = 0.0
    for message in convert_to_messages(messages):
        letters, images = _letters(message)
        if count_name and message.name:
            letters += len(message.name)
        total += ceil(letters / chars_per_token) + images * tokens_per_image + extra_tokens_per_message
    return ceil(total)


def _letters(message: BaseMessage) -> tuple[int, int]:
    """The letters of a message without its name, and its images."""
    kind = _kind(message).type
    letters = len(message.role if isinstance(message, ChatMessage) else _WIRE_ROLES.get(kind, kind))
    images = 0
    for block in [message.content] if isinstance(message.content, str) else message.content:
        if isinstance(block, str):
            letters += len(block)
        elif block.get("type") in ("image", "image_url"):
            images += 1
        else:
            text = block.get("text") if block.get("type") == "text" else None
            letters += len(text if isinstance(text, str) else repr(block))
    if isinstance(message, ToolMessage):
        letters += len(message.tool_call_id)
    for call in calls_of(message, 0):
        if "content" not in [field for field, _ in call.places]:
            field, index = call.places[0]
            # As long as the call is when it stands in a list.
            letters += len(repr(getattr(message, field)[index])) + 2
    return letters, images
