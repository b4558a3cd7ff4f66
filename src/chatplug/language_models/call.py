"""One call of a model, from the moment it opens to the moment it has ended, once, whatever happened.

`ModelCall` does no I/O and waits for nothing: it takes what the model gives, makes it one form, keeps the sum, and
says what handlers have to hear. The drivers in `stream.py` only pass things on.
"""

from __future__ import annotations

import os
import sys
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from chatplug.errors import ChatplugError, PluginHookError, ProviderError
from chatplug.messages import AIMessage, AIMessageChunk, message_chunk_to_message
from chatplug.messages.fold import Fold
from chatplug.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, LLMResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from uuid import UUID

    from chatplug.callbacks import BaseCallbackHandler
    from chatplug.messages import BaseMessage
    from chatplug.messages.fold import Piece
    from chatplug.runnables import RunnableConfig

__all__ = ["ModelCall"]

_Source = TypeVar("_Source")
Event = tuple[str, tuple[Any, ...], dict[str, Any]]
"""What handlers hear: the event's name and its arguments."""


class Callee(Protocol):
    """What a call has to know of the model that is asked."""

    callbacks: list[BaseCallbackHandler] | None
    tags: list[str] | None
    metadata: dict[str, Any] | None

    @property
    def provider(self) -> str: ...
    @property
    def model_id(self) -> str | None: ...
    @property
    def identifying_params(self) -> dict[str, Any]: ...
    @property
    def unsupported_settings(self) -> list[str]: ...
    def get_name(self) -> str: ...


