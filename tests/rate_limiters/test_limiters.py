"""How often a model may ask."""

from __future__ import annotations

import asyncio
import pickle
import threading
from typing import Any

import pytest

from chatplug.errors import SettingsError
from chatplug.rate_limiters import BaseRateLimiter, InMemoryRateLimiter, TokenRateLimiter
from chatplug.rate_limiters.line import Clock


class FakeClock(Clock):
    """A clock that goes on when somebody waits, who then waits no more."""

    def __init__(self) -> None:
        self.time = 50.0
        self.waits: list[float] = []

    def now(self) -> float:
        return self.time

    def wait(self, signal: threading.Event, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds

    async def await_(self, signal: asyncio.Event, seconds: float) -> None:
        if seconds == float("inf"):
            await signal.wait()
            return
        self.waits.append(seconds)
        await asyncio.sleep(0)
        self.time += seconds


def acquire(limiter: Any, **more: Any) -> bool:
    allowed: bool = limiter.acquire(**more)
    return allowed


def aacquire(limiter: Any, **more: Any) -> bool:
    async def main() -> bool:
        allowed: bool = await limiter.aacquire(**more)
        return allowed

    return asyncio.run(main())


both_ways = pytest.mark.parametrize("ask", [acquire, aacquire])


def test_a_rate_that_is_no_number_is_refused_by_its_name() -> None:
    fast: Any = "fast"

    with pytest.raises(SettingsError, match=r"requests_per_second is 'fast'\. It is a number"):
        InMemoryRateLimiter(requests_per_second=fast)


@both_ways
def test_requests_are_a_second_over_the_rate_apart_and_each_waits_once(ask: Any) -> None:
    clock = FakeClock()
    limiter = InMemoryRateLimiter(requests_per_second=4, clock=clock)

    assert [ask(limiter) for _ in range(3)] == [True, True, True]
    assert clock.waits == pytest.approx([0.25, 0.25, 0.25])


@both_ways
def test_who_will_not_wait_is_told_at_once(ask: Any) -> None:
    clock = FakeClock()
    limiter = InMemoryRateLimiter(requests_per_second=2, clock=clock)

    assert ask(limiter, blocking=False) is False
    clock.time += 0.5
    assert ask(limiter, blocking=False) is True
    assert ask(limiter, blocking=False) is False
    assert clock.waits == []


@both_ways
def test_after_a_quiet_time_as_many_may_go_as_the_bucket_holds(ask: Any) -> None:
    clock = FakeClock()
    limiter = InMemoryRateLimiter(requests_per_second=1, max_bucket_size=3, clock=clock)
    ask(limiter, blocking=False)
    clock.time += 1000

    assert [ask(limiter, blocking=False) for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize(
    "settings",
    [
        {"requests_per_second": 0},
        {"requests_per_second": -1},
        {"requests_per_second": float("nan")},
        {"max_bucket_size": 0.5},
    ],
)
def test_a_limiter_that_lets_nothing_through_is_refused(settings: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match="has to be"):
        InMemoryRateLimiter(**settings)  # type: ignore[arg-type]  # every setting is a number
    with pytest.raises(SettingsError, match="tokens_per_minute"):
        TokenRateLimiter(tokens_per_minute=0)


async def test_tasks_are_served_in_the_order_in_which_they_came() -> None:
    clock = FakeClock()
    limiter = InMemoryRateLimiter(requests_per_second=1, clock=clock)
    served: list[int] = []

    async def ask(number: int) -> None:
        await limiter.aacquire()
        served.append(number)

    await asyncio.gather(*(ask(number) for number in range(20)))

    assert served == list(range(20))
    assert clock.waits == pytest.approx([1.0] * 20)


async def test_a_task_that_is_cancelled_leaves_its_place_to_the_next() -> None:
    clock = FakeClock()
    limiter = InMemoryRateLimiter(requests_per_second=1, clock=clock)
    first = asyncio.create_task(limiter.aacquire())
    second = asyncio.create_task(limiter.aacquire())
    third = asyncio.create_task(limiter.aacquire())
    await asyncio.sleep(0)
    first.cancel()
    second.cancel()

    assert await third
    assert first.cancelled()
    assert second.cancelled()
    assert limiter.acquire(blocking=False) is False


def test_threads_and_tasks_share_one_line() -> None:
    limiter = InMemoryRateLimiter(requests_per_second=2000)
    allowed: list[bool] = []

    def in_thread() -> None:
        allowed.extend(limiter.acquire() for _ in range(20))

    async def in_loop() -> None:
        allowed.extend(await asyncio.gather(*(limiter.aacquire() for _ in range(20))))

    workers = [threading.Thread(target=in_thread) for _ in range(4)]
    workers += [threading.Thread(target=lambda: asyncio.run(in_loop())) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    assert allowed == [True] * 120


def test_one_whose_event_loop_was_closed_does_not_block_the_line() -> None:
    clock = FakeClock()

    async def only_when_woken(signal: asyncio.Event, seconds: float) -> None:
        await signal.wait()

    clock.await_ = only_when_woken  # type: ignore[method-assign]  # so that no time passes
    limiter = InMemoryRateLimiter(requests_per_second=1, clock=clock)
    loop = asyncio.new_event_loop()
    waiting = limiter.aacquire()
    task = loop.create_task(waiting)
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()

    assert limiter.acquire()
    assert clock.waits == pytest.approx([1])
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # It is meant to be pending.
    waiting.close()


def test_a_limiter_that_is_sent_elsewhere_is_a_budget_of_its_own() -> None:
    limiter = InMemoryRateLimiter(requests_per_second=3, max_bucket_size=5)
    tokens = TokenRateLimiter(tokens_per_minute=10)

    for sent in (limiter, tokens):
        assert repr(pickle.loads(pickle.dumps(sent))) == repr(sent)  # noqa: S301  # its own bytes


# ---- requests and tokens


@both_ways
def test_a_request_waits_until_its_tokens_are_there(ask: Any) -> None:
    clock = FakeClock()
    limiter = TokenRateLimiter(requests_per_minute=600, tokens_per_minute=6000, clock=clock)

    assert ask(limiter, tokens=5000)
    assert ask(limiter, tokens=3000)
    assert clock.waits == pytest.approx([20])


@both_ways
def test_a_request_larger_than_the_budget_waits_for_all_of_it_and_the_next_for_the_debt(ask: Any) -> None:
    clock = FakeClock()
    limiter = TokenRateLimiter(tokens_per_minute=600, clock=clock)

    assert ask(limiter, tokens=1200)
    assert ask(limiter, tokens=10)
    assert clock.waits == pytest.approx([61])


def test_what_was_reserved_and_not_used_is_given_back() -> None:
    clock = FakeClock()
    limiter = TokenRateLimiter(tokens_per_minute=600, clock=clock)
    limiter.reserve(600)
    limiter.settle(600, 100)

    assert limiter.acquire(blocking=False, tokens=500)
    assert not limiter.acquire(blocking=False, tokens=1)


def test_what_was_used_beyond_the_reservation_is_owed() -> None:
    clock = FakeClock()
    limiter = TokenRateLimiter(tokens_per_minute=600, clock=clock)
    limiter.reserve(0)
    limiter.settle(0, 1200)

    limiter.reserve(0)
    assert clock.waits == pytest.approx([60])


def told(**facts: object) -> dict[str, str]:
    return {f"x-ratelimit-{name.replace('_', '-')}": str(value) for name, value in facts.items()}


def test_what_others_took_of_a_shared_key_is_learned_from_the_headers() -> None:
    clock = FakeClock()
    limiter = TokenRateLimiter(requests_per_minute=60, tokens_per_minute=6000, clock=clock)
    limiter.reserve(100)
    limiter.observe(told(remaining_requests=40, remaining_tokens=50, limit_tokens=6000, reset_tokens="59.5s"))

    limiter.reserve(150)
    assert clock.waits == pytest.approx([1])


def test_headers_do_not_make_a_budget_larger_than_its_owner_wants_it() -> None:
    limiter = TokenRateLimiter(requests_per_minute=2, clock=FakeClock())
    limiter.observe(told(limit_requests=1000, remaining_requests=999, reset_requests="60ms"))

    assert [limiter.acquire(blocking=False) for _ in range(3)] == [True, True, False]


def test_limits_that_are_not_given_are_learned_from_the_headers() -> None:
    clock = FakeClock()
    limiter = TokenRateLimiter(clock=clock)
    assert all(limiter.acquire(blocking=False, tokens=10**9) for _ in range(100))
    limiter.observe(told(limit_requests=60, remaining_requests=1, reset_requests="59s"))

    limiter.reserve(1)
    limiter.reserve(1)
    assert clock.waits == pytest.approx([1])


def test_a_limit_of_nothing_is_none_that_a_server_can_mean() -> None:
    limiter = TokenRateLimiter(requests_per_minute=60, clock=FakeClock())
    limiter.observe(told(limit_tokens=0, remaining_tokens=0, limit_requests=0, remaining_requests=0))

    assert limiter.acquire(blocking=False, tokens=10**6)


def test_nothing_is_sent_before_a_budget_that_is_used_up_is_there_again() -> None:
    clock = FakeClock()
    limiter = TokenRateLimiter(requests_per_minute=600, clock=clock)
    limiter.observe(told(limit_requests=14400, remaining_requests=0, reset_requests="2m3s"))

    limiter.reserve(1)
    assert clock.waits == pytest.approx([123])


def test_a_wait_that_the_server_asks_for_holds_for_all_who_share_the_limiter() -> None:
    clock = FakeClock()
    limiter = TokenRateLimiter(requests_per_minute=600, clock=clock)
    limiter.observe({"retry-after": "7"})

    assert not limiter.acquire(blocking=False)
    limiter.reserve(1)
    assert clock.waits == pytest.approx([7])


async def test_who_waits_goes_on_as_soon_as_tokens_are_given_back() -> None:
    clock = FakeClock()

    async def only_when_woken(signal: asyncio.Event, seconds: float) -> None:
        await signal.wait()

    clock.await_ = only_when_woken  # type: ignore[method-assign]  # so that no time passes
    limiter = TokenRateLimiter(tokens_per_minute=600, clock=clock)
    limiter.reserve(600)
    waiting = asyncio.create_task(limiter.aacquire(tokens=400))
    await asyncio.sleep(0)

    assert not waiting.done()
    limiter.settle(600, 100)
    assert await waiting


def test_a_limiter_of_ones_own_needs_two_methods() -> None:
    class Counting(BaseRateLimiter):
        asked = 0

        def acquire(self, *, blocking: bool = True) -> bool:
            self.asked += 1
            return True

        async def aacquire(self, *, blocking: bool = True) -> bool:
            return self.acquire()

    limiter = Counting()
    limiter.reserve(5)
    asyncio.run(limiter.areserve(5))
    limiter.settle(5, 1)
    limiter.observe({})

    assert limiter.asked == 2
