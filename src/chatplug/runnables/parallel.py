"""`RunnableParallel`: several Runnables with one input, at once; a dict of what they give.

A stream of one has the pieces of all, as they come, each in a dict of its own. The dicts add up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from contextlib import ExitStack
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from chatplug.runnables.batch import abatch, batch, threads
from chatplug.runnables.chain_call import ChainCall, added
from chatplug.runnables.chain_stream import Streams
from chatplug.runnables.chained import Chain
from chatplug.runnables.config import resolve
from chatplug.runnables.executor import END, Steps
from chatplug.runnables.fluent import coerce_to_runnable
from chatplug.runnables.running import Running

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Iterator

    from chatplug.runnables.config import RunnableConfig
    from chatplug.runnables.runnable import Runnable

__all__ = ["AddableDict", "RunnableMap", "RunnableParallel"]

Given = TypeVar("Given", contravariant=True)


class AddableDict(dict[str, Any]):
    """A dict of pieces: two of them add up key by key."""

    def __add__(self, other: Mapping[str, Any]) -> AddableDict:
        whole = AddableDict(self)
        for name, value in other.items():
            before = whole.get(name)
            whole[name] = value if before is None else before if value is None else added(before, value)
        return whole

    def __radd__(self, other: Mapping[str, Any]) -> AddableDict:
        return AddableDict(other) + self


class RunnableParallel(Chain[Given, dict[str, Any]]):
    """Several Runnables that are called at once with the same input.

    Args:
        steps: For each key what is called: a Runnable, a function, a generator function, or a dict of these.
        name: The name of its runs.
        **more: More of them.

    Raises:
        TypeError: If a step is none of these.
    """

    steps: dict[str, Runnable[Given, Any]]
    """What is called for each key."""

    def __init__(
        self: RunnableParallel[Any], steps: Mapping[str, Any] | None = None, /, *, name: str | None = None, **more: Any
    ) -> None:
        self.name = name
        self.steps = {}
        for key, thing in {**(steps or {}), **more}.items():
            try:
                self.steps[key] = coerce_to_runnable(thing)
            except TypeError as error:
                raise TypeError(f"Step {key!r}: {error}") from None

    def get_name(self) -> str:
        """The name of its runs: `RunnableParallel<first,second>` unless it has one."""
        return self.name or f"RunnableParallel<{','.join(self.steps)}>"

    def _types(self) -> tuple[Any, Any]:
        taken = (step.InputType for step in self.steps.values())
        return next((kind for kind in taken if kind is not Any), Any), dict[str, Any]

    def _opened(self, given: object, config: Mapping[str, Any] | None) -> _ParallelCall:
        return _ParallelCall(self, given, config)

    def _pieces(self, call: _ParallelCall, source: Iterator[Any], kwargs: dict[str, Any]) -> Iterator[Any]:
        return _pieces(call, source, kwargs)

    def _apieces(self, call: _ParallelCall, source: AsyncIterator[Any], kwargs: dict[str, Any]) -> AsyncIterator[Any]:
        return _apieces(call, source, kwargs)

    def invoke(self, input: Given, config: RunnableConfig | None = None, **kwargs: Any) -> dict[str, Any]:
        """What each step gives; they are called on threads, of which the caller's own is one."""
        call = self._opened(input, config)
        with Running(call, call.child):
            outputs = batch(
                lambda number: call.steps[number].invoke(input, call.config(number), **kwargs),
                len(call.steps),
                call.at_once,
                return_exceptions=False,
            )
            return call.gave(dict(zip(self.steps, outputs, strict=True)))

    async def ainvoke(self, input: Given, config: RunnableConfig | None = None, **kwargs: Any) -> dict[str, Any]:
        """The asynchronous twin of `invoke`."""
        call = self._opened(input, config)
        async with Running(call, call.child):
            outputs = await abatch(
                lambda number: call.steps[number].ainvoke(input, call.config(number), **kwargs),
                len(call.steps),
                call.at_once,
                return_exceptions=False,
            )
            return call.gave(dict(zip(self.steps, outputs, strict=True)))


RunnableMap = RunnableParallel
"""Another name of `RunnableParallel`."""


class _ParallelCall(ChainCall):
    """One call of parallel steps."""

    __slots__ = ("at_once", "keys", "steps")

    def __init__(self, parallel: RunnableParallel[Any], given: object, config: Mapping[str, Any] | None) -> None:
        resolved = resolve(config)
        super().__init__(parallel.get_name(), given, resolved)
        self.at_once: int | None = resolved.get("max_concurrency")
        self.keys = list(parallel.steps)
        self.steps = list(parallel.steps.values())

    def config(self, number: int) -> RunnableConfig:
        """The config for the step of this number."""
        return self.for_child(f"map:key:{self.keys[number]}")


