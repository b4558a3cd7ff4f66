"""What stands for another Runnable: which one, and with what config and arguments, it says anew for each call."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, cast

from chatplug.errors import ConfigError
from chatplug.runnables.config import resolve
from chatplug.runnables.runnable import Input, Output, Runnable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from chatplug.runnables.config import ResolvedConfig, RunnableConfig

__all__ = ["Delegating"]


class Delegating(Runnable[Input, Output]):
    """A Runnable that stands for another one; it has no run of its own."""

    @abstractmethod
    def _target(
        self, config: ResolvedConfig, kwargs: dict[str, Any]
    ) -> tuple[Runnable[Any, Any], ResolvedConfig, dict[str, Any]]:
        """What is called, and with what."""

    def _called(
        self, config: Mapping[str, Any] | None, kwargs: dict[str, Any]
    ) -> tuple[Runnable[Input, Output], RunnableConfig, dict[str, Any]]:
        """What is called in the end, which stands for no other.

        Raises:
            ConfigError: If it stands for itself.
        """
        target, resolved = cast("Runnable[Any, Any]", self), resolve(config)
        seen: list[Runnable[Any, Any]] = []
        while isinstance(target, Delegating):
            if any(target is one for one in seen):
                names = " -> ".join(type(one).__name__ for one in [*seen, target])
                raise ConfigError(f"A Runnable stands for itself: {names}.", hint="Look at its alternatives.")
            seen.append(target)
            target, resolved, kwargs = target._target(resolved, kwargs)  # noqa: SLF001  # of this class
        return target, cast("RunnableConfig", resolved), kwargs

    def invoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """What the other one gives."""
        target, config, kwargs = self._called(config, kwargs)
        return target.invoke(input, config, **kwargs)

    async def ainvoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """The asynchronous twin of `invoke`."""
        target, config, kwargs = self._called(config, kwargs)
        return await target.ainvoke(input, config, **kwargs)

    def stream(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Output]:
        """What the other one gives, in pieces."""
        target, config, kwargs = self._called(config, kwargs)
        return target.stream(input, config, **kwargs)

    def astream(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[Output]:
        """The asynchronous twin of `stream`."""
        target, config, kwargs = self._called(config, kwargs)
        return target.astream(input, config, **kwargs)

    def transform(
        self, input: Iterator[Input], config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[Output]:
        """What the other one gives, in pieces, for an input in pieces."""
        target, config, kwargs = self._called(config, kwargs)
        return target.transform(input, config, **kwargs)

    def atransform(
        self, input: AsyncIterator[Input], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Output]:
        """The asynchronous twin of `transform`."""
        target, config, kwargs = self._called(config, kwargs)
        return target.atransform(input, config, **kwargs)
