"""What the benchmark server answers: chat completions as OpenAI sent them at the end of 2025, with made-up words.

The fields and their order, and an event's 327 bytes, are those of recorded traffic. `obfuscation` is noise that pads
each event to a multiple of 16 bytes, less the newlines.
"""

from __future__ import annotations

import json
from typing import Any

_WORDS = ("the", " cat", " sat", " down", " and", " looked", " at", " a", " model", ".", " Then", " it", "\n\n")
_COMMON = {
    "id": "chatcmpl-ChZGrWePAKduzUEk8i6v9utQc14XI",
    "object": "chat.completion.chunk",
    "created": 1764499721,
    "model": "gpt-4o-mini-2024-07-18",
    "service_tier": "default",
    "system_fingerprint": "fp_50906f2aac",
}
_USAGE = {
    "prompt_tokens": 24,
    "completion_tokens": 60,
    "total_tokens": 84,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 0,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}
_NOISE = "T3FmnOmiayPabhjnXhYgagWXPBu"


def text(words: int) -> str:
    """The answer that so many chunks make."""
    return "".join(_WORDS[number % len(_WORDS)] for number in range(words))


def arguments(fragments: int) -> list[str]:
    """The text of a tool call's arguments, in so many fragments."""
    middle = [f"{_WORDS[number % 9].strip()}{number} " for number in range(fragments - 2)]
    return ['{"path":"notes.txt","lines":["', *middle, '"]}']


def answer(content: str = "") -> bytes:
    """A whole answer, with this text or the usual one."""
    message: dict[str, Any] = {"role": "assistant", "content": content or text(60), "refusal": None, "annotations": []}
    body = {
        **_COMMON,
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": _USAGE,
    }
    return json.dumps(body, indent=2).encode()


def text_events(words: int) -> list[bytes]:
    """The events of a stream whose text comes in so many chunks."""
    first = {"role": "assistant", "content": "", "refusal": None}
    return _events([first, *({"content": _WORDS[number % len(_WORDS)]} for number in range(words))], "stop")


def tool_events(fragments: int) -> list[bytes]:
    """The events of a stream that calls one tool, whose arguments come in so many fragments."""
    call = {"index": 0, "id": "call_jbujoPVdWfu8tZ7UjHPotN9G", "type": "function"}
    first = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{**call, "function": {"name": "write_file", "arguments": ""}}],
        "refusal": None,
    }
    rest = [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in arguments(fragments)]
    return _events([first, *rest], "tool_calls")


def _events(deltas: list[dict[str, Any]], reason: str) -> list[bytes]:
    choices = [_choice(delta, None) for delta in deltas] + [_choice({}, reason)]
    events = [_event({**_COMMON, "choices": [choice], "usage": None}) for choice in choices]
    return [*events, _event({**_COMMON, "choices": [], "usage": _USAGE}), b"data: [DONE]\n\n"]


def _choice(delta: dict[str, Any], reason: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}


def _event(body: dict[str, Any]) -> bytes:
    size = len(_line({**body, "obfuscation": ""}))
    return _line({**body, "obfuscation": _NOISE[: 1 + (7 - size - 1) % 16]}) + b"\n\n"


def _line(body: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
