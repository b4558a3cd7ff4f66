"""How often a call is tried again, after how long, and when it is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import pytest

from chatplug.errors import (
    AuthenticationError,
    ChatplugError,
    OverloadedError,
    ProviderConnectionError,
    ProviderTimeoutError,
    RateLimitError,
    ServerError,
    TransientError,
)
from chatplug.http import ProxyError, Retrier, Retry, RetryPolicy, Stall, Terms, TLSError

Outcome = ChatplugError | str


class FakeTime:
    """A clock that goes on when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)

    def retrier(self, policy: RetryPolicy | None = None, chance: float = 0.0) -> Retrier:
        return Retrier(policy, sleep=self.sleep, asleep=self.asleep, clock=lambda: self.now, chance=lambda: chance)


class Script:
    """Tries that end as they are told to, one after the other."""

    def __init__(self, *outcomes: Outcome, took: float = 0.0, time: FakeTime | None = None) -> None:
        self._outcomes = list(outcomes)
        self._took = took
        self._time = time
        self.left: list[float | None] = []
        self.closed = 0

    def attempt(self, left: float | None) -> str:
        self.left.append(left)
        if self._time is not None:
            self._time.now += self._took
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def aattempt(self, left: float | None) -> str:
        return self.attempt(left)

    def stream(self, left: float | None) -> Generator[str]:
        try:
            yield from self.attempt(left)
        finally:
            self.closed += 1

    async def astream(self, left: float | None) -> AsyncGenerator[str]:
        try:
            for piece in self.attempt(left):
                yield piece
        finally:
            self.closed += 1


def call(retrier: Retrier, script: Script, terms: Terms) -> str:
    return retrier.call(script.attempt, terms)


def acall(retrier: Retrier, script: Script, terms: Terms) -> str:
    return asyncio.run(retrier.acall(script.aattempt, terms))


def stream(retrier: Retrier, script: Script, terms: Terms) -> str:
    return "".join(retrier.stream(script.stream, terms))


def astream(retrier: Retrier, script: Script, terms: Terms) -> str:
    async def main() -> str:
        return "".join([piece async for piece in retrier.astream(script.astream, terms)])

    return asyncio.run(main())


Ask = Callable[[Retrier, Script, Terms], str]
every_way = pytest.mark.parametrize("ask", [call, acall, stream, astream])


def asked_to_wait(seconds: float) -> RateLimitError:
    error = RateLimitError("Slow down.")
    error.retry_after = seconds
    return error


def refused(cause: Exception) -> ProviderConnectionError:
    error = ProviderConnectionError("No.")
    error.__cause__ = cause
    return error


def late(phase: str) -> ProviderTimeoutError:
    error = ProviderTimeoutError("Too late.")
    error.phase = phase
    return error


@every_way
def test_what_may_succeed_later_is_tried_twice_more_after_waits_that_double(ask: Ask) -> None:
    time = FakeTime()

    assert ask(time.retrier(), Script(ServerError("a"), OverloadedError("b"), "whole"), Terms()) == "whole"
    assert time.slept == [0.5, 1.0]


@every_way
def test_the_last_error_is_raised_when_no_try_is_left(ask: Ask) -> None:
    time = FakeTime()
    script = Script(ServerError("a"), ServerError("b"), ServerError("c"))

    with pytest.raises(ServerError, match="c"):
        ask(time.retrier(), script, Terms())
    assert len(script.left) == 3


@every_way
@pytest.mark.parametrize(
    "error",
    [
        AuthenticationError("no"),
        late("total"),
        refused(TLSError("no", method="POST", url="", host="", port=0)),
        refused(ProxyError("no", method="POST", url="", host="", port=0, status=407)),
    ],
    ids=["authentication", "total", "certificate", "proxy"],
)
def test_what_would_fail_again_is_not_tried_again(ask: Ask, error: ChatplugError) -> None:
    time = FakeTime()

    with pytest.raises(type(error)) as caught:
        ask(time.retrier(), Script(error, "never"), Terms())
    assert caught.value is error
    assert time.slept == []


@every_way
def test_retry_waits_as_long_as_the_provider_asks(ask: Ask) -> None:
    time = FakeTime()

    assert ask(time.retrier(), Script(asked_to_wait(20), asked_to_wait(0), "whole"), Terms()) == "whole"
    assert time.slept == [20, 0]


@every_way
def test_a_wait_that_nobody_would_sit_through_is_told_to_the_caller(ask: Ask) -> None:
    time = FakeTime()

    with pytest.raises(RateLimitError) as caught:
        ask(time.retrier(), Script(asked_to_wait(61), "never"), Terms())
    assert (caught.value.retry_after, time.slept) == (61, [])


