"""What everything that can be called has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from chatplug.runnables.executor import run_in_executor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from chatplug.runnables.config import RunnableConfig

__all__ = ["Input", "Output", "Runnable"]

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)


class Runnable(ABC, Generic[Input, Output]):
    """Something that can be called, streamed, and called and streamed asynchronously.

    A subclass writes `invoke`; the rest follows from it, and is better where the subclass writes that too.
    """

    @abstractmethod
    def invoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """The output for one input."""

    async def ainvoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """The asynchronous twin of `invoke`; in a worker thread unless the class does better."""
        return await run_in_executor(None, self.invoke, input, config, **kwargs)

    def stream(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Output]:
        """The output in pieces, as they arrive; in one piece unless the class does better."""
        yield self.invoke(input, config, **kwargs)

    async def astream(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[Output]:
        """The asynchronous twin of `stream`."""
        yield await self.ainvoke(input, config, **kwargs)

    def get_name(self) -> str:
        """The name of its runs, unless a config says otherwise."""
        return type(self).__name__
