"""The two drivers of a call: what the model gives goes to `ModelCall`, what that gives goes to caller and handlers.

Whatever ends a stream, its source is closed before the reader goes on, and with it the connection underneath.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from chatplug.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
    from chatplug.language_models.call import Event, ModelCall
    from chatplug.messages import AIMessageChunk
    from chatplug.outputs import ChatGenerationChunk

__all__ = ["adrive", "amanager", "asend", "drive", "manager", "send"]


def send(call: ModelCall, events: Sequence[Event]) -> None:
    """Tell the call's handlers of events."""
    if events:
        from chatplug.callbacks.dispatch import dispatch

        for name, args, kwargs in events:
            dispatch(call.handlers, name, *args, **kwargs)


async def asend(call: ModelCall, events: Sequence[Event]) -> None:
    """The asynchronous twin of `send`."""
    if events:
        from chatplug.callbacks.dispatch import adispatch

        for name, args, kwargs in events:
            await adispatch(call.handlers, name, *args, **kwargs)


def manager(call: ModelCall) -> CallbackManagerForLLMRun | None:
    """What a synchronous model method tells handlers with; None where nobody listens."""
    if call.run_id is None or not call.handlers:
        return None
    from chatplug.callbacks.manager import CallbackManagerForLLMRun

    return CallbackManagerForLLMRun(run_id=call.run_id, handlers=call.handlers, tags=call.tags, metadata=call.metadata)


def amanager(call: ModelCall) -> AsyncCallbackManagerForLLMRun | None:
    """The asynchronous twin of `manager`."""
    if call.run_id is None or not call.handlers:
        return None
    from chatplug.callbacks.manager import AsyncCallbackManagerForLLMRun

    return AsyncCallbackManagerForLLMRun(
        run_id=call.run_id, handlers=call.handlers, tags=call.tags, metadata=call.metadata
    )


def drive(
    call: ModelCall,
    open_source: Callable[[CallbackManagerForLLMRun | None], Iterator[AIMessageChunk | ChatGenerationChunk]],
) -> Iterator[AIMessageChunk]:
    """The chunks of one synchronous stream."""
    source = None
    teller = manager(call)
    send(call, call.started())
    try:
        source = open_source(teller)
        for piece in source:
            for chunk in call.take(piece):
                if teller is not None and not teller.was_told(chunk):
                    send(call, call.heard(chunk))
                yield chunk
        for chunk in call.finish():
            if teller is not None and not teller.was_told(chunk):
                send(call, call.heard(chunk))
            yield chunk
        send(call, call.ended())
    except BaseException as error:
        send(call, call.failed(error))
        raise
    finally:
        close = getattr(source, "close", None)
        if close is not None:
            close()


async def adrive(
    call: ModelCall,
    open_source: Callable[[AsyncCallbackManagerForLLMRun | None], AsyncIterator[AIMessageChunk | ChatGenerationChunk]],
) -> AsyncIterator[AIMessageChunk]:
    """The asynchronous twin of `drive`."""
    source = None
    teller = amanager(call)
    await asend(call, call.started())
    try:
        source = open_source(teller)
        async for piece in source:
            for chunk in call.take(piece):
                if teller is not None and not teller.was_told(chunk):
                    await asend(call, call.heard(chunk))
                yield chunk
        for chunk in call.finish():
            if teller is not None and not teller.was_told(chunk):
                await asend(call, call.heard(chunk))
            yield chunk
        await asend(call, call.ended())
    except BaseException as error:
        await asend(call, call.failed(error))
        raise
    finally:
        close = getattr(source, "aclose", None)
        if close is not None:
            await close()
