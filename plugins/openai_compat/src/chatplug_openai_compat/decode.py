"""What the server answers, as a message or as chunks; pure.

What is known has its place in the message. What is not known is kept as it came: fields of the answer and of the
choice in `response_metadata`, fields of the message in `additional_kwargs`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pydantic_core import from_json, to_json

from chatplug.errors import InvalidResponseError, MessageError, StreamBrokenError
from chatplug.messages import (
    AIMessage,
    AIMessageChunk,
    UsageMetadata,
    invalid_tool_call,
    read_arguments,
    tool_call,
    tool_call_chunk,
)
from chatplug.outputs import ChatGeneration, ChatResult
from chatplug.wire import EventTooLargeError, SSEDecoder, is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from chatplug.errors import ProviderError
    from chatplug.messages import InvalidToolCall, ToolCall
    from chatplug.wire import ServerSentEvent

__all__ = ["StreamReader", "decode_answer", "read_json", "read_usage"]

_NOT_METADATA = ("choices", "usage", "id", "object", "obfuscation")
"""Fields of an answer that have another place; `obfuscation` is noise against traffic analysis (API docs, 2025)."""

_ODD = (AttributeError, IndexError, KeyError, MessageError, TypeError)
"""What reading an answer raises when a field is not of the kind that the wire promises."""


def read_json(data: bytes) -> Any:
    """Parsed JSON.

    Raises:
        ValueError: If it is none, or no UTF-8.
    """
    return from_json(data)


def decode_answer(body: Any, provider: str) -> ChatResult:
    """The messages of a whole answer, one for each choice.

    Raises:
        InvalidResponseError: If it is JSON of another form.
    """
    choices = body.get("choices") if is_object(body) else None
    if not is_array(choices) or not choices or not all(is_object(choice) for choice in choices):
        raise InvalidResponseError("The answer is JSON, but no chat completion: it has no choices.", body=body)
    try:
        common = _facts(body, provider)
        usage = read_usage(body.get("usage"))
        return ChatResult(generations=[_generation(choice, body.get("id"), common, usage) for choice in choices])
    except _ODD as error:
        raise _odd(error, body) from None


def _generation(
    choice: Mapping[str, Any], identity: str | None, common: Mapping[str, Any], usage: UsageMetadata | None
) -> ChatGeneration:
    fields = choice.get("message")
    if fields is None and choice.get("finish_reason"):
        # Azure's content filter takes the whole message away (recorded in 2025).
        fields = cast("dict[str, Any]", {})
    if not is_object(fields):
        raise InvalidResponseError("The answer has a choice without a message.", body=dict(choice))
    content = fields.get("content")
    message = AIMessage(
        _content(content),
        id=identity or None,
        additional_kwargs=_additional(fields),
        response_metadata={**common, **_choice_facts(choice, "message")},
        usage_metadata=usage,
    )
    for call in fields.get("tool_calls") or ():
        _add_call(message, call)
    return ChatGeneration(message=message)


def _content(content: Any) -> Any:
    return "" if content is None else content


def _add_call(message: AIMessage, call: Mapping[str, Any]) -> None:
    function = call.get("function")
    if not is_object(function):
        message.additional_kwargs.setdefault("tool_calls", []).append(call)
        return
    name, identity = function.get("name") or "", call.get("id")
    text = _text(function.get("arguments"))
    args, error = read_arguments(text, whole=True)
    # Google's servers put a signature beside a call, and want it back (recorded in 2025).
    more: Any = {key: value for key, value in call.items() if key not in _OF_CALLS and value is not None}
    if args is not None:
        message.tool_calls.append(cast("ToolCall", {**tool_call(name=name, args=args, id=identity), **more}))
    else:
        bad = invalid_tool_call(name=name, args=text, id=identity, error=error)
        message.invalid_tool_calls.append(cast("InvalidToolCall", {**bad, **more}))


_OF_CALLS = frozenset({"function", "id", "index", "type"})
"""Fields of a call that have a place of their own, or say again where it stands."""


def _additional(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a message, or of a delta, that have no place of their own; empty ones say nothing."""
    return {
        name: value
        for name, value in fields.items()
        if name not in ("content", "role", "tool_calls") and value is not None and value != [] and value != ""
    }


