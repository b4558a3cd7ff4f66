"""What a gateway is asked with: a key, tools, and the body that reaches a server that always answers the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chatplug_openai_compat.gateway import gateway_names

import chatplug

KEY = "sk-not-to-be-seen-1234"
TOOL: Any = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
OTHER: Any = {"type": "function", "function": {"name": "listen", "parameters": {"type": "object", "properties": {}}}}
ANSWER = b'{"id":"c1","choices":[{"index":0,"finish_reason":"stop","message":{"content":"Hi"}}]}'
HTTP = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER)


def body_of(server: Any, provider: str, *, call: dict[str, Any] | None = None, **settings: Any) -> dict[str, Any]:
    """The body that reaches a server."""
    model = chatplug.init(f"{provider}:m", base_url=server.base_url, api_key=KEY, timeout=5, **settings)
    model.invoke("Hello", **(call or {}))
    body: dict[str, Any] = json.loads(server.requests[-1].partition(b"\r\n\r\n")[2])
    return body


every_gateway = pytest.mark.parametrize("name", gateway_names())
