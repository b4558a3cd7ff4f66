"""llm's models of OpenAI's wire, for the group `peers`."""

from __future__ import annotations

from typing import Any

IMPORT = "import llm"
COLD = """
from llm.default_plugins.openai_models import Chat
model = Chat("gpt-4o-mini", api_base=URL)
model.key = "sk-benchmark"
text = model.prompt(QUESTION, stream=False).text()
"""
_QUESTION = "What did the cat do?"


def cases(base_url: str) -> dict[str, Any]:
    """The cases, over the server at this address: `prompt`, whose response adds up its own chunks."""
    from llm.default_plugins.openai_models import AsyncChat, Chat  # type: ignore[import-not-found]  # in its own environment

    def model_at(kind: Any, path: str) -> Any:
        model = kind("gpt-4o-mini", api_base=f"{base_url}/{path}/v1")
        model.key = "sk-benchmark"
        return model

    calling, streaming = model_at(Chat, "call"), model_at(Chat, "burst")
    acalling, astreaming = model_at(AsyncChat, "call"), model_at(AsyncChat, "burst")

    def call(number: int) -> object:
        return [calling.prompt(_QUESTION, stream=False).text() for _ in range(number)][-1]

    async def acall(number: int) -> object:
        return [await acalling.prompt(_QUESTION, stream=False).text() for _ in range(number)][-1]

    def burst(number: int) -> object:
        text = None
        for _ in range(number):
            response = streaming.prompt(_QUESTION)
            for _chunk in response:
                pass
            text = response.text()
        return text

    async def aburst(number: int) -> object:
        text = None
        for _ in range(number):
            response = astreaming.prompt(_QUESTION)
            async for _chunk in response:
                pass
            text = await response.text()
        return text

    return {"call": call, "acall": acall, "burst": burst, "aburst": aburst}