@every_way
def test_the_total_limit_holds_for_all_tries_and_the_waits_between(ask: Ask) -> None:
    time = FakeTime()
    script = Script(ServerError("a"), ServerError("b"), "never", took=2, time=time)

    with pytest.raises(ServerError, match="b"):
        ask(time.retrier(), script, Terms(total=5))
    assert script.left == [5, 2.5]
    assert time.slept == [0.5]


@every_way
def test_each_further_try_is_told_before_its_wait(ask: Ask) -> None:
    time = FakeTime()
    told: list[tuple[Retry, int]] = []
    first, second = ServerError("a"), asked_to_wait(3)

    def listen(retry: Retry) -> None:
        told.append((retry, len(time.slept)))

    ask(time.retrier(), Script(first, second, "x"), Terms(on_retry=listen))

    assert told == [(Retry(1, 0.5, first), 0), (Retry(2, 3, second), 1)]


def test_an_asynchronous_listener_is_awaited() -> None:
    time = FakeTime()
    told: list[int] = []

    async def listen(retry: Retry) -> None:
        await asyncio.sleep(0)
        told.append(retry.number)

    assert acall(time.retrier(), Script(ServerError("a"), "whole"), Terms(on_retry=listen)) == "whole"
    assert told == [1]


@every_way
def test_the_rate_limiter_is_asked_before_each_further_try(ask: Ask) -> None:
    class Limiter:
        asked = 0

        def acquire(self, *, blocking: bool = True) -> bool:
            self.asked += 1
            return True

        async def aacquire(self, *, blocking: bool = True) -> bool:
            return self.acquire()

    limiter = Limiter()

    ask(FakeTime().retrier(), Script(ServerError("a"), ServerError("b"), "whole"), Terms(limiter=limiter))

    assert limiter.asked == 2


class BreaksOff(Script):
    """A stream that fails after its first piece."""

    def stream(self, left: float | None) -> Generator[str]:
        yield "a"
        self.attempt(left)

    async def astream(self, left: float | None) -> AsyncGenerator[str]:
        yield "a"
        self.attempt(left)


@pytest.mark.parametrize("ask", [stream, astream])
def test_a_stream_that_has_begun_is_not_begun_again(ask: Ask) -> None:
    time = FakeTime()
    script = BreaksOff(ServerError("broke off"))

    with pytest.raises(ServerError, match="broke off"):
        ask(time.retrier(), script, Terms())
    assert (len(script.left), time.slept) == (1, [])


def test_every_source_is_closed_also_of_a_stream_that_is_left() -> None:
    time = FakeTime()
    script = Script(ServerError("a"), "whole")
    stream = time.retrier().stream(script.stream, Terms())

    assert next(stream) == "w"
    assert script.closed == 1
    stream.close()
    assert script.closed == 2


async def test_every_source_is_closed_also_of_an_asynchronous_stream_that_is_left() -> None:
    time = FakeTime()
    script = Script(ServerError("a"), "whole")
    stream: Any = time.retrier().astream(script.astream, Terms())

    assert await anext(stream) == "w"
    await stream.aclose()
    assert script.closed == 2


async def test_a_call_that_is_cancelled_while_it_waits_is_not_made() -> None:
    async def forever(seconds: float) -> None:
        await asyncio.Event().wait()

    script = Script(ServerError("a"), "never")
    task = asyncio.create_task(Retrier(asleep=forever).acall(script.aattempt, Terms()))
    for _ in range(3):
        await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(script.left) == 1


def test_waits_grow_to_a_longest_and_are_shortened_by_at_most_half() -> None:
    policy = RetryPolicy(2000, first_wait=1, longest_wait=5)

    assert [policy.wait(number, None, 0.0) for number in (1, 2, 3, 4, 1999)] == [1, 2, 4, 5, 5]
    assert policy.wait(3, None, 1.0) == 2
    assert policy.wait(2001, None, 0.0) is None


def test_what_a_server_asks_for_is_exceeded_by_a_tenth_at_most() -> None:
    policy = RetryPolicy()

    assert policy.wait(1, 10, 1.0) == pytest.approx(11)
    assert policy.wait(1, 10, 0.0) == 10


def test_a_retrier_of_another_number_keeps_its_waits() -> None:
    time = FakeTime()
    retrier = time.retrier(RetryPolicy(9, first_wait=3)).of(1)

    with pytest.raises(TransientError):
        call(retrier, Script(ServerError("a"), ServerError("b")), Terms())
    assert time.slept == [3]


def test_a_stall_is_over_when_nothing_has_begun_for_too_long() -> None:
    time = FakeTime()
    stall = Stall(10, lambda: time.now)

    time.now += 9
    assert not stall.is_over
    stall.begin()
    time.now += 9
    assert not stall.is_over
    time.now += 1
    assert stall.is_over
