"""The drivers of a chain's stream: pieces go to the caller and into the sum that handlers hear at the end.

`total` adds up what a step waits for that cannot begin before all is there.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from chatplug.runnables.chain_call import NOTHING, ChainCall, added
from chatplug.runnables.executor import END
from chatplug.runnables.running import AsyncInContext, Running, in_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator

__all__ = ["Closing", "Streams", "adrive_chain", "aiter_all", "aiter_of", "atotal", "drive_chain", "total"]

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


def drive_chain(call: ChainCall, pieces: Callable[[Iterator[Any]], Iterator[T]], source: Iterator[Any]) -> Iterator[T]:
    """The pieces of one synchronous stream; each is made with the config that the call hands on.

    What is transformed begins before the run that transforms it, as it does when both are called one after the other.
    """
    if call.given is NOTHING:
        source = _begun(next(source, END), source, call)
    with Running(call) as run:
        run.source = stream = pieces(source)
        is_heard = call.hears("on_chain_stream")
        for piece in in_context(stream, call.child):
            call.piece(piece)
            if is_heard:
                run.send(call.heard(piece))
            yield piece


async def adrive_chain(
    call: ChainCall, pieces: Callable[[AsyncIterator[Any]], AsyncIterator[T]], source: AsyncIterator[Any]
) -> AsyncIterator[T]:
    """The asynchronous twin of `drive_chain`."""
    if call.given is NOTHING:
        source = _abegun(await anext(source, END), source, call)
    async with Running(call) as run:
        run.source = stream = pieces(source)
        is_heard = call.hears("on_chain_stream")
        async for piece in AsyncInContext(stream, call.child):
            call.piece(piece)
            if is_heard:
                await run.asend(call.heard(piece))
            yield piece


def _begun(piece: Any, source: Iterator[Any], call: ChainCall) -> Iterator[Any]:
    while piece is not END:
        call.got(piece)
        yield piece
        piece = next(source, END)


async def _abegun(piece: Any, source: AsyncIterator[Any], call: ChainCall) -> AsyncIterator[Any]:
    while piece is not END:
        call.got(piece)
        yield piece
        piece = await anext(source, END)


async def aiter_all(items: Iterable[T]) -> AsyncIterator[T]:
    """The items as an asynchronous iterator."""
    for item in items:
        yield item


def aiter_of(item: T) -> AsyncIterator[T]:
    """An asynchronous iterator of one item."""
    return aiter_all((item,))
