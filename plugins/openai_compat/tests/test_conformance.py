"""The kit, against a server that speaks chat completions as OpenAI documents them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import count
from typing import Any

import chatplug
from chatplug.language_models import BaseChatModel
from chatplug.profiles import ModelProfile
from chatplug.testing import Exchange, HttpChatModelConformance

PROFILE: ModelProfile = {
    "tool_calling": True,
    "tool_choice": True,
    "structured_output": True,
    "structured_output_methods": ["json_schema", "function_calling", "json_mode"],
    "image_inputs": True,
    "audio_inputs": True,
    "pdf_inputs": True,
}


class TestOpenAICompatConforms(HttpChatModelConformance):
    numbers = count()

    def make_model_at(self, url: str) -> BaseChatModel:
        return chatplug.init("openai_compat:tiny", base_url=f"{url}/v1", api_key="sk-kit-1234567890", profile=PROFILE)

    def head(self, kind: str) -> dict[str, Any]:
        return {"id": f"chatcmpl-{next(self.numbers)}", "created": 1, "model": "tiny", "object": kind}

    def answer_to(self, request: Exchange) -> bytes:
        message, reason, usage = said(json.loads(request.body), next(self.numbers))
        choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}
        return json.dumps({**self.head("chat.completion"), "choices": [choice], "usage": usage}).encode()

    def stream_to(self, request: Exchange) -> Sequence[bytes]:
        message, reason, usage = said(json.loads(request.body), next(self.numbers))
        text = message["content"] or ""
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        deltas += [{"content": text[start : start + 4]} for start in range(0, len(text), 4)]
        for index, call in enumerate(message.get("tool_calls", ())):
            function = call["function"]
            deltas.append(
                {"tool_calls": [{**call, "index": index, "function": {"name": function["name"], "arguments": ""}}]}
            )
            for start in range(0, len(function["arguments"]), 5):
                piece = {"arguments": function["arguments"][start : start + 5]}
                deltas.append({"tool_calls": [{"index": index, "function": piece}]})
        events: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
        events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        events.append({"choices": [], "usage": usage})
        head = self.head("chat.completion.chunk")
        return [*(f"data: {json.dumps({**head, **event})}\n\n".encode() for event in events), b"data: [DONE]\n\n"]


def said(body: dict[str, Any], number: int) -> tuple[dict[str, Any], str, dict[str, int]]:
    """A call of the tool that was offered, an answer in JSON, or the last message again, up to the first stop text."""
    last = body["messages"][-1]
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
    if body.get("tools") and last["role"] != "tool":
        function = body["tools"][0]["function"]
        arguments = {
            name: 21 if schema["type"] == "integer" else "Paris"
            for name, schema in function["parameters"]["properties"].items()
        }
        called = {"name": function["name"], "arguments": json.dumps(arguments)}
        call = {"id": f"call_{number}", "type": "function", "function": called}
        return {"content": None, "tool_calls": [call]}, "tool_calls", usage
    content = last["content"]
    text = content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
    if body.get("response_format"):
        text = json.dumps({"city": "Paris", "degrees": 21})
    for stop in body.get("stop") or ():
        text = text.partition(stop)[0]
    return {"content": text}, "stop", usage
