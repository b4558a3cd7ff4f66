"""An event stream as chunks; pure. What is known and what is not has its place as in `decode.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from chatplug.errors import InvalidResponseError, StreamBrokenError
from chatplug.messages import AIMessageChunk, tool_call_chunk
from chatplug.wire import EventTooLargeError, SSEDecoder
from chatplug_openai_compat.decode import add_reasoning, is_refusal
from chatplug_openai_compat.errors import stalled
from chatplug_openai_compat.fields import (
    HINT,
    ODD,
    additional,
    arguments_text,
    choice_facts,
    content_of,
    facts_of,
    odd,
    read_usage,
    text_or_none,
)
from chatplug_openai_compat.json_text import HALF_LOST, Halves, read_json_in_halves
from chatplug_openai_compat.think_tags import ThinkTags

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from chatplug.errors import ProviderError
    from chatplug.http import Stall
    from chatplug.wire import ServerSentEvent

__all__ = ["StreamReader"]

_ABSENT: Any = object()
_MOST_WITHOUT_EVENT = 64 * 2**20
"""How many bytes are kept of a body in which no event has come; as many as one event may have."""


class StreamReader:
    """Bytes of an event stream in, chunks out; any split of the bytes gives the same message.

    Args:
        provider: Who answers, for `response_metadata`.
        refuse: Makes the error of an error object that comes in the stream.
        facts: What `response_metadata` says besides what the stream says.
        whole: Reads a body without any event, which some servers send where a stream was asked for.
        clean: Takes the key out of bytes that an error will show a part of.
        think_tags: Whether a text that begins with `<think>` begins with reasoning.
        stall: How long it may go without an event; None for no limit.
    """

    __slots__ = (
        "_choice",
        "_clean",
        "_error",
        "_events",
        "_facts",
        "_facts_beside",
        "_halves",
        "_head",
        "_id",
        "_others",
        "_provider",
        "_refuse",
        "_stall",
        "_tags",
        "_usage",
        "_whole",
        "finished",
        "is_done",
    )

    def __init__(  # noqa: PLR0913  # one parameter for each fact
        self,
        provider: str,
        refuse: Callable[[Any], ProviderError],
        facts: Mapping[str, Any] | None = None,
        *,
        whole: Callable[[bytes], AIMessageChunk] | None = None,
        clean: Callable[[bytes], bytes] = bytes,
        think_tags: bool = False,
        stall: Stall | None = None,
    ) -> None:
        self._stall = stall
        self._tags = ThinkTags() if think_tags else None
        self._facts_beside = facts or {}
        self._whole = whole
        self._clean = clean
        self._head: bytearray | None = bytearray()
        self._halves: Halves = {}
        self._error: ProviderError | None = None
        self._provider = provider
        self._refuse = refuse
        self._events = SSEDecoder()
        self._facts: dict[str, Any] | None = None
        self._choice: dict[str, Any] | None = None
        self._id: str | None = None
        self._usage: Any = None
        self._others: set[Any] = set()
        self.finished = False
        """Whether the finish reason has come."""
        self.is_done = False
        """Whether the server has said that nothing more comes."""

    def feed(self, data: bytes) -> Iterator[AIMessageChunk]:
        """The chunks that these bytes complete; what was whole before a fault is given before the error.

        Raises:
            InvalidResponseError: If an event is no chat completion chunk.
            ProviderError: If an event is an error; of the class that its code stands for.
            ProviderTimeoutError: If it has been too long since the last event.
        """
        try:
            events = self._events.feed(data)
        except EventTooLargeError as error:
            raise InvalidResponseError(f"The stream has {error}.", hint=HINT) from None
        if self._stall is not None and self._stall.is_over and not any(name != "ping" for _, name, _ in events):
            raise stalled(self._stall.limit)
        head = self._head
        if head is not None:
            if events:
                self._head = None
            elif len(head) < _MOST_WITHOUT_EVENT:
                head += data
        return self._read(events)

    def end(self) -> Iterator[AIMessageChunk]:
        """The last chunks, when the body has ended.

        Raises:
            InvalidResponseError: If no event came at all, and no whole answer either.
            StreamBrokenError: If it ended before the answer did.
        """
        if not self.is_done:
            events = self._events.end()
            if self._head is not None and not events:
                yield self._without_event(bytes(self._head))
                return
            try:
                yield from self._read(events)
            except InvalidResponseError:
                raise _broken("it stopped in the middle of an event") from None
        for path in self._halves:
            yield from self._lost_half(path)
        if not (self.is_done or self.finished):
            raise _broken("neither a finish reason nor [DONE] came")
        reasoning, text = self._tags.end() if self._tags is not None else ("", "")
        last = AIMessageChunk(text, id=self._id, chunk_position="last")
        if self._tags is not None:
            add_reasoning(last, reasoning, self._tags.between)
        if self._usage:
            last.usage_metadata = read_usage(self._usage)
            last.response_metadata = {**last.response_metadata, "token_usage": self._usage}
        yield last

    def _without_event(self, body: bytes) -> AIMessageChunk:
        if self._whole is None:
            raise _no_event(self._clean(body))
        return self._whole(body)

    def _lost_half(self, path: tuple[int | str, ...]) -> Iterator[AIMessageChunk]:
        """What stands for the first half of a character whose second half never came, where the half belongs."""
        event: Any = HALF_LOST
        for key in reversed(path):
            event = {key: event} if isinstance(key, str) else [event]
        chunk = self._chunk(dict(self._facts or {}), event["choices"])
        if chunk is not None:
            yield chunk

    def _read(self, events: Iterable[ServerSentEvent]) -> Iterator[AIMessageChunk]:
        has_come = False
        for data, name, _ in events:
            if name == "ping":
                continue
            has_come = True
            if data == b"[DONE]":
                self.is_done = True
                return
            try:
                event = read_json_in_halves(data, self._halves) if self._halves else from_json(data)
            except ValueError:
                event = self._read_again(data, name)
            if name == "error":
                raise self._refuse(event)
            if event.__class__ is not dict:
                raise _no_event(self._clean(data))
            choices = event.pop("choices", None)
            try:
                chunk = self._chunk(event, choices)
            except ODD as error:
                raise odd(error, {**event, "choices": choices}) from None
            if chunk is not None:
                yield chunk
            if self._error is not None:
                raise self._error
        if has_come and self._stall is not None:
            self._stall.begin()

    def _read_again(self, data: bytes, name: str) -> Any:
        """An event that the quick parser refuses."""
        try:
            return read_json_in_halves(data, self._halves)
        except ValueError:
            pass
        if name == "error":
            return {"message": self._clean(data).decode("utf-8", "replace")}
        raise _no_event(self._clean(data))

    def _chunk(self, event: dict[str, Any], choices: Any) -> AIMessageChunk | None:
        usage = event.pop("usage", None)
        if usage:
            # Some servers count in each event, from the beginning; the last count is the whole.
            self._usage = usage
        event.pop("obfuscation", None)
        news = None
        if event != self._facts:
            if is_refusal(event):
                self._error = self._refuse({**event, "choices": choices} if choices else event)
                if not choices:
                    return None
            news = self._news(event)
        if not choices:
            return AIMessageChunk("", id=self._id, response_metadata=news) if news else None
        choice: dict[str, Any] = choices[0]
        delta: Any = choice.pop("delta", _ABSENT)
        if delta.__class__ is not dict:
            # Azure's asynchronous filter speaks in choices without one (its page "Content streaming", 2026-11).
            if delta is not None and (delta is not _ABSENT or not choice_facts(choice, "delta")):
                raise self._error or InvalidResponseError(
                    "The stream has a choice without a delta.", hint=HINT, body=choices
                )
            delta = {}
        if news is None and choice == self._choice and len(choices) == 1 and len(delta) == 1:
            text: Any = delta.get("content")
            if text.__class__ is str:
                chunk = AIMessageChunk(text, id=self._id)
                return chunk if self._tags is None else self._parted(chunk, self._tags)
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
            return {**facts_of(event, self._provider), **self._facts_beside}
        # What is empty takes nothing back: the events of Azure's filter name no model and no time.
        changed = {
            name: value for name, value in event.items() if known.get(name) != value and (value or value is False)
        }
        told = facts_of(changed, self._provider)
        del told["model_provider"]
        return told or None

    def _full_chunk(
        self, choices: list[Any], choice: dict[str, Any], delta: dict[str, Any], news: dict[str, Any] | None
    ) -> AIMessageChunk:
        if choice.get("index") or len(choices) > 1:
            choice, delta, others = _sorted_out(choices, choice, delta)
        else:
            others = []
        if choice.get("finish_reason"):
            self.finished = True
            if choice["finish_reason"] == "error" and self._error is None:
                self._error = self._refuse(choice)
        elif choice:
            self._choice = choice
        facts = choice_facts(choice, "delta")
        beside = additional(delta)
        if others:
            beside["choices"] = others
            self._follow(others)
        chunk = AIMessageChunk(content_of(delta.get("content")), id=self._id)
        fragments = delta.get("tool_calls")
        if fragments:
            # Calls of another kind than functions have no standard form; they are kept as they came.
            foreign = [fragment for fragment in fragments if "function" not in fragment and "type" in fragment]
            chunk.tool_call_chunks = [_fragment(fragment) for fragment in fragments if fragment not in foreign]
            if foreign:
                beside["tool_calls"] = foreign
        if beside:
            chunk.additional_kwargs = beside
        if news or facts:
            chunk.response_metadata = {**(news or {}), **facts}
        return chunk if self._tags is None else self._parted(chunk, self._tags)

    def _follow(self, others: list[dict[str, Any]]) -> None:
        """Know which of the other answers have not ended."""
        for choice in others:
            if choice.get("finish_reason"):
                self._others.discard(choice.get("index"))
            else:
                self._others.add(choice.get("index"))

    @property
    def has_all(self) -> bool:
        """Whether every answer has its finish reason; what may still come is the usage."""
        return self.finished and not self._others

    def _parted(self, chunk: AIMessageChunk, tags: ThinkTags) -> AIMessageChunk:
        """The chunk, with what is reasoning in its text taken out of it."""
        if isinstance(chunk.content, str) and chunk.content:
            reasoning, chunk.content = tags.feed(chunk.content)
            add_reasoning(chunk, reasoning, tags.between if tags.is_done else None)
            if tags.is_done:
                self._tags = None
        return chunk


def _sorted_out(
    choices: list[Any], first: dict[str, Any], delta: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    """The first choice with its delta, and the others as they came; a stream may carry several answers."""
    rest = [{**first, "delta": delta}, *choices[1:]]
    mine = next((choice for choice in rest if not choice.get("index")), None)
    others = [choice for choice in rest if choice is not mine]
    if mine is None:
        return {}, {}, others
    return {name: value for name, value in mine.items() if name != "delta"}, mine.get("delta") or {}, others


def _fragment(fragment: Any) -> Any:
    function: Any = fragment.get("function") or {}
    index = fragment.get("index")
    if len(fragment) == 2 and len(function) == 1 and index.__class__ is int:
        text = function.get("arguments")
        if text.__class__ is str:
            # Nearly all are a piece of the arguments of a call that is there, and a stream may have thousands.
            return {"name": None, "args": text, "id": None, "index": index, "type": "tool_call_chunk"}
    if not (index is None or type(index) is int or isinstance(index, str)):
        raise TypeError(f"'index' is {type(index).__name__}")
    return tool_call_chunk(
        name=text_or_none(function, "name"),
        args=arguments_text(function.get("arguments")),
        id=text_or_none(fragment, "id"),
        index=index,
    )


def _broken(why: str) -> StreamBrokenError:
    return StreamBrokenError(f"The server hung up in mid-answer: {why}.", hint="Ask again.")


def _no_event(data: bytes) -> InvalidResponseError:
    shown = data[:200].decode("utf-8", "replace")
    return InvalidResponseError(f"The stream has an event that is no JSON object: {shown!r}.", hint=HINT, body=shown)
