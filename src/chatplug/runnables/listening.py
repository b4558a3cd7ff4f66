"""What `with_listeners` makes of functions: a handler that hears one run, and nothing of those below it."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeAlias

from chatplug.callbacks.handler import BaseCallbackHandler
from chatplug.callbacks.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from chatplug.callbacks.run import RunKind
    from chatplug.runnables.config import RunnableConfig

__all__ = ["Listener", "Listening"]

Listener: TypeAlias = "Callable[[Run], Any] | Callable[[Run, RunnableConfig], Any]"
"""Called with the run, and with a config of its tags and metadata where it has a second parameter; may be async."""


class Listening(BaseCallbackHandler):
    """Tells functions of the first run that it hears of; one is made for each call.

    Args:
        on_start: Called when the run begins.
        on_end: Called when it has ended, but not with an error.
        on_error: Called when it has failed.
    """

    run_inline = True  # what a function is told it is told before the call goes on

    def __init__(self, on_start: Listener | None, on_end: Listener | None, on_error: Listener | None) -> None:
        self._on_start, self._on_end, self._on_error = on_start, on_end, on_error
        self._root: UUID | None = None

    def on_chat_model_start(self, serialized: dict[str, Any], messages: Any, *, run_id: UUID, **kwargs: Any) -> Any:
        """The run may begin."""
        return self._started("chat_model", run_id, messages[0], kwargs)

    def on_chain_start(self, serialized: dict[str, Any], inputs: Any, *, run_id: UUID, **kwargs: Any) -> Any:
        """The run may begin."""
        return self._started(kwargs.get("run_type", "chain"), run_id, inputs, kwargs)

    def on_tool_start(self, serialized: dict[str, Any], input_str: str, *, run_id: UUID, **kwargs: Any) -> Any:
        """The run may begin."""
        return self._started("tool", run_id, kwargs.get("inputs") or input_str, kwargs)

    def _started(self, kind: RunKind, run_id: UUID, inputs: Any, facts: dict[str, Any]) -> Any:
        if self._root is not None:
            return None
        self._root = run_id
        run = Run(
            kind, facts.get("name") or "", id=run_id, tags=facts.get("tags") or (), metadata=facts.get("metadata")
        )
        run.inputs = inputs
        return _told(self._on_start, run)

    def on_run_end(self, run: Run) -> Any:
        """The run may have ended."""
        if self._root is None or run.id != self._root:
            return None
        return _told(self._on_error if run.status == "error" else self._on_end, run)


def _told(listener: Listener | None, run: Run) -> Any:
    if listener is None:
        return None
    call: Callable[..., Any] = listener
    if len(inspect.signature(listener).parameters) > 1:
        return call(run, {"tags": list(run.tags), "metadata": dict(run.metadata)})
    return call(run)
