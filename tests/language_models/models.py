"""Models for the tests of this folder and of callbacks, and the two ways to drive them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, ClassVar

import pytest
from pydantic import Field, SecretStr

from chatplug.language_models import BaseChatModel
from chatplug.messages import AIMessage, AIMessageChunk, BaseMessage
from chatplug.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from chatplug.runnables import RunnableConfig


class Driver:
    """One way of calling models, so that a test holds for both."""

    def invoke(
        self, model: BaseChatModel, value: Any, config: RunnableConfig | None = None, **settings: Any
    ) -> AIMessage:
        return model.invoke(value, config, **settings)

    def stream(
        self,
        model: BaseChatModel,
        value: Any,
        config: RunnableConfig | None = None,
        at_most: int | None = None,
        **settings: Any,
    ) -> list[AIMessageChunk]:
        """The chunks of a stream, which is left early after `at_most` of them."""
        stream = model.stream(value, config, **settings)
        chunks: list[AIMessageChunk] = []
        for chunk in stream:
            chunks.append(chunk)
            if len(chunks) == at_most:
                stream.close()  # type: ignore[attr-defined]  # a generator
        return chunks

    def __repr__(self) -> str:
        return "sync"


class AsyncDriver(Driver):
    """The same in an event loop of its own."""

    def invoke(
        self, model: BaseChatModel, value: Any, config: RunnableConfig | None = None, **settings: Any
    ) -> AIMessage:
        return asyncio.run(model.ainvoke(value, config, **settings))

    def stream(
        self,
        model: BaseChatModel,
        value: Any,
        config: RunnableConfig | None = None,
        at_most: int | None = None,
        **settings: Any,
    ) -> list[AIMessageChunk]:
        async def collect() -> list[AIMessageChunk]:
            stream = model.astream(value, config, **settings)
            chunks: list[AIMessageChunk] = []
            async for chunk in stream:
                chunks.append(chunk)
                if len(chunks) == at_most:
                    await stream.aclose()  # type: ignore[attr-defined]  # a generator
            return chunks

        return asyncio.run(collect())

    def __repr__(self) -> str:
        return "async"


DRIVERS = [Driver(), AsyncDriver()]
both = pytest.mark.parametrize("driver", DRIVERS, ids=repr)


class Whole(BaseChatModel):
    """Has `_generate` alone; repeats the last message."""

    model_name: str = "whole-1"
    heard: list[Any] = Field(default_factory=list)
    """What each call was asked with."""

    @property
    def _llm_type(self) -> str:
        return "test"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name}

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> Any:
        self.heard.append((stop, kwargs))
        return ChatResult(generations=[ChatGeneration(message=AIMessage(messages[-1].text))])


class WholeNative(Whole):
    """Has `_generate` and `_agenerate`."""

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> Any:
        await asyncio.sleep(0)
        self.heard.append("native")
        return AIMessage(messages[-1].text)


class Pieces(Whole):
    """Has `_stream`, which gives one character at a time and then metadata."""

    closed: list[str] = Field(default_factory=list)
    """Who closed its sources: `end`, or the name of the exception."""

    def pieces(self, text: str) -> Iterator[Any]:
        for character in text:
            yield ChatGenerationChunk(message=AIMessageChunk(character))
        yield AIMessageChunk("", response_metadata={"model_name": self.model_name})

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[Any]:
        self.heard.append((stop, kwargs))
        try:
            yield from self.pieces(messages[-1].text)
            self.closed.append("end")
        except BaseException as error:
            self.closed.append(type(error).__name__)
            raise


class PiecesNative(Pieces):
    """Has `_stream` and `_astream`."""

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        self.heard.append((stop, kwargs))
        try:
            for piece in self.pieces(messages[-1].text):
                await asyncio.sleep(0)
                yield piece
            self.closed.append("end")
        except BaseException as error:
            self.closed.append(type(error).__name__)
            raise


class Gives(Whole):
    """Gives what it is told to give, whatever that is, from each of the four methods."""

    given: Callable[[], Any]

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        return self.given()


class GivesNative(Gives):
    async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        return self.given()


class GivesPieces(Gives):
    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        return self.given()


class GivesPiecesNative(GivesPieces):
    def _astream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        return self.given()


KINDS: list[type[Whole]] = [Whole, WholeNative, Pieces, PiecesNative]
STREAMING: list[type[Pieces]] = [Pieces, PiecesNative]


class Tuned(Whole):
    """Has settings of its own, one of them a key."""

    temperature: float | None = None
    key: SecretStr | None = Field(default=None, alias="api_key")
    depth: int = 1


class Strict(Tuned, PiecesNative):
    """Says which settings a call may have."""

    call_settings: ClassVar = frozenset({"temperature"})
