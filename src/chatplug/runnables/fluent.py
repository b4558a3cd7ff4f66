"""`|`, `bind`, `map` and the `with_*` methods of every Runnable: how one is made of others.

Every Runnable has these methods, and what they give are Runnables. That is a ring of imports, and this is the one
module that may have it: it imports each combinator when it is first used, so that a program that combines nothing
pays nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeGuard, TypeVar, cast, overload

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence

    from chatplug.runnables.binding import RunnableBinding
    from chatplug.runnables.config import RunnableConfig
    from chatplug.runnables.configurable import (
        ConfigurableField,
        RunnableConfigurableAlternatives,
        RunnableConfigurableFields,
    )
    from chatplug.runnables.each import RunnableEach
    from chatplug.runnables.events import StreamEvent, Version
    from chatplug.runnables.fallbacks import RunnableWithFallbacks
    from chatplug.runnables.listening import Listener
    from chatplug.runnables.retry import ExponentialJitterParams, RunnableRetry
    from chatplug.runnables.runnable import Runnable
    from chatplug.runnables.sequence import RunnableSequence
    from chatplug.tools.arguments import ArgsSchema
    from chatplug.tools.of_runnable import RunnableTool

__all__ = ["Fluent", "chain", "coerce_to_runnable", "is_runnable"]

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)
Other = TypeVar("Other")
Another = TypeVar("Another")


class Fluent(Generic[Input, Output]):
    """How a Runnable is combined with others, and changed."""

    # ---- one after another

    @overload
    def __or__(self, other: Runnable[Output, Other]) -> RunnableSequence[Input, Other]: ...
    @overload
    def __or__(self, other: Callable[[Output], Runnable[Any, Other]]) -> RunnableSequence[Input, Other]: ...
    @overload
    def __or__(self, other: Callable[[Output], Awaitable[Other]]) -> RunnableSequence[Input, Other]: ...
    @overload
    def __or__(self, other: Callable[[Iterator[Output]], Iterator[Other]]) -> RunnableSequence[Input, Other]: ...
    @overload
    def __or__(
        self, other: Callable[[AsyncIterator[Output]], AsyncIterator[Other]]
    ) -> RunnableSequence[Input, Other]: ...
    @overload
    def __or__(self, other: Callable[[Output], Other]) -> RunnableSequence[Input, Other]: ...
    @overload
    def __or__(self, other: Callable[[Output, RunnableConfig], Awaitable[Other]]) -> RunnableSequence[Input, Other]: ...
    @overload
    def __or__(self, other: Callable[[Output, RunnableConfig], Other]) -> RunnableSequence[Input, Other]: ...
    @overload
    def __or__(self, other: Mapping[str, Any]) -> RunnableSequence[Input, dict[str, Any]]: ...
    def __or__(self, other: Any) -> RunnableSequence[Any, Any]:
        """This one, and then the other with what it gave: a Runnable, a function, a generator function or a dict."""
        from chatplug.runnables.sequence import RunnableSequence

        return RunnableSequence(self, other)

    @overload
    def __ror__(self, other: Callable[[Other], Awaitable[Input]]) -> RunnableSequence[Other, Output]: ...
    @overload
    def __ror__(self, other: Callable[[Iterator[Other]], Iterator[Input]]) -> RunnableSequence[Other, Output]: ...
    @overload
    def __ror__(
        self, other: Callable[[AsyncIterator[Other]], AsyncIterator[Input]]
    ) -> RunnableSequence[Other, Output]: ...
    @overload
    def __ror__(self, other: Callable[[Other], Input]) -> RunnableSequence[Other, Output]: ...
    @overload
    def __ror__(
        self, other: Callable[[Other, RunnableConfig], Awaitable[Input]]
    ) -> RunnableSequence[Other, Output]: ...
    @overload
    def __ror__(self, other: Callable[[Other, RunnableConfig], Input]) -> RunnableSequence[Other, Output]: ...
    @overload
    def __ror__(self, other: Mapping[str, Any]) -> RunnableSequence[Any, Output]: ...
    def __ror__(self, other: Any) -> RunnableSequence[Any, Any]:
        """The other, and then this one with what it gave."""
        from chatplug.runnables.sequence import RunnableSequence

        return RunnableSequence(other, self)

    def pipe(self, *others: Any, name: str | None = None) -> RunnableSequence[Input, Any]:
        """This one and then the others, as `|` does it.

        Args:
            *others: What comes after it.
            name: The name of the sequence's runs.
        """
        from chatplug.runnables.sequence import RunnableSequence

        return RunnableSequence(self, *others, name=name)

    # ---- changed

    def bind(self, **kwargs: Any) -> RunnableBinding[Input, Output]:
        """This one, with keyword arguments that go with every call."""
        return self._bound(kwargs=kwargs)

    def with_config(self, config: RunnableConfig | None = None, **kwargs: Any) -> RunnableBinding[Input, Output]:
        """This one, with a config that goes with every call; what a call says itself comes on top.

        Args:
            config: The config.
            **kwargs: Keys of a config, in place of the dict or on top of it.
        """
        return self._bound(config={**(config or {}), **kwargs})

    def with_listeners(
        self,
        *,
        on_start: Listener | None = None,
        on_end: Listener | None = None,
        on_error: Listener | None = None,
    ) -> RunnableBinding[Input, Output]:
        """This one, with functions that are told of its runs, and not of what is called below.

        Each is called with the `Run`, and with a config of its tags and metadata where it has a second parameter. One
        that fails is logged.

        Args:
            on_start: Called when the run begins.
            on_end: Called when it has ended well, was cancelled or left.
            on_error: Called when it has failed.
        """
        from chatplug.runnables.listening import Listening

        return self._bound(listeners=[lambda: Listening(on_start, on_end, on_error)])

    def with_alisteners(
        self,
        *,
        on_start: Listener | None = None,
        on_end: Listener | None = None,
        on_error: Listener | None = None,
    ) -> RunnableBinding[Input, Output]:
        """`with_listeners` for functions that are `async def`; those take both kinds."""
        return self.with_listeners(on_start=on_start, on_end=on_end, on_error=on_error)

    def with_types(
        self, *, input_type: type[Other] | None = None, output_type: type[Another] | None = None
    ) -> RunnableBinding[Any, Any]:
        """This one, said to take and to give other types.

        Args:
            input_type: What it takes; None for what it says itself.
            output_type: What it gives; None for what it says itself.
        """
        return self._bound(input_type=input_type, output_type=output_type)

    def _bound(self, **parts: Any) -> RunnableBinding[Input, Output]:
        from chatplug.runnables.binding import RunnableBinding

        return RunnableBinding(_this(self), **parts)

    def with_retry(
        self,
        *,
        retry_if_exception_type: tuple[type[Exception], ...] | None = None,
        wait_exponential_jitter: bool = True,
        exponential_jitter_params: ExponentialJitterParams | None = None,
        stop_after_attempt: int = 3,
    ) -> RunnableRetry[Input, Output]:
        """This one, tried again when it fails; a stream until its first piece is here.

        Args:
            retry_if_exception_type: Which exceptions are worth another attempt. Without it all but those that would
                come again: what the caller got wrong, what is wrong with a plugin, and what a provider refuses.
            wait_exponential_jitter: Whether to wait between attempts where the provider does not say how long.
            exponential_jitter_params: How long to wait.
            stop_after_attempt: How many attempts there are at most.
        """
        from chatplug.runnables.retry import RunnableRetry

        return RunnableRetry(
            _this(self),
            retry_if_exception_type=retry_if_exception_type,
            wait_exponential_jitter=wait_exponential_jitter,
            exponential_jitter_params=exponential_jitter_params,
            stop_after_attempt=stop_after_attempt,
        )

    def with_fallbacks(
        self,
        fallbacks: Sequence[Runnable[Any, Any]],
        *,
        exceptions_to_handle: tuple[type[Exception], ...] = (Exception,),
        exception_key: str | None = None,
    ) -> RunnableWithFallbacks[Input, Output]:
        """This one, and others that are tried in turn where it fails; a stream until its first piece is here.

        Args:
            fallbacks: What is tried then, in this order.
            exceptions_to_handle: Which exceptions make the next one be tried.
            exception_key: The key under which a fallback finds in its input, which has to be a dict then, the
                exception of the one before it.
        """
        from chatplug.runnables.fallbacks import RunnableWithFallbacks

        return RunnableWithFallbacks(
            _this(self), fallbacks, exceptions_to_handle=exceptions_to_handle, exception_key=exception_key
        )

    def configurable_fields(self, **fields: ConfigurableField) -> RunnableConfigurableFields[Input, Output]:
        """This one, some fields of which a call may set: `config={"configurable": {id: value}}`.

        Args:
            **fields: For each name of a field what a call says to set it.

        Raises:
            ConfigError: If it has no such field.
        """
        from chatplug.runnables.configurable import RunnableConfigurableFields

        return RunnableConfigurableFields(_this(self), fields)

    def configurable_alternatives(
        self,
        which: ConfigurableField,
        *,
        default_key: str = "default",
        prefix_keys: bool = False,
        **alternatives: Runnable[Any, Any] | Callable[[], Runnable[Any, Any]],
    ) -> RunnableConfigurableAlternatives[Input, Output]:
        """This one or another, as a call chooses: `config={"configurable": {id: key}}`.

        Args:
            which: What a call says to choose.
            default_key: What a call says to choose this one; it may as well say nothing.
            prefix_keys: Whether the keys of fields of an alternative are marked with it: `which==key/field`.
            **alternatives: The others, by what a call says: Runnables, or functions that make one when it is chosen.

        Raises:
            ConfigError: If an alternative has the key of the default.
        """
        from chatplug.runnables.configurable import RunnableConfigurableAlternatives

        return RunnableConfigurableAlternatives(
            which, _this(self), alternatives, default_key=default_key, prefix_keys=prefix_keys
        )

    # ---- what happens

    def astream_events(  # noqa: PLR0913  # the vocabulary's own signature
        self: Fluent[Other, Any],
        input: Other,
        config: RunnableConfig | None = None,
        *,
        version: Version = "v2",
        include_names: Sequence[str] | None = None,
        include_types: Sequence[str] | None = None,
        include_tags: Sequence[str] | None = None,
        exclude_names: Sequence[str] | None = None,
        exclude_types: Sequence[str] | None = None,
        exclude_tags: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[StreamEvent]:
        """What happens in a run and in all below it, as dicts, while it happens; a model in it streams.

        Left early (`aclose`), the run is cancelled. An exception of the run is raised after its last event.

        Args:
            input: The input.
            config: What is said with this call.
            version: `v2`, or `v1` without `parent_ids`.
            include_names: Only runs of these names, or what another `include` says.
            include_types: Only runs of these types: `chat_model`, `chain`, `parser`, `tool`, `custom`.
            include_tags: Only runs with one of these tags.
            exclude_names: No runs of these names.
            exclude_types: No runs of these types.
            exclude_tags: No runs with one of these tags.
            **kwargs: Settings of this call.

        Raises:
            ValueError: If there is no such version.
        """
        from chatplug.runnables.events import EventFilter, astream_events

        if version not in ("v1", "v2"):
            raise ValueError(f"astream_events has no version {version!r}; it has 'v1' and 'v2'.")
        wanted = EventFilter(
            include_names=include_names,
            include_types=include_types,
            include_tags=include_tags,
            exclude_names=exclude_names,
            exclude_types=exclude_types,
            exclude_tags=exclude_tags,
        )
        return astream_events(_this(self), input, config, version, wanted, kwargs)

    # ---- as a tool

    def as_tool(
        self,
        args_schema: ArgsSchema | None = None,
        *,
        name: str | None = None,
        description: str | None = None,
        arg_types: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> RunnableTool:
        """This one as a tool, which a model may call.

        What the tool takes says `args_schema`, or `arg_types`, or the type of the input: the fields of a pydantic
        class, a TypedDict or a dataclass, and for any other type one argument, `input`.

        Args:
            args_schema: What it takes: a pydantic class, or a JSON Schema. The input is a dict then.
            name: The tool's name; None for that of the runs.
            description: What it does, for the model; None for a docstring.
            arg_types: The name and the type of each argument. The input is a dict then.
            **more: Other fields of the tool, such as `return_direct`.

        Raises:
            SchemaError: If nothing says what it takes, or it has no name by which a model could call it.
        """
        from chatplug.tools.of_runnable import RunnableTool

        return RunnableTool.from_runnable(
            _this(self), args_schema, name=name, description=description, arg_types=arg_types, **more
        )

    # ---- for lists and dicts

    def map(self) -> RunnableEach[Input, Output]:
        """This one for a list of inputs, several at once."""
        from chatplug.runnables.each import RunnableEach

        return RunnableEach(_this(self))

    def pick(self, keys: str | list[str]) -> RunnableSequence[Input, Any]:
        """This one, and of the dict that it gives what stands under a key, or a dict of several."""
        from chatplug.runnables.passthrough import RunnablePick

        return self.pipe(RunnablePick(keys))

    def assign(self, **steps: Any) -> RunnableSequence[Input, dict[str, Any]]:
        """This one, and the dict that it gives with more keys: each of what a step gives for the dict."""
        from chatplug.runnables.passthrough import RunnablePassthrough

        return self.pipe(RunnablePassthrough[Any].assign(**steps))


def _this(runnable: Fluent[Input, Output]) -> Runnable[Input, Output]:
    return cast("Runnable[Input, Output]", runnable)


def is_runnable(thing: object) -> TypeGuard[Runnable[Any, Any]]:
    """Whether something is a Runnable; quicker than `isinstance` with an abstract class."""
    return isinstance(thing, Fluent)


def coerce_to_runnable(thing: Any) -> Runnable[Any, Any]:
    """A Runnable for what may stand as a step.

    Args:
        thing: A Runnable, a function, a generator function, or a dict of these.

    Raises:
        TypeError: If it is none of these.
    """
    if is_runnable(thing):
        return thing
    if callable(thing):
        import inspect

        called = thing if inspect.isroutine(thing) else getattr(thing, "__call__", thing)  # noqa: B004  # its kind
        if inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called):
            from chatplug.runnables.generator import RunnableGenerator

            return RunnableGenerator[Any, Any](cast("Callable[[Iterator[Any]], Iterator[Any]]", thing))
        from chatplug.runnables.function import RunnableLambda

        return RunnableLambda[Any, Any](cast("Callable[[Any], Any]", thing))
    if isinstance(thing, Mapping):
        from chatplug.runnables.parallel import RunnableParallel

        return RunnableParallel(cast("Mapping[str, Any]", thing))
    raise TypeError(
        f"{type(thing).__name__} is no step. A step is a Runnable, a function, a generator function or a dict of these."
    )


@overload
def chain(func: Callable[[Other], Awaitable[Another]]) -> Runnable[Other, Another]: ...
@overload
def chain(func: Callable[[Iterator[Other]], Iterator[Another]]) -> Runnable[Other, Another]: ...
@overload
def chain(func: Callable[[AsyncIterator[Other]], AsyncIterator[Another]]) -> Runnable[Other, Another]: ...
@overload
def chain(func: Callable[[Other], Another]) -> Runnable[Other, Another]: ...
@overload
def chain(func: Callable[[Other, RunnableConfig], Awaitable[Another]]) -> Runnable[Other, Another]: ...
@overload
def chain(func: Callable[[Other, RunnableConfig], Another]) -> Runnable[Other, Another]: ...
def chain(func: Callable[..., Any]) -> Runnable[Any, Any]:
    """A decorator that makes a function, or a generator function, a Runnable with the function's name.

    >>> @chain
    ... def shout(text: str) -> str:
    ...     return text.upper()
    >>> shout.batch(["a", "b"])
    ['A', 'B']
    """
    return coerce_to_runnable(func)
