"""Who listens: a handler hears what happens in a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from uuid import UUID

    from chatplug.callbacks.run import Run
    from chatplug.messages import AIMessageChunk, BaseMessage
    from chatplug.outputs import ChatGenerationChunk, LLMResult

__all__ = ["AsyncCallbackHandler", "BaseCallbackHandler"]


class BaseCallbackHandler:
    """Hears the events that its subclass defines; a method may be `def` or `async def`.

    Every event has `run_id`, `parent_run_id` and `tags` among its keyword arguments, and may have more one day: take
    `**kwargs`. A handler hears all events of a run in one context of its own: what it sets in a context variable at the
    start it finds at the end, and the caller never sees it. It does not hear what it calls itself.

    A handler hears the objects themselves, not copies. What is changed after an event a handler that only observes may
    find changed.
    """

    policy: Literal["observe", "required"] = "observe"
    """What a handler may do to a call.

    `observe`: nothing. Its events wait in a queue, and it hears them a little later: `def` methods in a worker thread,
    `async def` methods in the event loop of the outermost asynchronous call, or in one of the host's where that call is
    synchronous. While 10,000 events wait for it, it misses what comes. Its first failure is logged; after ten failures
    of one event in a row it hears nothing any more. `chatplug.callbacks.handler_reports()` tells of both.

    `required`: it hears in line, before the call goes on, and its failure ends the call: before anything is sent, if it
    fails at the start of a run. A `def` method runs in the caller's thread, also on the asynchronous path.
    """
    raise_error: bool = False
    """LangChain's word for `policy = "required"`."""
    run_inline: bool = False
    """Whether a handler that observes hears in line: it is quick, and what it keeps is read right after the call."""
    is_redacted: bool = True
    """Whether inputs and outputs go through the redactors of extensions before this handler hears them. False is for
    handlers that only give them back to the caller."""
    wants_streaming: bool = False
    """Whether a model that is only invoked shall stream inside, so that this handler hears its chunks."""

    # ---- models

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """A model is about to be asked.

        Args:
            serialized: The model's identifying parameters, never a key.
            messages: The conversation, as the only item of a list.
            run_id: The run's id, the same in all its events.
            parent_run_id: The run that this one is a part of.
            tags: The run's tags.
            metadata: The run's metadata.
            **kwargs: `name`: the run's name.
        """

    def on_llm_start(
        self,
        serialized: dict[str, Any],
        prompts: list[str],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """The same for a handler that does not define `on_chat_model_start`: the conversation is a text.

        Args:
            serialized: The model's identifying parameters, never a key.
            prompts: The conversation, as the only item of a list.
            run_id: The run's id, the same in all its events.
            parent_run_id: The run that this one is a part of.
            tags: The run's tags.
            metadata: The run's metadata.
            **kwargs: `name`: the run's name.
        """

    def on_llm_new_token(
        self, token: str, *, chunk: ChatGenerationChunk | None = None, run_id: UUID, **kwargs: Any
    ) -> Any:
        """A piece of the answer has arrived; only streams have these.

        Args:
            token: The piece's text, which may be empty.
            chunk: The piece itself.
            run_id: The run's id.
            **kwargs: `parent_run_id` and `tags`.
        """

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> Any:
        """The run has ended; a stream that its reader left early has ended too, with what had arrived.

        Args:
            response: The answer.
            run_id: The run's id.
            **kwargs: `parent_run_id`, `tags`, and `status`: `ok`, `cancelled` or `abandoned`.
        """

    def on_llm_error(
        self, error: BaseException, *, run_id: UUID, partial: AIMessageChunk | None = None, **kwargs: Any
    ) -> Any:
        """The run has failed.

        Args:
            error: What the caller gets.
            run_id: The run's id.
            partial: The answer as far as it had arrived.
            **kwargs: `parent_run_id` and `tags`.
        """

    # ---- chains: everything that is made of other Runnables, and functions

    def on_chain_start(
        self,
        serialized: dict[str, Any],
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """A chain, a function or a parser is about to be called.

        Args:
            serialized: What is called: its `name`.
            inputs: What it is called with; of a stream that is transformed, nothing yet.
            run_id: The run's id, the same in all its events.
            parent_run_id: The run that this one is a part of.
            tags: The run's tags.
            metadata: The run's metadata.
            **kwargs: `name`: the run's name; `run_type`: `chain` or `parser`.
        """

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> Any:
        """The call has ended.

        Args:
            outputs: What came of it; of a stream the sum of its pieces, where they add up.
            run_id: The run's id.
            **kwargs: `parent_run_id`, `tags`, `inputs`, and `status`: `ok`, `cancelled` or `abandoned`.
        """

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> Any:
        """The call has failed.

        Args:
            error: What the caller gets.
            run_id: The run's id.
            **kwargs: `parent_run_id`, `tags` and `inputs`.
        """

    def on_chain_stream(self, chunk: Any, *, run_id: UUID, **kwargs: Any) -> Any:
        """A piece of a chain's output has come; only streams have these.

        Args:
            chunk: The piece.
            run_id: The run's id.
            **kwargs: `parent_run_id` and `tags`.
        """

    # ---- tools

    def on_tool_start(  # noqa: PLR0913  # the vocabulary's own signature
        self,
        serialized: dict[str, Any],
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        inputs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """A tool is about to run.

        Args:
            serialized: The tool's `name` and `description`.
            input_str: The arguments, as a text.
            run_id: The run's id, the same in all its events.
            parent_run_id: The run that this one is a part of.
            tags: The run's tags.
            metadata: The run's metadata.
            inputs: The arguments; without those that are injected.
            **kwargs: `name`: the run's name.
        """

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> Any:
        """The tool has ended.

        Args:
            output: What it gave.
            run_id: The run's id.
            **kwargs: `parent_run_id`, `tags`, and `status`: `ok`, `cancelled` or `abandoned`.
        """

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> Any:
        """The tool has failed.

        Args:
            error: What the caller gets.
            run_id: The run's id.
            **kwargs: `parent_run_id` and `tags`.
        """

    # ---- whatever runs

    def on_text(self, text: str, *, run_id: UUID, **kwargs: Any) -> Any:
        """A run says something of its own.

        Args:
            text: What it says.
            run_id: The run's id.
            **kwargs: `parent_run_id` and `tags`.
        """

    def on_retry(self, retry_state: Any, *, run_id: UUID, **kwargs: Any) -> Any:
        """Something is tried again.

        Args:
            retry_state: What is known of the attempt that failed.
            run_id: The id of the run that is tried again.
            **kwargs: `parent_run_id` and `tags`.
        """

    def on_custom_event(self, name: str, data: Any, *, run_id: UUID, **kwargs: Any) -> Any:
        """A program has sent an event of its own.

        Args:
            name: The event's name.
            data: What it says.
            run_id: The run in which it was sent.
            **kwargs: `tags` and `metadata` of that run.
        """

    def on_run_end(self, run: Run) -> Any:
        """A run of any kind has ended; each run is heard exactly once.

        Args:
            run: The run, with its status, its times and its usage.
        """


class AsyncCallbackHandler(BaseCallbackHandler):
    """A handler whose methods are `async def`; any handler may have such methods, this class says that all are."""
