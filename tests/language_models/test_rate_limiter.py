"""`rate_limiter=`, for any model: asked before each request, told what it took."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, ClassVar

import pytest

from chatplug.errors import ServerError, SettingsError
from chatplug.language_models import BaseChatModel
from chatplug.messages import AIMessage, AIMessageChunk, UsageMetadata
from chatplug.outputs import ChatResult
from chatplug.rate_limiters import BaseRateLimiter

USAGE = UsageMetadata(input_tokens=4, output_tokens=6, total_tokens=10)


class Recording(BaseRateLimiter):
    """A limiter that lets everybody through and says what it heard."""

    counts_tokens: ClassVar[bool] = True

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []

    def acquire(self, *, blocking: bool = True) -> bool:
        return True

    async def aacquire(self, *, blocking: bool = True) -> bool:
        return True

    def reserve(self, tokens: int) -> None:
        self.heard.append(("reserve", tokens))

    async def areserve(self, tokens: int) -> None:
        self.heard.append(("areserve", tokens))

    def settle(self, reserved: int, used: int) -> None:
        self.heard.append(("settle", reserved, used))


class Answering(BaseChatModel):
    """A model that answers, and notes in its limiter's record when it is asked."""

    usage: Any = None
    fails: bool = False
    max_tokens: int | None = None

    def _asked(self) -> None:
        assert isinstance(self.rate_limiter, Recording)
        self.rate_limiter.heard.append(("asked",))
        if self.fails:
            raise ServerError("no")

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> AIMessage:
        self._asked()
        return AIMessage("hello", usage_metadata=self.usage)

    def _stream(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[AIMessageChunk]:
        self._asked()
        yield AIMessageChunk("hel")
        yield AIMessageChunk("lo", usage_metadata=self.usage)

    @property
    def _llm_type(self) -> str:
        return "answering"


def invoke(model: BaseChatModel, **settings: Any) -> str:
    return model.invoke("Hello, you", **settings).text


def ainvoke(model: BaseChatModel, **settings: Any) -> str:
    async def main() -> str:
        return (await model.ainvoke("Hello, you", **settings)).text

    return asyncio.run(main())


def stream(model: BaseChatModel, **settings: Any) -> str:
    return "".join(chunk.text for chunk in model.stream("Hello, you", **settings))


def astream(model: BaseChatModel, **settings: Any) -> str:
    async def main() -> str:
        return "".join([chunk.text async for chunk in model.astream("Hello, you", **settings)])

    return asyncio.run(main())


every_way = pytest.mark.parametrize("ask", [invoke, ainvoke, stream, astream])
Ask = Callable[..., str]


def made(**settings: Any) -> tuple[Answering, Recording]:
    limiter = Recording()
    return Answering(rate_limiter=limiter, **settings), limiter


@every_way
def test_a_model_asks_its_limiter_before_each_request_and_tells_it_what_that_took(ask: Ask) -> None:
    model, limiter = made(usage=USAGE)

    assert ask(model) == "hello"

    name, reserved = limiter.heard[0]
    assert name == ("areserve" if ask in (ainvoke, astream) else "reserve")
    assert reserved > 0
    assert limiter.heard[1:] == [("asked",), ("settle", reserved, 10)]


@every_way
def test_the_longest_answer_is_reserved_with_the_question(ask: Ask) -> None:
    plain, limiter = made()
    ask(plain)
    model, other = made(max_tokens=1000)
    ask(model)
    ask(model, max_tokens=5)

    reserved = limiter.heard[0][1]
    assert [event[1] for event in other.heard if "reserve" in event[0]] == [reserved + 1000, reserved + 5]


@every_way
def test_what_was_reserved_stands_for_what_nobody_counted(ask: Ask) -> None:
    model, limiter = made()
    ask(model)

    assert limiter.heard[-1] == ("settle", limiter.heard[0][1], limiter.heard[0][1])


@every_way
def test_a_request_that_failed_took_nothing(ask: Ask) -> None:
    model, limiter = made(fails=True)

    with pytest.raises(ServerError):
        ask(model)
    assert limiter.heard[-1] == ("settle", limiter.heard[0][1], 0)


def test_a_stream_that_is_left_took_what_was_reserved() -> None:
    model, limiter = made(usage=USAGE)
    pieces = model.stream("Hello, you")
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]  # A stream is a generator.

    assert limiter.heard[-1] == ("settle", limiter.heard[0][1], limiter.heard[0][1])


def test_nothing_is_told_of_a_request_that_was_never_allowed() -> None:
    class Refusing(Recording):
        def reserve(self, tokens: int) -> None:
            raise KeyboardInterrupt

    limiter = Refusing()

    with pytest.raises(KeyboardInterrupt):
        Answering(rate_limiter=limiter).invoke("Hello")
    assert limiter.heard == []


def test_what_is_no_limiter_is_refused() -> None:
    model_class: Any = Answering

    with pytest.raises(SettingsError, match="rate_limiter"):
        model_class(rate_limiter="fast")


def test_a_limiter_is_no_part_of_what_is_dumped() -> None:
    model, _ = made()

    assert "rate_limiter" not in model.model_dump()


def test_a_whole_result_is_counted_too() -> None:
    class Whole(Answering):
        async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            self._asked()
            from chatplug.outputs import ChatGeneration

            return ChatResult(generations=[ChatGeneration(message=AIMessage("x", usage_metadata=USAGE))])

        def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[AIMessageChunk]:
            raise NotImplementedError

    limiter = Recording()

    assert ainvoke(Whole(rate_limiter=limiter)) == "x"
    assert limiter.heard[-1][2] == 10
