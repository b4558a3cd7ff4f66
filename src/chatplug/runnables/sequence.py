"""`RunnableSequence`: what `|` gives, one step after another.

A stream goes through every step that can pass it on: each step transforms the stream of the step before it. A step
that cannot waits for the whole, and from there on the stream goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from chatplug.runnables.chain_call import NOTHING, ChainCall
from chatplug.runnables.chain_stream import Closing, Streams
from chatplug.runnables.chained import Chain
from chatplug.runnables.config import resolve
from chatplug.runnables.fluent import coerce_to_runnable
from chatplug.runnables.runnable import Input, Output, Runnable
from chatplug.runnables.running import AsyncInContext, Running, in_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
    from typing import Self

    from chatplug.runnables.config import ResolvedConfig, RunnableConfig

__all__ = ["RunnableSequence"]

T = TypeVar("T")


class RunnableSequence(Chain[Input, Output]):
    """Several Runnables, each called with what the one before gave.

    Args:
        *steps: What is called: Runnables, functions, generator functions, or dicts of these.
        name: The name of its runs.

    Raises:
        TypeError: If a step is none of these.
        ValueError: If there are fewer than two.
    """

    steps: list[Runnable[Any, Any]]
    """What is called, in this order; the steps of a sequence in it without a name of its own are among them."""

    @overload
    def __init__(
        self, first: Runnable[Input, Any], last: Runnable[Any, Output], /, *, name: str | None = None
    ) -> None: ...
    @overload
    def __init__(self: RunnableSequence[Any, Any], *steps: Any, name: str | None = None) -> None: ...
    def __init__(self, *steps: Any, name: str | None = None) -> None:
        self.name = name
        self.steps = []
        for number, thing in enumerate(steps, 1):
            try:
                step = coerce_to_runnable(thing)
            except TypeError as error:
                raise TypeError(f"Step {number} of {len(steps)}: {error}") from None
            self.steps += step.steps if type(step) is RunnableSequence and step.name is None else [step]
        if len(steps) < 2:
            raise ValueError("A sequence has two steps or more.")

    @property
    def first(self) -> Runnable[Input, Any]:
        """The first step."""
        return self.steps[0]

    @property
    def middle(self) -> list[Runnable[Any, Any]]:
        """The steps between the first and the last."""
        return self.steps[1:-1]

    @property
    def last(self) -> Runnable[Any, Output]:
        """The last step."""
        return self.steps[-1]

    def _types(self) -> tuple[Any, Any]:
        return self.first.InputType, self.last.OutputType

    def invoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """What the last step gives; keyword arguments go to the first."""
        call = self._opened(input, config)
        value: Any = input
        with Running(call, call.child):
            for step in self.steps:
                value = step.invoke(value, call.next(), **kwargs)
                kwargs = {}
            return call.gave(value)  # type: ignore[no-any-return]  # of the last step

    async def ainvoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """The asynchronous twin of `invoke`."""
        call = self._opened(input, config)
        value: Any = input
        async with Running(call, call.child):
            for step in self.steps:
                value = await step.ainvoke(value, call.next(), **kwargs)
                kwargs = {}
            return call.gave(value)  # type: ignore[no-any-return]  # of the last step

    def _parts(self) -> Sequence[Runnable[Any, Any]]:
        return self.steps

    def _opened(self, given: object, config: Mapping[str, Any] | None) -> _SequenceCall:
        return _SequenceCall(self, given, resolve(config))

    def _pieces(self, call: _SequenceCall, source: Iterator[Any], kwargs: dict[str, Any]) -> Iterator[Any]:
        with Closing(Streams()) as streams:
            for step in self.steps:
                stream = call.begun(step.stream, step.transform, source, kwargs)
                source, kwargs = _Step(streams.opened(stream), call), {}
            yield from source

    async def _apieces(
        self, call: _SequenceCall, source: AsyncIterator[Any], kwargs: dict[str, Any]
    ) -> AsyncIterator[Any]:
        async with Closing(Streams()) as streams:
            for step in self.steps:
                stream = call.begun(step.astream, step.atransform, source, kwargs)
                source, kwargs = _AsyncStep(streams.opened(stream), call), {}
            async for piece in source:
                yield piece


class _SequenceCall(ChainCall):
    """One call of a sequence: which step is next, and which has failed."""

    __slots__ = ("_steps", "number")

    def __init__(self, sequence: RunnableSequence[Any, Any], given: object, config: ResolvedConfig) -> None:
        super().__init__(sequence.get_name(), given, config)
        self._steps = sequence.steps
        self.number = 0
        """The step that was begun last, from 1; of a failed one the step that failed."""

    def next(self) -> RunnableConfig:
        """The config for the next step."""
        self.number += 1
        return self.for_child(f"seq:step:{self.number}" if self.handlers else None)

    def begun(
        self, whole: Callable[..., T], in_pieces: Callable[..., T], source: object, kwargs: Mapping[str, Any]
    ) -> T:
        """The stream of the next step: the first one may get its input whole."""
        config = self.next()
        if self.number == 1 and self.given is not NOTHING:
            return whole(self.given, config, **kwargs)
        return in_pieces(source, config, **kwargs)

    def learn(self, error: BaseException) -> None:
        """Tell the error in which step it happened."""
        if isinstance(error, Exception) and self.number:
            name = self._steps[self.number - 1].get_name()
            note = f"chatplug: in step {self.number} of {len(self._steps)}, {name}"
            if note not in getattr(error, "__notes__", ()):
                error.add_note(note)


class _Step(Generic[T]):
    """The stream of one step; what fails in it is known to have failed there."""

    __slots__ = ("_call", "_next", "_number")

    def __init__(self, source: Iterator[T], call: _SequenceCall) -> None:
        self._next = in_context(source, call.child).__next__
        self._call = call
        self._number = call.number

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        try:
            return self._next()
        except StopIteration:
            raise
        except BaseException:
            self._call.number = min(self._call.number, self._number)
            raise


class _AsyncStep(AsyncInContext[T]):
    """The asynchronous twin of `_Step`."""

    __slots__ = ("_call", "_number")

    def __init__(self, source: AsyncIterator[T], call: _SequenceCall) -> None:
        super().__init__(source, call.child)
        self._call = call
        self._number = call.number

    async def __anext__(self) -> T:
        try:
            return await super().__anext__()
        except StopAsyncIteration:
            raise
        except BaseException:
            self._call.number = min(self._call.number, self._number)
            raise
