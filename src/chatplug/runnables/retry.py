"""`RunnableRetry`: what fails is tried again, after a while.

Which failures are worth another attempt their class says, never their text. How long to wait the provider says, where
it did; else the wait doubles from attempt to attempt, with some chance in it, so that many callers do not come back at
once.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, TypedDict

from chatplug.errors import InvalidRequestError, PluginError, ProviderError, TransientError
from chatplug.runnables.attempts import Attempted, Trying
from chatplug.runnables.runnable import Input, Output, Runnable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatplug.runnables.attempts import RetryState
    from chatplug.runnables.chain_call import ChainCall
    from chatplug.runnables.config import RunnableConfig

__all__ = ["ExponentialJitterParams", "RunnableRetry"]


_MINUTE = 60.0


class ExponentialJitterParams(TypedDict, total=False):
    """How long to wait: `initial` seconds, multiplied by `exp_base` each time, at most `max`, and up to `jitter`."""

    initial: float
    """Seconds before the second attempt; 1."""
    max: float
    """The most seconds, without what chance adds; 60. A provider that asks for more, and for more than a
    minute, is not asked again."""
    exp_base: float
    """By how much the wait grows with each attempt; 2."""
    jitter: float
    """The most seconds that chance adds; 1."""


class RunnableRetry(Attempted[Input, Output]):
    """A Runnable that is tried again when it fails.

    Args:
        bound: What is called.
        retry_if_exception_type: Which exceptions are worth another attempt. Without it all but those that would come
            again: what the caller got wrong, what is wrong with a plugin, and what a provider refuses for good.
        wait_exponential_jitter: Whether to wait between attempts where the provider does not say how long.
        exponential_jitter_params: How long to wait.
        stop_after_attempt: How many attempts there are at most.

    Raises:
        ValueError: If there is to be no attempt.
    """

    bound: Runnable[Input, Output]
    """What is called."""
    max_attempt_number: int
    """How many attempts there are at most."""

    def __init__(
        self,
        bound: Runnable[Input, Output],
        *,
        retry_if_exception_type: tuple[type[Exception], ...] | None = None,
        wait_exponential_jitter: bool = True,
        exponential_jitter_params: ExponentialJitterParams | None = None,
        stop_after_attempt: int = 3,
    ) -> None:
        if stop_after_attempt < 1:
            raise ValueError(f"stop_after_attempt is {stop_after_attempt}; there has to be one attempt.")
        self.bound = bound
        self.max_attempt_number = stop_after_attempt
        self._handled = (Exception,) if retry_if_exception_type is None else retry_if_exception_type
        self._hopeless = _HOPELESS if retry_if_exception_type is None else ()
        self._waits = wait_exponential_jitter
        self._params: ExponentialJitterParams = exponential_jitter_params or {}
        self._longest = self._params.get("max", _MINUTE)

    def wait(self, error: Exception, attempt: int) -> float:
        """Seconds to wait after this attempt, counted from 1, has failed."""
        asked = _asked(error)
        if asked is not None:
            # The provider's word wins over our own guess, or we are throttled longer.
            return asked
        if not self._waits:
            return 0.0
        grown = self._params.get("initial", 1.0) * self._params.get("exp_base", 2.0) ** (attempt - 1)
        return min(self._longest, grown) + random.uniform(0, self._params.get("jitter", 1.0))

    def is_hopeless(self, error: Exception) -> bool:
        """Whether another attempt would fail in the same way, or the provider wants to be left alone for too long."""
        if (_asked(error) or 0.0) > max(_MINUTE, self._longest):
            return True
        return isinstance(error, self._hopeless) and not isinstance(error, TransientError)

    def _types(self) -> tuple[Any, Any]:
        return self.bound.InputType, self.bound.OutputType

    def _parts(self) -> Sequence[Runnable[Any, Any]]:
        return (self.bound,)

    def _trying(self, call: ChainCall) -> Trying:
        return _Retrying(self, call)

    def _rest(self, call: ChainCall, state: RetryState) -> None:
        if call.handlers:
            from chatplug.callbacks.manager import CallbackManagerForChainRun

            CallbackManagerForChainRun(call).on_retry(state)
        time.sleep(state.wait)

    async def _arest(self, call: ChainCall, state: RetryState) -> None:
        import asyncio

        if call.handlers:
            from chatplug.callbacks.manager import AsyncCallbackManagerForChainRun

            await AsyncCallbackManagerForChainRun(call).on_retry(state)
        await asyncio.sleep(state.wait)


class _Retrying(Trying):
    """The attempts of one call."""

    def __init__(self, retry: RunnableRetry[Any, Any], call: ChainCall) -> None:
        super().__init__(call)
        self._retry = retry

    def target(self) -> Runnable[Any, Any]:
        return self._retry.bound

    def config(self) -> RunnableConfig:
        return self.call.for_child(None if self.number == 1 else f"retry:attempt:{self.number}")

    def wait(self, error: Exception) -> float:
        if self.number >= self._retry.max_attempt_number or self._retry.is_hopeless(error):
            raise error
        if self.call.run is not None:
            self.call.run.retries += 1
        return self._retry.wait(error, self.number)


def _asked(error: Exception) -> float | None:
    """The seconds that a provider wants to be left alone; exceptions of others may say something else by this name."""
    asked: object = getattr(error, "retry_after", None)
    return max(0.0, asked) if isinstance(asked, (int, float)) else None


_HOPELESS = (InvalidRequestError, PluginError, ProviderError)
