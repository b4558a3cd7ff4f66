"""Who listens: a handler hears what happens in a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uuid import UUID

    from chatplug.messages import AIMessageChunk, BaseMessage
    from chatplug.outputs import ChatGenerationChunk, LLMResult

__all__ = ["BaseCallbackHandler"]


class BaseCallbackHandler:
    """Hears the events that its subclass defines; a method may be `def` or `async def`.

    A handler that raises is logged with its name, and the call goes on. With `raise_error` its failure ends the
    call instead.
    """

    raise_error: bool = False
    """Whether a failure of this handler ends the call."""

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
