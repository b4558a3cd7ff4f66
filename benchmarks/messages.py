"""Group `messages`: chunks made and added, tool calls that grow, beside langchain-core in its own environment."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from benchmarks.measure import Case, Group, Target, beside_langchain, by_size, interleaved

_SIZES = (500, 1000, 2000, 4000)
_FRAGMENTS = {f"{size}_{read}": (3, size) for size in _SIZES for read in ("at_the_end", "at_each_step")}
_NUMBERS = {"create": (50, 1000), "create_and_add": (50, 1000), **_FRAGMENTS}


def _beside(at_most: float) -> tuple[Target, ...]:
    return (Target("chatplug", "langchain-core", at_most),)


CASES = [
    Case("create", "a text chunk made"),
    Case("create_and_add", "a text chunk made and added", _beside(1 / 15)),
    Case("2000_at_the_end", "a fragment of a tool call of 2,000, read at the end", _beside(1 / 50)),
    Case("2000_at_each_step", "the same, read at each step", _beside(1 / 50)),
]
_GROWTH = (Target("4,000", "500", 1.3), Target("2,000", "500"), Target("1,000", "500"))
GROWTH = [
    Case("at_the_end", "a fragment of a tool call of so many, read at the end", _GROWTH),
    Case("at_each_step", "the same, read at each step", _GROWTH),
]


def run(rounds: int) -> Group:
    """Measure the group; without its environment langchain-core is left out."""
    outcomes: dict[str, Any] = {}
    with ExitStack() as stack:
        samples = beside_langchain(
            stack, "messages_of", ("chatplug.messages", "langchain_core.messages"), _NUMBERS, outcomes
        )
        results = [interleaved(case, samples, rounds) for case in CASES]
        results += [interleaved(case, by_size(samples["chatplug"], _SIZES), rounds) for case in GROWTH]
    return Group("messages", "Messages in memory, for each chunk or fragment.", "us", 1e6, results)
