"""`|`, `bind`, `map` and the `with_*` methods of every Runnable: how one is made of others.

Every Runnable has these methods, and what they give are Runnables. That is a ring of imports, and this is the one
module that may have it: it imports each combinator when it is first used, so that a program that combines nothing
pays nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeGuard, TypeVar, cast, overload

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterator

    from chatplug.runnables.binding import RunnableBinding
    from chatplug.runnables.config import RunnableConfig
    from chatplug.runnables.runnable import Runnable
    from chatplug.runnables.sequence import RunnableSequence

__all__ = ["Fluent", "coerce_to_runnable", "is_runnable"]

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)
Other = TypeVar("Other")


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
        from chatplug.runnables.binding import RunnableBinding

        return RunnableBinding(_this(self), kwargs=kwargs)

    def with_config(self, config: RunnableConfig | None = None, **kwargs: Any) -> RunnableBinding[Input, Output]:
        """This one, with a config that goes with every call; what a call says itself comes on top.

        Args:
            config: The config.
            **kwargs: Keys of a config, in place of the dict or on top of it.
        """
        from chatplug.runnables.binding import RunnableBinding

        return RunnableBinding(_this(self), config={**(config or {}), **kwargs})


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
