"""`RunnableEach`: a Runnable for a list of inputs at once; what `map` gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from chatplug.runnables.chain_call import ChainCall
from chatplug.runnables.config import resolve
from chatplug.runnables.runnable import Runnable
from chatplug.runnables.running import Running

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatplug.runnables.config import RunnableConfig

__all__ = ["RunnableEach"]

One = TypeVar("One")
Made = TypeVar("Made")


class RunnableEach(Runnable["Sequence[One]", "list[Made]"]):
    """Calls a Runnable for each of a list of inputs, several at once as a batch does.

    Args:
        bound: What is called.
    """

    bound: Runnable[One, Made]
    """What is called."""

    def __init__(self, bound: Runnable[One, Made]) -> None:
        self.bound = bound

    def get_name(self) -> str:
        """The name of its runs: `RunnableEach<...>` with that of what is called."""
        return f"RunnableEach<{self.bound.get_name()}>"

    def _types(self) -> tuple[Any, Any]:
        return list[self.bound.InputType], list[self.bound.OutputType]  # type: ignore[name-defined]  # made while it runs

    def invoke(self, input: Sequence[One], config: RunnableConfig | None = None, **kwargs: Any) -> list[Made]:
        """The outputs, in the order of the inputs."""
        call = ChainCall(self.get_name(), input, resolve(config))
        with Running(call, call.child):
            outputs: list[Made] = cast("Any", self.bound).batch(input, call.for_child(), **kwargs)
            return call.gave(outputs)

    async def ainvoke(self, input: Sequence[One], config: RunnableConfig | None = None, **kwargs: Any) -> list[Made]:
        """The asynchronous twin of `invoke`."""
        call = ChainCall(self.get_name(), input, resolve(config))
        async with Running(call, call.child):
            outputs: list[Made] = await cast("Any", self.bound).abatch(input, call.for_child(), **kwargs)
            return call.gave(outputs)
