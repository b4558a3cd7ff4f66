"""LiteLLM's `completion`, for the group `peers`; without its table of prices from the network."""

from __future__ import annotations

import os
from typing import Any

ENVIRONMENT = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
IMPORT = "import litellm"
COLD = """
import litellm
messages = [{"role": "user", "content": QUESTION}]
answer = litellm.completion("openai/gpt-4o-mini", messages, api_base=URL, api_key="sk-benchmark")
text = answer.choices[0].message.content
"""
_MESSAGES = [{"role": "user", "content": "What did the cat do?"}]


def cases(base_url: str) -> dict[str, Any]:
    """The cases, over the server at this address: `completion`, chunks put together by `stream_chunk_builder`."""
    os.environ.update(ENVIRONMENT)
    import litellm  # type: ignore[import-not-found]  # in its own environment

    settings: Any = {"model": "openai/gpt-4o-mini", "messages": _MESSAGES, "api_key": "sk-benchmark"}
    calling = {**settings, "api_base": f"{base_url}/call/v1"}
    streaming = {
        **settings,
        "api_base": f"{base_url}/burst/v1",
        "stream": True,
        "stream_options": {"include_usage": True},
    }

    def call(number: int) -> object:
        return [litellm.completion(**calling).choices[0].message.content for _ in range(number)][-1]

    async def acall(number: int) -> object:
        return [(await litellm.acompletion(**calling)).choices[0].message.content for _ in range(number)][-1]

    def burst(number: int) -> object:
        text = None
        for _ in range(number):
            text = _built(list(litellm.completion(**streaming)))
        return text

    async def aburst(number: int) -> object:
        text = None
        for _ in range(number):
            text = _built([chunk async for chunk in await litellm.acompletion(**streaming)])
        return text

    def _built(chunks: list[Any]) -> object:
        return litellm.stream_chunk_builder(chunks).choices[0].message.content

    return {"call": call, "acall": acall, "burst": burst, "aburst": aburst}
