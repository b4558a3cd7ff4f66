"""The clients that chatplug's transport stands on, used directly and as lean as they allow: the floor."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import aiohttp

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


def cases(base_url: str, parser: str) -> dict[str, Any]:
    """The cases, with the parser of that name."""
    parse: Parse = json.loads
    if parser == "pydantic":
        from pydantic_core import from_json

        parse = from_json
    host = urlsplit(base_url).netloc
    connection = HTTPConnection(host)
    sessions: list[aiohttp.ClientSession] = []

    def ask(path: str, body: dict[str, Any]) -> HTTPResponse:
        connection.request("POST", path, json.dumps(body).encode(), _HEADERS)
        return connection.getresponse()

    def call(number: int) -> object:
        text = None
        for _ in range(number):
            text = parse(ask(f"/call{_PATH}", _PLAIN).read())["choices"][0]["message"]["content"]
        return text

    def stream(path: str) -> Callable[[int], object]:
        def streamed(number: int) -> object:
            outcome = None
            for _ in range(number):
                lines = _Lines(parse)
                response = ask(path, _STREAMED)
                while data := response.read1(1 << 16):
                    lines.feed(data)
                outcome = lines.outcome()
            return outcome

        return streamed

    def session() -> aiohttp.ClientSession:
        if not sessions:
            sessions.append(aiohttp.ClientSession())
        return sessions[0]

    async def acall(number: int) -> object:
        text = None
        for _ in range(number):
            body = json.dumps(_PLAIN).encode()
            async with session().post(f"{base_url}/call{_PATH}", data=body, headers=_HEADERS) as response:
                text = parse(await response.read())["choices"][0]["message"]["content"]
        return text

    def astream(path: str) -> Callable[[int], object]:
        async def streamed(number: int) -> object:
            outcome = None
            for _ in range(number):
                lines = _Lines(parse)
                body = json.dumps(_STREAMED).encode()
                async with session().post(base_url + path, data=body, headers=_HEADERS) as response:
                    async for data in response.content.iter_any():
                        lines.feed(data)
                outcome = lines.outcome()
            return outcome

        return streamed

    streams = {name: stream(f"/{name}{_PATH}") for name in ("burst", "paced", "tools")}
    astreams = {f"a{name}": astream(f"/{name}{_PATH}") for name in ("burst", "paced", "tools")}
    return {"call": call, "acall": acall, **streams, **astreams}
