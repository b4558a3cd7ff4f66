"""Group `process`: what chatplug itself costs, without a wire; another library is another subject."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from benchmarks.measure import Case, Group, interleaved, sample_of, worker

SUBJECTS: dict[str, tuple[str, ...]] = {"chatplug": ("process_chatplug",)}
CASES = [
    Case("invoke", "`invoke` of an echo"),
    Case("ainvoke", "`ainvoke` of an echo"),
    Case("stream", "a streamed chunk, summed up, sync"),
    Case("astream", "a streamed chunk, summed up, async"),
    Case("create", "a chunk made"),
    Case("create_and_add", "a chunk made and added"),
    Case("init", "a model made"),
    Case("init_profile", "a model made, and its profile read"),
    Case("lookup", "a profile among 5,000, looked up"),
]
_NUMBERS = {
    "invoke": (2000, 1),
    "ainvoke": (2000, 1),
    "stream": (10, 1000),
    "astream": (10, 1000),
    "create": (20, 1000),
    "create_and_add": (20, 1000),
    "init": (300, 1),
    "init_profile": (300, 1),
    "lookup": (10000, 1),
}


def run(rounds: int) -> Group:
    """Measure the group."""
    outcomes: dict[str, Any] = {}
    with ExitStack() as stack:
        samples = {
            name: sample_of(stack.enter_context(worker(subject, *arguments)), _NUMBERS, outcomes)
            for name, (subject, *arguments) in SUBJECTS.items()
        }
        results = [interleaved(case, samples, rounds) for case in CASES]
    return Group("process", "In process, nobody listening; streams and sums of 1,000 chunks.", "us", 1e6, results)
