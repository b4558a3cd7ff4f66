"""What is done when something fails: it is tried again, or something else is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from chatplug.callbacks import BaseCallbackHandler
from chatplug.errors import AuthenticationError, ConfigError, OutputError, RateLimitError, ServerError
from chatplug.runnables import (
    ExponentialJitterParams,
    RetryState,
    Runnable,
    RunnableConfig,
    RunnableGenerator,
    RunnableLambda,
)
from chatplug.runnables.retry import RunnableRetry
from tests.runnables.chains import WAYS, Ends, call

AT_ONCE: ExponentialJitterParams = {"initial": 0, "jitter": 0}


class Flaky(Runnable[str, str]):
    """Fails so many times, and then gives its input in capital letters, one at a time where it is streamed."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.calls: list[Any] = []

    def _fail(self, input: str) -> None:
        self.calls.append(input)
        if self.errors:
            raise self.errors.pop(0)

    def invoke(self, input: str, config: RunnableConfig | None = None, **kwargs: Any) -> str:
        self._fail(input)
        return input.upper()

    async def ainvoke(self, input: str, config: RunnableConfig | None = None, **kwargs: Any) -> str:
        return self.invoke(input)

    def stream(self, input: str, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[str]:
        self._fail(input)
        yield from input.upper()

    async def astream(self, input: str, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[str]:
        self._fail(input)
        for letter in input.upper():
            yield letter


def text(output: Any) -> str:
    return output if isinstance(output, str) else "".join(output)


class Retries(BaseCallbackHandler):
    run_inline = True

    def __init__(self) -> None:
        self.states: list[RetryState] = []

    def on_retry(self, retry_state: Any, **kwargs: Any) -> None:
        self.states.append(retry_state)


@pytest.mark.parametrize("way", WAYS)
def test_what_fails_is_tried_again(way: str) -> None:
    flaky, heard, runs = Flaky(ServerError("no"), OutputError("no")), Retries(), Ends()
    chain = flaky.with_retry(exponential_jitter_params=AT_ONCE)

    output = call(chain, way, "ab", {"callbacks": [heard, runs]})

    assert text(output) == "AB"
    assert flaky.calls == ["ab"] * 3
    assert [(state.attempt_number, type(state.error), state.wait) for state in heard.states] == [
        (1, ServerError, 0.0),
        (2, OutputError, 0.0),
    ]
    assert runs.named("RunnableRetry").retries == 2


@pytest.mark.parametrize("way", WAYS)
def test_the_last_failure_is_raised(way: str) -> None:
    flaky = Flaky(*(ServerError(str(number)) for number in range(5)))

    with pytest.raises(ServerError, match=r"^2$"):
        call(flaky.with_retry(exponential_jitter_params=AT_ONCE), way, "ab")

    assert len(flaky.calls) == 3


@pytest.mark.parametrize("error", [AuthenticationError("no"), ConfigError("no"), KeyboardInterrupt()])
def test_what_would_fail_again_is_not_tried_again(error: BaseException) -> None:
    flaky = Flaky(error)

    with pytest.raises(type(error)):
        flaky.with_retry().invoke("a")

    assert len(flaky.calls) == 1


def test_which_failures_are_tried_again_the_caller_may_say() -> None:
    wanted = Flaky(AuthenticationError("no"))
    other = Flaky(ServerError("no"))

    output = wanted.with_retry(
        retry_if_exception_type=(AuthenticationError,), exponential_jitter_params=AT_ONCE
    ).invoke("a")
    with pytest.raises(ServerError):
        other.with_retry(retry_if_exception_type=(AuthenticationError,)).invoke("a")

    assert output == "A"
    assert len(other.calls) == 1


def test_the_wait_doubles_and_has_a_limit() -> None:
    retry = RunnableRetry(Flaky(), exponential_jitter_params={"jitter": 0})

    assert [retry.wait(ServerError("no"), attempt) for attempt in (1, 2, 3, 10)] == [1, 2, 4, 60]


def test_chance_adds_to_the_wait() -> None:
    waits = {RunnableRetry(Flaky()).wait(ServerError("no"), 1) for _ in range(20)}

    assert len(waits) > 1
    assert all(1 <= wait <= 2 for wait in waits)


def test_the_wait_that_a_provider_asks_for_wins() -> None:
    error = RateLimitError("slowly")
    error.retry_after = 7.5

    assert RunnableRetry(Flaky()).wait(error, 1) == 7.5
    assert RunnableRetry(Flaky(), wait_exponential_jitter=False).wait(error, 1) == 7.5
    assert RunnableRetry(Flaky(), wait_exponential_jitter=False).wait(ServerError("no"), 1) == 0


@pytest.mark.parametrize("way", WAYS)
def test_a_provider_that_asks_for_more_than_a_minute_is_not_asked_again(way: str) -> None:
    error = RateLimitError("tomorrow")
    error.retry_after = 86400.0
    flaky = Flaky(error, error)

    with pytest.raises(RateLimitError):
        call(flaky.with_retry(), way, "a")

    assert flaky.calls == ["a"]
    assert not RunnableRetry(flaky, exponential_jitter_params={"max": 90000.0}).is_hopeless(error)


@pytest.mark.parametrize("said", ["soon", -3, None])
def test_what_an_exception_of_others_calls_retry_after_may_be_anything(said: object) -> None:
    error = ValueError("no")
    error.retry_after = said  # type: ignore[attr-defined]  # as libraries of others do

    assert RunnableRetry(Flaky(), exponential_jitter_params={"initial": 0, "jitter": 0}).wait(error, 1) == 0


def test_a_batch_repeats_only_what_failed_and_keeps_the_order() -> None:
    calls: list[int] = []

    def fail_once(number: int) -> int:
        calls.append(number)
        if number % 2 and calls.count(number) == 1:
            raise ServerError("no")
        return number

    outputs = RunnableLambda(fail_once).with_retry(exponential_jitter_params=AT_ONCE).batch(range(6))

    assert outputs == list(range(6))
    assert sorted(calls) == [0, 1, 1, 2, 3, 3, 4, 5, 5]


def test_one_attempt_there_has_to_be() -> None:
    with pytest.raises(ValueError, match="there has to be one attempt"):
        Flaky().with_retry(stop_after_attempt=0)


@pytest.mark.parametrize("way", ["stream", "astream"])
@pytest.mark.parametrize("kind", ["retry", "fallbacks"])
def test_a_stream_that_has_begun_is_not_begun_again(way: str, kind: str) -> None:
    begun: list[str] = []

    def breaks(pieces: Iterator[str]) -> Iterator[str]:
        begun.append("once")
        yield "a"
        raise ServerError("broken")

    generator = RunnableGenerator(breaks)
    chain: Runnable[Any, Any] = generator.with_retry() if kind == "retry" else generator.with_fallbacks([Flaky()])

    with pytest.raises(ServerError, match="broken"):
        call(chain, way, "x")

    assert begun == ["once"]


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_stream_that_is_tried_again_reads_its_input_again(way: str) -> None:
    read: list[str] = []
    failures = [ServerError("no")]

    def reads_two(pieces: Iterator[str]) -> Iterator[str]:
        first = next(pieces) + next(pieces)
        read.append(first)
        if failures:
            raise failures.pop()
        yield first
        yield from pieces

    def letters(pieces: Iterator[str]) -> Iterator[str]:
        for piece in pieces:
            yield from piece

    chain = RunnableGenerator(letters) | RunnableGenerator(reads_two).with_retry(exponential_jitter_params=AT_ONCE)

    assert call(chain, way, "abcd") == ["ab", "c", "d"]
    assert read == ["ab", "ab"]


@pytest.mark.parametrize("way", WAYS)
def test_where_one_fails_the_next_is_tried(way: str) -> None:
    heard = Ends()
    first, second = Flaky(ServerError("no")), Flaky(ServerError("no"))
    chain = first.with_fallbacks([second, RunnableLambda(str.lower, name="last")])

    output = call(chain, way, "aB", {"callbacks": [heard]})

    assert text(output) == "ab"
    assert (len(first.calls), len(second.calls)) == (1, 1)
    assert heard.named("last").parent is heard.named("RunnableWithFallbacks")


@pytest.mark.parametrize("way", WAYS)
def test_where_all_fail_the_first_failure_is_raised_and_the_others_are_on_it(way: str) -> None:
    chain = Flaky(ServerError("first")).with_fallbacks([Flaky(OutputError("second"))])

    with pytest.raises(ServerError, match="first") as caught:
        call(chain, way, "a")

    assert caught.value.__notes__ == ["chatplug: Flaky, a fallback, failed too: OutputError('second')"]


def test_other_failures_are_not_handled() -> None:
    second = Flaky()

    with pytest.raises(ServerError):
        Flaky(ServerError("no")).with_fallbacks([second], exceptions_to_handle=(OutputError,)).invoke("a")

    assert second.calls == []


@pytest.mark.parametrize("way", WAYS)
def test_a_fallback_may_look_at_the_failure_before_it(way: str) -> None:
    def fail(given: dict[str, Any]) -> str:
        raise ServerError("no")

    def look(given: dict[str, Any]) -> str:
        return f"{given['a']} {given['why']!r}"

    chain = RunnableLambda(fail).with_fallbacks([RunnableLambda(look)], exception_key="why")

    assert text(call(chain, way, {"a": 1})) == "1 ServerError('no')"


def test_a_failure_finds_its_key_only_in_a_dict() -> None:
    with pytest.raises(TypeError, match="exception_key='why' wants a dict as input, not str"):
        Flaky().with_fallbacks([Flaky()], exception_key="why").invoke("a")


async def test_a_wait_between_attempts_can_be_cancelled() -> None:
    error = RateLimitError("slowly")
    error.retry_after = 3600.0
    flaky, failed = Flaky(error), asyncio.Event()

    class Tells(BaseCallbackHandler):
        run_inline = True

        def on_retry(self, retry_state: Any, **kwargs: Any) -> None:
            failed.set()

    patient = flaky.with_retry(exponential_jitter_params={"max": 7200.0})
    task = asyncio.create_task(patient.ainvoke("a", {"callbacks": [Tells()]}))
    await failed.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
