"""What handlers hear of this provider: never the key."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import Any

import pytest

import chatplug
from chatplug.callbacks import BaseCallbackHandler, Run
from chatplug.errors import AuthenticationError

KEY = "sk-never-to-be-heard-0123456789"
BODY = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}]}


class Everything(BaseCallbackHandler):
    """Keeps whatever it hears, and whatever a run and its error say, as a text."""

    policy = "required"

    def __init__(self) -> None:
        self.heard = ""

    def _hear(self, *args: Any, **kwargs: Any) -> None:
        self.heard += repr((args, kwargs))

    on_chat_model_start = on_llm_new_token = on_llm_end = on_llm_error = _hear

    def on_run_end(self, run: Run) -> None:
        error = run.error
        values = [getattr(run, name) for name in ("inputs", "output", "metadata", "tags", "name", "model", "provider")]
        self.heard += repr((values, error, vars(error) if error else None))


@pytest.mark.parametrize("status", [200, 401])
def test_no_handler_hears_the_key(status: int, canned: Any) -> None:
    body = BODY if status == 200 else {"error": {"message": f"Incorrect API key provided: {KEY}."}}
    sent = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(sent)}\r\n\r\n"
    server = canned(head.encode() + sent)
    handler = Everything()
    model = chatplug.init("openai_compat:m", base_url=server.base_url, api_key=KEY, max_retries=0, callbacks=[handler])

    with nullcontext() if status == 200 else pytest.raises(AuthenticationError):
        model.invoke("Hello")

    assert "Hello" in handler.heard
    assert KEY not in handler.heard
