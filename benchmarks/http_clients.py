"""What the HTTP clients cost that a transport could stand on, and what our transport costs on top.

    python -m benchmarks.http_clients [--rounds 9] [--json FILE]

CPU of the client's process in microseconds, the server in a process of its own, rounds interleaved; JSON is not parsed.
docs/decisions/0002-sync-http-client.md and 0003-async-http-client.md rest on it.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import importlib.metadata
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from benchmarks import server
from chatplug.http import DefaultTransport, Request, TransportOptions

BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hello, who are you? " * 5}]}).encode()
HEADERS = {"authorization": "Bearer sk-unused", "content-type": "application/json", "user-agent": "benchmark"}
CALLS = 300
STREAMS = 3
PIECE = 1 << 16
CASES = {"a call": "/call/", "a chunk in a burst": "/burst/", "a chunk a read": "/paced/"}


class Client(Protocol):
    """One way to make a call and to read a stream."""

    def call(self, path: str) -> bytes: ...
    def stream(self, path: str) -> Iterator[bytes]: ...


class HttpClient:
    """http.client as it is used by hand: one connection, kept."""

    def __init__(self, url: str) -> None:
        self.connection = http.client.HTTPConnection(url.removeprefix("http://"))

    def _ask(self, path: str) -> http.client.HTTPResponse:
        self.connection.request("POST", path, BODY, HEADERS)
        return self.connection.getresponse()

    def call(self, path: str) -> bytes:
        return self._ask(path).read()

    def stream(self, path: str) -> Iterator[bytes]:
        response = self._ask(path)
        while piece := response.read1(PIECE):
            yield piece


class Urllib3:
    """urllib3 as its guide shows it."""

    def __init__(self, url: str) -> None:
        import urllib3

        self.url, self.pool = url, urllib3.PoolManager()

    def call(self, path: str) -> bytes:
        return self.pool.request("POST", self.url + path, body=BODY, headers=HEADERS).data

    def stream(self, path: str) -> Iterator[bytes]:
        response = self.pool.request("POST", self.url + path, body=BODY, headers=HEADERS, preload_content=False)
        yield from response.stream(PIECE)
        response.release_conn()


class Urllib3Lean(Urllib3):
    """urllib3 with all that can be left out left out: one pool, no retries, no redirects, no decoding."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.host_pool = self.pool.connection_from_url(url)

    def _ask(self, path: str) -> Any:
        return self.host_pool.urlopen(
            "POST",
            path,
            body=BODY,
            headers=HEADERS,
            retries=False,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
        )

    def call(self, path: str) -> bytes:
        response = self._ask(path)
        body: bytes = response.read()
        response.release_conn()
        return body

    def stream(self, path: str) -> Iterator[bytes]:
        response = self._ask(path)
        yield from response.stream(PIECE)
        response.release_conn()


class Httpcore2:
    """httpcore2, which is what httpx2 stands on."""

    def __init__(self, url: str) -> None:
        import httpcore2

        self.url, self.pool = url, httpcore2.ConnectionPool()
        self.headers = list(HEADERS.items())

    def call(self, path: str) -> bytes:
        return self.pool.request("POST", self.url + path, headers=self.headers, content=BODY).content

    def stream(self, path: str) -> Iterator[bytes]:
        with self.pool.stream("POST", self.url + path, headers=self.headers, content=BODY) as response:
            yield from response.iter_stream()


class Ours:
    """`chatplug.http`, synchronous."""

    def __init__(self, url: str) -> None:
        self.url, self.transport = url, DefaultTransport(TransportOptions(trust_env=False))

    def call(self, path: str) -> bytes:
        return self.transport.request(Request("POST", self.url + path, HEADERS, BODY)).body

    def stream(self, path: str) -> Iterator[bytes]:
        with self.transport.stream(Request("POST", self.url + path, HEADERS, BODY)) as stream:
            yield from stream


class Aiohttp:
    """aiohttp as its guide shows it."""

    def __init__(self, url: str) -> None:
        import aiohttp

        self.url, self.session = url, aiohttp.ClientSession()

    async def acall(self, path: str) -> bytes:
        async with self.session.post(self.url + path, data=BODY, headers=HEADERS) as response:
            return await response.read()

    async def astream(self, path: str) -> AsyncIterator[bytes]:
        async with self.session.post(self.url + path, data=BODY, headers=HEADERS) as response:
            async for piece in response.content.iter_any():
                yield piece

    async def aclose(self) -> None:
        await self.session.close()


