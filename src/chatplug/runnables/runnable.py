"""What everything that can be called has in common: the verbs, each with a default that follows from `invoke`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from chatplug.runnables.config import batch_configs
from chatplug.runnables.executor import run_in_executor
from chatplug.runnables.fluent import Fluent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence

    from pydantic import BaseModel

    from chatplug.runnables.config import RunnableConfig

__all__ = ["Input", "Output", "Runnable"]

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)


class Runnable(Fluent[Input, Output], ABC):
    """Something that can be called, streamed, called for many inputs, and combined with others by `|`.

    A subclass writes `invoke`; the rest follows from it, and is better where the subclass writes that too.
    """

    @abstractmethod
    def invoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """The output for one input."""

    async def ainvoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """The asynchronous twin of `invoke`; in a worker thread unless the class does better."""
        return await run_in_executor(None, self.invoke, input, config, **kwargs)

    # ---- in pieces

    def stream(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Output]:
        """The output in pieces, as they arrive; in one piece unless the class does better."""
        yield self.invoke(input, config, **kwargs)

    async def astream(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[Output]:
        """The asynchronous twin of `stream`."""
        yield await self.ainvoke(input, config, **kwargs)

    def transform(
        self, input: Iterator[Input], config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[Output]:
        """The output in pieces, for an input in pieces.

        Unless the class does better it waits for the whole input: the sum of its pieces, or the last one where they do
        not add up.
        """
        from chatplug.runnables.chain_call import NOTHING
        from chatplug.runnables.chain_stream import Closing, total

        whole = total(input)
        if whole is not NOTHING:
            with Closing(self.stream(whole, config, **kwargs)) as stream:
                yield from stream

    async def atransform(
        self, input: AsyncIterator[Input], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Output]:
        """The asynchronous twin of `transform`."""
        from chatplug.runnables.chain_call import NOTHING
        from chatplug.runnables.chain_stream import Closing, atotal

        whole = await atotal(input)
        if whole is not NOTHING:
            async with Closing(self.astream(whole, config, **kwargs)) as stream:
                async for piece in stream:
                    yield piece

    # ---- many inputs

    @overload
    def batch(
        self,
        inputs: Iterable[Input],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: Literal[False] = False,
        **kwargs: Any,
    ) -> list[Output]: ...
    @overload
    def batch(
        self,
        inputs: Iterable[Input],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool,
        **kwargs: Any,
    ) -> list[Output | Exception]: ...
    def batch(
        self,
        inputs: Iterable[Input],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[Any]:
        """The outputs for several inputs, in their order; the calls are made on threads, with the caller's context.

        The first exception begins no more calls, and is raised when those that were under way have ended.

        Args:
            inputs: The inputs.
            config: What is said with these calls: one for all, or one for each. Its `max_concurrency` says how many
                calls are under way at once; 32 unless told otherwise.
            return_exceptions: Whether an exception takes the place of the output instead of ending the batch.
            **kwargs: Settings of these calls.
        """
        from chatplug.runnables.batch import batch

        given, configs = batch_configs(inputs, config)
        return batch(
            lambda number: self.invoke(given[number], configs[number], **kwargs),
            len(given),
            self._at_once(configs),
            return_exceptions=return_exceptions,
        )

    @overload
    async def abatch(
        self,
        inputs: Iterable[Input],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: Literal[False] = False,
        **kwargs: Any,
    ) -> list[Output]: ...
    @overload
    async def abatch(
        self,
        inputs: Iterable[Input],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool,
        **kwargs: Any,
    ) -> list[Output | Exception]: ...
    async def abatch(
        self,
        inputs: Iterable[Input],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[Any]:
        """The asynchronous twin of `batch`: all calls are under way at once, unless `max_concurrency` says otherwise.

        The first exception, and a cancellation, cancel the calls that are under way.
        """
        from chatplug.runnables.batch import abatch

        given, configs = batch_configs(inputs, config)
        return await abatch(
            lambda number: self.ainvoke(given[number], configs[number], **kwargs),
            len(given),
            self._at_once(configs),
            return_exceptions=return_exceptions,
        )

    @overload
    def batch_as_completed(
        self,
        inputs: Iterable[Input],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: Literal[False] = False,
        **kwargs: Any,
    ) -> Iterator[tuple[int, Output]]: ...
    @overload
    def batch_as_completed(
        self,
        inputs: Iterable[Input],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool,
        **kwargs: Any,
    ) -> Iterator[tuple[int, Output | Exception]]: ...
    def batch_as_completed(
        self,
        inputs: Iterable[Input],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> Iterator[tuple[int, Any]]:
        """What `batch` gives, each output with the number of its input, as the calls end.

        Left early, no more calls begin.
        """
        from chatplug.runnables.batch import as_completed

        given, configs = batch_configs(inputs, config)
        return as_completed(
            lambda number: self.invoke(given[number], configs[number], **kwargs),
            len(given),
            self._at_once(configs),
            return_exceptions=return_exceptions,
        )

    @overload
    def abatch_as_completed(
        self,
        inputs: Iterable[Input],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: Literal[False] = False,
        **kwargs: Any,
    ) -> AsyncIterator[tuple[int, Output]]: ...
    @overload
    def abatch_as_completed(
        self,
        inputs: Iterable[Input],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool,
        **kwargs: Any,
    ) -> AsyncIterator[tuple[int, Output | Exception]]: ...
    def abatch_as_completed(
        self,
        inputs: Iterable[Input],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> AsyncIterator[tuple[int, Any]]:
        """The asynchronous twin of `batch_as_completed`; left early, the calls that are under way are cancelled."""
        from chatplug.runnables.batch import aas_completed

        given, configs = batch_configs(inputs, config)
        return aas_completed(
            lambda number: self.ainvoke(given[number], configs[number], **kwargs),
            len(given),
            self._at_once(configs),
            return_exceptions=return_exceptions,
        )

    def _at_once(self, configs: Sequence[Mapping[str, Any]]) -> int | None:
        """How many calls of a batch may be under way at once; None where nobody says.

        The config of the batch says it, or else what is bound to this one, or to what it is made of.
        """
        if configs and configs[0].get("max_concurrency"):
            return configs[0]["max_concurrency"]  # type: ignore[no-any-return]  # checked
        bound = (part._at_once(()) for part in self._parts())  # noqa: SLF001  # of this class
        return min(filter(None, bound), default=None)

    def _parts(self) -> Sequence[Runnable[Any, Any]]:
        """What its calls go through, and a limit of which is one of its own."""
        return ()

    # ---- what it says of itself

    def _types(self) -> tuple[Any, Any]:
        """The two types that it takes and gives, as its class says; one that is made of others asks them."""
        from chatplug.runnables.types_of import types_of

        return types_of(self)

    @property
    def InputType(self) -> Any:  # noqa: N802  # the vocabulary's name
        """The type it takes; `Any` where nothing says it."""
        return self._types()[0]

    @property
    def OutputType(self) -> Any:  # noqa: N802  # the vocabulary's name
        """The type it gives; `Any` where nothing says it."""
        return self._types()[1]

    @property
    def input_schema(self) -> type[BaseModel]:
        """A pydantic model of what it takes, for its `model_json_schema()`."""
        from chatplug.runnables.types_of import schema_of

        return schema_of(f"{self.get_name()}_input", self.InputType)

    @property
    def output_schema(self) -> type[BaseModel]:
        """A pydantic model of what it gives, for its `model_json_schema()`."""
        from chatplug.runnables.types_of import schema_of

        return schema_of(f"{self.get_name()}_output", self.OutputType)

    def get_name(self) -> str:
        """The name of its runs, unless a config says otherwise."""
        return getattr(self, "name", None) or type(self).__name__
