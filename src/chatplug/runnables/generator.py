"""`RunnableGenerator`: a generator function as a Runnable, which takes the input in pieces and gives the output so."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from chatplug.runnables.chain_call import NOTHING, ChainCall
from chatplug.runnables.chain_stream import adrive_chain, aiter_of, atotal, drive_chain, total
from chatplug.runnables.config import resolve
from chatplug.runnables.executor import aiter_in_executor
from chatplug.runnables.function import asks, granted, is_asynchronous
from chatplug.runnables.runnable import Runnable

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable, Iterator

    from chatplug.runnables.config import RunnableConfig

__all__ = ["RunnableGenerator"]

Given = TypeVar("Given", contravariant=True)
Made = TypeVar("Made", covariant=True)
T = TypeVar("T")


class RunnableGenerator(Runnable[Given, Made]):
    """A generator function as a Runnable: it gets an iterator of the input's pieces, and yields those of the output.

    It may ask for the `config` and the `run_manager` of its run by having parameters of these names.

    Args:
        transform: The function; a generator or an asynchronous generator.
        atransform: Another one for asynchronous calls; without it, `transform` is stepped in a worker thread for them.
        name: The name of its runs; else the function's.

    Raises:
        TypeError: If it is no generator function.
    """

    name: str | None
    """The name of its runs."""

    @overload
    def __init__(
        self,
        transform: Callable[[Iterator[Given]], Iterator[Made]],
        atransform: Callable[[AsyncIterator[Given]], AsyncIterator[Made]] | None = None,
        name: str | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self, transform: Callable[[AsyncIterator[Given]], AsyncIterator[Made]], *, name: str | None = None
    ) -> None: ...
    def __init__(
        self,
        transform: Callable[..., Any],
        atransform: Callable[..., Any] | None = None,
        name: str | None = None,
    ) -> None:
        self._transform: Callable[..., Any] | None = transform
        self._atransform = atransform
        if atransform is None and is_asynchronous(transform):
            self._transform, self._atransform = None, transform
        for function in (transform, atransform):
            if function is not None and not _is_generator(function):
                raise TypeError(f"{getattr(function, '__name__', function)!r} is no generator function.")
        self._asks = asks(transform)
        self._aasks = self._asks if atransform is None else asks(atransform)
        self.name = name or getattr(transform, "__name__", None)

    def invoke(self, input: Given, config: RunnableConfig | None = None, **kwargs: Any) -> Made:
        """The sum of what it yields; None where it yields nothing."""
        whole = total(self.stream(input, config, **kwargs))
        return cast("Made", None) if whole is NOTHING else whole

    async def ainvoke(self, input: Given, config: RunnableConfig | None = None, **kwargs: Any) -> Made:
        """The asynchronous twin of `invoke`."""
        whole = await atotal(self.astream(input, config, **kwargs))
        return cast("Made", None) if whole is NOTHING else whole

    def stream(self, input: Given, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Made]:
        """What it yields."""
        call = ChainCall(self.get_name(), input, resolve(config))
        return drive_chain(call, lambda: self._pieces(call, iter([input]), kwargs))

    def astream(self, input: Given, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[Made]:
        """The asynchronous twin of `stream`."""
        call = ChainCall(self.get_name(), input, resolve(config))
        return adrive_chain(call, lambda: self._apieces(call, aiter_of(input), kwargs))

    def transform(self, input: Iterator[Given], config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Made]:
        """What it yields, for an input in pieces."""
        call = ChainCall(self.get_name(), None, resolve(config))
        return drive_chain(call, lambda: self._pieces(call, input, kwargs))

    def atransform(
        self, input: AsyncIterator[Given], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Made]:
        """The asynchronous twin of `transform`."""
        call = ChainCall(self.get_name(), None, resolve(config))
        return adrive_chain(call, lambda: self._apieces(call, input, kwargs))

    def _pieces(self, call: ChainCall, source: Iterator[Any], kwargs: dict[str, Any]) -> Iterator[Any]:
        if self._transform is None:
            raise TypeError(f"{self.get_name()} is asynchronous: use ainvoke, astream or abatch.")
        return cast("Iterator[Any]", self._transform(source, **kwargs, **granted(self._asks, call, is_async=False)))

    def _apieces(self, call: ChainCall, source: AsyncIterator[Any], kwargs: dict[str, Any]) -> AsyncIterator[Any]:
        if self._atransform is None:
            return self._in_thread(call, source, kwargs)
        return cast(
            "AsyncIterator[Any]", self._atransform(source, **kwargs, **granted(self._aasks, call, is_async=True))
        )

    async def _in_thread(
        self, call: ChainCall, source: AsyncIterator[Any], kwargs: dict[str, Any]
    ) -> AsyncIterator[Any]:
        pieces = _FromLoop(source)
        steps = aiter_in_executor(lambda: self._pieces(call, pieces, kwargs))
        try:
            async for piece in steps:
                yield piece
        finally:
            await pieces.leave()
            await steps.aclose()  # type: ignore[attr-defined]  # a generator


def _is_generator(function: Callable[..., Any]) -> bool:
    return any(
        inspect.isgeneratorfunction(one) or inspect.isasyncgenfunction(one)
        for one in (function, getattr(function, "__call__", None))  # noqa: B004  # how an object is called
    )


class _FromLoop:
    """An asynchronous iterator that a worker thread reads: each step is made in the event loop."""

    def __init__(self, source: AsyncIterator[Any]) -> None:
        import asyncio

        self._asyncio = asyncio
        self._loop = asyncio.get_running_loop()
        self._source = source
        self._step: asyncio.Future[Any] | None = None
        self._is_left = False

    def __iter__(self) -> _FromLoop:
        return self

    def __next__(self) -> Any:
        try:
            return self._asyncio.run_coroutine_threadsafe(self._next(), self._loop).result()
        except StopAsyncIteration:
            raise StopIteration from None

    async def _next(self) -> Any:
        if self._is_left:
            raise self._asyncio.CancelledError
        self._step = self._asyncio.ensure_future(anext(self._source))
        return await self._step

    async def leave(self) -> None:
        """Cancel the step that is under way, so that the source can be closed."""
        self._is_left = True
        if self._step is not None and not self._step.done():
            self._step.cancel()
            await self._asyncio.wait([self._step])
