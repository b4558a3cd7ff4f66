"""chatplug in one process: what a call and a chunk cost when no provider is waited for."""

from __future__ import annotations

from typing import Any

import chatplug
from chatplug.messages import AIMessageChunk

_QUESTION = "What did the cat do? " * 60
_CHUNKS = 1000


def cases() -> dict[str, Any]:
    """The cases; a stream has 1,000 chunks, and so has a sum."""
    model = chatplug.init("echo:n16")
    streaming = chatplug.init(f"echo:n{_CHUNKS}")

    def invoke(number: int) -> object:
        text = None
        for _ in range(number):
            text = model.invoke(_QUESTION).text
        return text

    async def ainvoke(number: int) -> object:
        text = None
        for _ in range(number):
            text = (await model.ainvoke(_QUESTION)).text
        return text

    def stream(number: int) -> object:
        text = None
        for _ in range(number):
            full: Any = None
            for chunk in streaming.stream(_QUESTION):
                full = chunk if full is None else full + chunk
            text = full.text
        return text

    async def astream(number: int) -> object:
        text = None
        for _ in range(number):
            full: Any = None
            async for chunk in streaming.astream(_QUESTION):
                full = chunk if full is None else full + chunk
            text = full.text
        return text

    def create(number: int) -> object:
        for _ in range(number * _CHUNKS):
            AIMessageChunk("meow", id="run-1")
        return None

    def create_and_add(number: int) -> object:
        text = None
        for _ in range(number):
            full = AIMessageChunk("meow", id="run-1")
            for _ in range(_CHUNKS - 1):
                full = full + AIMessageChunk("meow", id="run-1")
            text = full.text
        return text

    return {
        "invoke": invoke,
        "ainvoke": ainvoke,
        "stream": stream,
        "astream": astream,
        "create": create,
        "create_and_add": create_and_add,
    }
