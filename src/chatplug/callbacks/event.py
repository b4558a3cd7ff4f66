"""What handlers hear."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

__all__ = ["ENDS", "IGNORED_BY", "STARTS", "TOKEN", "Event", "Hear"]

Event: TypeAlias = tuple[str, Any, Any]
"""The event's name, and its arguments: by place and by name. Of a chunk that the host tells: its text, and itself."""
Hear: TypeAlias = Callable[[Event], Any]
"""A handler's method, to be called with an event; an asynchronous one gives what is to be awaited."""

TOKEN = "on_llm_new_token"

STARTS = frozenset({"on_chat_model_start", "on_chain_start", "on_tool_start"})
ENDS = frozenset(
    {
        "on_chain_end",
        "on_chain_error",
        "on_llm_end",
        "on_llm_error",
        "on_run_end",
        "on_tool_end",
        "on_tool_error",
    }
)

# What programs written for LangChain say to hear less.
IGNORED_BY = {
    "on_chain_start": "ignore_chain",
    "on_chain_end": "ignore_chain",
    "on_chain_error": "ignore_chain",
    "on_chat_model_start": "ignore_chat_model",
    "on_custom_event": "ignore_custom_event",
    "on_llm_end": "ignore_llm",
    "on_llm_error": "ignore_llm",
    "on_llm_new_token": "ignore_llm",
    "on_llm_start": "ignore_llm",
    "on_retry": "ignore_retry",
    "on_tool_start": "ignore_agent",
    "on_tool_end": "ignore_agent",
    "on_tool_error": "ignore_agent",
}
