"""The border to a plugin's code: whatever it raises is known by its name, and what it gives has been awaited."""

from __future__ import annotations

from types import CoroutineType
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from chatplug.errors import ChatplugError, PluginHookError
from chatplug.language_models.settings import wrong_setting
from chatplug.plugins.declaration import remedy, who
from chatplug.plugins.loading import sentence, told

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from types import TracebackType

    from chatplug.plugins.declaration import Declaration

__all__ = ["Border", "drop", "finished"]


class Border:
    """What a directed hook raises in a `with` block becomes an error that names plugin, provider and model.

    Args:
        declaration: The plugin.
        what: What is called, as it is told.
        provider: The provider concerned.
        model: The model concerned, where one is.
        may_wait: Whether the block awaits something, and may be cancelled there.
    """

    __slots__ = ("_declaration", "_may_wait", "_model", "_provider", "_what")

    def __init__(
        self, declaration: Declaration, what: str, provider: str, model: str | None = None, *, may_wait: bool = False
    ) -> None:
        self._declaration = declaration
        self._what = what
        self._provider = provider
        self._model = model
        self._may_wait = may_wait

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, KeyboardInterrupt):
            return
        if isinstance(error, ChatplugError):
            error.about(self._provider, self._model)
            return
        if isinstance(error, ValidationError):
            raise wrong_setting(error).about(self._provider, self._model) from None
        if self._may_wait and _is_cancellation(error):
            return
        raise PluginHookError(
            sentence(f"{self._what} of {who(self._declaration)} raised {told(error)}"),
            hint=f"This is a fault of the plugin. {remedy(self._declaration)}",
            provider=self._provider,
            model=self._model,
        ) from error


def _is_cancellation(error: BaseException) -> bool:
    from asyncio import CancelledError

    return isinstance(error, CancelledError | GeneratorExit)


def drop(answer: object) -> None:
    """Close a coroutine where a hook may not give one; else Python warns that nobody awaited it."""
    if type(answer) is CoroutineType:
        answer.close()


def finished(awaitable: Awaitable[object]) -> object:
    """What a plugin's coroutine gives, in a program that does not await: it is run in an event loop of its own."""
    import asyncio

    async def wait() -> object:
        return await awaitable

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(wait())
    # Called in a loop that it must not enter: a thread has room for another one.
    from contextvars import copy_context
    from threading import Thread

    context, outcome = copy_context(), list[Any]()

    def run() -> None:
        try:
            outcome.append((asyncio.run(wait()), None))
        except BaseException as error:  # it is raised where it is waited for
            outcome.append((None, error))

    thread = Thread(target=context.run, args=(run,), name="chatplug-hook")
    thread.start()
    thread.join()
    value, error = outcome[0]
    if error is not None:
        raise error
    return value
