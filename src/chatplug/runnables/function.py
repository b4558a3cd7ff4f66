"""`RunnableLambda`: a function as a Runnable.

The function may ask for the `config` and the `run_manager` of its run by having parameters of these names. What it
calls inherits the config without being handed it.
"""

from __future__ import annotations

import inspect
from functools import partial
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from chatplug.runnables.chain_call import NOTHING, ChainCall
from chatplug.runnables.chain_stream import Closing, aiter_of, atotal, total
from chatplug.runnables.chained import Chain
from chatplug.runnables.config import HandedConfig
from chatplug.runnables.executor import aiter_in_executor, run_in_executor
from chatplug.runnables.fluent import Fluent, is_runnable
from chatplug.runnables.running import Running
from chatplug.runnables.types_of import types_of_function

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from chatplug.runnables.config import RunnableConfig

__all__ = ["RunnableLambda", "asks", "granted", "is_asynchronous"]

Given = TypeVar("Given", contravariant=True)
Made = TypeVar("Made", covariant=True)

_RECURSION_LIMIT = 25


class RunnableLambda(Chain[Given, Made]):
    """A function as a Runnable.

    A function that gives a Runnable has it called with the same input, and gives what that gives. One that gives a
    generator gives its pieces, or their sum where it is not streamed.

    Args:
        func: The function; `def` or `async def`.
        afunc: Another one for asynchronous calls; without it, `func` runs in a worker thread for them.
        name: The name of its runs; else the function's.

    Raises:
        TypeError: If it is no function.
    """

    func: Callable[..., Any] | None
    """The function of synchronous calls; None where there is none."""
    afunc: Callable[..., Any] | None
    """The function of asynchronous calls; None where `func` runs in a worker thread."""

    @overload
    def __init__(
        self,
        func: Callable[[Given], Awaitable[Made]],
        afunc: Callable[[Given], Awaitable[Made]] | None = None,
        name: str | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self,
        func: Callable[[Given], Made],
        afunc: Callable[[Given], Awaitable[Made]] | None = None,
        name: str | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self, func: Callable[..., Made], afunc: Callable[..., Awaitable[Made]] | None = None, name: str | None = None
    ) -> None: ...
    def __init__(
        self,
        func: Callable[..., Any],
        afunc: Callable[..., Any] | None = None,
        name: str | None = None,
    ) -> None:
        for function in (func, afunc):
            if function is not None and not callable(function):
                raise TypeError(f"{type(function).__name__} is no function.")
        self.func, self.afunc = func, afunc
        if afunc is None and is_asynchronous(func):
            self.func, self.afunc = None, func
        own = getattr(func, "__name__", None)
        self.name = name or (own if own != "<lambda>" else None)
        self._asks = asks(func)
        self._aasks = self._asks if afunc is None else asks(afunc)

    def _types(self) -> tuple[Any, Any]:
        return types_of_function(self.func or self.afunc)

    def invoke(self, input: Given, config: RunnableConfig | None = None, **kwargs: Any) -> Made:
        """What the function gives."""
        call = self._opened(input, config)
        with Running(call, call.child):
            output = self._output(call, input, kwargs)
            if isinstance(output, _SPECIAL):
                output = _whole(output, call)
            return call.gave(output)  # type: ignore[no-any-return]  # what the function says

    async def ainvoke(self, input: Given, config: RunnableConfig | None = None, **kwargs: Any) -> Made:
        """What the function gives; a function that is not asynchronous runs in a worker thread."""
        call = self._opened(input, config)
        async with Running(call, call.child):
            output = await self._aoutput(call, input, kwargs)
            if isinstance(output, _SPECIAL):
                output = await _awhole(output, call)
            return call.gave(output)  # type: ignore[no-any-return]  # what the function says

    def _output(self, call: ChainCall, given: Any, kwargs: dict[str, Any]) -> Any:
        if self.func is None:
            raise TypeError(f"{self.get_name()} is asynchronous: use ainvoke, astream or abatch.")
        if self._asks:
            kwargs = {**kwargs, **granted(self._asks, call, is_async=False)}
        return self.func(given, **kwargs)

    async def _aoutput(self, call: ChainCall, given: Any, kwargs: dict[str, Any]) -> Any:
        if self._aasks:
            kwargs = {**kwargs, **granted(self._aasks, call, is_async=self.afunc is not None)}
        if self.afunc is None:
            assert self.func is not None, "one of the two is there"
            output: Any = await run_in_executor(None, self.func, given, **kwargs)
        else:
            output = self.afunc(given, **kwargs)
        return await output if inspect.isawaitable(output) else output

    def _pieces(self, call: ChainCall, source: Iterator[Any], kwargs: dict[str, Any]) -> Iterator[Any]:
        given: Any = total(source)
        if given is NOTHING:
            return
        call.given = given
        with Closing(_stream_of(self._output(call, given, kwargs), call)) as stream:
            yield from stream

    async def _apieces(self, call: ChainCall, source: AsyncIterator[Any], kwargs: dict[str, Any]) -> AsyncIterator[Any]:
        given: Any = await atotal(source)
        if given is NOTHING:
            return
        call.given = given
        async with Closing(_astream_of(await self._aoutput(call, given, kwargs), call)) as stream:
            async for piece in stream:
                yield piece


