"""A `ChatRequest` as the body of a chat completions request; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticSerializationError, from_json, to_json

from chatplug.errors import MessageError
from chatplug.json_schema import FrozenList
from chatplug.messages import MISTRAL_IDS, OPENAI_IDS, AIMessage
from chatplug.messages.openai_format import export_openai
from chatplug.wire import is_object
from chatplug_openai_compat.think_tags import MARK, with_tags

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chatplug.language_models import ChatRequest
    from chatplug.messages import BaseMessage, Loss
    from chatplug_openai_compat.gateway import Gateway

__all__ = ["encode", "not_honoured"]

_IDS = {"mistral": MISTRAL_IDS, "openai": OPENAI_IDS}
_NOT_FIELDS = ("extra_body", "stream_options", "tool_choice", "tools")


def encode(request: ChatRequest, gateway: Gateway) -> tuple[bytes, list[Loss]]:
    """The body of the request, and what of the conversation is not in it.

    Args:
        request: What is asked.
        gateway: Who is asked; what it made itself goes back to it.

    Raises:
        MessageError: If a message or a setting holds something that cannot be written; says which one.
    """
    exported = export_openai(request.messages, provider=gateway.name, tool_call_ids=_IDS[gateway.tool_call_ids])
    if gateway.think_tags:
        _put_tags_back(request.messages, exported.value, gateway.name)
    body: dict[str, Any] = {"model": request.model, "messages": exported.value}
    settings = request.settings
    if settings:
        _add_settings(body, settings, gateway)
    if request.stop:
        body["stop"] = list(request.stop)
    if request.stream:
        body["stream"] = True
        options = settings.get("stream_options")
        if options is None and gateway.usage == "stream_options":
            # Without this the wire tells no usage in streams.
            options = {"include_usage": True}
        if options:
            body["stream_options"] = options
    more = settings.get("extra_body")
    if more:
        body.update(more)
    bound = body.pop("tools") if body.get("tools").__class__ is FrozenList else None
    try:
        data = to_json(body)
        if b"NaN" in data or b"Infinity" in data:
            from_json(data, allow_inf_nan=False)  # a text may say so; as numbers they are no JSON
        if bound is not None:
            # What is bound to a model is written once, not with each call.
            data = b"".join((data[:-1], b',"tools":', bound.json_text, b"}"))
    except (PydanticSerializationError, UnicodeError, ValueError) as error:
        raise MessageError(f"The request cannot be written as JSON: {error}") from None
    return data, exported.losses


def _put_tags_back(messages: Sequence[BaseMessage], wire: Sequence[dict[str, Any]], provider: str) -> None:
    """Say reasoning in the text where it came in the text, and to whom it came from."""
    for message, made in zip(messages, wire, strict=True):
        if not isinstance(message, AIMessage) or "reasoning_content" not in made:
            continue
        between = message.response_metadata.get(MARK)
        if isinstance(between, str) and message.response_metadata.get("model_provider") == provider:
            made["content"] = with_tags(made.pop("reasoning_content"), between, made["content"] or "")


def not_honoured(settings: Mapping[str, Any], gateway: Gateway) -> list[str]:
    """Which of these settings a provider does not know, or refuses the value of."""
    found = [name for name in gateway.unsupported if settings.get(name) not in (None, _DEFAULTS.get(name))]
    choice = settings.get("tool_choice")
    if choice is not None and "tool_choice" not in gateway.unsupported:
        known = _choice(choice, settings.get("tools") or (), gateway.tool_choice)[0]
        if known is None:
            found.append("tool_choice")
    return found


_DEFAULTS = {"logprobs": False, "n": 1, "parallel_tool_calls": True, "store": False, "tool_choice": "auto"}
"""What everybody does unless asked otherwise: to ask for it is to ask for nothing."""


def _add_settings(body: dict[str, Any], settings: Mapping[str, Any], gateway: Gateway) -> None:
    names, unsupported = gateway.names, gateway.unsupported
    for name, value in settings.items():
        if value is not None and name not in _NOT_FIELDS and name not in unsupported:
            body[names.get(name, name)] = value
    tools: Sequence[Any] = settings.get("tools") or ()
    choice = settings.get("tool_choice")
    if choice is not None and "tool_choice" not in unsupported:
        choice, tools = _choice(choice, tools, gateway.tool_choice)
        if choice is not None:
            body["tool_choice"] = choice
    if tools and "tools" not in unsupported:
        body["tools"] = tools


def _choice(choice: Any, tools: Sequence[Any], known: Sequence[str]) -> tuple[Any, Sequence[Any]]:
    """A choice of tools as a provider has it, None where it has none like it, and the tools that go with it."""
    if choice == "any":
        choice = "required"
    name = _named(choice)
    if name is None:
        if is_object(choice) or choice in known:
            return choice, tools
        only = _function(tools[0]) if choice == "required" and len(tools) == 1 and "named" in known else None
        return (_by_name(only), tools) if only else (None, tools)
    if "named" in known:
        return _by_name(name) if isinstance(choice, str) else choice, tools
    # Where no tool can be named, offering only one of them and asking for any says the same.
    wanted = [tool for tool in tools if _function(tool) == name]
    return ("required", wanted) if wanted and "required" in known else (None, tools)


def _named(choice: Any) -> str | None:
    """The tool that a choice names; None for a choice of another kind."""
    if isinstance(choice, str):
        return None if choice in ("auto", "none", "required") else choice
    return _function(choice)


def _function(value: Any) -> str | None:
    function = value.get("function") if is_object(value) else None
    name = function.get("name") if is_object(function) else None
    return name if isinstance(name, str) else None


def _by_name(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}
