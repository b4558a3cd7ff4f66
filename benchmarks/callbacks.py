"""Group `callbacks`: what a stream costs that nobody hears, or one handler; beside langchain-core."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

from benchmarks.measure import Case, Group, Target, beside_langchain, interleaved, sample_of, worker

_NUMBERS = dict.fromkeys(
    ("nobody", "nobody_compiled_out", "anobody", "in_line", "ain_line", "observing", "aobserving"), (5, 1000)
)
_BESIDE = (Target("chatplug", "langchain-core", 1 / 5),)
NOBODY = [Case("nobody", "a streamed chunk that nobody hears, sync", (Target("chatplug", "compiled out", 1.05),))]
HEARD = [
    Case("nobody", "a streamed chunk that nobody hears, sync"),
    Case("anobody", "the same, async"),
    Case("in_line", "a chunk that one handler hears in line, sync", _BESIDE),
    Case("ain_line", "the same, async", _BESIDE),
    Case("observing", "a chunk that one handler observes, sync", _BESIDE),
    Case("aobserving", "the same, async", _BESIDE),
]
SLEEPING = [Case("paced", "a chunk of a stream of 1,000, one each millisecond", (Target("sleeping", "nobody", 1.05),))]


def _paced() -> dict[str, Any]:
    """Seconds on the clock for each chunk of a stream that nobody hears, and that a handler hears which sleeps."""
    from benchmarks.subjects.callbacks_of import model_of
    from chatplug.callbacks import BaseCallbackHandler

    class Sleeps(BaseCallbackHandler):
        def on_llm_new_token(self, token: str, **kwargs: Any) -> None:
            time.sleep(0.1)

    model = model_of("chatplug")

    def timed(config: Any) -> float:
        began = time.perf_counter()
        for _ in model.stream("Hello", config):
            time.sleep(0.001)
        return (time.perf_counter() - began) / 1000

    return {
        "nobody": lambda _: timed(None),
        "sleeping": lambda _: timed({"callbacks": [Sleeps()]}),
    }


def run(rounds: int) -> Group:
    """Measure the group; without its environment langchain-core is left out."""
    outcomes: dict[str, Any] = {}
    with ExitStack() as stack:
        both = sample_of(stack.enter_context(worker("callbacks_compiled_out")), _NUMBERS, outcomes)
        subjects = {"compiled out": lambda case: both(f"{case}_compiled_out"), "chatplug": both}
        results = [interleaved(case, subjects, rounds) for case in NOBODY]
        samples = beside_langchain(stack, "callbacks_of", ("chatplug", "langchain_core"), _NUMBERS, outcomes)
        results += [interleaved(case, samples, rounds) for case in HEARD]
    results += [interleaved(case, _paced(), min(rounds, 3)) for case in SLEEPING]
    return Group("callbacks", "Handlers, for each chunk; the last table is time on the clock.", "us", 1e6, results)
