"""`RunnableBinding`: a Runnable with arguments and a config that go with every call. It has no run of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from chatplug.runnables.config import merge_configs, resolve, under
from chatplug.runnables.runnable import Input, Output, Runnable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from chatplug.runnables.config import RunnableConfig

__all__ = ["RunnableBinding"]


class RunnableBinding(Runnable[Input, Output]):
    """A Runnable with arguments and a config that go with every call.

    Args:
        bound: What is called.
        kwargs: Keyword arguments for each call; those of the call itself win.
        config: A config for each call; what the call says itself, or inherits, comes on top.

    Raises:
        ConfigError: If the config has a key that is none of `RunnableConfig`, or a value of the wrong kind.
    """

    bound: Runnable[Input, Output]
    """What is called."""
    kwargs: Mapping[str, Any]
    """Keyword arguments for each call."""
    config: RunnableConfig
    """A config for each call."""

    def __init__(
        self,
        bound: Runnable[Input, Output],
        *,
        kwargs: Mapping[str, Any] | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        kwargs, own = dict(kwargs or {}), merge_configs(config)
        if isinstance(bound, RunnableBinding) and type(cast("object", bound)) is RunnableBinding:
            kwargs, own, bound = {**bound.kwargs, **kwargs}, merge_configs(bound.config, own), bound.bound
        self.bound = bound
        self.kwargs = kwargs
        self.config = own

    def invoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """What the bound one gives."""
        return self.bound.invoke(input, self._with(config), **{**self.kwargs, **kwargs})

    async def ainvoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """The asynchronous twin of `invoke`."""
        return await self.bound.ainvoke(input, self._with(config), **{**self.kwargs, **kwargs})

    def stream(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Output]:
        """What the bound one gives, in pieces."""
        return self.bound.stream(input, self._with(config), **{**self.kwargs, **kwargs})

    def astream(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[Output]:
        """The asynchronous twin of `stream`."""
        return self.bound.astream(input, self._with(config), **{**self.kwargs, **kwargs})

    def transform(
        self, input: Iterator[Input], config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[Output]:
        """What the bound one gives, in pieces, for an input in pieces."""
        return self.bound.transform(input, self._with(config), **{**self.kwargs, **kwargs})

    def atransform(
        self, input: AsyncIterator[Input], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Output]:
        """The asynchronous twin of `transform`."""
        return self.bound.atransform(input, self._with(config), **{**self.kwargs, **kwargs})

    def get_name(self) -> str:
        """The name of its runs: what its config says, or the name of what is bound."""
        return self.config.get("run_name") or self.bound.get_name()

    def _with(self, config: Mapping[str, Any] | None) -> RunnableConfig | None:
        if not self.config:
            return cast("RunnableConfig | None", config)
        return cast("RunnableConfig", under(resolve(config), self.config))

    def __repr__(self) -> str:
        said = [f"{name}={value!r}" for name, value in (("kwargs", self.kwargs), ("config", self.config)) if value]
        return f"RunnableBinding({', '.join([repr(self.bound), *said])})"
