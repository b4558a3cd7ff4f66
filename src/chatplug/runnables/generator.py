"""`RunnableGenerator`: a generator function as a Runnable, which takes the input in pieces and gives the output so."""

from __future__ import annotations

import inspect
from concurrent.futures import wait
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from chatplug.runnables.chained import Chain
from chatplug.runnables.executor import aiter_in_executor
from chatplug.runnables.function import asks, granted, is_asynchronous

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable, Iterator

    from chatplug.runnables.chain_call import ChainCall

__all__ = ["RunnableGenerator"]

Given = TypeVar("Given", contravariant=True)
Made = TypeVar("Made", covariant=True)
T = TypeVar("T")


class RunnableGenerator(Chain[Given, Made]):
    """A generator function as a Runnable: it gets an iterator of the input's pieces, and yields those of the output.

    It may ask for the `config` and the `run_manager` of its run by having parameters of these names.

    Args:
        transform: The function; a generator or an asynchronous generator.
        atransform: Another one for asynchronous calls; without it, `transform` is stepped in a worker thread for them.
        name: The name of its runs; else the function's.

    Raises:
        TypeError: If it is no generator function.
    """

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
        if self._is_left:
            raise StopIteration
        step = self._asyncio.run_coroutine_threadsafe(self._next(), self._loop)
        while not step.done() and not self._loop.is_closed():
            wait([step], timeout=1.0)  # not for ever: a loop that is closed makes no step
        try:
            return step.result(timeout=0)
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
