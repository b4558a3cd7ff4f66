"""The drivers of a call: what the model gives goes to `ModelCall`, what that gives goes to caller and handlers.

`Running` is the life of a call as a `with` block, for both kinds: handlers hear the start, exactly one end, and what
the end was. Whatever ends a stream, its source is closed before the reader goes on, and with it the connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from typing import Any, Self

    from chatplug.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
    from chatplug.language_models.call import Event, ModelCall
    from chatplug.messages import AIMessageChunk
    from chatplug.outputs import ChatGenerationChunk

__all__ = ["Running", "adrive", "drive"]


class Running:
    """A call while it is under way: opened when the block begins, ended once when the block ends."""

    __slots__ = ("amanager", "call", "manager", "source")

    def __init__(self, call: ModelCall) -> None:
        self.call = call
        self.source: object = None
        """Where the pieces of a stream come from; closed at the end."""
        self.manager: CallbackManagerForLLMRun | None = None
        """What a synchronous method of the model tells handlers with; None where nobody listens."""
        self.amanager: AsyncCallbackManagerForLLMRun | None = None
        """What an asynchronous method of the model tells handlers with; None where nobody listens."""

    def _facts(self) -> dict[str, Any]:
        """What a manager is made of."""
        call = self.call
        return {"run_id": call.run_id, "handlers": call.handlers, "tags": call.tags, "metadata": call.metadata}

    def __enter__(self) -> Self:
        if self.call.handlers:
            from chatplug.callbacks.manager import CallbackManagerForLLMRun

            self.manager = CallbackManagerForLLMRun(**self._facts())
        try:
            self._send(self.call.started())
        except BaseException as error:
            self._send(self.call.failed(error))
            raise
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            self._send(self.call.ended() if error is None else self.call.failed(error))
        finally:
            close = getattr(self.source, "close", None)
            if close is not None:
                close()

    async def __aenter__(self) -> Self:
        if self.call.handlers:
            from chatplug.callbacks.manager import AsyncCallbackManagerForLLMRun

            self.amanager = AsyncCallbackManagerForLLMRun(**self._facts())
        try:
            await self._asend(self.call.started())
        except BaseException as error:
            await self._asend(self.call.failed(error))
            raise
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            await self._asend(self.call.ended() if error is None else self.call.failed(error))
        finally:
            close = getattr(self.source, "aclose", None)
            if close is not None:
                await close()

    def tell(self, chunk: AIMessageChunk) -> None:
        """Tell handlers of a chunk, unless the model itself has."""
        if self.manager is not None and not self.manager.was_told(self.call.given(chunk)):
            self._send(self.call.heard(chunk))

    async def atell(self, chunk: AIMessageChunk) -> None:
        """The asynchronous twin of `tell`."""
        if self.amanager is not None and not self.amanager.was_told(self.call.given(chunk)):
            await self._asend(self.call.heard(chunk))

    def _send(self, events: Sequence[Event]) -> None:
        if events:
            from chatplug.callbacks.dispatch import dispatch

            for name, args, kwargs in events:
                dispatch(self.call.handlers, name, *args, **kwargs)

    async def _asend(self, events: Sequence[Event]) -> None:
        if events:
            from chatplug.callbacks.dispatch import adispatch

            for name, args, kwargs in events:
                await adispatch(self.call.handlers, name, *args, **kwargs)


def drive(
    call: ModelCall,
    pieces: Callable[[CallbackManagerForLLMRun | None], Iterator[AIMessageChunk | ChatGenerationChunk]],
) -> Iterator[AIMessageChunk]:
    """The chunks of one synchronous stream."""
    is_heard = bool(call.handlers)
    with Running(call) as run:
        run.source = source = call.source(pieces(run.manager), "__iter__")
        for piece in source:
            for chunk in call.take(piece):
                if is_heard:
                    run.tell(chunk)
                yield chunk
        for chunk in call.finish():
            run.tell(chunk)
            yield chunk


async def adrive(
    call: ModelCall,
    pieces: Callable[[AsyncCallbackManagerForLLMRun | None], AsyncIterator[AIMessageChunk | ChatGenerationChunk]],
) -> AsyncIterator[AIMessageChunk]:
    """The asynchronous twin of `drive`."""
    is_heard = bool(call.handlers)
    async with Running(call) as run:
        run.source = source = call.source(pieces(run.amanager), "__aiter__")
        async for piece in source:
            for chunk in call.take(piece):
                if is_heard:
                    await run.atell(chunk)
                yield chunk
        for chunk in call.finish():
            await run.atell(chunk)
            yield chunk
