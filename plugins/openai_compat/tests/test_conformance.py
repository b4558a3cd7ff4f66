"""The kit, against a server that speaks chat completions as OpenAI documents them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import chatplug
from chatplug.language_models import BaseChatModel
from chatplug.testing import Exchange, HttpChatModelConformance

HEAD = {"id": "chatcmpl-1", "created": 1, "model": "tiny"}


class TestOpenAICompatConforms(HttpChatModelConformance):
    numbers = iter(range(1_000_000))

    def make_model_at(self, url: str) -> BaseChatModel:
        return chatplug.init("openai_compat:tiny", base_url=f"{url}/v1", api_key="sk-kit-1234567890")

    def answer_to(self, request: Exchange) -> bytes:
        text, usage = said(json.loads(request.body))
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        head = {**HEAD, "id": f"chatcmpl-{next(self.numbers)}", "object": "chat.completion"}
        return json.dumps({**head, "choices": [choice], "usage": usage}).encode()

    def stream_to(self, request: Exchange) -> Sequence[bytes]:
        text, usage = said(json.loads(request.body))
        head = {**HEAD, "id": f"chatcmpl-{next(self.numbers)}", "object": "chat.completion.chunk"}
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        deltas += [{"content": text[start : start + 4]} for start in range(0, len(text), 4)]
        events: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
        events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        events.append({"choices": [], "usage": usage})
        return [*(f"data: {json.dumps({**head, **event})}\n\n".encode() for event in events), b"data: [DONE]\n\n"]


def said(body: dict[str, Any]) -> tuple[str, dict[str, int]]:
    """The last message again, up to the first stop text; and what it took."""
    content = body["messages"][-1]["content"]
    text = content if isinstance(content, str) else "".join(part["text"] for part in content)
    for stop in body.get("stop") or ():
        text = text.partition(stop)[0]
    return text, {"prompt_tokens": 9, "completion_tokens": len(text), "total_tokens": 9 + len(text)}
