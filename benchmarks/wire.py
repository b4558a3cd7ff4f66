"""Group `wire`: CPU of the client for a call and for a streamed chunk, over loopback."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from benchmarks import server
from benchmarks.measure import Case, Group, Target, interleaved, sample_of, worker

SUBJECTS = {
    "bare, json": ("wire_bare", "json"),
    "bare, pydantic_core": ("wire_bare", "pydantic"),
    "chatplug": ("wire_chatplug",),
    "openai SDK": ("wire_openai",),
}
_CALL = (
    Target("chatplug", "bare, json", 1.5),
    Target("chatplug", "bare, pydantic_core", 1.5),
    Target("chatplug", "openai SDK", 0.25),
)
_CHUNK = (
    Target("chatplug", "bare, json", 2.0),
    Target("chatplug", "bare, pydantic_core", 2.0),
    Target("chatplug", "openai SDK", 0.1),
)
# A read wakes the process, and that costs all of them the same; the bare client itself takes a quarter of the SDK's.
_READ = (*_CHUNK[:2], Target("chatplug", "openai SDK"))
_FRAGMENT = (
    Target("chatplug", "bare, json", 2.5),
    Target("chatplug", "bare, pydantic_core", 2.5),
    Target("chatplug", "openai SDK", 0.1),
)
CASES = [
    Case("call", "a call, sync", _CALL),
    Case("acall", "a call, async", _CALL),
    Case("burst", "a chunk in a burst, sync", _CHUNK),
    Case("aburst", "a chunk in a burst, async", _CHUNK),
    Case("paced", "a chunk a read, sync", _READ),
    Case("apaced", "a chunk a read, async", _READ),
    Case("tools", "a fragment of a tool call, sync", _FRAGMENT),
    Case("atools", "a fragment of a tool call, async", _FRAGMENT),
]
_NUMBERS = {"call": (200, 1), "burst": (3, server.BURST), "paced": (1, server.PACED), "tools": (2, server.FRAGMENTS)}


def run(rounds: int) -> Group:
    """Measure the group."""
    numbers = {**_NUMBERS, **{f"a{name}": value for name, value in _NUMBERS.items()}}
    outcomes: dict[str, Any] = {}
    with ExitStack() as stack:
        url = stack.enter_context(server.running())
        samples = {}
        for name, (subject, *arguments) in SUBJECTS.items():
            process = stack.enter_context(worker(subject, url, *arguments))
            samples[name] = sample_of(process, numbers, outcomes)
        results = [interleaved(case, samples, rounds) for case in CASES]
    about = (
        f"The client's CPU over loopback. A burst has {server.BURST} chunks, a tool call {server.FRAGMENTS} fragments; "
        f"of a chunk a read there are {server.PACED}, {server.PAUSE * 1000:g} ms apart."
    )
    return Group("wire", about, "us", 1e6, results)
