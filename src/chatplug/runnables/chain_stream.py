"""The drivers of a chain's stream: pieces go to the caller and into the sum that handlers hear at the end.

`total` adds up what a step waits for that cannot begin before all is there.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from chatplug.runnables.chain_call import NOTHING, ChainCall, added
from chatplug.runnables.running import AsyncInContext, InContext, Running

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator

__all__ = ["Closing", "Streams", "adrive_chain", "aiter_of", "atotal", "drive_chain", "total"]

T = TypeVar("T")


class Closing(Generic[T]):
    """An iterator that is closed with the block, where it can be.

    A generator closes what it reads from only when it is collected, and asynchronously only in a task.
    """

    __slots__ = ("_source",)

    def __init__(self, source: T) -> None:
        self._source = source

    def __enter__(self) -> T:
        return self._source

    def __exit__(self, *error: object) -> None:
        close = getattr(self._source, "close", None)
        if close is not None:
            close()

    async def __aenter__(self) -> T:
        return self._source

    async def __aexit__(self, *error: object) -> None:
        close = getattr(self._source, "aclose", None)
        if close is not None:
            await close()


class Streams:
    """The streams of all steps, closed from the last to the first."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: list[Any] = []

    def opened(self, stream: T) -> T:
        """Remember to close it."""
        self._open.append(stream)
        return stream

    def close(self) -> None:
        """Close them all, whatever one of them raises; but not one that a thread is still in, which cannot be."""
        with ExitStack() as stack:
            for stream in self._open:
                close = getattr(stream, "close", None)
                if close is not None and not getattr(stream, "gi_running", False):
                    stack.callback(close)

    async def aclose(self) -> None:
        """The asynchronous twin of `close`."""
        async with AsyncExitStack() as stack:
            for stream in self._open:
                close = getattr(stream, "aclose", None)
                if close is not None and not getattr(stream, "ag_running", False):
                    stack.push_async_callback(close)


def total(pieces: Iterable[T]) -> T:
    """All pieces as one; `NOTHING` where there are none."""
    whole: Any = NOTHING
    for piece in pieces:
        whole = added(whole, piece)
    return whole  # type: ignore[no-any-return]  # a sum of T


async def atotal(pieces: AsyncIterable[T]) -> T:
    """The asynchronous twin of `total`."""
    whole: Any = NOTHING
    async for piece in pieces:
        whole = added(whole, piece)
    return whole  # type: ignore[no-any-return]  # a sum of T


def drive_chain(call: ChainCall, pieces: Callable[[], Iterator[T]]) -> Iterator[T]:
    """The pieces of one synchronous stream; each is made with the config that the call hands on."""
    with Running(call) as run:
        run.source = source = pieces()
        for piece in InContext(source, call.child):
            yield call.piece(piece)


async def adrive_chain(call: ChainCall, pieces: Callable[[], AsyncIterator[T]]) -> AsyncIterator[T]:
    """The asynchronous twin of `drive_chain`."""
    async with Running(call) as run:
        run.source = source = pieces()
        async for piece in AsyncInContext(source, call.child):
            yield call.piece(piece)


async def aiter_of(item: T) -> AsyncIterator[T]:
    """An asynchronous iterator of one item."""
    yield item
