"""`RunnableWithFallbacks`: where one fails the next is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from chatplug.runnables.attempts import Attempted, Trying
from chatplug.runnables.fluent import coerce_to_runnable
from chatplug.runnables.runnable import Input, Output, Runnable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatplug.runnables.chain_call import ChainCall
    from chatplug.runnables.config import RunnableConfig

__all__ = ["RunnableWithFallbacks"]


class RunnableWithFallbacks(Attempted[Input, Output]):
    """A Runnable, and others that are tried in turn where it fails. If all fail, the first failure is raised.

    Args:
        runnable: What is tried first.
        fallbacks: What is tried then, in this order.
        exceptions_to_handle: Which exceptions make the next one be tried.
        exception_key: The key under which a fallback finds in its input, which has to be a dict then, the exception of
            the one before it.
    """

    runnable: Runnable[Input, Output]
    """What is tried first."""
    fallbacks: list[Runnable[Input, Output]]
    """What is tried then."""
    exception_key: str | None
    """The key under which a fallback finds the exception of the one before it; None for not at all."""

    def __init__(
        self,
        runnable: Runnable[Input, Output],
        fallbacks: Sequence[Any],
        *,
        exceptions_to_handle: tuple[type[Exception], ...] = (Exception,),
        exception_key: str | None = None,
    ) -> None:
        self.runnable = runnable
        self.fallbacks = [coerce_to_runnable(one) for one in fallbacks]
        self.exception_key = exception_key
        self._handled = exceptions_to_handle

    @property
    def runnables(self) -> list[Runnable[Input, Output]]:
        """All that may be tried."""
        return [self.runnable, *self.fallbacks]

    def _types(self) -> tuple[Any, Any]:
        return self.runnable.InputType, self.runnable.OutputType

    def _parts(self) -> Sequence[Runnable[Any, Any]]:
        return self.runnables

    def _trying(self, call: ChainCall) -> Trying:
        return _FallingBack(self, call)


class _FallingBack(Trying):
    """The attempts of one call."""

    def __init__(self, fallbacks: RunnableWithFallbacks[Any, Any], call: ChainCall) -> None:
        super().__init__(call)
        self._left = iter(fallbacks.runnables)
        self._target = next(self._left)
        self._key = fallbacks.exception_key
        self._first: Exception | None = None
        self._last: Exception | None = None

    def target(self) -> Runnable[Any, Any]:
        return self._target

    def config(self) -> RunnableConfig:
        return self.call.for_child(None)

    def given(self, value: Any) -> Any:
        if self._key is None:
            return value
        if not isinstance(value, dict):
            raise TypeError(f"exception_key={self._key!r} wants a dict as input, not {type(value).__name__}.")
        given = cast("dict[str, Any]", value)
        return given if self._last is None else {**given, self._key: self._last}

    def wait(self, error: Exception) -> float:
        if self._first is None:
            self._first = error
        else:
            self._first.add_note(f"chatplug: {self._target.get_name()}, a fallback, failed too: {error!r}")
        self._last = error
        following = next(self._left, None)
        if following is None:
            raise self._first
        self._target = following
        return 0.0
