"""`RunnableBinding`: a Runnable with arguments and a config that go with every call. It has no run of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from chatplug.runnables.config import merge_configs, under
from chatplug.runnables.delegating import Delegating
from chatplug.runnables.runnable import Input, Output

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from chatplug.callbacks import BaseCallbackHandler
    from chatplug.runnables.config import ResolvedConfig, RunnableConfig
    from chatplug.runnables.runnable import Runnable

__all__ = ["RunnableBinding"]


class RunnableBinding(Delegating[Input, Output]):
    """A Runnable with arguments and a config that go with every call.

    Args:
        bound: What is called.
        kwargs: Keyword arguments for each call; those of the call itself win.
        config: A config for each call; what the call says itself, or inherits, comes on top.
        listeners: What makes a handler for each call.
        input_type: The type it is said to take; None for that of `bound`.
        output_type: The type it is said to give; None for that of `bound`.

    Raises:
        ConfigError: If the config has a key that is none of `RunnableConfig`, or a value of the wrong kind.
    """

    bound: Runnable[Input, Output]
    """What is called."""
    kwargs: Mapping[str, Any]
    """Keyword arguments for each call."""
    config: RunnableConfig
    """A config for each call."""
    listeners: list[Callable[[], BaseCallbackHandler]]
    """What makes a handler for each call."""
    input_type: Any
    """The type it is said to take; None where `bound` says it."""
    output_type: Any
    """The type it is said to give; None where `bound` says it."""

    def __init__(
        self,
        bound: Runnable[Input, Output],
        *,
        kwargs: Mapping[str, Any] | None = None,
        config: Mapping[str, Any] | None = None,
        listeners: Sequence[Callable[[], BaseCallbackHandler]] = (),
        input_type: Any = None,
        output_type: Any = None,
    ) -> None:
        kwargs, own = dict(kwargs or {}), merge_configs(config)
        if isinstance(bound, RunnableBinding) and type(cast("object", bound)) is type(self):
            kwargs, own = {**bound.kwargs, **kwargs}, merge_configs(bound.config, own)
            listeners = [*bound.listeners, *listeners]
            input_type, output_type = input_type or bound.input_type, output_type or bound.output_type
            bound = bound.bound
        self.bound = bound
        self.kwargs = kwargs
        self.config = own
        self.listeners = list(listeners)
        self.input_type, self.output_type = input_type, output_type

    def _types(self) -> tuple[Any, Any]:
        return self.input_type or self.bound.InputType, self.output_type or self.bound.OutputType

    def get_name(self) -> str:
        """The name of its runs: what its config says, or the name of what is bound."""
        return self.config.get("run_name") or self.bound.get_name()

    def _at_once(self, configs: Sequence[Mapping[str, Any]]) -> int | None:
        return super()._at_once(configs if configs and "max_concurrency" in configs[0] else (self.config,))

    def _parts(self) -> Sequence[Runnable[Any, Any]]:
        return (self.bound,)

    def _target(
        self, config: ResolvedConfig, kwargs: dict[str, Any]
    ) -> tuple[Runnable[Any, Any], ResolvedConfig, dict[str, Any]]:
        if self.config:
            config = under(config, self.config)
        if self.listeners:
            config = under(config, {"callbacks": [make() for make in self.listeners]})
        return self.bound, config, {**self.kwargs, **kwargs}

    def __repr__(self) -> str:
        from chatplug.credentials import shown

        facts = (("kwargs", shown(self.kwargs)), ("config", shown(self.config)))
        said = [f"{name}={value!r}" for name, value in facts if value]
        return f"RunnableBinding({', '.join([repr(self.bound), *said])})"
