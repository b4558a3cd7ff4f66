"""One call of a model, from the moment it opens to the moment it has ended, once, whatever happened.

`ModelCall` does no I/O and waits for nothing: it takes what the model gives, makes it one form, keeps the sum, and
says what handlers have to hear. The drivers in `stream.py` only pass things on.
"""

from __future__ import annotations

from copy import copy
from types import CoroutineType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias, TypeVar

from chatplug.callbacks.ambient import ambient_handlers
from chatplug.callbacks.life import Life, each_once
from chatplug.callbacks.run import Run, new_id_text
from chatplug.errors import ChatplugError, PluginHookError, ProviderError
from chatplug.messages import AIMessage, AIMessageChunk, message_chunk_to_message
from chatplug.messages.fold import Fold
from chatplug.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, LLMResult
from chatplug.runnables.config import NOTHING, child_config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chatplug.callbacks import BaseCallbackHandler, CallbackManager
    from chatplug.callbacks.life import Event
    from chatplug.callbacks.run import RunKind
    from chatplug.callbacks.tokens import Announced
    from chatplug.messages import BaseMessage
    from chatplug.messages.fold import Piece
    from chatplug.rate_limiters import BaseRateLimiter
    from chatplug.runnables.config import ResolvedConfig

__all__ = ["ModelCall"]

_Source = TypeVar("_Source")
_TakePlain: TypeAlias = "Callable[[ChatGenerationChunk | AIMessageChunk], AIMessageChunk | None]"


class Callee(Protocol):
    """What a call has to know of the model that is asked."""

    callbacks: list[BaseCallbackHandler] | None
    rate_limiter: BaseRateLimiter | None
    tags: list[str] | None
    metadata: dict[str, Any] | None

    @property
    def provider(self) -> str: ...
    @property
    def model_id(self) -> str | None: ...
    @property
    def given_profile(self) -> Mapping[str, Any] | None: ...
    @property
    def identifying_params(self) -> dict[str, Any]: ...
    @property
    def unsupported_settings(self) -> list[str]: ...
    def get_name(self) -> str: ...