def _facts(body: Mapping[str, Any], provider: str) -> dict[str, Any]:
    """The fields of an answer, or of an event, that are facts about it."""
    facts = {name: value for name, value in body.items() if name not in _NOT_METADATA and value is not None}
    if "model" in facts:
        facts["model_name"] = facts.pop("model")
    if body.get("usage"):
        facts["token_usage"] = body["usage"]
    return {"model_provider": provider, **facts}


def _choice_facts(choice: Mapping[str, Any], message: str) -> dict[str, Any]:
    return {name: value for name, value in choice.items() if name not in ("index", message) and value is not None}


def read_usage(usage: Any) -> UsageMetadata | None:
    """The token counts of an answer; None where it has none. What is not counted is absent, not zero."""
    if not is_object(usage):
        return None
    counts = {name: value for name, value in usage.items() if isinstance(value, int)}
    taken, given = counts.get("prompt_tokens"), counts.get("completion_tokens")
    if taken is None and given is None:
        return None
    read: dict[str, Any] = {
        "input_tokens": taken or 0,
        "output_tokens": given or 0,
        "total_tokens": counts.get("total_tokens", (taken or 0) + (given or 0)),
    }
    for name, source, keys in _DETAILS:
        details: dict[str, Any] = usage.get(source) or {}
        found = {ours: details[theirs] for theirs, ours in keys.items() if isinstance(details.get(theirs), int)}
        if found:
            read[name] = found
    return cast("UsageMetadata", read)


_DETAILS = (
    (
        "input_token_details",
        "prompt_tokens_details",
        {"audio_tokens": "audio", "cached_tokens": "cache_read", "cache_write_tokens": "cache_creation"},
    ),
    (
        "output_token_details",
        "completion_tokens_details",
        {"audio_tokens": "audio", "reasoning_tokens": "reasoning"},
    ),
)


