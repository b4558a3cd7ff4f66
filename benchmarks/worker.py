"""The process in which one subject is measured: `python -m benchmarks.worker SUBJECT [ARGUMENT ...]`.

A subject is a module of `benchmarks.subjects` with `cases(*arguments)`, which gives functions by name; a name that
begins with `a` is a coroutine function's, and `aclose` is called at the end. Each takes how often it is to do its
work, does it, and returns what came out, so that it is seen that all subjects did the same. Subjects have processes
of their own, so that none pays for what another imported, and so that each may have an environment of its own.

Read are lines of `CASE NUMBER`; written are lines of JSON with the CPU seconds of this process and the outcome.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import os
import sys
import time
from typing import Any

_AMBIENT = ("OPENAI_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def _measure(runner: asyncio.Runner, case: Any, number: int) -> tuple[float, object]:
    if inspect.iscoroutinefunction(case):

        async def timed() -> tuple[float, object]:
            began = time.process_time()
            outcome = await case(number)
            return time.process_time() - began, outcome

        return runner.run(timed())
    began = time.process_time()
    outcome = case(number)
    return time.process_time() - began, outcome


def main(subject: str, *arguments: str) -> None:
    """Answer until standard input ends."""
    for name in list(os.environ):
        if name.upper().startswith(_AMBIENT):
            del os.environ[name]
    cases = importlib.import_module(f"benchmarks.subjects.{subject}").cases(*arguments)
    closing = cases.pop("aclose", None)
    print(json.dumps(sorted(cases)), flush=True)
    with asyncio.Runner() as runner:
        for line in sys.stdin:
            name, number = line.split()
            cpu, outcome = _measure(runner, cases[name], int(number))
            print(json.dumps({"cpu": cpu, "outcome": outcome}), flush=True)
        if closing is not None:
            runner.run(closing())


if __name__ == "__main__":
    main(*sys.argv[1:])
