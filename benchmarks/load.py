"""Many calls at once, long streams and large answers: how long they take over the ideal, and what memory they need.

`python -m benchmarks.load` prints a table. Time is the wall clock's here, so a quiet machine is needed; memory is the
highest resident set of a fresh process, above what it had before the calls.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks import server
from benchmarks.measure import ROOT

CALLS, AT_ONCE = 1000, 64
STREAMS = 200
_PATH = "/v1/chat/completions"
_BODY = b'{"model": "m", "messages": [{"role": "user", "content": "What did the cat do?"}]}'
_HEADERS = {"content-type": "application/json"}


def _model(url: str, case: str) -> Any:
    import chatplug

    return chatplug.init("openai_compat:m", base_url=f"{url}/{case}/v1", api_key="sk-benchmark")


async def _at_once(ask: Callable[[], Awaitable[object]], number: int, at_once: int) -> None:
    gate = asyncio.Semaphore(at_once)

    async def one() -> None:
        async with gate:
            await ask()

    await asyncio.gather(*(one() for _ in range(number)))


def calls(url: str) -> float:
    """Seconds for many asynchronous calls of chatplug's."""
    model = _model(url, "slow")

    async def main() -> float:
        await _at_once(lambda: model.ainvoke("What did the cat do?"), AT_ONCE, AT_ONCE)
        begun = time.perf_counter()
        await _at_once(lambda: model.ainvoke("What did the cat do?"), CALLS, AT_ONCE)
        return time.perf_counter() - begun

    return asyncio.run(main())


def threads(url: str) -> float:
    """Seconds for as many synchronous calls, from threads."""
    model = _model(url, "slow")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(model.invoke, ["What did the cat do?"] * AT_ONCE))
        begun = time.perf_counter()
        list(pool.map(model.invoke, ["What did the cat do?"] * CALLS))
        return time.perf_counter() - begun


def bare_calls(url: str) -> float:
    """Seconds for as many calls of aiohttp's."""
    import aiohttp
    from pydantic_core import from_json

    async def main() -> float:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def ask() -> None:
                async with session.post(f"{url}/slow{_PATH}", data=_BODY, headers=_HEADERS) as response:
                    from_json(await response.read())

            await _at_once(ask, AT_ONCE, AT_ONCE)
            begun = time.perf_counter()
            await _at_once(ask, CALLS, AT_ONCE)
            return time.perf_counter() - begun

    return asyncio.run(main())


def _highest() -> float:
    """The highest resident set so far, in megabytes."""
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return highest / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _resident() -> float:
    """The resident set now, in megabytes."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def streams(url: str, case: str) -> float:
    """Megabytes for many streams at once, none of which is kept."""
    model = _model(url, case)

    async def read() -> None:
        async for _ in model.astream("What did the cat do?"):
            pass

    async def main() -> float:
        await read()
        before = _resident()
        await _at_once(read, STREAMS, STREAMS)
        return _highest() - before

    return asyncio.run(main())


def large(url: str) -> float:
    """Megabytes for one large answer."""
    _model(url, "call").invoke("What did the cat do?")
    before = _resident()
    assert len(_model(url, "large").invoke("What did the cat do?").text) == server.LARGE << 20
    return _highest() - before


def bare_large(url: str) -> float:
    """Megabytes for the same with `http.client`."""
    from http.client import HTTPConnection
    from urllib.parse import urlsplit

    from pydantic_core import from_json

    connection = HTTPConnection(urlsplit(url).netloc)

    def ask(case: str) -> str:
        connection.request("POST", f"/{case}{_PATH}", _BODY, _HEADERS)
        text: str = from_json(connection.getresponse().read())["choices"][0]["message"]["content"]
        return text

    ask("call")
    before = _resident()
    assert len(ask("large")) == server.LARGE << 20
    return _highest() - before


_WORK: dict[str, Callable[..., float]] = {
    work.__name__: work for work in (calls, threads, bare_calls, streams, large, bare_large)
}


def _measured(url: str, *words: str) -> float:
    """What one piece of work took, in a process of its own; the best of three."""
    command = [sys.executable, "-m", "benchmarks.load", words[0], url, *words[1:]]
    runs = [subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True) for _ in range(3)]
    return min(float(run.stdout) for run in runs)


def main() -> None:
    """Measure all, each in a process of its own; or, as such a process, one."""
    if len(sys.argv) > 1:
        name, *words = sys.argv[1:]
        print(_WORK[name](*words))
        return
    ideal = CALLS / AT_ONCE * server.SLOWNESS
    with server.running() as url:
        print(f"{CALLS} calls, {AT_ONCE} at once, {server.SLOWNESS * 1000:g} ms each, over the ideal {ideal:.3f} s:")
        for name in ("calls", "threads", "bare_calls"):
            print(f"  {name:12} {_measured(url, name) / ideal:.2f}")
        print(f"{STREAMS} streams at once, MB of memory:")
        for number in server.WORDS:
            print(f"  of {number} chunks {_measured(url, 'streams', f'words{number}'):.1f}")
        print(f"One answer of {server.LARGE} MB, MB of memory:")
        for name in ("large", "bare_large"):
            print(f"  {name:12} {_measured(url, name):.0f}")


if __name__ == "__main__":
    main()