class StreamReader:
    """Bytes of an event stream in, chunks out; any split of the bytes gives the same message.

    Args:
        provider: Who answers, for `response_metadata`.
        refuse: Makes the error of an error object that comes in the stream.
        facts: What `response_metadata` says besides what the stream says.
    """

    __slots__ = (
        "_choice",
        "_events",
        "_facts",
        "_facts_beside",
        "_id",
        "_provider",
        "_refuse",
        "_usage",
        "finished",
        "is_done",
    )

    def __init__(
        self, provider: str, refuse: Callable[[Any], ProviderError], facts: Mapping[str, Any] | None = None
    ) -> None:
        self._facts_beside = facts or {}
        self._provider = provider
        self._refuse = refuse
        self._events = SSEDecoder()
        self._facts: dict[str, Any] | None = None
        self._choice: dict[str, Any] | None = None
        self._id: str | None = None
        self._usage: Any = None
        self.finished = False
        """Whether the finish reason has come."""
        self.is_done = False
        """Whether the server has said that nothing more comes."""

    def feed(self, data: bytes) -> Iterator[AIMessageChunk]:
        """The chunks that these bytes complete; what was whole before a fault is given before the error.

        Raises:
            InvalidResponseError: If an event is no chat completion chunk.
            ProviderError: If an event is an error; of the class that its code stands for.
        """
        try:
            events = self._events.feed(data)
        except EventTooLargeError as error:
            raise InvalidResponseError(f"The stream has {error}.") from None
        return self._read(events)

    def end(self) -> Iterator[AIMessageChunk]:
        """The last chunks, when the body has ended.

        Raises:
            StreamBrokenError: If it ended before the answer did.
        """
        if not self.is_done:
            try:
                yield from self._read(self._events.end())
            except InvalidResponseError:
                raise _broken("The stream ended in the middle of an event.") from None
        if not (self.is_done or self.finished):
            raise _broken("The stream ended before the answer did: no finish reason and no [DONE] came.")
        last = AIMessageChunk("", id=self._id, chunk_position="last")
        usage = read_usage(self._usage)
        if usage is not None:
            last.usage_metadata = usage
            last.response_metadata = {"token_usage": self._usage}
        yield last

    def _read(self, events: Iterable[ServerSentEvent]) -> Iterator[AIMessageChunk]:
        for data, _, _ in events:
            if data == b"[DONE]":
                self.is_done = True
                return
            try:
                event = from_json(data)
                choices = event.pop("choices", None)
            except (ValueError, AttributeError):
                raise _no_event(data) from None
            try:
                chunk = self._chunk(event, choices)
            except _ODD as error:
                raise _odd(error, event) from None
            if chunk is not None:
                yield chunk

    def _chunk(self, event: dict[str, Any], choices: Any) -> AIMessageChunk | None:
        usage = event.pop("usage", None)
        if usage:
            # Some servers count in each event, from the beginning; the last count is the whole.
            self._usage = usage
        event.pop("obfuscation", None)
        news = None
        if event != self._facts:
            if choices is None and event.get("error"):
                raise self._refuse(event)
            news = self._news(event)
        if not choices:
            return AIMessageChunk("", id=self._id, response_metadata=news) if news else None
        choice: dict[str, Any] = choices[0]
        delta: Any = choice.pop("delta", None)
        if delta.__class__ is not dict:
            if delta is not None or not choice.get("finish_reason"):
                raise InvalidResponseError("The stream has a choice without a delta.", body=choices)
            delta = {}
        if news is None and choice == self._choice and len(choices) == 1 and len(delta) == 1:
            text: Any = delta.get("content")
            if text.__class__ is str:
                return AIMessageChunk(text, id=self._id)
            fragments: Any = delta.get("tool_calls")
            if fragments and len(fragments) == 1 and "function" in fragments[0]:
                chunk = AIMessageChunk("", id=self._id)
                chunk.tool_call_chunks = [_fragment(fragments[0])]
                return chunk
        return self._full_chunk(choices, choice, delta, news)

    def _news(self, event: dict[str, Any]) -> dict[str, Any] | None:
        """The facts of an event that the stream has not told before."""
        known = self._facts
        self._facts = event
        if not self._id and isinstance(event.get("id"), str):
            self._id = event["id"] or None
        if known is None:
            return {**_facts(event, self._provider), **self._facts_beside}
        told = _facts({name: value for name, value in event.items() if known.get(name) != value}, self._provider)
        del told["model_provider"]
        return told or None

    def _full_chunk(
        self, choices: list[Any], choice: dict[str, Any], delta: dict[str, Any], news: dict[str, Any] | None
    ) -> AIMessageChunk:
        if choice.get("index", 0) != 0 or len(choices) > 1:
            choice, delta, others = _sorted_out(choices, choice, delta)
        else:
            others = []
        if choice.get("finish_reason"):
            self.finished = True
        elif choice:
            self._choice = choice
        facts = _choice_facts(choice, "delta")
        additional = _additional(delta)
        if others:
            additional["choices"] = others
        chunk = AIMessageChunk(_content(delta.get("content")), id=self._id)
        fragments = delta.get("tool_calls")
        if fragments:
            # Calls of another kind than functions have no standard form; they are kept as they came.
            foreign = [fragment for fragment in fragments if "function" not in fragment and "type" in fragment]
            chunk.tool_call_chunks = [_fragment(fragment) for fragment in fragments if fragment not in foreign]
            if foreign:
                additional["tool_calls"] = foreign
        if additional:
            chunk.additional_kwargs = additional
        if news or facts:
            chunk.response_metadata = {**(news or {}), **facts}
        return chunk


def _sorted_out(
    choices: list[Any], first: dict[str, Any], delta: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    """The first choice with its delta, and the others as they came; a stream may carry several answers."""
    rest = [{**first, "delta": delta}, *choices[1:]]
    mine = next((choice for choice in rest if choice.get("index", 0) == 0), None)
    others = [choice for choice in rest if choice is not mine]
    if mine is None:
        return {}, {}, others
    return {name: value for name, value in mine.items() if name != "delta"}, mine.get("delta") or {}, others


def _fragment(fragment: Any) -> Any:
    function: Any = fragment.get("function") or {}
    args = function.get("arguments")
    return tool_call_chunk(
        name=function.get("name"),
        args=_text(args),
        id=fragment.get("id"),
        index=fragment.get("index"),
    )


def _text(arguments: Any) -> str | None:
    """A call's arguments as JSON text; some servers send them parsed."""
    return arguments if arguments is None or isinstance(arguments, str) else to_json(arguments).decode()


def _broken(message: str) -> StreamBrokenError:
    return StreamBrokenError(message, hint="What had arrived is on the error as `partial`; ask again.")


def _odd(error: Exception, body: object) -> InvalidResponseError:
    return InvalidResponseError(f"The answer has a field of an unexpected kind ({error}).", body=body)


def _no_event(data: bytes) -> InvalidResponseError:
    shown = data[:200].decode("utf-8", "replace")
    return InvalidResponseError(f"The stream has an event that is no JSON object: {shown!r}", body=shown)
