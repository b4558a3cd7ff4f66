"""`Chain`: a Runnable that is made of others or of functions, and has a run of its own.

A subclass writes how the pieces of its output come of the pieces of its input, in both kinds; what it can do quicker
for a whole input it writes besides.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, cast

from chatplug.runnables.chain_call import NOTHING, ChainCall
from chatplug.runnables.chain_stream import adrive_chain, aiter_of, atotal, drive_chain, total
from chatplug.runnables.config import resolve
from chatplug.runnables.runnable import Input, Output, Runnable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from chatplug.runnables.config import RunnableConfig

__all__ = ["Chain"]


class Chain(Runnable[Input, Output]):
    """A Runnable with a run of its own."""

    name: str | None = None
    """The name of its runs; None for the class's name."""

    @abstractmethod
    def _pieces(self, call: Any, source: Iterator[Any], kwargs: dict[str, Any]) -> Iterator[Any]:
        """The pieces of the output; `call` is what `_opened` gave."""

    @abstractmethod
    def _apieces(self, call: Any, source: AsyncIterator[Any], kwargs: dict[str, Any]) -> AsyncIterator[Any]:
        """The asynchronous twin of `_pieces`."""

    def _opened(self, given: object, config: Mapping[str, Any] | None) -> ChainCall:
        """The run of one call."""
        return ChainCall(self.get_name(), given, resolve(config))

    def invoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """The output for one input: the sum of its pieces, None where there are none."""
        whole = total(self.stream(input, config, **kwargs))
        return cast("Output", None) if whole is NOTHING else whole

    async def ainvoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """The asynchronous twin of `invoke`."""
        whole = await atotal(self.astream(input, config, **kwargs))
        return cast("Output", None) if whole is NOTHING else whole

    def stream(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Output]:
        """The output in pieces, as they arrive."""
        call = self._opened(input, config)
        return drive_chain(call, lambda source: self._pieces(call, source, kwargs), iter([input]))

    def astream(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[Output]:
        """The asynchronous twin of `stream`."""
        call = self._opened(input, config)
        return adrive_chain(call, lambda source: self._apieces(call, source, kwargs), aiter_of(input))

    def transform(
        self, input: Iterator[Input], config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[Output]:
        """The output in pieces, for an input in pieces."""
        call = self._opened(NOTHING, config)
        return drive_chain(call, lambda source: self._pieces(call, source, kwargs), iter(input))

    def atransform(
        self, input: AsyncIterator[Input], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Output]:
        """The asynchronous twin of `transform`."""
        call = self._opened(NOTHING, config)
        return adrive_chain(call, lambda source: self._apieces(call, source, kwargs), aiter(input))
