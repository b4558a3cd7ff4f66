"""The clients that chatplug's transport stands on, used directly and as lean as they allow: the floor."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import aiohttp

STREAMS = ("burst", "paced", "tools")
_PATH = "/v1/chat/completions"
_MESSAGES = [{"role": "user", "content": "What did the cat do?"}]
_PLAIN = {"model": "gpt-4o-mini", "messages": _MESSAGES}
_STREAMED = {**_PLAIN, "stream": True, "stream_options": {"include_usage": True}}
_HEADERS = {"content-type": "application/json", "authorization": "Bearer sk-benchmark"}

Parse = Callable[[bytes], Any]


class _Lines:
    """Bytes in; what the events say, added up, out."""

    def __init__(self, parse: Parse) -> None:
        self._parse = parse
        self._rest = b""
        self._texts: list[str] = []
        self._arguments: list[str] = []

    def feed(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b"data: ") and line != b"data: [DONE]":
                for choice in self._parse(line[6:])["choices"]:
                    delta = choice["delta"]
                    text = delta.get("content")
                    if text:
                        self._texts.append(text)
                    elif "tool_calls" in delta:
                        self._arguments.append(delta["tool_calls"][0]["function"]["arguments"])

    def outcome(self) -> object:
        return self._parse("".join(self._arguments).encode()) if self._arguments else "".join(self._texts)


class _Sync:
    """One connection of `http.client`, kept."""

    def __init__(self, base_url: str, parse: Parse) -> None:
        self._parse = parse
        self._connection = HTTPConnection(urlsplit(base_url).netloc)

    def _ask(self, path: str, body: dict[str, Any]) -> HTTPResponse:
        self._connection.request("POST", path + _PATH, json.dumps(body).encode(), _HEADERS)
        return self._connection.getresponse()

    def call(self, number: int) -> object:
        text = None
        for _ in range(number):
            answer = self._parse(self._ask("/call", _PLAIN).read())
            text = answer["choices"][0]["message"]["content"]
        return text

    def streaming(self, path: str) -> Callable[[int], object]:
        def stream(number: int) -> object:
            outcome = None
            for _ in range(number):
                lines = _Lines(self._parse)
                response = self._ask(path, _STREAMED)
                while data := response.read1(1 << 16):
                    lines.feed(data)
                outcome = lines.outcome()
            return outcome

        return stream


class _Async:
    """One session of aiohttp, made by the first call, in its event loop."""

    def __init__(self, base_url: str, parse: Parse) -> None:
        self._base_url = base_url
        self._parse = parse
        self._session: aiohttp.ClientSession | None = None

    def _ask(self, path: str, body: dict[str, Any]) -> Any:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session.post(f"{self._base_url}{path}{_PATH}", data=json.dumps(body).encode(), headers=_HEADERS)

    async def call(self, number: int) -> object:
        text = None
        for _ in range(number):
            async with self._ask("/call", _PLAIN) as response:
                answer = self._parse(await response.read())
            text = answer["choices"][0]["message"]["content"]
        return text

    def streaming(self, path: str) -> Callable[[int], object]:
        async def stream(number: int) -> object:
            outcome = None
            for _ in range(number):
                lines = _Lines(self._parse)
                async with self._ask(path, _STREAMED) as response:
                    async for data in response.content.iter_any():
                        lines.feed(data)
                outcome = lines.outcome()
            return outcome

        return stream

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def cases(base_url: str, parser: str) -> dict[str, Any]:
    """The cases, over the server at this address and with the parser of this name."""
    parse: Parse = json.loads
    if parser == "pydantic":
        from pydantic_core import from_json

        parse = from_json
    sync, asynchronous = _Sync(base_url, parse), _Async(base_url, parse)
    return {
        "call": sync.call,
        "acall": asynchronous.call,
        "aclose": asynchronous.close,
        **{name: sync.streaming(f"/{name}") for name in STREAMS},
        **{f"a{name}": asynchronous.streaming(f"/{name}") for name in STREAMS},
    }
