"""Bytes to events, for provider authors: no I/O in here, and any split of the bytes gives the same events."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from chatplug.wire.retry_after import retry_after  # which has its module's name, and so cannot wait

if TYPE_CHECKING:
    from chatplug.wire.json_in_text import JSONInText
    from chatplug.wire.partial_json import ABSENT, PartialJSON
    from chatplug.wire.rate_limit import Allowance, rate_limits
    from chatplug.wire.shape import is_array, is_object
    from chatplug.wire.sse import EventTooLargeError, ServerSentEvent, SSEDecoder, aiter_events, iter_events

__all__ = [
    "ABSENT",
    "Allowance",
    "EventTooLargeError",
    "JSONInText",
    "PartialJSON",
    "SSEDecoder",
    "ServerSentEvent",
    "aiter_events",
    "is_array",
    "is_object",
    "iter_events",
    "rate_limits",
    "retry_after",
]

# A program that has no wire waits for none of them.
_HOMES = {
    "ABSENT": "partial_json",
    "Allowance": "rate_limit",
    "EventTooLargeError": "sse",
    "JSONInText": "json_in_text",
    "PartialJSON": "partial_json",
    "SSEDecoder": "sse",
    "ServerSentEvent": "sse",
    "aiter_events": "sse",
    "is_array": "shape",
    "is_object": "shape",
    "iter_events": "sse",
    "rate_limits": "rate_limit",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
