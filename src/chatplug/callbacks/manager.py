"""What a model's methods get to tell handlers of the run they work in."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from chatplug.callbacks.dispatch import adispatch, dispatch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from chatplug.callbacks.handler import BaseCallbackHandler
    from chatplug.messages import AIMessageChunk
    from chatplug.outputs import ChatGenerationChunk

__all__ = ["AsyncCallbackManagerForLLMRun", "CallbackManagerForLLMRun"]


_MOST = 10_000
"""Announcements of chunks that never came which are remembered."""


class _ManagerForLLMRun:
    """One run of a model and who listens to it."""

    def __init__(
        self, *, run_id: UUID, handlers: Sequence[BaseCallbackHandler], tags: list[str], metadata: dict[str, Any]
    ) -> None:
        self.run_id = run_id
        self.handlers = list(handlers)
        self.tags = tags
        self.metadata = metadata
        self.parent_run_id: UUID | None = None
        self._told: OrderedDict[object, AIMessageChunk | None] = OrderedDict()
        """What was announced and has not come, the oldest first, by identity."""

    def _facts(self) -> dict[str, Any]:
        """What every event of this run says."""
        return {"run_id": self.run_id, "parent_run_id": self.parent_run_id, "tags": self.tags}

    def was_told(self, message: AIMessageChunk) -> bool:
        """Whether the model itself has announced this chunk; each announcement counts once."""
        if not self._told:
            return False
        if self._told.pop(id(message), None) is not None:
            return True
        # Who announces a token without its chunk means the next one, and so does who announces a copy of it.
        first = next(iter(self._told.values()))
        if first is not None and first.content != message.content:
            return False
        self._told.popitem(last=False)
        return True

    def _tell(self, chunk: ChatGenerationChunk | None) -> None:
        """Remember that a chunk was announced."""
        if chunk is None:
            self._told[object()] = None
        else:
            self._told[id(chunk.message)] = chunk.message
        if len(self._told) > _MOST:
            self._told.popitem(last=False)


class CallbackManagerForLLMRun(_ManagerForLLMRun):
    """The handlers of one run, for a synchronous model method."""

    def on_llm_new_token(self, token: str, *, chunk: ChatGenerationChunk | None = None, **kwargs: Any) -> None:
        """Announce a chunk before it is yielded.

        The host announces each chunk that was not announced, so that a model may leave this out.
        """
        self._tell(chunk)
        dispatch(self.handlers, "on_llm_new_token", token, chunk=chunk, **self._facts(), **kwargs)


class AsyncCallbackManagerForLLMRun(_ManagerForLLMRun):
    """The handlers of one run, for an asynchronous model method."""

    async def on_llm_new_token(self, token: str, *, chunk: ChatGenerationChunk | None = None, **kwargs: Any) -> None:
        """The asynchronous twin of `CallbackManagerForLLMRun.on_llm_new_token`."""
        self._tell(chunk)
        await adispatch(self.handlers, "on_llm_new_token", token, chunk=chunk, **self._facts(), **kwargs)

    def get_sync(self) -> CallbackManagerForLLMRun:
        """The same run's manager for a synchronous method that runs in a worker thread."""
        manager = CallbackManagerForLLMRun(
            run_id=self.run_id, handlers=self.handlers, tags=self.tags, metadata=self.metadata
        )
        manager._told = self._told  # noqa: SLF001  # one run, one list of what was announced
        return manager
