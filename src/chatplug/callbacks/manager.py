"""What a run's own code gets to tell handlers of the run it works in, and to hand the run on to what it calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatplug.callbacks.audience import Audience
from chatplug.callbacks.dispatch import adeliver, deliver
from chatplug.callbacks.event import TOKEN
from chatplug.callbacks.tokens import Announced, Tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from chatplug.callbacks.handler import BaseCallbackHandler
    from chatplug.callbacks.life import Event, Life
    from chatplug.callbacks.run import Run
    from chatplug.outputs import ChatGenerationChunk

__all__ = [
    "AsyncCallbackManagerForChainRun",
    "AsyncCallbackManagerForLLMRun",
    "AsyncCallbackManagerForToolRun",
    "CallbackManager",
    "CallbackManagerForChainRun",
    "CallbackManagerForLLMRun",
    "CallbackManagerForToolRun",
]


class CallbackManager:
    """Who listens, and what a run inherits from the one above it; it stands in a config as `callbacks`.

    Args:
        handlers: Who listens to the run and to all below it.
        parent_run: The run above; None where there is none.
        tags: Tags that runs below inherit.
        metadata: Metadata that runs below inherit.
    """

    __slots__ = ("handlers", "metadata", "parent_run", "tags")

    def __init__(
        self,
        handlers: Iterable[BaseCallbackHandler] = (),
        *,
        parent_run: Run | None = None,
        tags: Sequence[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.handlers = list(handlers)
        self.parent_run = parent_run
        self.tags = list(tags)
        self.metadata = dict(metadata or {})

    @property
    def parent_run_id(self) -> UUID | None:
        """The id of the run above."""
        return None if self.parent_run is None else self.parent_run.id

    def add_handler(self, handler: BaseCallbackHandler) -> None:
        """Let one more listen."""
        if not any(one is handler for one in self.handlers):
            self.handlers.append(handler)

    def __repr__(self) -> str:
        names = ", ".join(type(handler).__name__ for handler in self.handlers)
        return f"{type(self).__name__}([{names}], parent_run={self.parent_run!r})"


class _ManagerForRun:
    """One run and who listens to it."""

    def __init__(self, life: Life, inherited: CallbackManager | None = None) -> None:
        assert life.run is not None, "a run that can be told of"
        self.run = life.run
        self._life = life
        self._inherited = inherited

    @property
    def handlers(self) -> list[BaseCallbackHandler]:
        """Who listens to the run."""
        return self._life.handlers

    @property
    def run_id(self) -> UUID:
        """The run's id."""
        return self.run.id

    @property
    def parent_run_id(self) -> UUID | None:
        """The id of the run above."""
        return self.run.parent_id

    @property
    def tags(self) -> list[str]:
        """The run's tags."""
        return list(self.run.tags)

    @property
    def metadata(self) -> dict[str, Any]:
        """The run's metadata."""
        return dict(self.run.metadata)

    def get_child(self, tag: str | None = None) -> CallbackManager:
        """What to hand to a Runnable that this run calls, as `config={"callbacks": ...}`.

        Config reaches what is called in the same thread or task without it; code that begins a thread of its own
        hands it on with this.

        Args:
            tag: One more tag for what is called.
        """
        above = self._inherited
        return CallbackManager(
            above.handlers if above else (),
            parent_run=self.run,
            tags=[*(above.tags if above else ()), *([tag] if tag else ())],
            metadata=above.metadata if above else None,
        )

    def _event(self, name: str, /, *args: Any, **more: Any) -> Event:
        return self._life.event(name, *args, **more)


class _Teller(_ManagerForRun):
    """A run of synchronous code."""

    def on_text(self, text: str, **kwargs: Any) -> None:
        """Tell handlers a text of one's own."""
        self._tell(self._event("on_text", text, **kwargs))

    def on_retry(self, retry_state: Any, **kwargs: Any) -> None:
        """Tell handlers that something is tried again."""
        self._tell(self._event("on_retry", retry_state, **kwargs))

    def _tell(self, event: Event) -> None:
        deliver(self._life.handlers, event)


