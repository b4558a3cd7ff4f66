"""chatplug's `openai_compat`, as its user uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import chatplug

_QUESTION = "What did the cat do?"


def cases(base_url: str) -> dict[str, Any]:
    """The cases, over the server at this address."""
    models = {
        name: chatplug.init("openai_compat:gpt-4o-mini", base_url=f"{base_url}/{name}/v1", api_key="sk-benchmark")
        for name in ("call", "burst", "paced", "tools")
    }

    def call(number: int) -> object:
        text = None
        for _ in range(number):
            text = models["call"].invoke(_QUESTION).text
        return text

    async def acall(number: int) -> object:
        text = None
        for _ in range(number):
            text = (await models["call"].ainvoke(_QUESTION)).text
        return text

    def stream(model: Any) -> Callable[[int], object]:
        def streamed(number: int) -> object:
            outcome = None
            for _ in range(number):
                full: Any = None
                for chunk in model.stream(_QUESTION):
                    full = chunk if full is None else full + chunk
                outcome = _outcome(full)
            return outcome

        return streamed

    def astream(model: Any) -> Callable[[int], object]:
        async def streamed(number: int) -> object:
            outcome = None
            for _ in range(number):
                full: Any = None
                async for chunk in model.astream(_QUESTION):
                    full = chunk if full is None else full + chunk
                outcome = _outcome(full)
            return outcome

        return streamed

    streams = {name: stream(models[name]) for name in ("burst", "paced", "tools")}
    astreams = {f"a{name}": astream(models[name]) for name in ("burst", "paced", "tools")}
    return {"call": call, "acall": acall, **streams, **astreams}


def _outcome(full: Any) -> object:
    calls = full.tool_calls
    return calls[0]["args"] if calls else full.text
