"""`FakeChatModel`: a chat model that answers from a script, and remembers what it was asked.

A turn of the script is what the model does when it is called once:

- a text or an `AIMessage` is the answer; a stream gives it in fragments, tool calls included;
- an instance of a pydantic class, or a dict, is the answer to a call that wants structure: JSON, or a call of the tool
  that is forced;
- of a list of texts, chunks and exceptions a stream gives each, and raises what is an exception; `invoke` gives their
  sum;
- an exception is raised;
- a function is called with the `FakeCall`, and gives one of the above.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel, Field, PrivateAttr
from pydantic_core import to_json

from chatplug.json_schema import schema_name
from chatplug.language_models.chat_model import BaseChatModel
from chatplug.language_models.fake_chat_models import FakeListChatModel, GenericFakeChatModel, fragments_of
from chatplug.messages import AIMessage, AIMessageChunk, BaseMessage, message_chunk_to_message, tool_call

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

__all__ = ["FakeCall", "FakeChatModel", "FakeListChatModel", "GenericFakeChatModel"]


@dataclass(slots=True, frozen=True)
class FakeCall:
    """What a fake model was asked."""

    messages: Sequence[BaseMessage]
    """The conversation."""
    stop: Sequence[str] | None
    """Texts at which the answer was to end."""
    settings: Mapping[str, Any]
    """The settings of the call: `tools`, `tool_choice`, `response_format` and whatever else was given."""
    is_stream: bool
    """Whether the answer was wanted in pieces."""


class FakeChatModel(BaseChatModel):
    """A chat model that answers from a script, one turn for each call; for tests.

    >>> model = FakeChatModel(script=["Meow", AIMessage("", tool_calls=[{"name": "purr", "args": {}, "id": "1"}])])
    >>> model.invoke("Hello").text
    'Meow'
    >>> model.invoke("Again").tool_calls
    [{'name': 'purr', 'args': {}, 'id': '1', 'type': 'tool_call'}]
    >>> [call.messages[0].text for call in model.calls]
    ['Hello', 'Again']
    """

    script: list[Any]
    """What happens, call by call."""
    repeat: bool = False
    """Whether the script begins anew at its end; otherwise a call too many is an error."""
    fragment: int = Field(default=4, ge=1)
    """How many characters of a text, or of the arguments of a tool call, are in one piece of a stream."""
    delay: float = Field(default=0, ge=0)
    """Seconds that pass before an answer, and before each piece of a stream."""
    model_name: str = "fake"
    """What it says of itself."""

    _calls: list[FakeCall] = PrivateAttr(default_factory=list[FakeCall])
    _places: Any = PrivateAttr(default_factory=count)

    @property
    def calls(self) -> list[FakeCall]:
        """What it was asked so far."""
        return self._calls

    def remade(self, settings: Mapping[str, Any]) -> Self:
        """A copy with these settings; both go on with one script, and remember each other's calls."""
        return self.model_copy(update=settings)

    @property
    def _llm_type(self) -> str:
        return "fake"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name}

    # ---- what a model writes

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AIMessage:
        turn = self._next(FakeCall(messages, stop, kwargs, is_stream=False))
        self._wait()
        return self._message(turn)

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AIMessage:
        turn = self._next(FakeCall(messages, stop, kwargs, is_stream=False))
        await asyncio.sleep(self.delay)
        return self._message(turn)

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[AIMessageChunk]:
        for piece in self._turn(FakeCall(messages, stop, kwargs, is_stream=True)):
            self._wait()
            yield _checked(piece)

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        for piece in self._turn(FakeCall(messages, stop, kwargs, is_stream=True)):
            await asyncio.sleep(self.delay)
            yield _checked(piece)

    def _wait(self) -> None:
        if self.delay:
            time.sleep(self.delay)

    # ---- the script

    def _next(self, call: FakeCall) -> str | AIMessage | list[Any]:
        place = next(self._places)
        self._calls.append(call)
        if not self.script or (place >= len(self.script) and not self.repeat):
            raise AssertionError(f"FakeChatModel was called {place + 1} times; its script has {len(self.script)} turns")
        turn: Any = self.script[place % len(self.script)]
        if callable(turn) and not _is_error(turn):
            turn = turn(call)
        if isinstance(turn, (BaseModel, dict)):
            turn = _structured(cast("BaseModel | dict[str, Any]", turn), call)
        if _is_error(turn):
            raise cast("BaseException", turn)
        return cast("str | AIMessage | list[Any]", turn)

    def _message(self, turn: str | AIMessage | list[Any]) -> AIMessage:
        if isinstance(turn, list):
            chunks = [_checked(piece) for piece in turn]
            turn = cast("AIMessage", message_chunk_to_message(sum(chunks[1:], chunks[0])))
        message = AIMessage(turn) if isinstance(turn, str) else turn
        if not isinstance(message, AIMessage):
            raise TypeError(f"a turn of FakeChatModel's script is {type(message).__name__}")
        finish = "tool_calls" if message.tool_calls or message.invalid_tool_calls else "stop"
        facts = {"model_provider": "fake", "model_name": self.model_name, "finish_reason": finish}
        return message.model_copy(update={"response_metadata": {**facts, **message.response_metadata}})

    def _turn(self, call: FakeCall) -> Iterator[Any]:
        turn = self._next(call)
        if isinstance(turn, list):
            yield from turn
            return
        yield from fragments_of(self._message(turn), self.fragment)


def _checked(piece: Any) -> AIMessageChunk:
    if _is_error(piece):
        raise piece
    chunk: AIMessageChunk = AIMessageChunk(piece) if isinstance(piece, str) else piece
    return chunk


def _is_error(turn: Any) -> bool:
    return isinstance(turn, BaseException) or (isinstance(turn, type) and issubclass(turn, BaseException))


def _structured(value: BaseModel | dict[str, Any], call: FakeCall) -> AIMessage:
    """An answer with structure, in the form that the call wants."""
    name = schema_name(type(value)) if isinstance(value, BaseModel) else None
    text = to_json(value, by_alias=True).decode()
    tools: list[dict[str, Any]] = [tool for tool in call.settings.get("tools") or () if "function" in tool]
    is_forced = call.settings.get("tool_choice") not in (None, "auto", "none")
    if not tools or not is_forced or call.settings.get("response_format"):
        return AIMessage(text)
    names = [str(tool["function"]["name"]) for tool in tools]
    args = value.model_dump(mode="json", by_alias=True) if isinstance(value, BaseModel) else value
    return AIMessage("", tool_calls=[tool_call(name=name if name in names else names[0], args=args, id="call_1")])
