"""langchain-openai's `ChatOpenAI`, for the group `peers`."""

from __future__ import annotations

from typing import Any

IMPORT = "import langchain_openai"
COLD = """
from langchain_openai import ChatOpenAI
model = ChatOpenAI(model="gpt-4o-mini", base_url=URL, api_key="sk-benchmark")
text = model.invoke(QUESTION).text
"""
_QUESTION = "What did the cat do?"


def cases(base_url: str) -> dict[str, Any]:
    """The cases, over the server at this address: `invoke` and `stream`, chunks added with `+`."""
    from langchain_openai import ChatOpenAI  # type: ignore[import-not-found]  # in its own environment

    def model_at(path: str) -> Any:
        settings: Any = {"base_url": f"{base_url}/{path}/v1", "api_key": "sk-benchmark", "stream_usage": True}
        return ChatOpenAI(model="gpt-4o-mini", **settings)

    calling, streaming = model_at("call"), model_at("burst")

    def call(number: int) -> object:
        return [calling.invoke(_QUESTION).text for _ in range(number)][-1]

    async def acall(number: int) -> object:
        return [(await calling.ainvoke(_QUESTION)).text for _ in range(number)][-1]

    def burst(number: int) -> object:
        full: Any = None
        for _ in range(number):
            full = None
            for chunk in streaming.stream(_QUESTION):
                full = chunk if full is None else full + chunk
        return full.text

    async def aburst(number: int) -> object:
        full: Any = None
        for _ in range(number):
            full = None
            async for chunk in streaming.astream(_QUESTION):
                full = chunk if full is None else full + chunk
        return full.text

    return {"call": call, "acall": acall, "burst": burst, "aburst": aburst}