class ModelCall:
    """One call: its messages, its handlers, what has arrived, and how it ended."""

    __slots__ = (
        "_fold",
        "_given",
        "_held",
        "_id",
        "_last",
        "_result",
        "config",
        "handlers",
        "messages",
        "method",
        "model",
        "run_id",
        "settings",
        "status",
        "stop",
        "unsupported",
    )

    def __init__(
        self,
        model: Callee,
        messages: list[BaseMessage],
        stop: list[str] | None,
        config: RunnableConfig,
        method: str,
    ) -> None:
        self.model = model
        self.method = method
        self.messages = messages
        self.stop = stop
        self.config = config
        self.handlers: Sequence[BaseCallbackHandler] = _each_once(config.get("callbacks", ()), model.callbacks or ())
        self.run_id: UUID | None = config.get("run_id") or (_new_id() if self.handlers else None)
        self.settings: Mapping[str, Any] = {}
        """The settings of this call that go to the model's method."""
        self.unsupported: list[str] = []
        """Standard settings that were given with this call and are not honoured."""
        self.status: Literal["ok", "error", "cancelled", "abandoned"] | None = None
        self._result: LLMResult | None = None
        self._fold = Fold()
        self._given: list[tuple[AIMessageChunk, AIMessageChunk]] = []
        self._id: str | None = None
        self._held: AIMessageChunk | None = None
        self._last: AIMessageChunk | None = None

    # ---- what comes in

    def answer(self, result: ChatResult | BaseMessage) -> AIMessage:
        """The message of a whole answer; what is added to it is added to a copy, the model may have kept its own."""
        info: dict[str, Any] | None = None
        message = result
        if isinstance(message, ChatResult):
            if not message.generations:
                raise self._misbehaved("a ChatResult without generations")
            info = message.generations[0].generation_info
            message = message.generations[0].message
        if isinstance(message, AIMessageChunk):
            message = message_chunk_to_message(message)
        if not isinstance(message, AIMessage):
            raise self._wrong(message)
        added: dict[str, Any] = {}
        if message.id is None:
            added["id"] = f"{self._run_name()}-0"
        unsupported = self._unsupported()
        if unsupported or info:
            added["response_metadata"] = {**(info or {}), **message.response_metadata, **unsupported}
        if added:
            message = _changed(message, added)
        if self.handlers:
            first = ChatGeneration(message=message, generation_info=info)
            whole = result if isinstance(result, ChatResult) else ChatResult(generations=[first])
            self._result = LLMResult(generations=[[first, *whole.generations[1:]]], llm_output=whole.llm_output)
        return message

    def source(self, given: _Source, kind: Literal["__iter__", "__aiter__"]) -> _Source:
        """Where the pieces of a stream come from, checked."""
        if not hasattr(given, kind):
            raise self._wrong(given)
        return given

    def take(self, piece: ChatGenerationChunk | AIMessageChunk) -> tuple[AIMessageChunk, ...]:
        """The chunks that the caller gets now that this piece is here.

        A piece that shows nothing (metadata, usage) waits until the next one is here: if it is the last, it says so.
        """
        message: AIMessageChunk = (
            piece if piece.__class__ is AIMessageChunk else self._message_of(piece)  # pyright: ignore[reportAssignmentType]  # quicker than isinstance
        )
        if self._id is None:
            self._id = message.id or self._run_name()
        added = message.as_piece()
        if message.id != self._id:
            message = self._with_id(message, added)
        self._fold.push(added)
        is_silent = not added if isinstance(added, str) else _is_silent(added)
        held, self._held = self._held, message if is_silent else None
        if is_silent:
            return () if held is None else (held,)
        self._last = message
        return (message,) if held is None else (held, message)

    def finish(self) -> tuple[AIMessageChunk, ...]:
        """The chunks that are left when the model has nothing more to give; the last one says that it is the last."""
        if self._id is None:
            raise self._misbehaved("no chunk at all")
        unsupported = self._unsupported()
        last = self._held
        if last is None:
            if self._last is not None and self._last.chunk_position == "last" and not unsupported:
                return ()
            last = AIMessageChunk("", id=self._id)
        changes: dict[str, Any] = {"chunk_position": "last"}
        if unsupported:
            changes["response_metadata"] = {**last.response_metadata, **unsupported}
        last = self._stands_for(last, last.model_copy(update=changes))
        # A chunk that was held back is in the sum already; what it learned here is not.
        self._fold.push(("", None, {"chunk_position": "last", "response_metadata": unsupported}))
        self._held = None
        return (last,)

    def _message_of(self, piece: ChatGenerationChunk | AIMessageChunk) -> AIMessageChunk:
        if isinstance(piece, AIMessageChunk):
            return piece
        if not isinstance(piece, ChatGenerationChunk) or not isinstance(piece.message, AIMessageChunk):  # pyright: ignore[reportUnnecessaryIsInstance]  # plugins without types
            raise self._wrong(piece)
        message = piece.message
        if piece.generation_info:
            facts = {**piece.generation_info, **message.response_metadata}
            return self._stands_for(message, message.model_copy(update={"response_metadata": facts}))
        return message

    def _with_id(self, message: AIMessageChunk, piece: str | Piece) -> AIMessageChunk:
        """The chunk with the stream's id: another one, since the model may yield its own again."""
        if message.__class__ is AIMessageChunk and isinstance(piece, str):
            return self._stands_for(message, AIMessageChunk(piece, id=self._id))
        return self._stands_for(message, message.model_copy(update={"id": self._id}))

    def _stands_for(self, given: AIMessageChunk, made: AIMessageChunk) -> AIMessageChunk:
        if self.handlers:
            self._given.append((made, self.given(given)))
        return made

    def given(self, chunk: AIMessageChunk) -> AIMessageChunk:
        """The model's own chunk, for one that the caller gets; asked once for each."""
        for index, (made, given) in enumerate(self._given):
            if made is chunk:
                del self._given[index]
                return given
        return chunk

    def _wrong(self, value: object) -> PluginHookError:
        if isinstance(value, CoroutineType):
            value.close()  # else Python warns that nobody awaited it
        return self._misbehaved(type(value).__name__)  # pyright: ignore[reportUnknownArgumentType]  # of anything

    def _misbehaved(self, what: str) -> PluginHookError:
        wanted = "ChatGenerationChunk or AIMessageChunk" if "stream" in self.method else "a ChatResult or an AIMessage"
        return PluginHookError(
            f"{type(self.model).__name__}.{self.method} gave {what}.", hint=f"It has to give {wanted}."
        )

    def _unsupported(self) -> dict[str, Any]:
        """What the answer says of settings that were not honoured; empty where all were."""
        names = self.model.unsupported_settings
        if self.unsupported:
            names = list(dict.fromkeys([*names, *self.unsupported]))
        return {"unsupported_settings": list(names)} if names else {}

    # ---- how it ends

    def so_far(self) -> AIMessageChunk | None:
        """What has arrived, added up; None where nothing has."""
        if not self._fold.count:
            return None
        return AIMessageChunk(self._fold.content(), id=self._id, **self._fold.more())

    def failed(self, error: BaseException) -> list[Event]:
        """What handlers hear of a failure; the error learns what had arrived, and where."""
        if self.status is not None:
            return []
        if isinstance(error, (GeneratorExit, KeyboardInterrupt)) or _is_cancellation(error):
            return self._ended_early("abandoned" if isinstance(error, GeneratorExit) else "cancelled")
        self.status = "error"
        if isinstance(error, ChatplugError):
            error.about(self.model.provider, self.model.model_id)
        elif isinstance(error, Exception):
            self._note(error)
        if isinstance(error, ProviderError) and error.partial is None:
            error.partial = self.so_far()
        return self._events("on_llm_error", (error,), lambda: {"partial": self.so_far()})

    def _note(self, error: Exception) -> None:
        """Tell below the traceback of a foreign exception where it came from; it reaches the caller as it is."""
        where = ":".join(part for part in (self.model.provider, self.model.model_id) if part)
        arrived = self.so_far()
        note = f"chatplug: {where}"
        if arrived is not None:
            note += f"; what had arrived: {len(arrived.text)} characters"
        if note not in getattr(error, "__notes__", ()):
            error.add_note(note)

    def _ended_early(self, status: Literal["cancelled", "abandoned"]) -> list[Event]:
        self.status = status
        message = self.so_far() if self.handlers else None
        return self._events("on_llm_end", (_result(message),), lambda: {"status": status})

    def ended(self) -> list[Event]:
        """What handlers hear of a good end."""
        if self.status is not None:
            return []
        self.status = "ok"
        if not self.handlers:
            return []
        return self._events("on_llm_end", (self._result or _result(self.so_far()),), lambda: {"status": "ok"})

    # ---- what handlers hear

    def started(self) -> list[Event]:
        """What handlers hear before the model is asked."""
        if not self.handlers:
            return []
        return self._events(
            "on_chat_model_start",
            (self.model.identifying_params, [self.messages]),
            lambda: {"metadata": self.metadata, "name": self.config.get("run_name") or self.model.get_name()},
        )

    def heard(self, message: AIMessageChunk) -> list[Event]:
        """What handlers hear of a chunk."""
        chunk = ChatGenerationChunk(message=message)
        return self._events("on_llm_new_token", (message.text,), lambda: {"chunk": chunk})

    @property
    def tags(self) -> list[str]:
        """The tags of the call and of the model, each once."""
        return list(dict.fromkeys([*self.config.get("tags", ()), *(self.model.tags or ())]))

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata of the model and of the call; the call's wins."""
        return {**(self.model.metadata or {}), **self.config.get("metadata", {})}

    def _events(self, name: str, args: tuple[Any, ...], more: Callable[[], dict[str, Any]]) -> list[Event]:
        if not self.handlers:
            return []
        return [(name, args, {"run_id": self.run_id, "parent_run_id": None, "tags": self.tags, **more()})]

    def _run_name(self) -> str:
        return f"run-{self.run_id or _new_id()}"


