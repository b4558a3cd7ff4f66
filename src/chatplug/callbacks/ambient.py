"""Handlers that hear runs without being named in a config: those of extensions.

The registry is passive: the room of plugins, which knows them, fills it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chatplug.callbacks.handler import BaseCallbackHandler

__all__ = ["ambient_handlers", "provide_handlers"]

_source: Callable[[], Sequence[BaseCallbackHandler]] | None = None


def provide_handlers(source: Callable[[], Sequence[BaseCallbackHandler]]) -> None:
    """Say where the handlers of extensions come from; it is asked for each run, so it has to be quick."""
    global _source
    _source = source


def ambient_handlers() -> Sequence[BaseCallbackHandler]:
    """The handlers that hear every run of this process."""
    return () if _source is None else _source()
