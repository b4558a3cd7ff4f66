"""What messages cost, of any package with the vocabulary: chunks made and added, tool calls that grow."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

_CHUNKS = 1000


def cases(package: str) -> dict[str, Any]:
    """The cases; each returns what a reader would see at the end."""
    chunk_class: Any = importlib.import_module(package).AIMessageChunk

    def create(number: int) -> object:
        for _ in range(number * _CHUNKS):
            chunk_class(content="meow", id="run-1")
        return None

    def create_and_add(number: int) -> object:
        text = None
        for _ in range(number):
            full = chunk_class(content="meow", id="run-1")
            for _ in range(_CHUNKS - 1):
                full = full + chunk_class(content="meow", id="run-1")
            text = len(full.content)
        return text

    def fragment(place: int, last: int) -> Any:
        args = '{"text": "' if place == 0 else '"}' if place == last else "meow "
        first = {"name": "say", "id": "call_1"} if place == 0 else {"name": None, "id": None}
        return chunk_class(content="", tool_call_chunks=[{**first, "args": args, "index": 0}])

    def tool_call(size: int, *, read_each: bool) -> Callable[[int], object]:
        def run(number: int) -> object:
            seen = None
            for _ in range(number):
                full = fragment(0, size - 1)
                for place in range(1, size):
                    full = full + fragment(place, size - 1)
                    if read_each:
                        seen = full.tool_calls
                seen = full.tool_calls
            return seen and len(seen[0]["args"]["text"])

        return run

    found: dict[str, Any] = {"create": create, "create_and_add": create_and_add}
    for size in (500, 1000, 2000, 4000):
        found[f"{size}_at_the_end"] = tool_call(size, read_each=False)
        found[f"{size}_at_each_step"] = tool_call(size, read_each=True)
    return found