def is_asynchronous(function: Callable[..., Any]) -> bool:
    """Whether a function is `async def`, or an object that is called is."""
    return any(
        inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one)
        for one in (function, getattr(function, "__call__", None))  # noqa: B004  # how an object is called
    )


def asks(function: Callable[..., Any]) -> frozenset[str]:
    """What of its run a function asks for: `config`, `run_manager`, both or nothing."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except ValueError:  # one that is written in C and does not say
        return frozenset()
    return frozenset(one.name for one in parameters[1:] if one.name in ("config", "run_manager"))


def granted(asked: frozenset[str], call: ChainCall, *, is_async: bool) -> dict[str, Any]:
    """What a function has asked for of its run."""
    given: dict[str, Any] = {}
    if "config" in asked:
        given["config"] = HandedConfig(call.child)
    if "run_manager" in asked:
        from chatplug.callbacks.manager import AsyncCallbackManagerForChainRun, CallbackManagerForChainRun

        kind = AsyncCallbackManagerForChainRun if is_async else CallbackManagerForChainRun
        given["run_manager"] = kind(call, call.child.get("callbacks"))
    return given


def _deeper(call: ChainCall) -> RunnableConfig:
    """The config for a Runnable that a function gave, which may give another one, but not for ever."""
    left: int = call.child.get("recursion_limit", _RECURSION_LIMIT)
    if left < 1:
        raise RecursionError("A function gave a Runnable that gave a Runnable, more often than recursion_limit allows.")
    child = call.child.copy()
    child["recursion_limit"] = left - 1
    return cast("RunnableConfig", child)


def _whole(output: Any, call: ChainCall) -> Any:
    """What a function's special output stands for."""
    if is_runnable(output):
        return output.invoke(call.given, _deeper(call))
    whole = total(_stream_of(output, call))
    return None if whole is NOTHING else whole


async def _awhole(output: Any, call: ChainCall) -> Any:
    """The asynchronous twin of `_whole`."""
    if is_runnable(output):
        return await output.ainvoke(call.given, _deeper(call))
    whole = await atotal(_astream_of(output, call))
    return None if whole is NOTHING else whole


def _stream_of(output: Any, call: ChainCall) -> Iterator[Any]:
    if is_runnable(output):
        return output.stream(call.given, _deeper(call))
    if isinstance(output, GeneratorType):
        return cast("Iterator[Any]", output)
    if isinstance(output, (CoroutineType, AsyncGeneratorType)):
        if isinstance(output, CoroutineType):
            output.close()  # else Python warns that nobody awaited it
        raise TypeError("The function gave something asynchronous: use ainvoke, astream or abatch.")
    return iter([output])


def _astream_of(output: Any, call: ChainCall) -> AsyncIterator[Any]:
    if is_runnable(output):
        return output.astream(call.given, _deeper(call))
    if isinstance(output, AsyncGeneratorType):
        return cast("AsyncIterator[Any]", output)
    if isinstance(output, GeneratorType):
        return aiter_in_executor(partial(iter, cast("Iterator[Any]", output)))
    return aiter_of(output)


_SPECIAL = (Fluent, GeneratorType, AsyncGeneratorType, CoroutineType)
"""What a function may give that stands for something else. Of a Runnable the class that is quick to ask for."""