class AsyncOurs:
    """`chatplug.http`, asynchronous."""

    def __init__(self, url: str) -> None:
        self.url, self.transport = url, DefaultTransport(TransportOptions(trust_env=False))

    async def acall(self, path: str) -> bytes:
        return (await self.transport.arequest(Request("POST", self.url + path, HEADERS, BODY))).body

    async def astream(self, path: str) -> AsyncIterator[bytes]:
        async with await self.transport.astream(Request("POST", self.url + path, HEADERS, BODY)) as stream:
            async for piece in stream:
                yield piece

    async def aclose(self) -> None:
        await self.transport.aclose()


SYNC: dict[str, Callable[[str], Any]] = {
    "http.client": HttpClient,
    "urllib3": Urllib3,
    "urllib3, lean": Urllib3Lean,
    "httpcore2": Httpcore2,
    "chatplug.http": Ours,
}
ASYNC: dict[str, Callable[[str], Any]] = {"aiohttp": Aiohttp, "chatplug.http, async": AsyncOurs}
Samples = dict[str, dict[str, list[float]]]


def sample(client: Client) -> dict[str, float]:
    """Seconds of CPU for each unit of work, synchronous."""
    found: dict[str, float] = {}
    for name, path in CASES.items():
        started = time.process_time()
        if name == "a call":
            for _ in range(CALLS):
                client.call(path)
            units = CALLS
        else:
            times, chunks = (STREAMS, server.BURST) if "burst" in name else (1, server.PACED)
            for _ in range(times):
                for _ in client.stream(path):
                    pass
            units = times * chunks
        found[name] = (time.process_time() - started) / units
    return found


async def asample(client: Any) -> dict[str, float]:
    """Seconds of CPU for each unit of work, asynchronous."""
    found: dict[str, float] = {}
    for name, path in CASES.items():
        started = time.process_time()
        if name == "a call":
            for _ in range(CALLS):
                await client.acall(path)
            units = CALLS
        else:
            times, chunks = (STREAMS, server.BURST) if "burst" in name else (1, server.PACED)
            for _ in range(times):
                async for _ in client.astream(path):
                    pass
            units = times * chunks
        found[name] = (time.process_time() - started) / units
    return found


def keep(samples: Samples, name: str, found: dict[str, float]) -> None:
    for case, seconds in found.items():
        samples.setdefault(name, {}).setdefault(case, []).append(seconds)


async def measure(url: str, rounds: int) -> Samples:
    """All samples; the first round of each client is for warming up."""
    samples: Samples = {}
    plain = {name: make(url) for name, make in SYNC.items() if is_installed(name)}
    twins = {name: make(url) for name, make in ASYNC.items()}
    for number in range(rounds + 1):
        for name, client in plain.items():
            found = await asyncio.to_thread(sample, client)
            if number:
                keep(samples, name, found)
        for name, client in twins.items():
            found = await asample(client)
            if number:
                keep(samples, name, found)
    for client in twins.values():
        await client.aclose()
    return samples


def is_installed(name: str) -> bool:
    """Whether a client can be measured here."""
    package = name.partition(",")[0]
    if package in ("http.client", "chatplug.http"):
        return True
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        print(f"{package} is not installed, and so is not measured.")
        return False
    return True


def show(samples: Samples) -> None:
    """A table of medians."""
    print(f"{'':22}" + "".join(f"{case:>20}" for case in CASES))
    for name, cases in samples.items():
        medians = [statistics.median(cases[case]) * 1e6 for case in CASES]
        print(f"{name:22}" + "".join(f"{median:17.1f} us" for median in medians))


def main() -> None:
    """Measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http_clients")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path, metavar="FILE")
    chosen = parser.parse_args()
    with server.running() as url:
        samples = asyncio.run(measure(url, chosen.rounds))
    print(f"CPython {sys.version.split()[0]}, {chosen.rounds} rounds, medians")
    show(samples)
    if chosen.json:
        chosen.json.write_text(json.dumps(samples, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
