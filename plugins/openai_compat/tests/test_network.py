"""The way to the server: further tries, proxies, certificates, clients of one's own, a limiter that learns."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

import chatplug
from chatplug.callbacks import BaseCallbackHandler
from chatplug.errors import OverloadedError, ProviderConnectionError, ProviderError, SettingsError
from chatplug.http import Retrier, RetryPolicy
from chatplug.rate_limiters import TokenRateLimiter
from chatplug.testing import Exchange, LoopbackServer

ANSWER = b'{"id": "1", "choices": [{"message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}]}'
EVENT = b'data: {"id": "1", "choices": [{"index": 0, "delta": {"content": "hello"}, "finish_reason": "stop"}]}\n\n'
SECRET = "proxy-password"


def answer(exchange: Exchange) -> None:
    """What a server says when nothing goes wrong."""
    if b'"stream":true' in exchange.body:
        exchange.begin(headers=["Content-Type: text/event-stream"])
        exchange.piece(EVENT + b"data: [DONE]\n\n")
        exchange.end()
    else:
        exchange.answer(ANSWER, headers=["Content-Type: application/json"])


def impatient(slept: list[float]) -> Retrier:
    """A retrier that does not wait."""

    async def asleep(seconds: float) -> None:
        slept.append(seconds)

    return Retrier(sleep=slept.append, asleep=asleep, chance=lambda: 0.0)


def made(url: str, **settings: Any) -> Any:
    return chatplug.init("openai_compat:tiny", base_url=f"{url}/v1", api_key="sk-1234", **settings)


def invoke(model: Any) -> str:
    text: str = model.invoke("Hello").text
    return text


def ainvoke(model: Any) -> str:
    async def main() -> str:
        text: str = (await model.ainvoke("Hello")).text
        return text

    return asyncio.run(main())


def stream(model: Any) -> str:
    return "".join(chunk.text for chunk in model.stream("Hello"))


def astream(model: Any) -> str:
    async def main() -> str:
        return "".join([chunk.text async for chunk in model.astream("Hello")])

    return asyncio.run(main())


Ask = Callable[[Any], str]
every_way = pytest.mark.parametrize("ask", [invoke, ainvoke, stream, astream])


def failing(times: int, *headers: str) -> Callable[[Exchange], None]:
    """A server that fails some times and then answers."""
    left = [times]

    def script(exchange: Exchange) -> None:
        left[0] -= 1
        if left[0] >= 0:
            exchange.answer(b"{}", status=503, headers=headers)
        else:
            answer(exchange)

    return script


@every_way
def test_a_failure_that_passes_is_not_seen(ask: Ask) -> None:
    slept: list[float] = []
    with LoopbackServer(failing(2)) as server:
        assert ask(made(server.url, retrier=impatient(slept))) == "hello"

    assert (server.requests, slept) == (3, [0.5, 1.0])


@every_way
@pytest.mark.parametrize("retries", [0, 1, 5])
def test_max_retries_says_how_often_a_call_is_sent_again(ask: Ask, retries: int) -> None:
    slept: list[float] = []
    with LoopbackServer(failing(100)) as server, pytest.raises(OverloadedError, match="503"):
        ask(made(server.url, max_retries=retries, retrier=impatient(slept)))

    assert (server.requests, len(slept)) == (retries + 1, retries)


@every_way
def test_the_server_says_how_long_to_wait(ask: Ask) -> None:
    slept: list[float] = []
    with LoopbackServer(failing(1, "retry-after-ms: 2500", "retry-after: 9")) as server:
        assert ask(made(server.url, retrier=impatient(slept))) == "hello"

    assert slept == [2.5]


def test_a_list_of_models_is_asked_for_again_too() -> None:
    def script(exchange: Exchange) -> None:
        if exchange.turn == 1:
            exchange.answer(b"", status=500)
        else:
            exchange.answer(b'{"data": [{"id": "tiny"}]}')

    with LoopbackServer(script) as server:
        assert made(server.url, retrier=impatient([])).list_models() == ["tiny"]


@every_way
def test_a_limiter_of_tokens_hears_what_the_server_allows_also_when_it_refuses(ask: Ask) -> None:
    limiter = TokenRateLimiter()

    def script(exchange: Exchange) -> None:
        exchange.answer(
            b"{}", status=400, headers=["x-ratelimit-remaining-requests: 0", "x-ratelimit-reset-requests: 9s"]
        )

    with LoopbackServer(script) as server, pytest.raises(ProviderError):
        ask(made(server.url, rate_limiter=limiter))

    assert not limiter.acquire(blocking=False)


@every_way
def test_requests_go_through_the_proxy_that_is_given(ask: Ask) -> None:
    seen: list[tuple[str, str | None]] = []

    def script(exchange: Exchange) -> None:
        seen.append((exchange.path, exchange.headers.get("proxy-authorization")))
        answer(exchange)

    with LoopbackServer(script) as proxy:
        model = made("http://no.such.host.invalid", proxy=f"http://me:{SECRET}@127.0.0.1:{proxy.port}")

        assert ask(model) == "hello"
    assert seen[0][0] == "http://no.such.host.invalid/v1/chat/completions"
    assert seen[0][1] is not None


def test_the_password_of_a_proxy_is_shown_nowhere() -> None:
    model = made("http://example.org", proxy=f"http://me:{SECRET}@127.0.0.1:1", max_retries=0)

    with pytest.raises(ProviderConnectionError) as caught:
        model.invoke("Hello")
    shown = f"{model} {model!r} {model.model_dump()} {model.model_dump_json()} {caught.value} {caught.value.__dict__}"
    assert SECRET not in shown


def test_certificates_that_cannot_be_read_are_named_and_asked_for_once(tmp_path: Path) -> None:
    slept: list[float] = []
    with LoopbackServer(answer) as server:
        model = made(f"https://127.0.0.1:{server.port}", ca=tmp_path / "absent.pem", retrier=impatient(slept))

        with pytest.raises(ProviderConnectionError, match=r"absent\.pem"):
            model.invoke("Hello")
    assert slept == []


def test_models_of_equal_settings_share_their_connections() -> None:
    with LoopbackServer(answer) as server:
        for _ in range(3):
            invoke(made(server.url, max_connections=7))

    assert server.accepted == 1
    assert made("http://x", max_connections=7)._transport is made("http://y", max_connections=7)._transport
    assert made("http://x", max_connections=7)._transport is not made("http://x")._transport


@pytest.mark.parametrize("more", [{"proxy": "http://127.0.0.1:1"}, {"ca": "x"}, {"max_connections": 3}])
def test_a_client_of_ones_own_is_not_given_what_it_was_made_with(more: dict[str, Any]) -> None:
    with httpx.Client() as client, pytest.raises(SettingsError, match=f"{next(iter(more))!r} cannot be given"):
        made("http://x", http_client=client, **more)


@pytest.mark.parametrize(
    "wrong",
    [{"max_retries": -1}, {"retrier": 3}, {"stall_timeout": 0}, {"max_connections": 0}, {"timeout": {"all": 1}}],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        made("http://x", **wrong)


def test_a_deep_copy_shares_the_limiter_and_a_pickled_model_has_one_of_its_own() -> None:
    limiter = TokenRateLimiter(requests_per_minute=5)
    model = made("http://x", rate_limiter=limiter, max_retries=4)

    assert model.model_copy(deep=True).rate_limiter is limiter
    copied = pickle.loads(pickle.dumps(model))  # noqa: S301  # its own bytes
    assert copied.rate_limiter is not limiter
    assert copied.common.retrier.policy == model.common.retrier.policy
    assert copied._transport is model._transport


def test_a_retrier_of_ones_own_says_how_often() -> None:
    assert made("http://x", retrier=Retrier(RetryPolicy(9))).common.retrier.policy.max_retries == 9


@every_way
def test_handlers_hear_of_each_further_try(ask: Ask) -> None:
    class Listening(BaseCallbackHandler):
        def __init__(self) -> None:
            self.heard: list[tuple[int, float, str]] = []

        def on_retry(self, retry_state: Any, **kwargs: Any) -> None:
            self.heard.append((retry_state.number, retry_state.wait, type(retry_state.error).__name__))

    handler = Listening()
    with LoopbackServer(failing(2)) as server:
        ask(made(server.url, retrier=impatient([]), callbacks=[handler]))

    assert handler.heard == [(1, 0.5, "OverloadedError"), (2, 1.0, "OverloadedError")]
