"""The openai SDK, as its documentation shows it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import openai

_SETTINGS: Any = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "What did the cat do?"}]}
_STREAMED: Any = {**_SETTINGS, "stream": True, "stream_options": {"include_usage": True}}


class _Sum:
    """Chunks in; what they say, added up, out."""

    def __init__(self) -> None:
        self._text = ""
        self._arguments: list[str] = []

    def add(self, chunk: Any) -> None:
        if not chunk.choices:
            return
        delta = chunk.choices[0].delta
        if delta.content:
            self._text += delta.content
        for call in delta.tool_calls or ():
            self._arguments.append(call.function.arguments)

    def outcome(self) -> object:
        return json.loads("".join(self._arguments)) if self._arguments else self._text


def cases(base_url: str) -> dict[str, Any]:
    """The cases, over the server at this address."""
    names = ("call", "burst", "paced", "tools")
    clients = {name: openai.OpenAI(base_url=f"{base_url}/{name}/v1", api_key="sk-benchmark") for name in names}
    aclients = {name: openai.AsyncOpenAI(base_url=f"{base_url}/{name}/v1", api_key="sk-benchmark") for name in names}

    def call(number: int) -> object:
        text = None
        for _ in range(number):
            text = clients["call"].chat.completions.create(**_SETTINGS).choices[0].message.content
        return text

    async def acall(number: int) -> object:
        text = None
        for _ in range(number):
            text = (await aclients["call"].chat.completions.create(**_SETTINGS)).choices[0].message.content
        return text

    def stream(client: Any) -> Callable[[int], object]:
        def streamed(number: int) -> object:
            outcome = None
            for _ in range(number):
                total = _Sum()
                for chunk in client.chat.completions.create(**_STREAMED):
                    total.add(chunk)
                outcome = total.outcome()
            return outcome

        return streamed

    def astream(client: Any) -> Callable[[int], object]:
        async def streamed(number: int) -> object:
            outcome = None
            for _ in range(number):
                total = _Sum()
                async for chunk in await client.chat.completions.create(**_STREAMED):
                    total.add(chunk)
                outcome = total.outcome()
            return outcome

        return streamed

    streams = {name: stream(clients[name]) for name in ("burst", "paced", "tools")}
    astreams = {f"a{name}": astream(aclients[name]) for name in ("burst", "paced", "tools")}
    return {"call": call, "acall": acall, **streams, **astreams}
