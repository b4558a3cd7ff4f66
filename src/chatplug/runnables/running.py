"""The life of a run as a `with` block: handlers hear its start, exactly one end, and what the end was.

What a run is of, its `Life` says. What is called inside the block inherits the run's config. A stream cannot hold a
context variable across its yields, or its reader would find it: `in_context` sets it for each step alone.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from chatplug.runnables.config import current

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from contextvars import Token
    from typing import Self

    from chatplug.callbacks.life import Event, Life
    from chatplug.runnables.config import ResolvedConfig

__all__ = ["AsyncInContext", "Running", "in_context"]

T = TypeVar("T")


class Running:
    """A run while it is under way: opened when the block begins, ended once when the block ends.

    Args:
        life: What handlers hear.
        child: What is inherited inside the block; None where the block yields.
    """

    __slots__ = ("_child", "_life", "_token", "source")

    def __init__(self, life: Life, child: ResolvedConfig | None = None) -> None:
        self._life = life
        self._child = child
        self._token: Token[ResolvedConfig | None] | None = None
        self.source: object = None
        """Where the pieces of a stream come from; closed at the end."""

    def __enter__(self) -> Self:
        life = self._life
        if life.handlers:
            try:
                self.send(life.started())
            except BaseException as error:
                self.send(life.failed(error))
                raise
        if self._child is not None:
            self._token = current.set(self._child)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._token is not None:
            current.reset(self._token)
        try:
            close = getattr(self.source, "close", None)
            if close is not None:
                close()  # before the end is heard: runs below end first
        except BaseException as failure:
            error = error or failure
            raise
        finally:
            self.send(self._life.ended() if error is None else self._life.failed(error))

    async def __aenter__(self) -> Self:
        life = self._life
        if life.handlers:
            try:
                await self.asend(life.started())
            except BaseException as error:
                await self.asend(life.failed(error))
                raise
        if self._child is not None:
            self._token = current.set(self._child)
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._token is not None:
            _restore(self._token)
        try:
            close = getattr(self.source, "aclose", None)
            if close is not None:
                await close()
        except BaseException as failure:
            error = error or failure
            raise
        finally:
            await self.asend(self._life.ended() if error is None else self._life.failed(error))

    def send(self, events: Sequence[Event]) -> None:
        """Tell handlers of events."""
        if events:
            from chatplug.callbacks.dispatch import deliver_all

            deliver_all(self._life.handlers, events)

    async def asend(self, events: Sequence[Event]) -> None:
        """The asynchronous twin of `send`."""
        if not events:
            return
        import asyncio  # as whoever gets here has

        # Documented; the public one raises instead.
        if asyncio._get_running_loop() is None:  # noqa: SLF001  # the task is destroyed, and its loop is gone
            self.send(events)
            return
        from chatplug.callbacks.dispatch import adeliver_all

        await adeliver_all(self._life.handlers, events)


def in_context(source: Iterator[T], config: ResolvedConfig) -> Iterator[T]:
    """The items of an iterator, each step of which inherits this config. Closing it is left to whoever has it."""
    step = iter(source).__next__
    inherit, restore = current.set, current.reset
    while True:
        token = inherit(config)
        try:
            item = step()
        except StopIteration:
            return
        finally:
            restore(token)
        yield item


class AsyncInContext(Generic[T]):
    """The asynchronous twin of `in_context`.

    Not a generator: one that is left half-way is closed by whoever collects it, in a task of its own.
    """

    __slots__ = ("_config", "_step")

    def __init__(self, source: AsyncIterator[T], config: ResolvedConfig) -> None:
        self._step = aiter(source).__anext__
        self._config = config

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        token = current.set(self._config)
        try:
            return await self._step()
        finally:
            _restore(token)


def _restore(token: Token[ResolvedConfig | None]) -> None:
    """Set back what was inherited; a task that is destroyed is left by whoever collects it, in another context."""
    with suppress(ValueError):
        current.reset(token)