class _Turns:
    """Whose turn it is: so many streams are read at once, each one piece ahead."""

    def __init__(self, call: _ParallelCall) -> None:
        self._keys = call.keys
        self._waiting = deque(range(len(call.keys)))
        self._at_once = call.at_once or len(call.keys)
        self.contexts = [copy_context() for _ in call.keys]
        """For each stream the context in which all its steps are made."""

    def first(self) -> list[int]:
        """The numbers of the streams that are read at the beginning."""
        return [self._waiting.popleft() for _ in range(min(self._at_once, len(self._waiting)))]

    def after(self, number: int, piece: object) -> list[int]:
        """The number of the stream that is read now that this one has given a piece, or has come to its end."""
        if piece is not END:
            return [number]
        return [self._waiting.popleft()] if self._waiting else []

    def named(self, number: int, piece: object) -> AddableDict:
        """A piece under its key."""
        return AddableDict({self._keys[number]: piece})


def _pieces(call: _ParallelCall, source: Iterator[Any], kwargs: dict[str, Any]) -> Iterator[AddableDict]:
    """The pieces of all streams; each is read in threads."""
    shared, turns = _Shared(source, len(call.steps)), _Turns(call)
    streams = [
        Steps(partial(step.transform, shared.reader(number), call.config(number), **kwargs))
        for number, step in enumerate(call.steps)
    ]
    arrived: SimpleQueue[tuple[int, Any, BaseException | None]] = SimpleQueue()
    under_way = 0

    def pull(number: int) -> None:
        try:
            arrived.put((number, turns.contexts[number].run(streams[number].step), None))
        except BaseException as error:  # raised below, in the thread of the reader
            arrived.put((number, None, error))

    def begin(numbers: list[int]) -> int:
        for number in numbers:
            streams[number].begin()
            threads.run(partial(pull, number))
        return len(numbers)

    try:
        under_way = begin(turns.first())
        while under_way:
            number, piece, error = arrived.get()
            under_way -= 1
            if error is not None:
                raise error
            under_way += begin(turns.after(number, piece))
            if piece is not END:
                yield turns.named(number, piece)
    except KeyboardInterrupt:
        under_way = 0  # nobody waits for a thread that cannot be stopped; it closes what it has
        raise
    finally:
        shared.leave()
        for _ in range(under_way):
            arrived.get()
        with ExitStack() as stack:
            for stream, context in zip(streams, turns.contexts, strict=True):
                if stream.leave():
                    stack.callback(context.run, stream.close)


async def _apieces(
    call: _ParallelCall, source: AsyncIterator[Any], kwargs: dict[str, Any]
) -> AsyncIterator[AddableDict]:
    """The asynchronous twin of `_pieces`; each is read in tasks."""
    import asyncio

    shared, turns, opened = _AsyncShared(source, len(call.steps)), _Turns(call), Streams()
    streams = [
        opened.opened(step.atransform(shared.reader(number), call.config(number), **kwargs))
        for number, step in enumerate(call.steps)
    ]
    under_way: dict[asyncio.Task[Any], int] = {}

    async def pull(number: int) -> object:
        return await anext(streams[number], END)

    def begin(numbers: list[int]) -> None:
        for number in numbers:
            under_way[asyncio.create_task(pull(number), context=turns.contexts[number])] = number

    try:
        begin(turns.first())
        while under_way:
            done, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(done, key=under_way.__getitem__):
                number, piece = under_way.pop(task), task.result()
                begin(turns.after(number, piece))
                if piece is not END:
                    yield turns.named(number, piece)
    finally:
        for task in under_way:
            task.cancel()
        if under_way:
            await asyncio.wait(list(under_way))
        await opened.aclose()


class _Ahead:
    """The pieces of one iterator for several readers: what some have read and others have not."""

    def __init__(self, readers: int) -> None:
        self._ahead: list[deque[Any] | None] = [deque() for _ in range(readers)]
        self._is_left = False

    def leave(self) -> None:
        """Read no more."""
        self._is_left = True

    def of(self, number: int) -> deque[Any]:
        """What the reader of this number has not read."""
        ahead = self._ahead[number]
        assert ahead is not None, "a number is used once"
        return ahead

    def keep(self, piece: object) -> object:
        """Keep a piece for every reader that has not left."""
        if piece is not END:
            for ahead in self._ahead:
                if ahead is not None:
                    ahead.append(piece)
        return piece

    def forget(self, number: int) -> None:
        """The reader of this number has left."""
        self._ahead[number] = None


class _Shared(_Ahead):
    """An iterator that is read in several threads."""

    def __init__(self, source: Iterator[Any], readers: int) -> None:
        super().__init__(readers)
        self._source = source
        self._lock = Lock()

    def reader(self, number: int) -> Iterator[Any]:
        """The pieces, for the reader of this number."""
        ahead = self.of(number)
        try:
            while True:
                with self._lock:
                    if not ahead and (self._is_left or self.keep(next(self._source, END)) is END):
                        return
                    piece = ahead.popleft()
                yield piece
        finally:
            self.forget(number)


class _AsyncShared(_Ahead):
    """The asynchronous twin of `_Shared`, for several tasks."""

    def __init__(self, source: AsyncIterator[Any], readers: int) -> None:
        import asyncio

        super().__init__(readers)
        self._source = source
        self._lock = asyncio.Lock()

    async def reader(self, number: int) -> AsyncIterator[Any]:
        """The pieces, for the reader of this number."""
        ahead = self.of(number)
        try:
            while True:
                async with self._lock:
                    if not ahead and self.keep(await anext(self._source, END)) is END:
                        return
                    piece = ahead.popleft()
                yield piece
        finally:
            self.forget(number)
