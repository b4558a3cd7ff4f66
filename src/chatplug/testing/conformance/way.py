"""One way to call a model, for tests that hold for synchronous and asynchronous calls alike."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from chatplug.language_models import BaseChatModel
    from chatplug.messages import AIMessage, AIMessageChunk
    from chatplug.runnables import RunnableConfig

__all__ = ["ASYNC", "PATIENCE", "SYNC", "Way"]

PATIENCE = 20.0
"""Seconds after which a test stops waiting for something that should long have happened."""


class Way(Protocol):
    """How a model is called."""

    generate: str
    """The method of a model that answers in this way."""
    pieces: str
    """The method of a model that streams in this way."""

    def invoke(
        self, model: BaseChatModel, value: Any, config: RunnableConfig | None = None, **settings: Any
    ) -> AIMessage:
        """The answer."""
        ...

    def stream(
        self, model: BaseChatModel, value: Any, config: RunnableConfig | None = None, **settings: Any
    ) -> list[AIMessageChunk]:
        """All chunks of the answer."""
        ...

    def leave(
        self, model: BaseChatModel, value: Any, config: RunnableConfig | None = None, **settings: Any
    ) -> AIMessageChunk:
        """The first chunk of a stream that is closed then."""
        ...


class _Sync:
    generate = "_generate"
    pieces = "_stream"

    def invoke(
        self, model: BaseChatModel, value: Any, config: RunnableConfig | None = None, **settings: Any
    ) -> AIMessage:
        return model.invoke(value, config, **settings)

    def stream(
        self, model: BaseChatModel, value: Any, config: RunnableConfig | None = None, **settings: Any
    ) -> list[AIMessageChunk]:
        return list(model.stream(value, config, **settings))

    def leave(
        self, model: BaseChatModel, value: Any, config: RunnableConfig | None = None, **settings: Any
    ) -> AIMessageChunk:
        stream = model.stream(value, config, **settings)
        first = next(stream)
        stream.close()  # type: ignore[attr-defined]  # it is a generator
        return first


class _Async:
    generate = "_agenerate"
    pieces = "_astream"

    def invoke(
        self, model: BaseChatModel, value: Any, config: RunnableConfig | None = None, **settings: Any
    ) -> AIMessage:
        return asyncio.run(model.ainvoke(value, config, **settings))

    def stream(
        self, model: BaseChatModel, value: Any, config: RunnableConfig | None = None, **settings: Any
    ) -> list[AIMessageChunk]:
        async def collect() -> list[AIMessageChunk]:
            return [chunk async for chunk in model.astream(value, config, **settings)]

        return asyncio.run(collect())

    def leave(
        self, model: BaseChatModel, value: Any, config: RunnableConfig | None = None, **settings: Any
    ) -> AIMessageChunk:
        async def take_one() -> AIMessageChunk:
            stream = model.astream(value, config, **settings)
            first = await anext(stream)
            await stream.aclose()  # type: ignore[attr-defined]  # it is a generator
            return first

        return asyncio.run(take_one())


SYNC: Way = _Sync()
ASYNC: Way = _Async()