def _each_once(*groups: Iterable[BaseCallbackHandler]) -> list[BaseCallbackHandler]:
    return list({id(handler): handler for group in groups for handler in group}.values())


def _new_id() -> UUID:
    from uuid import UUID

    return UUID(bytes=os.urandom(16), version=4)


def _is_cancellation(error: BaseException) -> bool:
    # Where asyncio was never imported nothing was cancelled; importing it costs a program without it 14 ms.
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and isinstance(error, asyncio.CancelledError)


def _is_silent(piece: Piece) -> bool:
    """Whether a chunk shows nothing: no content, no fragment of a call, and no fact beside them but metadata."""
    content, _, more = piece
    return not (content or any(more.get(name) for name in _TELLING))


_TELLING = ("tool_call_chunks", "additional_kwargs", "chunk_position")


def _changed(message: AIMessage, changes: dict[str, Any]) -> AIMessage:
    """A shallow copy with some fields changed."""
    if message.__class__ is not AIMessage:
        return message.model_copy(update=changes)
    # Half the time of `model_copy`, which reads every field and so gives each its default.
    copied = AIMessage.__new__(AIMessage)
    state: Any = object.__getstate__(message)
    fields: dict[str, Any] = state[1]
    for name, value in (fields | changes).items():
        setattr(copied, name, value)
    return copied


def _result(message: AIMessage | None) -> LLMResult:
    return LLMResult(generations=[[ChatGeneration(message=message)] if message is not None else []])
