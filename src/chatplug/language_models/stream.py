"""The drivers of a call: what the model gives goes to `ModelCall`, what that gives goes to caller and handlers.

`Asking` is the life of a call as a `with` block, for both kinds. Whatever ends a stream, its source is closed before
the reader goes on, and with it the connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from chatplug.language_models.admission import Admission
from chatplug.runnables.running import AsyncInContext, Running, in_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator
    from typing import Self

    from chatplug.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
    from chatplug.callbacks.tokens import Tokens
    from chatplug.language_models.call import ModelCall
    from chatplug.messages import AIMessageChunk
    from chatplug.outputs import ChatGenerationChunk

__all__ = ["Asking", "adrive", "drive"]

_Piece: TypeAlias = "AIMessageChunk | ChatGenerationChunk"


class Asking(Running):
    """A call while it is under way, and what the model's methods tell handlers with.

    Args:
        call: The call.
        yields: Whether the block yields; what is called inside does not inherit from it then, but for `in_context`.
    """

    __slots__ = ("_admission", "amanager", "call", "manager")

    def __init__(self, call: ModelCall, *, yields: bool = False) -> None:
        super().__init__(call, None if yields else call.child)
        self.call = call
        limiter = call.model.rate_limiter
        self._admission = None if limiter is None else Admission(limiter, call)
        self.manager: CallbackManagerForLLMRun | None = None
        """What a synchronous method of the model tells handlers with; None where nobody listens."""
        self.amanager: AsyncCallbackManagerForLLMRun | None = None
        """What an asynchronous method of the model tells handlers with; None where nobody listens."""

    def __enter__(self) -> Self:
        if self.call.handlers:
            from chatplug.callbacks.manager import CallbackManagerForLLMRun

            self.manager = CallbackManagerForLLMRun(self.call, self.call.inherited)
        super().__enter__()
        if self._admission is not None:
            try:
                self._admission.enter()
            except BaseException as error:
                self.__exit__(type(error), error, None)
                raise
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            super().__exit__(kind, error, trace)
        finally:
            if self._admission is not None:
                self._admission.leave()

    async def __aenter__(self) -> Self:
        if self.call.handlers:
            from chatplug.callbacks.manager import AsyncCallbackManagerForLLMRun

            self.amanager = AsyncCallbackManagerForLLMRun(self.call, self.call.inherited)
        await super().__aenter__()
        if self._admission is not None:
            try:
                await self._admission.aenter()
            except BaseException as error:
                await self.__aexit__(type(error), error, None)
                raise
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            await super().__aexit__(kind, error, trace)
        finally:
            if self._admission is not None:
                self._admission.leave()

    def steps(self, source: Iterator[_Piece]) -> Iterator[_Piece]:
        """What a stream is read from: it is closed with the block, and each of its steps inherits from the call."""
        self.call.announced = None if self.manager is None else self.manager.announced
        self.source = source = self.call.source(source, "__iter__")
        return source if self.call.child is None else in_context(source, self.call.child)

    def asteps(self, source: AsyncIterator[_Piece]) -> AsyncIterator[_Piece]:
        """The asynchronous twin of `steps`."""
        self.call.announced = None if self.amanager is None else self.amanager.announced
        self.source = source = self.call.source(source, "__aiter__")
        return source if self.call.child is None else AsyncInContext(source, self.call.child)


def drive(
    call: ModelCall,
    pieces: Callable[[CallbackManagerForLLMRun | None], Iterator[_Piece]],
) -> Iterator[AIMessageChunk]:
    """The chunks of one synchronous stream."""
    with Asking(call, yields=True) as run:
        tokens = None if run.manager is None else run.manager.tokens
        for piece in run.steps(pieces(run.manager)):
            take_plain = call.take_plain
            plain = take_plain(piece)
            if plain is not None:
                if tokens is not None:
                    tokens.tell(plain, piece)
                yield plain
            else:
                yield from _told(call, tokens, call.take(piece))
        yield from _told(call, tokens, call.finish())


async def adrive(
    call: ModelCall,
    pieces: Callable[[AsyncCallbackManagerForLLMRun | None], AsyncIterator[_Piece]],
) -> AsyncIterator[AIMessageChunk]:
    """The asynchronous twin of `drive`."""
    async with Asking(call, yields=True) as run:
        tokens = None if run.amanager is None else run.amanager.tokens
        async for piece in run.asteps(pieces(run.amanager)):
            take_plain = call.take_plain
            plain = take_plain(piece)
            if plain is not None:
                if tokens is not None:
                    await tokens.atell(plain, piece)
                yield plain
            else:
                for chunk in call.take(piece):
                    if tokens is not None:
                        await tokens.atell(chunk, call.given(chunk))
                    yield chunk
        for chunk in call.finish():
            if tokens is not None:
                await tokens.atell(chunk, call.given(chunk))
            yield chunk


def _told(call: ModelCall, tokens: Tokens | None, chunks: Iterable[AIMessageChunk]) -> Iterator[AIMessageChunk]:
    """These chunks, each of which handlers are told of."""
    for chunk in chunks:
        if tokens is not None:
            tokens.tell(chunk, call.given(chunk))
        yield chunk
