"""pydantic-ai's models, asked by its module `direct`, without an agent, for the group `peers`."""

from __future__ import annotations

from typing import Any

IMPORT = "import pydantic_ai"
COLD = """
from pydantic_ai.direct import model_request_sync
from pydantic_ai.messages import ModelRequest
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
model = OpenAIChatModel("gpt-4o-mini", provider=OpenAIProvider(base_url=URL, api_key="sk-benchmark"))
text = model_request_sync(model, [ModelRequest.user_text_prompt(QUESTION)]).parts[0].content
"""


def cases(base_url: str) -> dict[str, Any]:
    """The cases, over the server at this address: `model_request` and `model_request_stream`, which adds up its own."""
    from pydantic_ai import direct  # type: ignore[import-not-found]  # in its own environment
    from pydantic_ai.messages import ModelRequest  # type: ignore[import-not-found]  # in its own environment
    from pydantic_ai.models.openai import OpenAIChatModel  # type: ignore[import-not-found]  # in its own environment
    from pydantic_ai.providers.openai import OpenAIProvider  # type: ignore[import-not-found]  # in its own environment

    def model_at(path: str) -> Any:
        provider = OpenAIProvider(base_url=f"{base_url}/{path}/v1", api_key="sk-benchmark")
        return OpenAIChatModel("gpt-4o-mini", provider=provider)

    calling, acalling, streaming, astreaming = (model_at(path) for path in ("call", "call", "burst", "burst"))
    messages: Any = [ModelRequest.user_text_prompt("What did the cat do?")]

    def call(number: int) -> object:
        return [_text(direct.model_request_sync(calling, messages)) for _ in range(number)][-1]

    async def acall(number: int) -> object:
        return [_text(await direct.model_request(acalling, messages)) for _ in range(number)][-1]

    def burst(number: int) -> object:
        text = None
        for _ in range(number):
            with direct.model_request_stream_sync(streaming, messages) as stream:
                for _event in stream:
                    pass
                text = _text(stream.response)
        return text

    async def aburst(number: int) -> object:
        text = None
        for _ in range(number):
            async with direct.model_request_stream(astreaming, messages) as stream:
                async for _event in stream:
                    pass
                text = _text(stream.get())
        return text

    def _text(response: Any) -> object:
        return response.parts[0].content

    return {"call": call, "acall": acall, "burst": burst, "aburst": aburst}
