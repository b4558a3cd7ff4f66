"""`RunnableBranch`: the first whose condition holds for the input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from chatplug.runnables.chain_call import NOTHING
from chatplug.runnables.chain_stream import Closing, atotal, total
from chatplug.runnables.chained import Chain
from chatplug.runnables.fluent import coerce_to_runnable
from chatplug.runnables.runnable import Input, Output
from chatplug.runnables.running import Running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from chatplug.runnables.chain_call import ChainCall
    from chatplug.runnables.config import RunnableConfig
    from chatplug.runnables.runnable import Runnable

__all__ = ["RunnableBranch"]


class RunnableBranch(Chain[Input, Output]):
    """Several Runnables with conditions: the first is called whose condition holds for the input.

    Args:
        *branches: Pairs of a condition and what is called where it holds, and at the end what is called where none
            does. Each is a Runnable or what may stand for one.

    Raises:
        TypeError: If one of them is something else.
        ValueError: If there is not one pair and one thing without a condition at the end.
    """

    branches: list[tuple[Runnable[Input, Any], Runnable[Input, Output]]]
    """The conditions, and what is called where they hold."""
    default: Runnable[Input, Output]
    """What is called where none holds."""

    def __init__(self, *branches: Any) -> None:
        if len(branches) < 2:
            raise ValueError("A branch has a pair of a condition and a Runnable, or more, and a Runnable at the end.")
        *pairs, default = branches
        self.branches = []
        for number, pair in enumerate(pairs, 1):
            if not isinstance(pair, (tuple, list)) or len(cast("tuple[Any, ...]", pair)) != 2:
                raise TypeError(f"Branch {number} is no pair of a condition and a Runnable.")
            condition, branch = cast("tuple[Any, Any]", pair)
            self.branches.append((coerce_to_runnable(condition), coerce_to_runnable(branch)))
        self.default = coerce_to_runnable(default)

    def _types(self) -> tuple[Any, Any]:
        return self.default.InputType, self.default.OutputType

    def invoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """What the first branch gives whose condition holds."""
        call = self._opened(input, config)
        with Running(call, call.child):
            branch, tag = self._chosen(call)
            return call.gave(branch.invoke(input, call.for_child(tag), **kwargs))

    async def ainvoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """The asynchronous twin of `invoke`."""
        call = self._opened(input, config)
        async with Running(call, call.child):
            branch, tag = await self._achosen(call)
            return call.gave(await branch.ainvoke(input, call.for_child(tag), **kwargs))

    def _pieces(self, call: ChainCall, source: Iterator[Any], kwargs: dict[str, Any]) -> Iterator[Any]:
        call.given = given = total(source)
        if given is not NOTHING:
            branch, tag = self._chosen(call)
            with Closing(branch.stream(given, call.for_child(tag), **kwargs)) as stream:
                yield from stream

    async def _apieces(self, call: ChainCall, source: AsyncIterator[Any], kwargs: dict[str, Any]) -> AsyncIterator[Any]:
        call.given = given = await atotal(source)
        if given is not NOTHING:
            branch, tag = await self._achosen(call)
            async with Closing(branch.astream(given, call.for_child(tag), **kwargs)) as stream:
                async for piece in stream:
                    yield piece

    def _chosen(self, call: ChainCall) -> tuple[Runnable[Any, Output], str]:
        for number, (condition, branch) in enumerate(self.branches, 1):
            if condition.invoke(cast("Any", call.given), call.for_child(f"condition:{number}")):
                return branch, f"branch:{number}"
        return self.default, "branch:default"

    async def _achosen(self, call: ChainCall) -> tuple[Runnable[Any, Output], str]:
        for number, (condition, branch) in enumerate(self.branches, 1):
            if await condition.ainvoke(cast("Any", call.given), call.for_child(f"condition:{number}")):
                return branch, f"branch:{number}"
        return self.default, "branch:default"
