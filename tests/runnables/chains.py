"""What the tests of this folder share: handlers that keep runs, and the four ways to call."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from chatplug.callbacks import BaseCallbackHandler, Run
from chatplug.runnables import Runnable, RunnableConfig

WAYS = ["invoke", "stream", "ainvoke", "astream"]


class Ends(BaseCallbackHandler):
    """Keeps the runs that have ended, in this order."""

    run_inline = True

    def __init__(self) -> None:
        self.runs: list[Run] = []

    def on_run_end(self, run: Run) -> None:
        self.runs.append(run)

    @property
    def names(self) -> list[str]:
        return [run.name for run in self.runs]

    def named(self, name: str) -> Run:
        """The one run of this name."""
        (found,) = [run for run in self.runs if run.name == name]
        return found


def call(chain: Runnable[Any, Any], way: str, given: Any, config: RunnableConfig | None = None) -> Any:
    """What a chain gives when it is called in one way; of a stream a list."""

    async def astream() -> list[Any]:
        return [piece async for piece in chain.astream(given, config)]

    if way == "invoke":
        return chain.invoke(given, config)
    if way == "stream":
        return list(chain.stream(given, config))
    return asyncio.run(chain.ainvoke(given, config) if way == "ainvoke" else astream())


def every_way(chain: Runnable[Any, Any], given: Any, config: RunnableConfig | None = None) -> list[Any]:
    """What a chain gives in each way."""
    return [call(chain, way, given, config) for way in WAYS]


def letters(pieces: Iterator[str]) -> Iterator[str]:
    """A step that gives its text letter by letter."""
    for piece in pieces:
        yield from piece
