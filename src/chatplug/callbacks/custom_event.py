"""Events that a program sends itself: handlers of the run in which it is hear them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatplug.callbacks.ambient import ambient_handlers
from chatplug.callbacks.audience import Audience
from chatplug.callbacks.dispatch import adeliver, deliver
from chatplug.callbacks.here import run_here
from chatplug.callbacks.life import each_once

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chatplug.callbacks.event import Event

__all__ = ["adispatch_custom_event", "dispatch_custom_event"]


def dispatch_custom_event(name: str, data: Any, *, config: Mapping[str, Any] | None = None) -> None:
    """Tell the handlers of the run that this code is part of; nothing where nobody listens.

    Args:
        name: The event's name.
        data: What it says.
        config: The config of the run; code that a run has called itself, in its own thread or task, needs none.
    """
    found = _event(name, data, config)
    if found is not None:
        deliver(*found)


async def adispatch_custom_event(name: str, data: Any, *, config: Mapping[str, Any] | None = None) -> None:
    """The asynchronous twin of `dispatch_custom_event`."""
    found = _event(name, data, config)
    if found is not None:
        await adeliver(*found)


def _event(name: str, data: Any, config: Mapping[str, Any] | None) -> tuple[Audience, Event] | None:
    handlers, run = run_here(config)
    audience = Audience(each_once(handlers, ambient_handlers()), run)
    if run is None or not audience:
        return None
    facts = {"run_id": run.id, "tags": list(run.tags), "metadata": dict(run.metadata)}
    return audience, ("on_custom_event", (name, data), facts)
