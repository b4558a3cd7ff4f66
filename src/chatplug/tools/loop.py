"""The loop of tool calls: ask, run what the model asks for, tell it what came of it, ask again.

A helper and no agent: it has no memory but the conversation, and it ends when the model asks for nothing more. `_Loop`
knows what is due; `run_tools` and `arun_tools` only do it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol

from chatplug.errors import InvalidRequestError, ToolRoundsError
from chatplug.messages import AIMessage, BaseMessage, ToolMessage, convert_to_messages
from chatplug.runnables.batch import abatch, batch
from chatplug.runnables.chain_call import ChainCall
from chatplug.runnables.config import resolve
from chatplug.runnables.running import Running
from chatplug.tools.definition import BaseTool
from chatplug.tools.structured import tool as as_tool

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chatplug.messages import ToolCall
    from chatplug.runnables import Runnable, RunnableConfig
    from chatplug.tools.convert import ToolLike

__all__ = ["arun_tools", "run_tools"]


class TakesTools(Protocol):
    """A model that can be given tools."""

    def bind_tools(self, tools: Sequence[ToolLike], /) -> Runnable[Any, AIMessage]: ...


def run_tools(  # noqa: PLR0913  # one parameter for each choice
    model: TakesTools,
    messages: Any,
    tools: Sequence[ToolLike],
    *,
    max_rounds: int = 10,
    on_error: Literal["tell", "raise"] = "tell",
    injected: Mapping[str, Any] | None = None,
    config: RunnableConfig | None = None,
) -> list[BaseMessage]:
    """The conversation up to the model's answer, with all that it asked its tools and all that they gave.

    Several calls of one answer run at once. The loop ends before it where the model calls a tool that is only described
    (a class, a dict), and after a tool with `return_direct`.

    Args:
        model: The model.
        messages: The conversation so far, as for `invoke`; it stays as it is.
        tools: What the model may call; functions and tools are run.
        max_rounds: How often tools are run at most.
        on_error: Whether the model is told of an exception in a tool, or it is raised.
        injected: Values for the injected arguments of the tools, by name.
        config: What is said with this call; the model's runs and the tools' are below one run.

    Raises:
        InvalidRequestError: If a tool has an injected argument that is not given.
        ToolRoundsError: If the model still asks for tools after so many rounds; `messages` has all that was said.
    """
    loop = _Loop(messages, tools, max_rounds, on_error, injected)
    call = ChainCall("run_tools", loop.messages, resolve(config))
    with Running(call, call.child):
        asked = model.bind_tools(loop.offered)
        while loop.take(asked.invoke([*loop.messages])):
            results = batch(
                lambda at: loop.known(at).invoke(loop.calls[at], call.for_child("tool"), **loop.more(at)),
                len(loop.calls),
                None,
                return_exceptions=on_error == "tell",
            )
            if loop.tell(results):
                break
        return call.gave(loop.messages)


async def arun_tools(  # noqa: PLR0913  # as `run_tools`
    model: TakesTools,
    messages: Any,
    tools: Sequence[ToolLike],
    *,
    max_rounds: int = 10,
    on_error: Literal["tell", "raise"] = "tell",
    injected: Mapping[str, Any] | None = None,
    config: RunnableConfig | None = None,
) -> list[BaseMessage]:
    """The asynchronous twin of `run_tools`."""
    loop = _Loop(messages, tools, max_rounds, on_error, injected)
    call = ChainCall("run_tools", loop.messages, resolve(config))
    async with Running(call, call.child):
        asked = model.bind_tools(loop.offered)
        while loop.take(await asked.ainvoke([*loop.messages])):
            results = await abatch(
                lambda at: loop.known(at).ainvoke(loop.calls[at], call.for_child("tool"), **loop.more(at)),
                len(loop.calls),
                None,
                return_exceptions=on_error == "tell",
            )
            if loop.tell(results):
                break
        return call.gave(loop.messages)


class _Loop:
    """The conversation, and what is due in it."""

    def __init__(
        self,
        messages: Any,
        tools: Sequence[ToolLike],
        max_rounds: int,
        on_error: str,
        injected: Mapping[str, Any] | None,
    ) -> None:
        self.messages: list[BaseMessage] = convert_to_messages(messages)
        self.offered: list[ToolLike] = [
            one if isinstance(one, (BaseTool, type, Mapping)) else as_tool(one) for one in tools
        ]
        self.calls: list[ToolCall] = []
        """The calls that are due."""
        self._tools = {one.name: one for one in self.offered if isinstance(one, BaseTool)}
        self._left = max_rounds
        self._on_error = on_error
        self._injected = dict(injected or {})
        for one in self._tools.values():
            for name in one.arguments.asked_of_program:
                if name not in self._injected:
                    raise InvalidRequestError(
                        f"The tool {one.name!r} wants {name!r}, which only the program can give.",
                        hint=f"Give injected={{{name!r}: ...}}.",
                    )

    def take(self, answer: AIMessage) -> bool:
        """Add what the model said; gives whether it asked for tools that can be run."""
        self.messages.append(answer)
        self.calls = []
        if not (answer.tool_calls or answer.invalid_tool_calls) or self._asks_others(answer.tool_calls):
            return False
        if self._left < 1:
            error = ToolRoundsError("The model goes on calling tools.", raw=answer, hint="Raise max_rounds.")
            error.messages = self.messages
            raise error
        self._left -= 1
        for wrong in answer.invalid_tool_calls:
            self._refuse(wrong["id"], wrong["name"], f"The arguments cannot be read: {wrong['error']}")
        for call in answer.tool_calls:
            if call["name"] in self._tools:
                # What is injected the program gives, and nobody else.
                args = self._tools[call["name"]].arguments.without_injected(call["args"])
                self.calls.append({**call, "args": args})
            else:
                there = f"There are: {', '.join(self._tools)}." if self._tools else "There are none."
                self._refuse(call["id"], call["name"], f"There is no tool {call['name']!r}. {there}")
        return True

    def _asks_others(self, calls: Iterable[ToolCall]) -> bool:
        """Whether a tool is called that is only described."""
        from chatplug.tools.convert import convert_to_openai_tool, tool_name

        others = {tool_name(convert_to_openai_tool(one)) for one in self.offered if not isinstance(one, BaseTool)}
        return any(call["name"] in others for call in calls)

    def known(self, at: int) -> BaseTool:
        """The tool of a call."""
        return self._tools[self.calls[at]["name"]]

    def more(self, at: int) -> dict[str, Any]:
        """What the program gives to the tool of a call."""
        injected = self.known(at).arguments.injected
        return {name: value for name, value in self._injected.items() if name in injected}

    def tell(self, results: Iterable[Any]) -> bool:
        """Add what the tools gave; gives whether one of them ends the conversation."""
        is_over = False
        for call, result in zip(self.calls, results, strict=True):
            if isinstance(result, BaseException):
                self._refuse(call["id"], call["name"], f"{type(result).__name__}: {result}")
            else:
                self.messages.append(result)
                is_over = is_over or self._tools[call["name"]].return_direct
        return is_over

    def _refuse(self, identity: str | None, name: str | None, why: str) -> None:
        self.messages.append(ToolMessage(why, identity or "", name=name, status="error"))
