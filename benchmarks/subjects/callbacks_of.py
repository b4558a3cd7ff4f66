"""What handlers cost, of any package with the vocabulary: a stream of 1,000 chunks that nobody hears, or somebody."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

_CHUNKS = 1000


def model_of(package: str) -> Any:
    """A model of this package that gives 1,000 chunks of its own making."""
    messages: Any = importlib.import_module(f"{package}.messages")
    outputs: Any = importlib.import_module(f"{package}.outputs")
    models: Any = importlib.import_module(f"{package}.language_models")

    class Says(models.BaseChatModel):  # type: ignore[misc]  # of the package that is named
        @property
        def _llm_type(self) -> str:
            return "says"

        def _generate(self, *args: Any, **kwargs: Any) -> Any:
            raise NotImplementedError

        def _stream(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
            for _ in range(_CHUNKS):
                yield outputs.ChatGenerationChunk(message=messages.AIMessageChunk(content="meow"))

        async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            for _ in range(_CHUNKS):
                yield outputs.ChatGenerationChunk(message=messages.AIMessageChunk(content="meow"))

    return Says()


def handlers_of(package: str) -> dict[str, list[Any]]:
    """The handlers of each case."""
    base: Any = importlib.import_module(f"{package}.callbacks").BaseCallbackHandler

    class Counts(base):  # type: ignore[misc]  # of the package that is named
        count = 0

        def on_llm_new_token(self, token: str, **kwargs: Any) -> None:
            self.count += len(token)

    class CountsInLine(Counts):
        run_inline = True

    return {"nobody": [], "in_line": [CountsInLine()], "observing": [Counts()]}


def _read(model: Any, config: Any) -> int:
    return sum(len(chunk.content) for chunk in model.stream("Hello", config))


async def _aread(model: Any, config: Any) -> int:
    return sum([len(chunk.content) async for chunk in model.astream("Hello", config)])


def cases(package: str) -> dict[str, Any]:
    """The cases: who listens, sync and async."""
    model = model_of(package)

    def case(handlers: list[Any]) -> tuple[Any, Any]:
        config = {"callbacks": handlers} if handlers else None

        def run(number: int) -> object:
            return [_read(model, config) for _ in range(number)][-1]

        async def arun(number: int) -> object:
            return [await _aread(model, config) for _ in range(number)][-1]

        return run, arun

    found: dict[str, Any] = {}
    for name, handlers in handlers_of(package).items():
        found[name], found[f"a{name}"] = case(handlers)
    return found
