"""Conversations in the form of Anthropic's messages, out and in; pure.

The form is the one of https://docs.anthropic.com/en/api/messages. System messages stand beside the conversation, and
results of tools are blocks of the user's turn, so messages and turns are not one to one: a turn with results comes in
as one `ToolMessage` for each and `HumanMessage`s between them, and neighbours of these kinds go out as one turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chatplug.errors import MessageError
from chatplug.messages.anthropic_block import anthropic_block
from chatplug.messages.loss import Exported
from chatplug.messages.message import AIMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage
from chatplug.messages.native_block import standard_block
from chatplug.messages.tool_call import invalid_tool_call, tool_call
from chatplug.messages.tool_call_id import ANTHROPIC_IDS
from chatplug.messages.transfer import Transfer, calls_of, claim, maker_of
from chatplug.wire.shape import is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chatplug.messages.message import BaseMessage
    from chatplug.messages.tool_call_id import ToolCallIdRule

__all__ = ["export_anthropic", "import_anthropic", "import_turn"]


def import_anthropic(value: Any, *, provider: str = "anthropic") -> list[BaseMessage]:
    """The messages of a request or an answer: of a body with `messages`, a list of turns, or one turn.

    Args:
        value: Dicts as the wire has them; `system` beside `messages` becomes the first message.
        provider: Who took part in the conversation.

    Raises:
        MessageError: If something is no turn; says which.
    """
    messages: list[BaseMessage] = []
    items: Any = value
    if is_object(value):
        if value.get("system") is not None:
            messages.append(SystemMessage(value["system"]))
            claim(messages[0], provider)
        items = value.get("messages", [value])
    for index, item in enumerate(items):
        messages += import_turn(item, f"messages[{index}]", provider=provider)
    return messages


def import_turn(item: Any, where: str, *, provider: str = "anthropic") -> list[BaseMessage]:
    """The messages of one turn.

    Raises:
        MessageError: If it is none.
    """
    role = item.get("role") if is_object(item) else None
    if not is_object(item) or role not in ("assistant", "system", "user") or "content" not in item:
        raise MessageError(
            f"{where} is no turn of Anthropic's form.",
            hint="It is a dict with a 'role' ('user' or 'assistant') and 'content'.",
        )
    more = {name: value for name, value in item.items() if name not in _NOT_ADDITIONAL and value is not None}
    try:
        messages = list(_messages(role, item, where))
    except MessageError as error:
        if error.message.startswith(where):
            raise
        raise MessageError(f"{where}: {error.message}", hint=error.hint) from None
    messages[0].additional_kwargs.update(more)
    for message in messages:
        claim(message, provider)
        if role == "system":
            # It stands among the turns, which only some take; so it is theirs.
            message.response_metadata["model_provider"] = provider
    return messages


def _messages(role: str, item: dict[str, Any], where: str) -> Iterator[BaseMessage]:
    content: Any = item["content"]
    if role == "assistant":
        yield _answer(item, content, where)
    elif role == "system":
        yield SystemMessage(content)
    elif is_array(content) and content:
        yield from _user(content, where)
    else:
        yield HumanMessage(content)


_NOT_ADDITIONAL = frozenset({"content", "id", "model", "role", "stop_reason", "stop_sequence", "type", "usage"})
"""Fields of a turn, or of an answer, that have a place of their own."""


def _answer(item: dict[str, Any], content: Any, where: str) -> AIMessage:
    facts = {
        "model_name": item.get("model"),
        "stop_reason": item.get("stop_reason"),
        "stop_sequence": item.get("stop_sequence"),
    }
    message = AIMessage(
        content,
        id=item.get("id"),
        response_metadata={name: value for name, value in facts.items() if value is not None} or None,
    )
    for index, block in enumerate(message.content):
        if isinstance(block, str) or block.get("type") != "tool_use":
            continue
        name, args, identity = block.get("name"), block.get("input"), block.get("id")
        if not isinstance(name, str):
            raise MessageError(
                f"{where}.content[{index}] is no tool call.", hint="A 'tool_use' has 'id', 'name' and 'input'."
            )
        if is_object(args):
            message.tool_calls.append(tool_call(name=name, args=args, id=identity))
        else:
            bad = invalid_tool_call(name=name, args=str(args), id=identity, error="not an object")
            message.invalid_tool_calls.append(bad)
    return message


def _user(content: list[Any], where: str) -> Iterator[BaseMessage]:
    """A user's turn, cut where results begin and end."""
    run: list[Any] = []
    for index, block in enumerate(content):
        if not is_object(block) or block.get("type") != "tool_result":
            run.append(block)
            continue
        if run:
            yield HumanMessage(run)
            run = []
        if not isinstance(block.get("tool_use_id"), str):
            raise MessageError(
                f"{where}.content[{index}] does not say which call it answers.",
                hint="A 'tool_result' has a 'tool_use_id'.",
            )
        failed = block.get("is_error")
        known = ("content", "tool_use_id", "type", *(("is_error",) if failed else ()))
        more = {name: value for name, value in block.items() if name not in known and value is not None}
        answer: Any = block.get("content")
        yield ToolMessage(
            "" if answer is None else answer,
            block["tool_use_id"],
            status="error" if failed else "success",
            additional_kwargs=more or None,
        )
    if run:
        yield HumanMessage(run)