class _AsyncTeller(_ManagerForRun):
    """A run of asynchronous code."""

    async def on_text(self, text: str, **kwargs: Any) -> None:
        """The asynchronous twin of `CallbackManagerForLLMRun.on_text`."""
        await self._tell(self._event("on_text", text, **kwargs))

    async def on_retry(self, retry_state: Any, **kwargs: Any) -> None:
        """The asynchronous twin of `CallbackManagerForLLMRun.on_retry`."""
        await self._tell(self._event("on_retry", retry_state, **kwargs))

    async def _tell(self, event: Event) -> None:
        await adeliver(self._life.handlers, event)


def _tokens(life: Life, announced: Announced) -> Tokens | None:
    audience, run = life.handlers, life.run
    if run is None or not isinstance(audience, Audience) or not audience.hears(TOKEN):
        return None
    return Tokens(audience, run, announced)


class CallbackManagerForLLMRun(_Teller):
    """The handlers of one run, for a synchronous model method."""

    def __init__(
        self, life: Life, inherited: CallbackManager | None = None, announced: Announced | None = None
    ) -> None:
        super().__init__(life, inherited)
        self.announced = Announced() if announced is None else announced

    def on_llm_new_token(self, token: str, *, chunk: ChatGenerationChunk | None = None, **kwargs: Any) -> None:
        """Announce a chunk before it is yielded.

        The host announces each chunk that was not announced, so that a model may leave this out.
        """
        self.run.token_came()
        if self._life.hears(TOKEN):
            self.announced.remember(chunk)
            self._tell(self._event(TOKEN, token, chunk=chunk, **kwargs))

    @property
    def tokens(self) -> Tokens | None:
        """How chunks are heard that the model does not announce; None where nobody hears chunks."""
        return _tokens(self._life, self.announced)


class AsyncCallbackManagerForLLMRun(_AsyncTeller):
    """The handlers of one run, for an asynchronous model method."""

    def __init__(self, life: Life, inherited: CallbackManager | None = None) -> None:
        super().__init__(life, inherited)
        self.announced = Announced()

    async def on_llm_new_token(self, token: str, *, chunk: ChatGenerationChunk | None = None, **kwargs: Any) -> None:
        """The asynchronous twin of `CallbackManagerForLLMRun.on_llm_new_token`."""
        self.run.token_came()
        if self._life.hears(TOKEN):
            self.announced.remember(chunk)
            await self._tell(self._event(TOKEN, token, chunk=chunk, **kwargs))

    @property
    def tokens(self) -> Tokens | None:
        """How chunks are heard that the model does not announce; None where nobody hears chunks."""
        return _tokens(self._life, self.announced)

    def get_sync(self) -> CallbackManagerForLLMRun:
        """The same run's manager for a synchronous method that runs in a worker thread."""
        return CallbackManagerForLLMRun(self._life, self._inherited, self.announced)


class CallbackManagerForChainRun(_Teller):
    """The handlers of one run of a chain, for synchronous code."""


class AsyncCallbackManagerForChainRun(_AsyncTeller):
    """The handlers of one run of a chain, for asynchronous code."""

    def get_sync(self) -> CallbackManagerForChainRun:
        """The same run's manager for synchronous code that runs in a worker thread."""
        return CallbackManagerForChainRun(self._life, self._inherited)


class CallbackManagerForToolRun(_Teller):
    """The handlers of one run of a tool, for synchronous code."""


class AsyncCallbackManagerForToolRun(_AsyncTeller):
    """The handlers of one run of a tool, for asynchronous code."""

    def get_sync(self) -> CallbackManagerForToolRun:
        """The same run's manager for synchronous code that runs in a worker thread."""
        return CallbackManagerForToolRun(self._life, self._inherited)
