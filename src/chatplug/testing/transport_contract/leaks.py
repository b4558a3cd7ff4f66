"""After many calls there is no more of anything than before."""

# ruff: noqa: D102  # A test's name is its documentation.
from __future__ import annotations

import gc
import os
import sys
import threading
from pathlib import Path
from typing import ClassVar

import pytest

from chatplug.credentials import read_variable
from chatplug.http import BrokenBody, TimedOut, Timeout
from chatplug.testing.http_server import Exchange, LoopbackServer
from chatplug.testing.transport_contract.driver import Driver
from chatplug.testing.transport_contract.parts import Part, ask

__all__ = ["Leaks"]


def _script(exchange: Exchange) -> None:
    if exchange.path.startswith("/whole"):
        exchange.answer(b"x" * 1000)
        return
    exchange.begin()
    exchange.piece(b"x" * 1000)
    if exchange.path.startswith("/cut"):
        exchange.hang_up()
    elif exchange.path.startswith("/left"):
        exchange.client_left()
    else:
        exchange.piece(b"y" * 1000)
        exchange.end()


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Leaks(Part):
    """Sockets, threads and memory."""

    leak_calls: ClassVar[int] = int(read_variable("CHATPLUG_LEAK_CALLS") or "400")
    """How many calls are made; 20,000 prove it, a few hundred notice most leaks."""

    @pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="Open files are counted where /proc is.")
    def test_nothing_is_leaked(self, driver: Driver) -> None:
        def calls(count: int) -> None:
            for number in range(count):
                driver.request(ask(server, "/whole"))
                if number % 4 == 0:
                    stream = driver.open(ask(server, "/stream"))
                    while stream.next() is not None:
                        pass
                    stream.close()
                if number % 20 == 0:
                    stream = driver.open(ask(server, "/left"))
                    stream.next()
                    stream.close()
                if number % 20 == 10:
                    with pytest.raises(BrokenBody):
                        driver.request(ask(server, "/cut"))
                if number % 200 == 100:
                    with pytest.raises(TimedOut):
                        driver.request(ask(server, "/left", timeout=Timeout(5, 0.01)))

        def count() -> tuple[int, int, int, int]:
            gc.collect()
            return _open_files(), threading.active_count(), sys.getallocatedblocks(), _resident()

        with LoopbackServer(_script) as server:
            calls(self.leak_calls // 4)
            before = count()
            calls(self.leak_calls)
            after = count()

        files, threads, blocks, resident = (b - a for a, b in zip(before, after, strict=True))
        print(f"{self.leak_calls} calls: {files:+} files, {threads:+} threads, {blocks:+} blocks, {resident:+} bytes")  # noqa: T201
        assert files <= 3
        assert threads <= 3
        assert blocks < 2000 + self.leak_calls // 20
        assert resident < (8 << 20)
