"""Bytes to events, for provider authors: no I/O in here, and any split of the bytes gives the same events."""

from __future__ import annotations

from chatplug.wire.json_in_text import JSONInText
from chatplug.wire.partial_json import ABSENT, PartialJSON
from chatplug.wire.rate_limit import Allowance, rate_limits
from chatplug.wire.retry_after import retry_after
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
