"""Everything that a wire can do wrong, and what comes of it for the caller."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

import chatplug
from chatplug.errors import ChatplugError, OverloadedError, ProviderError, ProviderTimeoutError, TransientError
from chatplug.http import Retrier
from chatplug.messages import AIMessage, AIMessageChunk
from chatplug.testing import FAULTS, RETRIES, Answers, Fault, FaultServer

TEXT = "Grüße, 世界! 🐈"
KEY = "sk-not-to-be-seen-1234"
HEAD = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "tiny"}


def event(delta: dict[str, Any], reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return b"data: " + json.dumps({**HEAD, "choices": [choice]}, ensure_ascii=False).encode() + b"\n\n"


MESSAGE = {"role": "assistant", "content": TEXT}
WHOLE = {**HEAD, "object": "chat.completion", "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop"}]}
ANSWERS = Answers(
    body=json.dumps(WHOLE, ensure_ascii=False).encode(),
    events=[
        event({"role": "assistant", "content": TEXT[:4]}),
        *[event({"content": letter}) for letter in TEXT[4:]],
        event({}, "stop"),
    ],
    end=b"data: [DONE]\n\n",
)


class Waits:
    """A retrier's sleep that notes the seconds and does not wait."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    async def asleep(self, seconds: float) -> None:
        self.asked.append(seconds)

    @property
    def retrier(self) -> Retrier:
        return Retrier(sleep=self.asked.append, asleep=self.asleep, chance=lambda: 0.0)


def made(fault: Fault, server: FaultServer, waits: Waits) -> Any:
    settings: dict[str, Any] = {"timeout": fault.timeout}
    if fault.stall_timeout is not None:
        settings["stall_timeout"] = fault.stall_timeout
    return chatplug.init(
        "openai_compat:tiny",
        base_url=f"{server.url}/v1",
        api_key=KEY,
        max_retries=RETRIES,
        retrier=waits.retrier,
        **settings,
    )


def invoke(model: Any) -> AIMessage:
    answer: AIMessage = model.invoke("Hello")
    return answer


def ainvoke(model: Any) -> AIMessage:
    async def main() -> AIMessage:
        answer: AIMessage = await model.ainvoke("Hello")
        return answer

    return asyncio.run(main())


def stream(model: Any) -> AIMessage:
    full = AIMessageChunk("")
    for chunk in model.stream("Hello"):
        full = full + chunk
    return full


def astream(model: Any) -> AIMessage:
    async def main() -> AIMessage:
        full = AIMessageChunk("")
        async for chunk in model.astream("Hello"):
            full = full + chunk
        return full

    return asyncio.run(main())


WAYS = {"whole": (invoke, ainvoke), "stream": (stream, astream)}
CASES = [
    pytest.param(fault, ask, id=f"{fault}-{ask.__name__}")
    for fault in FAULTS
    for kind, ways in WAYS.items()
    if fault.of in ("any", kind)
    for ask in ways
]


@pytest.mark.parametrize(("fault", "ask"), CASES)
def test_a_fault_ends_as_it_should_after_as_many_tries_and_waits_as_it_should(fault: Fault, ask: Any) -> None:
    waits = Waits()
    answer: AIMessage | None = None
    error: ChatplugError | None = None

    with FaultServer(fault, ANSWERS) as server:
        model = made(fault, server, waits)
        try:
            answer = ask(model)
        except ChatplugError as caught:
            error = caught
        assert server.elsewhere.accepted == 0

    assert type(error) is (fault.error or type(None)), error
    assert server.requests == fault.requests
    assert len(waits.asked) == fault.requests - 1
    if fault.waits is not None:
        # A date has no finer grain than a second.
        assert waits.asked == pytest.approx(fault.waits, abs=2 if fault.waits == (30,) else 0.001)
    if error is None:
        assert answer is not None
        assert (answer.text, answer.response_metadata["finish_reason"]) == (TEXT, "stop")
        return
    assert str(error).startswith("openai_compat:tiny: ")
    assert error.hint
    assert KEY not in f"{error!r} {error} {vars(error)}"
    assert isinstance(error, ProviderError)
    assert (error.partial is not None) == fault.has_partial
    if error.partial is not None:
        assert error.partial.text.startswith(TEXT[:4])
    if isinstance(error, ProviderTimeoutError):
        assert error.phase == fault.phase
    assert fault.requests == 1 or isinstance(error, TransientError)


def test_the_key_goes_with_every_try_and_in_one_header_alone() -> None:
    fault = next(fault for fault in FAULTS if fault.name == "503 always")
    with FaultServer(fault, ANSWERS) as server, pytest.raises(OverloadedError):
        invoke(made(fault, server, Waits()))

    for exchange in server.exchanges:
        assert exchange.headers.pop("authorization") == f"Bearer {KEY}"
        assert KEY not in f"{exchange.headers} {exchange.path} {exchange.body!r}"


def test_each_fault_has_a_name_of_its_own() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
