"""What `with_retry` and `with_fallbacks` have in common: something is tried, and tried in another way if it fails.

A `Trying` knows what is tried next and does nothing itself; `Attempted` has the verbs. A stream is tried again until
its first piece is here: what a reader has seen cannot be taken back. What was read of the input until then is kept and
read again.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chatplug.runnables.chain_stream import Closing
from chatplug.runnables.chained import Chain
from chatplug.runnables.executor import END
from chatplug.runnables.runnable import Input, Output
from chatplug.runnables.running import Running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from chatplug.runnables.chain_call import ChainCall
    from chatplug.runnables.config import RunnableConfig
    from chatplug.runnables.runnable import Runnable

__all__ = ["Attempted", "RetryState", "Trying"]


@dataclass(slots=True, frozen=True, kw_only=True)
class RetryState:
    """What handlers hear in `on_retry`: what failed, and when it is tried again."""

    attempt_number: int
    """Which attempt has failed, from 1."""
    error: BaseException
    """What it failed with."""
    wait: float
    """Seconds until the next attempt."""


class Trying:
    """The attempts of one call: what is tried, and what is done when that fails.

    Args:
        call: The run that the attempts are parts of.
    """

    def __init__(self, call: ChainCall) -> None:
        self.call = call
        self.number = 1
        """Which attempt is made, from 1."""

    def target(self) -> Runnable[Any, Any]:
        """What is tried now."""
        raise NotImplementedError

    def config(self) -> RunnableConfig:
        """The config of this attempt."""
        raise NotImplementedError

    def given(self, value: Any) -> Any:
        """The input of this attempt."""
        return value

    def wait(self, error: Exception) -> float:
        """Seconds until the next attempt, now that this one has failed.

        Raises:
            Exception: If there is no other.
        """
        raise NotImplementedError

    def failed(self, error: Exception) -> RetryState:
        """Go on to the next attempt.

        Raises:
            Exception: If there is no other.
        """
        state = RetryState(attempt_number=self.number, error=error, wait=self.wait(error))
        self.number += 1
        return state


class Attempted(Chain[Input, Output]):
    """A Runnable that tries something, and tries again or something else when it fails."""

    _handled: tuple[type[Exception], ...]

    @abstractmethod
    def _trying(self, call: ChainCall) -> Trying: ...

    def _rest(self, call: ChainCall, state: RetryState) -> None:
        """Do what there is to do before the next attempt."""

    async def _arest(self, call: ChainCall, state: RetryState) -> None:
        """The asynchronous twin of `_rest`."""

    def invoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """What the first attempt gives that succeeds."""
        call = self._opened(input, config)
        with Running(call, call.child):
            trying = self._trying(call)
            while True:
                try:
                    given = trying.given(input)
                    return call.gave(trying.target().invoke(given, trying.config(), **kwargs))  # type: ignore[no-any-return]  # of Output
                except self._handled as error:
                    self._rest(call, trying.failed(error))

    async def ainvoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """The asynchronous twin of `invoke`."""
        call = self._opened(input, config)
        async with Running(call, call.child):
            trying = self._trying(call)
            while True:
                try:
                    given = trying.given(input)
                    return call.gave(await trying.target().ainvoke(given, trying.config(), **kwargs))  # type: ignore[no-any-return]  # of Output
                except self._handled as error:
                    await self._arest(call, trying.failed(error))

    def _pieces(self, call: ChainCall, source: Iterator[Any], kwargs: dict[str, Any]) -> Iterator[Any]:
        first, stream = self._begun(call, source, kwargs)
        with Closing(stream):
            if first is not END:
                yield first
                yield from stream

    async def _apieces(self, call: ChainCall, source: AsyncIterator[Any], kwargs: dict[str, Any]) -> AsyncIterator[Any]:
        first, stream = await self._abegun(call, source, kwargs)
        async with Closing(stream):
            if first is not END:
                yield first
                async for piece in stream:
                    yield piece

    def _begun(self, call: ChainCall, source: Iterator[Any], kwargs: dict[str, Any]) -> tuple[object, Iterator[Any]]:
        """The first piece that an attempt gives, and the stream that it came from."""
        trying, read = self._trying(call), _Replay()
        while True:
            given = (trying.given(piece) for piece in read.again(source))
            stream = trying.target().transform(given, trying.config(), **kwargs)
            try:
                first = next(stream, END)
            except self._handled as error:
                self._rest(call, trying.failed(error))
            else:
                return read.no_more(first), stream

    async def _abegun(
        self, call: ChainCall, source: AsyncIterator[Any], kwargs: dict[str, Any]
    ) -> tuple[object, AsyncIterator[Any]]:
        """The asynchronous twin of `_begun`."""
        trying, read = self._trying(call), _Replay()
        while True:
            given = (trying.given(piece) async for piece in read.aagain(source))
            stream = trying.target().atransform(given, trying.config(), **kwargs)
            try:
                first = await anext(stream, END)
            except self._handled as error:
                await self._arest(call, trying.failed(error))
            else:
                return read.no_more(first), stream


class _Replay:
    """An iterator that is read again from its beginning, until that is no longer wanted."""

    def __init__(self) -> None:
        self._read: list[Any] | None = []

    def again(self, source: Iterator[Any]) -> Iterator[Any]:
        """What was read before, and then the rest."""
        yield from tuple(self._read or ())
        for piece in source:
            self._keep(piece)
            yield piece

    async def aagain(self, source: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """The asynchronous twin of `again`."""
        for piece in tuple(self._read or ()):
            yield piece
        async for piece in source:
            self._keep(piece)
            yield piece

    def _keep(self, piece: object) -> None:
        if self._read is not None:
            self._read.append(piece)

    def no_more(self, first: object) -> object:
        """Keep nothing any more, now that the first piece of the output is here."""
        self._read = None
        return first
