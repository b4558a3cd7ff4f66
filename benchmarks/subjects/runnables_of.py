"""What calling and combining costs in process, of any package with the vocabulary; nobody listens."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

_BATCH = 1000
_TEXT = "meow meow " * 20


def cases(package: str) -> dict[str, Any]:
    """The cases; each returns what a reader would see at the end."""
    model = _echo(package)

    def invoke(number: int) -> object:
        text = None
        for _ in range(number):
            text = model.invoke("meow").content
        return text

    def ainvoke(number: int) -> object:
        async def run() -> object:
            text = None
            for _ in range(number):
                text = (await model.ainvoke("meow")).content
            return text

        return asyncio.run(run())

    sequence = importlib.import_module(f"{package}.runnables").RunnableLambda(_before) | model | _after

    def three(number: int) -> object:
        text = None
        for _ in range(number):
            text = sequence.invoke("meow")
        return text

    def athree(number: int) -> object:
        async def run() -> object:
            text = None
            for _ in range(number):
                text = await sequence.ainvoke("meow")
            return text

        return asyncio.run(run())

    def stream(number: int) -> object:
        size = None
        for _ in range(number):
            full = None
            for chunk in model.stream(_TEXT):
                full = chunk if full is None else full + chunk
            size = full and len(full.content)
        return size

    def batch(number: int) -> object:
        last = None
        for _ in range(number):
            last = model.batch(["meow"] * _BATCH)[-1].content
        return last

    def abatch(number: int) -> object:
        last = None
        for _ in range(number):
            last = asyncio.run(model.abatch(["meow"] * _BATCH, {"max_concurrency": 64}))[-1].content
        return last

    found: dict[str, Callable[[int], object]] = {
        "invoke": invoke,
        "ainvoke": ainvoke,
        "three": three,
        "athree": athree,
        "stream": stream,
        "batch": batch,
        "abatch": abatch,
    }
    return found


def _before(text: str) -> str:
    return text + "!"


def _after(message: Any) -> Any:
    return message.content


def _echo(package: str) -> Any:
    """A model as its author writes it, with all four methods."""
    base: Any = importlib.import_module(f"{package}.language_models").BaseChatModel
    messages = importlib.import_module(f"{package}.messages")
    outputs = importlib.import_module(f"{package}.outputs")
    message, piece = messages.AIMessage, messages.AIMessageChunk
    result, generation, chunk = outputs.ChatResult, outputs.ChatGeneration, outputs.ChatGenerationChunk

    class Echo(base):  # type: ignore[misc]  # of either package
        @property
        def _llm_type(self) -> str:
            return "echo"

        def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            return result(generations=[generation(message=message(content=messages[-1].content))])

        async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            return self._generate(messages)

        def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Iterator[Any]:
            for letter in messages[-1].content:
                yield chunk(message=piece(content=letter))

        async def _astream(
            self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
        ) -> AsyncIterator[Any]:
            for one in self._stream(messages):
                yield one

    return Echo()
