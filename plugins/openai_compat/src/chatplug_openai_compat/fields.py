"""What an answer and an event have in common: their fields, read one by one; pure.

A field that is not of the kind that the wire promises raises one of `ODD`; who reads the whole makes the error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pydantic_core import to_json

from chatplug.errors import InvalidResponseError, MessageError
from chatplug.messages import UsageMetadata
from chatplug.wire import is_object

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "HINT",
    "ODD",
    "additional",
    "arguments_text",
    "choice_facts",
    "content_of",
    "facts_of",
    "header_facts",
    "limits_as_usual",
    "odd",
    "read_usage",
    "text_or_none",
]

_NOT_METADATA = ("choices", "usage", "id", "object", "obfuscation")
"""Fields of an answer that have another place; `obfuscation` is noise against traffic analysis (API docs, 2025)."""

ODD = (AttributeError, IndexError, KeyError, MessageError, TypeError)
"""What reading an answer raises when a field is not of the kind that the wire promises."""

HINT = "Ask again; if it stays so, the server at base_url does not speak OpenAI's chat completions."


def content_of(content: Any) -> Any:
    """A message's content; none at all is an empty text."""
    return "" if content is None else content


def additional(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a message, or of a delta, that have no place of their own; empty ones say nothing."""
    return {
        name: value
        for name, value in fields.items()
        if name not in ("content", "role", "tool_calls") and value is not None and value != [] and value != ""
    }


def facts_of(body: Mapping[str, Any], provider: str) -> dict[str, Any]:
    """The fields of an answer, or of an event, that are facts about it."""
    facts = {name: value for name, value in body.items() if name not in _NOT_METADATA and value is not None}
    identity = body.get("id")
    if identity and not isinstance(identity, str):
        facts["id"] = identity
    if "model" in facts:
        facts["model_name"] = facts.pop("model")
    if body.get("usage"):
        facts["token_usage"] = body["usage"]
    return {"model_provider": provider, **facts}


def choice_facts(choice: Mapping[str, Any], message: str) -> dict[str, Any]:
    """The fields of a choice that are facts about it: all but its place and its `message` or `delta`.

    A finish reason in the server's own words is said in OpenAI's; `raw_finish_reason` is what came.
    """
    facts = {name: value for name, value in choice.items() if name not in ("index", message) and value is not None}
    reason: Any = facts.get("finish_reason")
    if reason in _FINISH:
        facts |= {"finish_reason": _FINISH[reason], "raw_finish_reason": reason}
    return facts


_FINISH = {
    "COMPLETE": "stop",
    "STOP": "stop",
    "end_turn": "stop",
    "eos": "stop",
    "stop_sequence": "stop",
    "MAX_TOKENS": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_use": "tool_calls",
    "SAFETY": "content_filter",
    "content_filtered": "content_filter",
    "refusal": "content_filter",
    "sensitive": "content_filter",
}
"""Words of servers that pass on those of the model behind them, or have their own (Together's `eos` was recorded, the
others are from the API documentation of Anthropic, Cohere, Google, Mistral and Z.AI, 2026-11)."""


def header_facts(headers: Mapping[str, str], request_id: str) -> dict[str, Any]:
    """What the headers of an answer say that is worth keeping: the name of the request, rate limits, times.

    Args:
        headers: The answer's headers, names in lower case.
        request_id: The header with the request's name.
    """
    facts: dict[str, Any] = {}
    named = headers.get(request_id) or headers.get("x-request-id")
    if named:
        facts["request_id"] = named
    kept = {name: value for name, value in headers.items() if name.startswith(_KEPT)}
    if kept:
        facts["headers"] = kept
    return facts


def limits_as_usual(headers: Mapping[str, str], names: Mapping[str, str]) -> Mapping[str, str]:
    """The headers with rate limits under the names that OpenAI gave them, whatever a provider calls them.

    Args:
        headers: The answer's headers, names in lower case.
        names: The provider's names of the limits of `requests` and `tokens`; * stands for limit, remaining, reset.
    """
    usual = {
        f"x-ratelimit-{which}-{what}": headers[theirs]
        for what, name in names.items()
        for which in ("limit", "remaining", "reset")
        if (theirs := name.replace("*", which)) in headers
    }
    return {**headers, **usual}


_KEPT = ("x-ratelimit-", "ratelimit-", "openai-processing-ms", "openai-version", "retry-after")


def read_usage(usage: Any) -> UsageMetadata | None:
    """The token counts of an answer; None where the tokens of the prompt or of the answer are not counted.

    What is not counted is absent, not zero. As it came, the usage is in `response_metadata["token_usage"]`.
    """
    if not is_object(usage):
        return None
    taken, given, total = usage.get("prompt_tokens"), usage.get("completion_tokens"), usage.get("total_tokens")
    if type(taken) is not int or type(given) is not int:
        return None
    read: dict[str, Any] = {
        "input_tokens": taken,
        "output_tokens": given,
        "total_tokens": total if type(total) is int else taken + given,
    }
    hit = usage.get("prompt_cache_hit_tokens")
    if type(hit) is int:  # DeepSeek's own name; it sends the standard one as well (recorded in 2025)
        read["input_token_details"] = {"cache_read": hit}
    for name, source, keys in _DETAILS:
        details = usage.get(source)
        if is_object(details):
            found = {ours: count for theirs, ours in keys if type(count := details.get(theirs)) is int}
            if found:
                read[name] = {**read.get(name, {}), **found}
    return cast("UsageMetadata", read)


_DETAILS = (
    (
        "input_token_details",
        "prompt_tokens_details",
        (("audio_tokens", "audio"), ("cached_tokens", "cache_read"), ("cache_write_tokens", "cache_creation")),
    ),
    (
        "output_token_details",
        "completion_tokens_details",
        (("audio_tokens", "audio"), ("reasoning_tokens", "reasoning")),
    ),
)


def text_or_none(fields: Mapping[str, Any], name: str) -> str | None:
    """A field that is a text or absent."""
    value = fields.get(name)
    if value is None or isinstance(value, str):
        return value
    raise TypeError(f"{name!r} is {type(value).__name__}")


def arguments_text(arguments: Any) -> str | None:
    """A call's arguments as JSON text; some servers send them parsed."""
    return arguments if arguments is None or isinstance(arguments, str) else to_json(arguments).decode()


def odd(error: Exception, body: object) -> InvalidResponseError:
    """The error of a field that is not of the kind that the wire promises."""
    return InvalidResponseError(f"The answer has a field of an unexpected kind ({error}).", hint=HINT, body=body)
