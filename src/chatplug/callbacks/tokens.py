"""`Tokens`: how the chunks of one stream are heard, each once, whether the model announces them itself or not.

What is the same for all chunks of a stream is found out once: who hears them, and what each event says besides.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from chatplug.callbacks.dispatch import atell, tell
from chatplug.callbacks.event import TOKEN
from chatplug.messages.chunk import content_of
from chatplug.outputs import ChatGenerationChunk

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from chatplug.callbacks.audience import Audience
    from chatplug.callbacks.event import Event, Hear
    from chatplug.callbacks.run import Run
    from chatplug.messages import AIMessageChunk

__all__ = ["Announced", "Tokens"]

_MOST = 10_000
"""Announcements of chunks that never came which are remembered."""
_new: Any = object.__new__


class Announced:
    """The chunks that a model has announced itself, so that each is heard once."""

    __slots__ = ("pending",)

    def __init__(self) -> None:
        self.pending: OrderedDict[object, AIMessageChunk | None] = OrderedDict()
        """What was announced and has not come, the oldest first, by identity."""

    def __len__(self) -> int:
        return len(self.pending)

    def was_told(self, piece: AIMessageChunk | ChatGenerationChunk) -> bool:
        """Whether the model itself has announced this chunk; each announcement counts once."""
        if not self.pending:
            return False
        message = piece.message if isinstance(piece, ChatGenerationChunk) else piece
        if self.pending.pop(id(message), None) is not None:
            return True
        # Who announces a token without its chunk means the next one, and so does who announces a copy of it.
        first = next(iter(self.pending.values()))
        if first is not None and first.content != message.content:
            return False
        self.pending.popitem(last=False)
        return True

    def remember(self, chunk: ChatGenerationChunk | None) -> None:
        """Remember that a chunk was announced."""
        if chunk is None:
            self.pending[object()] = None
        else:
            self.pending[id(chunk.message)] = chunk.message
        if len(self.pending) > _MOST:
            self.pending.popitem(last=False)


class Tokens:
    """The chunks of one stream, and who hears them.

    Args:
        audience: The handlers of the run, which have heard its start.
        run: The run.
        announced: What the model has announced itself.
    """

    __slots__ = ("_announced", "_audience", "_in_line", "_observing", "_pending")

    def __init__(self, audience: Audience, run: Run, announced: Announced) -> None:
        self._audience = audience
        self._announced = announced
        self._pending = announced.pending
        run_id, parent_run_id, tags = run.id, run.parent_id, list(run.tags)

        def with_facts(method: Any) -> Hear:
            def hear(event: Event) -> Any:
                _, text, message = event
                chunk = _new(ChatGenerationChunk)  # as its `__init__` makes it, at half the price
                chunk.message = message
                chunk.generation_info = None
                return method(text, run_id=run_id, parent_run_id=parent_run_id, tags=tags.copy(), chunk=chunk)

            return hear

        self._observing, self._in_line = audience.find(TOKEN, with_facts)

    def tell(self, message: AIMessageChunk, given: AIMessageChunk | ChatGenerationChunk) -> None:
        """Tell handlers of a chunk that the caller is about to get, unless the model has announced it.

        Args:
            message: The chunk, which has been read if it is a sum.
            given: What the model gave for it.
        """
        if not (self._pending and self._announced.was_told(given)):
            content = content_of(message)
            event = (TOKEN, content if content.__class__ is str else message.text, message)
            for hearing, hear in self._observing:
                hearing.put(event, hear)
            if self._in_line:
                tell(self._audience, event, self._in_line)

    def atell(self, message: AIMessageChunk, given: AIMessageChunk | ChatGenerationChunk) -> Awaitable[object]:
        """The asynchronous twin of `tell`; no coroutine of its own, which would be one more for each chunk."""
        if self._pending and self._announced.was_told(given):
            return _nothing()
        content = content_of(message)
        event = (TOKEN, content if content.__class__ is str else message.text, message)
        for hearing, hear in self._observing:
            hearing.put(event, hear)
        return atell(self._audience, event, self._in_line)


async def _nothing() -> None:
    """What is left to do for a chunk that was heard."""
