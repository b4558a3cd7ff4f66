"""Chat models that answer with what they are given, under the names that are known from langchain-core.

`chatplug.testing.FakeChatModel` can do more: a script with errors, delays and structure.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

from chatplug.language_models.chat_model import BaseChatModel
from chatplug.messages import AIMessage, AIMessageChunk, BaseMessage, tool_call_chunk

__all__ = ["FakeListChatModel", "FakeMessagesListChatModel", "GenericFakeChatModel", "ParrotFakeChatModel"]


class _Fake(BaseChatModel):
    @property
    def _llm_type(self) -> str:
        return "fake"

    def _answer(self, messages: list[BaseMessage]) -> AIMessage:
        raise NotImplementedError

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AIMessage:
        return self._answer(messages)

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AIMessage:
        return self._answer(messages)


class GenericFakeChatModel(_Fake):
    """Answers with the next of these messages; a stream gives the words and the spaces between them one by one."""

    messages: Iterator[AIMessage | str]
    """What it answers, call by call: `iter([...])`."""

    def _answer(self, messages: list[BaseMessage]) -> AIMessage:
        answer = next(self.messages)
        return AIMessage(answer) if isinstance(answer, str) else answer

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[AIMessageChunk]:
        yield from fragments_of(self._answer(messages), None)

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        for chunk in fragments_of(self._answer(messages), None):
            yield chunk


class FakeMessagesListChatModel(_Fake):
    """Answers with these messages in turn, and begins anew at their end."""

    responses: list[BaseMessage]
    """What it answers."""
    i: int = 0
    """Which is next."""

    def _answer(self, messages: list[BaseMessage]) -> AIMessage:
        answer = self.responses[self.i % len(self.responses)]
        self.i = (self.i + 1) % len(self.responses)
        return cast("AIMessage", answer)


class FakeListChatModel(_Fake):
    """Answers with these texts in turn, and begins anew at their end; a stream gives the characters one by one."""

    responses: list[str]
    """What it answers."""
    i: int = 0
    """Which is next."""
    error_on_chunk_number: int | None = None
    """The piece of a stream, counted from 0, in whose place an exception is raised; None for none."""

    def _answer(self, messages: list[BaseMessage]) -> AIMessage:
        answer = self.responses[self.i % len(self.responses)]
        self.i = (self.i + 1) % len(self.responses)
        return AIMessage(answer)

    def _characters(self, messages: list[BaseMessage]) -> Iterator[AIMessageChunk]:
        for number, character in enumerate(self._answer(messages).text):
            if number == self.error_on_chunk_number:
                raise FakeListChatModelError
            yield AIMessageChunk(character)

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[AIMessageChunk]:
        yield from self._characters(messages)

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        for chunk in self._characters(messages):
            yield chunk


class FakeListChatModelError(Exception):
    """What `FakeListChatModel` raises in the middle of a stream."""


class ParrotFakeChatModel(_Fake):
    """Answers with the text of the last message."""

    def _answer(self, messages: list[BaseMessage]) -> AIMessage:
        return AIMessage(messages[-1].content)


def fragments_of(message: AIMessage, size: int | None) -> Iterator[AIMessageChunk]:
    """A message as a stream would give it; the chunks add up to it.

    Args:
        message: The message.
        size: How many characters are in a piece; None for the words of a text and the spaces between them.
    """
    content = message.content
    if isinstance(content, str):
        for piece in _cut(content, size):
            yield AIMessageChunk(piece, id=message.id)
    else:
        for index, block in enumerate(content):
            whole = block if isinstance(block, str) else {"index": index, **block}
            yield AIMessageChunk(cast("Any", [whole]), id=message.id)
    calls = [(call["name"], json.dumps(call["args"], ensure_ascii=False), call["id"]) for call in message.tool_calls]
    calls += [(call["name"] or "", call["args"] or "", call["id"]) for call in message.invalid_tool_calls]
    for index, (name, args, identity) in enumerate(calls):
        fragments = [tool_call_chunk(name=name, args="", id=identity, index=index)]
        fragments += [tool_call_chunk(args=piece, index=index) for piece in _cut(args, size)]
        for fragment in fragments:
            yield AIMessageChunk("", id=message.id, tool_call_chunks=[fragment])
    yield AIMessageChunk(
        "",
        id=message.id,
        name=message.name,
        additional_kwargs=message.additional_kwargs,
        response_metadata=message.response_metadata,
        usage_metadata=message.usage_metadata,
        chunk_position="last",
    )


def _cut(text: str, size: int | None) -> list[str]:
    if size is None:
        return [piece for piece in re.split(r"(\s)", text) if piece]
    return [text[at : at + size] for at in range(0, len(text), size)]