class ModelCall(Life):
    """One call: its messages, its handlers, what has arrived, and how it ended."""

    __slots__ = (
        "_fold",
        "_given",
        "_held",
        "_id",
        "_last",
        "_result",
        "_take_plain",
        "_unread",
        "_whole",
        "announced",
        "child",
        "config",
        "messages",
        "method",
        "model",
        "settings",
        "stop",
        "take_plain",
        "unsupported",
    )

    kind: ClassVar[RunKind] = "chat_model"

    def __init__(
        self,
        model: Callee,
        messages: list[BaseMessage],
        stop: list[str] | None,
        config: ResolvedConfig,
        method: str,
    ) -> None:
        self.model = model
        self.method = method
        self.messages = messages
        self.stop = stop
        self.config = config
        self.settings: Mapping[str, Any] = {}
        """The settings of this call that go to the model's method."""
        self.unsupported: list[str] = []
        """Standard settings that were given with this call and are not honoured."""
        self.status = None
        self.run: Run | None = None
        self.child: ResolvedConfig | None = None
        """What the model's own code hands on to what it calls; None where there is nothing to hand on."""
        self.handlers = each_once(config.handlers, model.callbacks or (), ambient_handlers())
        if self.handlers or config:
            self._open_run()
        elif config is not NOTHING:
            self.child = config  # nobody hears of this run: what is called below is part of the run above
        self._result: LLMResult | None = None
        self._whole: AIMessage | None = None
        self._fold = _NOTHING_CAME
        self._unread: list[str | Piece] = []
        """What has arrived and is not in the sum yet, which most streams never need."""
        self.announced: Announced | None = None
        """The chunks that the model has announced itself; None where nobody listens."""
        self._given: list[tuple[AIMessageChunk, AIMessageChunk]] = []
        """For chunks that the caller gets those that the model has announced."""
        self._id: str | None = None
        self._held: AIMessageChunk | None = None
        self.take_plain: _TakePlain = _look_closer
        """Gives what `take` gives for a text or a fragment of a call; None where that has to look closer."""
        self._take_plain: _TakePlain = _look_closer
        """The same while nothing is held back, when a text needs nothing but the id."""
        self._last: AIMessageChunk | None = None

    def _open_run(self) -> None:
        model, config = self.model, self.config
        self.run = run = Run(
            "chat_model",
            config.get("run_name") or model.get_name(),
            config.parent,
            id=config.get("run_id"),
            tags=list(dict.fromkeys([*config.get("tags", ()), *(model.tags or ())])),
            metadata={**(model.metadata or {}), **config.get("metadata", {})},
        )
        run.provider, run.model, run.inputs = model.provider, model.model_id, self.messages
        run.given_profile = model.given_profile
        self.child = child_config(config, run)

    @property
    def inherited(self) -> CallbackManager | None:
        """Who listens to what the model's own code calls; None where nobody does."""
        listeners: CallbackManager | None = self.child.get("callbacks") if self.child is not None else None
        return listeners

    @property
    def has_to_stream(self) -> bool:
        """Whether somebody listens who wants the chunks of a model that is only invoked."""
        return any(handler.wants_streaming for handler in self.handlers)

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
        unsupported = self._unsupported()
        if unsupported or info or message.id is None:
            message = copy(message)
            if message.id is None:
                message.id = f"{self._run_name()}-0"
            if unsupported or info:
                message.response_metadata = {**(info or {}), **message.response_metadata, **unsupported}
        self._whole = message
        if self.handlers:
            first = ChatGeneration(message=message, generation_info=info)
            whole = result if isinstance(result, ChatResult) else ChatResult(generations=[first])
            self._result = LLMResult(generations=[[first, *whole.generations[1:]]], llm_output=whole.llm_output)
        return message

    def source(self, given: _Source, kind: Literal["__iter__", "__aiter__"]) -> _Source:
        """Where the pieces of a stream come from, checked."""
        if not hasattr(given, kind):
            raise self._wrong(given)
        self._fold = Fold()
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
            self._take_plain = AIMessageChunk.plain_taker(self._unread, self._id, ChatGenerationChunk)
        added = message.as_piece()
        self._unread.append(added)
        if isinstance(added, str):
            identity, is_silent = message.id, not added
        else:
            identity, is_silent = added[1], not added[2].get("tool_call_chunks") and _is_silent(added)
        if identity != self._id:
            message = self._with_id(message, added)
        held, self._held = self._held, message if is_silent else None
        is_last = not isinstance(added, str) and "chunk_position" in added[2]
        self.take_plain = _look_closer if is_silent or is_last else self._take_plain
        if is_silent:
            return () if held is None else (held,)
        if self._last is None and self.run is not None:
            self.run.token_came()
        self._last = message
        return (message,) if held is None else (held, message)

    def finish(self) -> tuple[AIMessageChunk, ...]:
        """The chunks that are left when the model has nothing more to give; the last one says that it is the last."""
        if self._id is None:
            raise self._misbehaved("no chunk at all")
        if self.run is not None:
            self.run.token_came()  # nothing but metadata
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
        self._unread.append(("", None, {"chunk_position": "last", "response_metadata": unsupported}))
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
        if self.announced is not None and self.announced.pending:
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

    @property
    def arrived(self) -> AIMessage | None:
        """The whole answer, or what has arrived of it; None where nothing has."""
        return self._whole or self.so_far()

    def so_far(self) -> AIMessageChunk | None:
        """What has arrived, added up; None where nothing has."""
        fold = self._fold
        fold.extend(self._unread)
        self._unread.clear()
        return AIMessageChunk(fold.content(), id=self._id, **fold.more()) if fold.count else None

    def whole(self) -> AIMessage:
        """The message of a stream that has come to its end."""
        message = message_chunk_to_message(self.so_far() or AIMessageChunk())
        assert isinstance(message, AIMessage), "the sum of an AIMessageChunk"
        return message

    def learn(self, error: BaseException) -> None:
        """Tell the error of which model it is, and what had arrived."""
        if isinstance(error, ChatplugError):
            error.about(self.model.provider, self.model.model_id)
        elif isinstance(error, Exception):
            self._note(error)
        if isinstance(error, ProviderError) and error.partial is None:
            error.partial = self.so_far()

    def _note(self, error: Exception) -> None:
        """Tell below the traceback of a foreign exception where it came from; it reaches the caller as it is."""
        where = ":".join(part for part in (self.model.provider, self.model.model_id) if part)
        arrived = self.so_far()
        note = f"chatplug: {where}"
        if arrived is not None:
            note += f"; what had arrived: {len(arrived.text)} characters"
        if note not in getattr(error, "__notes__", ()):
            error.add_note(note)

    # ---- what handlers hear

    def start_event(self) -> Event:
        """What handlers hear before the model is asked."""
        assert self.run is not None, "a call that handlers hear has a run"
        return self.event(
            "on_chat_model_start",
            self.model.identifying_params,
            [self.messages],
            metadata=dict(self.run.metadata),
            name=self.run.name,
        )

    def outcome(self) -> tuple[LLMResult]:
        """What handlers hear with the end: the answer, or as much of it as had arrived."""
        return (self._result or _result(self.so_far()),)

    def partial(self) -> dict[str, Any]:
        """What handlers hear with a failure: what had arrived."""
        return {"partial": self.so_far()}

    def close_run(self, run: Run) -> None:
        """Write on the run what came of it, and what it used."""
        if self._result is not None:
            run.output = self._result.generations[0][0].message
        else:
            run.output = self.so_far()
        usage = run.output.usage_metadata if isinstance(run.output, AIMessage) else None
        if usage is not None:
            run.usage, run.usage_status = usage, "reported" if run.status == "ok" else "partial"

    def _run_name(self) -> str:
        return f"run-{self.run.id if self.run is not None else new_id_text()}"


def _look_closer(piece: ChatGenerationChunk | AIMessageChunk) -> None:
    """What is known of a piece before it was looked at."""


_NOTHING_CAME = Fold()
"""What has arrived of an answer that is no stream."""


def _is_silent(piece: Piece) -> bool:
    """Whether a chunk without a fragment of a call shows nothing: no content, and no fact beside it but metadata."""
    content, _, more = piece
    return not (content or more.get("additional_kwargs") or more.get("chunk_position"))


def _result(message: AIMessage | None) -> LLMResult:
    return LLMResult(generations=[[ChatGeneration(message=message)] if message is not None else []])