# ---- out


def export_anthropic(
    messages: Sequence[BaseMessage], *, provider: str = "anthropic", tool_call_ids: ToolCallIdRule = ANTHROPIC_IDS
) -> Exported:
    """A conversation as the `system` and `messages` of a request, a dict.

    Args:
        messages: The conversation.
        provider: Who gets it.
        tool_call_ids: Which ids of tool calls they accept.

    Raises:
        MessageError: If a message holds a block that is malformed, or of a type that nobody claims; says which one.
    """
    transfer = Transfer(messages, provider, tool_call_ids)
    system: list[Any] = []
    turns: list[dict[str, Any]] = []
    before: BaseMessage | None = None
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        if isinstance(message, SystemMessage) and not (turns and maker_of(message) == transfer.receiver):
            if turns:
                transfer.lose(where, "order", "the format has one place for instructions, in front")
            system.append(_content(message, where, transfer))
            _lose_beside(message, where, transfer)
            continue
        turn = _turn(message, where, transfer)
        if turn is None:
            continue
        if before is not None and turns[-1]["role"] == turn["role"] and _belongs_to(before, message):
            turns[-1]["content"] = [*_as_blocks(turns[-1]["content"]), *_as_blocks(turn["content"])]
        else:
            turns.append(turn)
        before = message
    wire: dict[str, Any] = {"messages": turns}
    if system:
        joined = system[0] if len(system) == 1 else [block for content in system for block in _as_blocks(content)]
        wire = {"system": joined, **wire}
    return Exported(wire, transfer.losses)


def _belongs_to(before: BaseMessage, message: BaseMessage) -> bool:
    """Whether two messages of one role are one turn: results of tools, and what the user says beside them."""
    return isinstance(before, ToolMessage) or isinstance(message, ToolMessage)


def _as_blocks(content: str | list[Any]) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _turn(message: BaseMessage, where: str, transfer: Transfer) -> dict[str, Any] | None:
    """A message as a turn; None where nothing is left of it."""
    role = _role(message)
    if role is None:
        transfer.lose_as_placeless(where, "role")
        return None
    if isinstance(message, AIMessage):
        content = _ai_content(message, where, transfer)
    elif isinstance(message, ToolMessage):
        content = [_result(message, where, transfer)]
    else:
        content = _content(message, where, transfer)
    fields = {} if isinstance(message, ToolMessage) else _lose_beside(message, where, transfer)
    if content == [] and message.content != []:
        transfer.lose(where, "message", "nothing of it is left, and the format has no empty turns")
        return None
    return {"role": role, "content": content, **fields}


