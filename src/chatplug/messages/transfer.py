"""One export of a conversation: who gets it, what belongs to them, and what is lost on the way.

Who made a thing is said by the `provider` in the `extras` of a block, else by the `model_provider` in the
`response_metadata` of its message. What somebody made goes back to them as it is; what nobody claims is the caller's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatplug.messages.loss import Loss
from chatplug.messages.message import AIMessage
from chatplug.messages.native_block import home_of, standard_block
from chatplug.messages.tool_call_id import mapped_id
from chatplug.wire.shape import is_object

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from chatplug.messages.message import BaseMessage
    from chatplug.messages.tool_call_id import ToolCallIdRule

__all__ = ["Transfer", "calls_of", "claim", "maker_of"]

_KINDS = {
    "annotations": "annotation",
    "citations": "annotation",
    "data": "signature",
    "signature": "signature",
    "thought_signature": "signature",
    "tool_calls": "non_standard",
}
"""The kinds of loss of fields that are known by name; fields whose name begins with `reasoning` are reasoning."""
_STANDARD_KEYS = frozenset({"annotations", "extras", "id", "index", "type"})
"""What any block may have, and no wire has a place for."""
_CALLS = frozenset({"invalid_tool_call", "tool_call"})


def maker_of(message: BaseMessage) -> str | None:
    """Who made a message; None where it does not say."""
    maker = message.response_metadata.get("model_provider")
    return maker if isinstance(maker, str) else None


def claim(message: BaseMessage, provider: str) -> None:
    """Write into a message who made it, where it holds something that only the maker may understand."""
    is_plain = isinstance(message.content, str) or all(_is_plain(block) for block in message.content)
    if not is_plain or isinstance(message, AIMessage) or set(message.additional_kwargs) - {"role"}:
        message.response_metadata.setdefault("model_provider", provider)


def _is_plain(block: str | Mapping[str, Any]) -> bool:
    return isinstance(block, str) or set(block) == {"type", "text"}


def calls_of(message: AIMessage) -> list[Mapping[str, Any]]:
    """The tool calls of a message, good and bad: its own, and those that are blocks of its content alone."""
    calls: list[Mapping[str, Any]] = [*message.tool_calls, *message.invalid_tool_calls]
    if isinstance(message.content, str):
        return calls
    known = {_name_of(call) for call in calls}
    for block in message.content:
        if isinstance(block, str):
            continue
        call = standard_block(block, maker_of(message)) or block
        if call.get("type") in _CALLS and _name_of(call) not in known:
            calls.append(call)
    return calls


def _name_of(call: Mapping[str, Any]) -> tuple[str, str]:
    """What tells a call of a message from another: its id, or what it asks for where it has none."""
    identity = call.get("id")
    return ("id", str(identity)) if identity else ("call", f"{call.get('name')}({call.get('args')!r})")


class Transfer:
    """An export while it is under way.

    Args:
        messages: The conversation.
        receiver: Who gets it.
        rule: Which ids of tool calls they accept.
    """

    __slots__ = ("_messages", "_own_ids", "_rule", "losses", "receiver")

    def __init__(self, messages: Sequence[BaseMessage], receiver: str, rule: ToolCallIdRule) -> None:
        self.receiver = receiver
        self.losses: list[Loss] = []
        self._messages = messages
        self._rule = rule
        self._own_ids: set[str] | None = None

    def lose(self, path: str, kind: str, reason: str) -> None:
        """Note a loss."""
        self.losses.append(Loss(path, kind, reason))

    def lose_as_foreign(self, path: str, kind: str, maker: str | None) -> None:
        """Note that something belongs to somebody else."""
        whose = f"{maker} made it" if maker else "nobody says who made it"
        self.lose(path, kind, f"{whose}, and {self.receiver} would not understand it")

    def lose_as_placeless(self, path: str, kind: str) -> None:
        """Note that the format has no place for something."""
        self.lose(path, kind, "the format has no place for it")

    def lose_field(self, path: str, name: str, maker: str | None) -> None:
        """Note that a field with this name belongs to somebody else."""
        kind = "reasoning" if name.startswith("reasoning") else _KINDS.get(name, "non_standard")
        self.lose_as_foreign(f"{path}.{name}", kind, maker)

    def block_maker(self, block: Mapping[str, Any], maker: str | None) -> str | None:
        """Who made a block of a message that `maker` made."""
        extras = block.get("extras")
        named = extras.get("provider") if is_object(extras) else None
        return named if isinstance(named, str) else maker or home_of(block)

    def lose_extras(self, block: Mapping[str, Any], where: str, maker: str | None) -> None:
        """Note that what a block holds for its maker alone is left out."""
        extras = block.get("extras")
        for name, value in extras.items() if is_object(extras) else ():
            if value is not None and name not in ("provider", "type"):
                self.lose_field(f"{where}.extras", name, maker)

    def extras(self, block: Mapping[str, Any], where: str, maker: str | None, used: Collection[str]) -> dict[str, Any]:
        """What goes along of a block's `extras`: all if the receiver made the block, else nothing.

        Args:
            block: A standard block.
            where: Its path.
            maker: Who made the block.
            used: Names of extras that have found a place already.
        """
        extras = block.get("extras")
        if not is_object(extras):
            return {}
        more = {name: value for name, value in extras.items() if name != "provider" and name not in used}
        if maker == self.receiver:
            return more
        self.lose_extras({"extras": more}, where, maker)
        return {}

    def more_fields(
        self, block: Mapping[str, Any], where: str, maker: str | None, known: Collection[str]
    ) -> dict[str, Any]:
        """The fields of a block, beyond those that are known, that the receiver or nobody in particular wrote."""
        more = {name: value for name, value in block.items() if name not in known and name not in _STANDARD_KEYS}
        if maker is None or maker == self.receiver:
            return more
        for name, value in more.items():
            if value is not None:
                self.lose_field(where, name, maker)
        return {}

    def call_id(self, identity: str | None) -> str | None:
        """An id as the receiver accepts it; one that the receiver made is never changed."""
        if identity is None:
            return None
        mapped = mapped_id(identity, self._rule)
        return identity if mapped == identity or identity in self._made_here() else mapped

    def _made_here(self) -> set[str]:
        if self._own_ids is None:
            own = (m for m in self._messages if isinstance(m, AIMessage) and maker_of(m) == self.receiver)
            self._own_ids = {str(call.get("id")) for message in own for call in calls_of(message)}
        return self._own_ids
