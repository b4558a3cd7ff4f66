"""What the tests of batches share: a Runnable of each kind, one that counts, and a reader."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from chatplug.runnables import Runnable, RunnableLambda


def double(number: int) -> int:
    return number * 2


async def adouble(number: int) -> int:
    await asyncio.sleep(0)
    return number * 2


DOUBLE = RunnableLambda(double, adouble)


async def collect(runnable: Runnable[Any, Any], inputs: list[Any], config: Any = None, **kwargs: Any) -> list[Any]:
    return [pair async for pair in runnable.abatch_as_completed(inputs, config, **kwargs)]


class Counting:
    """How many calls are under way at once; each waits until `at_once` are there, and a little for one too many."""

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        self.now = self.most = 0
        self._changed = threading.Condition()
        self._achanged = asyncio.Condition()

    def __call__(self, number: int) -> int:
        with self._changed:
            self._enter()
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most >= self.at_once, timeout=20)
            self._changed.wait_for(lambda: self.most > self.at_once, timeout=0.02)
        with self._changed:
            self.now -= 1
        return number

    async def acall(self, number: int) -> int:
        async with self._achanged:
            self._enter()
            self._achanged.notify_all()
            await self._achanged.wait_for(lambda: self.most >= self.at_once)
        for _ in range(50):
            await asyncio.sleep(0)
        self.now -= 1
        return number

    def _enter(self) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
