"""What passes its input on: as it is, with more in it, or with less."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from chatplug.runnables.chain_call import NOTHING, added
from chatplug.runnables.chain_stream import Closing, aiter_all
from chatplug.runnables.chained import Chain
from chatplug.runnables.function import RunnableLambda
from chatplug.runnables.parallel import AddableDict, RunnableParallel
from chatplug.runnables.running import Running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from chatplug.runnables.chain_call import ChainCall
    from chatplug.runnables.config import RunnableConfig

__all__ = ["RunnableAssign", "RunnablePassthrough", "RunnablePick"]

T = TypeVar("T")


class _Passing(Chain[Any, T]):
    """Passes on piece by piece; a subclass says what becomes of each."""

    def _passed(self, piece: Any) -> Any:
        """What becomes of a piece; `NOTHING` where nothing does."""
        raise NotImplementedError

    def _pieces(self, call: ChainCall, source: Iterator[Any], kwargs: dict[str, Any]) -> Iterator[Any]:
        for piece in source:
            if (passed := self._passed(piece)) is not NOTHING:
                yield passed

    async def _apieces(self, call: ChainCall, source: AsyncIterator[Any], kwargs: dict[str, Any]) -> AsyncIterator[Any]:
        async for piece in source:
            if (passed := self._passed(piece)) is not NOTHING:
                yield passed


class RunnablePassthrough(_Passing[T]):
    """Passes its input on as it is, in pieces where it comes so.

    Args:
        func: Called with the whole input, once it is there; what it gives does not matter.
        afunc: The same for asynchronous calls; without it, `func` runs in a worker thread for them.
        name: The name of its runs.
    """

    def __init__(
        self,
        func: Callable[..., Any] | None = None,
        afunc: Callable[..., Any] | None = None,
        name: str | None = None,
    ) -> None:
        self.name = name
        self._looks: RunnableLambda[Any, Any] | None = None
        if func is not None or afunc is not None:
            self._looks = RunnableLambda[Any, Any](cast("Callable[..., Any]", func or afunc), afunc)

    @classmethod
    def assign(cls, **steps: Any) -> RunnableAssign:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  # the vocabulary has it on the class here
        """What passes a dict on with more keys in it: each of what a step gives for the dict."""
        return RunnableAssign(RunnableParallel(steps))

    def _passed(self, piece: Any) -> Any:
        return piece

    def _pieces(self, call: ChainCall, source: Iterator[Any], kwargs: dict[str, Any]) -> Iterator[Any]:
        whole: Any = NOTHING
        for piece in source:
            whole = piece if self._looks is None else added(whole, piece)
            yield piece
        if self._looks is not None and whole is not NOTHING:
            self._looks.invoke(whole, call.for_child(), **kwargs)

    async def _apieces(self, call: ChainCall, source: AsyncIterator[Any], kwargs: dict[str, Any]) -> AsyncIterator[Any]:
        whole: Any = NOTHING
        async for piece in source:
            whole = piece if self._looks is None else added(whole, piece)
            yield piece
        if self._looks is not None and whole is not NOTHING:
            await self._looks.ainvoke(whole, call.for_child(), **kwargs)


class RunnableAssign(Chain[Any, dict[str, Any]]):
    """Passes a dict on with more keys in it.

    In a stream the pieces of the input go through as they come, and those of the new keys follow.

    Args:
        mapper: What gives the new keys, for the dict.
        name: The name of its runs.
    """

    mapper: RunnableParallel[Any]
    """What gives the new keys."""

    def __init__(self, mapper: RunnableParallel[Any], name: str | None = None) -> None:
        self.mapper = mapper
        self.name = name

    def get_name(self) -> str:
        """The name of its runs: `RunnableAssign<first,second>` unless it has one."""
        return self.name or f"RunnableAssign<{','.join(self.mapper.steps)}>"

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> dict[str, Any]:
        """The dict with the new keys in it."""
        call = self._opened(input, config)
        with Running(call, call.child):
            return call.gave({**_dict(input), **self.mapper.invoke(input, call.for_child(), **kwargs)})

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> dict[str, Any]:
        """The asynchronous twin of `invoke`."""
        call = self._opened(input, config)
        async with Running(call, call.child):
            return call.gave({**_dict(input), **await self.mapper.ainvoke(input, call.for_child(), **kwargs)})

    def _pieces(self, call: ChainCall, source: Iterator[Any], kwargs: dict[str, Any]) -> Iterator[Any]:
        read: list[Any] = []
        for piece in source:
            read.append(piece)
            if passed := self._passed(piece):
                yield passed
        with Closing(self.mapper.transform(iter(read), call.for_child(), **kwargs)) as stream:
            yield from stream

    async def _apieces(self, call: ChainCall, source: AsyncIterator[Any], kwargs: dict[str, Any]) -> AsyncIterator[Any]:
        read: list[Any] = []
        async for piece in source:
            read.append(piece)
            if passed := self._passed(piece):
                yield passed
        async with Closing(self.mapper.atransform(aiter_all(read), call.for_child(), **kwargs)) as stream:
            async for piece in stream:
                yield piece

    def _passed(self, piece: Any) -> AddableDict:
        return AddableDict({key: value for key, value in _dict(piece).items() if key not in self.mapper.steps})


class RunnablePick(_Passing[Any]):
    """Passes on what a dict has under a key, or a dict of what it has under several.

    Args:
        keys: The key, or a list of keys. A key that is not there is left out.
    """

    keys: str | list[str]
    """The key, or the keys."""

    def __init__(self, keys: str | list[str]) -> None:
        self.keys = keys

    def get_name(self) -> str:
        """The name of its runs: `RunnablePick<first,second>`."""
        return f"RunnablePick<{','.join([self.keys] if isinstance(self.keys, str) else self.keys)}>"

    def _passed(self, piece: Any) -> Any:
        given = _dict(piece)
        if isinstance(self.keys, str):
            return given.get(self.keys, NOTHING)
        picked = AddableDict({key: given[key] for key in self.keys if key in given})
        return picked or NOTHING


def _dict(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f"This step wants a dict, not {type(value).__name__}.")
    return cast("Mapping[str, Any]", value)