def _role(message: BaseMessage) -> str | None:
    if isinstance(message, AIMessage):
        return "assistant"
    if isinstance(message, (HumanMessage, ToolMessage)):
        return "user"
    role = message.role if isinstance(message, ChatMessage) else message.type
    return role if role in ("assistant", "system", "user") else None


def _lose_beside(message: BaseMessage, where: str, transfer: Transfer) -> dict[str, Any]:
    """What stands beside a message's content and goes along; the rest of it is lost."""
    if message.name is not None and not isinstance(message, ToolMessage):
        transfer.lose_as_placeless(f"{where}.name", "name")
    maker = maker_of(message)
    if maker == transfer.receiver:
        return dict(message.additional_kwargs)
    for name, value in message.additional_kwargs.items():
        if value is not None and value is not False and not (name == "role" and isinstance(message, SystemMessage)):
            transfer.lose_field(f"{where}.additional_kwargs", name, maker)
    return {}


def _result(message: ToolMessage, where: str, transfer: Transfer) -> dict[str, Any]:
    result: dict[str, Any] = {"type": "tool_result", "tool_use_id": transfer.call_id(message.tool_call_id)}
    result["content"] = _content(message, where, transfer)
    if message.status == "error":
        result["is_error"] = True
    return {**result, **_lose_beside(message, where, transfer)}


def _ai_content(message: AIMessage, where: str, transfer: Transfer) -> str | list[Any]:
    calls = calls_of(message)
    content = _content(message, where, transfer)
    if not calls:
        return content
    blocks = [] if content == "" else _as_blocks(content)
    placed = {block.get("id") for block in blocks if block.get("type") == "tool_use"}
    for index, call in enumerate(calls):
        if transfer.call_id(call.get("id")) not in placed:
            blocks.append(_call(call, f"{where}.tool_calls[{index}]", message, transfer))
    return blocks


def _call(call: Mapping[str, Any], where: str, message: AIMessage, transfer: Transfer) -> dict[str, Any]:
    args = call.get("args")
    if not isinstance(args, dict):
        transfer.lose(f"{where}.args", "arguments", "the format takes an object, and these are none")
        args = {}
    maker = maker_of(message)
    made: dict[str, Any] = {"type": "tool_use", "id": transfer.call_id(call.get("id")), "name": call.get("name")}
    made["input"] = args
    made.update(transfer.more_fields(call, where, maker, ("args", "error", "name")))
    made.update(transfer.extras(call, where, transfer.block_maker(call, maker), ()))
    return made


# ---- content


def _content(message: BaseMessage, where: str, transfer: Transfer) -> str | list[Any]:
    content = message.content
    if isinstance(content, str):
        return content
    maker = maker_of(message)
    calls = {call.get("id"): call for call in calls_of(message)} if isinstance(message, AIMessage) else {}
    blocks: list[Any] = []
    for index, block in enumerate(content):
        if isinstance(block, str):
            blocks.append({"type": "text", "text": block})
            continue
        path = f"{where}.content[{index}]"
        made: dict[str, Any] | None = None
        if str(block.get("type")) not in _REPEATED:
            made = anthropic_block(block, path, maker, transfer)
        elif isinstance(message, AIMessage):
            made = _placed_call(block, path, message, calls, transfer)
        else:
            transfer.lose(path, "non_standard", "only the model calls tools")
        if made is not None:
            blocks.append(made)
    return blocks


_REPEATED = frozenset({"invalid_tool_call", "tool_call", "tool_call_chunk", "tool_use"})
"""Blocks that say again what `tool_calls` says."""


def _placed_call(
    block: dict[str, Any], where: str, message: AIMessage, calls: Mapping[Any, Mapping[str, Any]], transfer: Transfer
) -> dict[str, Any] | None:
    """A tool call that is among the blocks, at its place, with the arguments that `tool_calls` has."""
    call = calls.get(block.get("id"))
    if call is None:
        return None
    known = standard_block(block, maker_of(message)) or block
    return _call({**known, **call}, where, message, transfer)
