"""Group `tools`: what ten tools cost a call, and structured output that is read while it grows."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from benchmarks import server
from benchmarks.measure import Case, Group, Target, by_size, interleaved, sample_of, worker

_SIZES = (500, 1000, 2000, 4000)
_GROWN = {f"{size}_{kind}": (1, size) for size in _SIZES for kind in ("dict", "instance")}
_NUMBERS = {"call": (300, 1), "acall": (200, 1), **_GROWN}
_TOOLS = (Target("ten tools", "no tools", 1.1),)
CASES = [Case("call", "a call, sync", _TOOLS), Case("acall", "a call, async", _TOOLS)]
# What is open is copied at each step, eight bytes for each item: from 4,000 on that begins to show.
_GROWTH = (Target("2,000", "500", 1.3), Target("1,000", "500"), Target("4,000", "500"))
GROWTH = [
    Case("dict", "a fragment of an object of so many, as a dict at each step", _GROWTH),
    Case("instance", "the same, as an instance", _GROWTH),
]


def run(rounds: int) -> Group:
    """Measure the group."""
    outcomes: dict[str, Any] = {}
    with ExitStack() as stack:
        url = stack.enter_context(server.running())
        plain = stack.enter_context(worker("tools_of", url, "plain"))
        bound = stack.enter_context(worker("tools_of", url, "bound"))
        samples = {
            "no tools": sample_of(plain, _NUMBERS, outcomes),
            "ten tools": sample_of(bound, _NUMBERS, outcomes),
        }
        results = [interleaved(case, samples, rounds) for case in CASES]
        results += [interleaved(case, by_size(samples["no tools"], _SIZES), rounds) for case in GROWTH]
    about = "The client's CPU for a call over loopback, with ten tools made of pydantic classes and without; and for a "
    return Group("tools", f"{about}fragment of structured output that is read at each step.", "us", 1e6, results)
