"""Group `runnables`: calls, streams, sequences and batches in process, beside langchain-core in its own environment."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from benchmarks.measure import Case, Group, Target, beside_langchain, interleaved

_NUMBERS = {
    "invoke": (2000, 1),
    "ainvoke": (2000, 1),
    "three": (1000, 1),
    "athree": (100, 1),
    "stream": (100, 200),
    "batch": (1, 1000),
    "abatch": (1, 1000),
}


def _beside(at_most: float) -> tuple[Target, ...]:
    return (Target("chatplug", "langchain-core", at_most),)


CASES = [
    Case("invoke", "`invoke` of an echo", _beside(1 / 10)),
    Case("ainvoke", "`ainvoke` of an echo", _beside(1 / 10)),
    Case("three", "a sequence of function, echo, function", _beside(1 / 20)),
    Case("athree", "the same, asynchronous: its functions run in threads", (Target("chatplug", "langchain-core"),)),
    Case("stream", "a streamed chunk, summed up", _beside(1 / 15)),
    Case("batch", "an echo in a `batch` of 1,000", _beside(1 / 10)),
    Case("abatch", "an echo in an `abatch` of 1,000, 64 at a time", (Target("chatplug", "langchain-core"),)),
]


def run(rounds: int) -> Group:
    """Measure the group; without its environment langchain-core is left out."""
    outcomes: dict[str, Any] = {}
    with ExitStack() as stack:
        samples = beside_langchain(stack, "runnables_of", ("chatplug", "langchain_core"), _NUMBERS, outcomes)
        results = [interleaved(case, samples, rounds) for case in CASES]
    return Group("runnables", "Calls in process, nobody listens.", "us", 1e6, results)
