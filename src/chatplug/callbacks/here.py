"""The run that code is part of, and who listens to it, without being handed them.

The registry is passive: the room of runnables, which knows this, fills it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from chatplug.callbacks.handler import BaseCallbackHandler
    from chatplug.callbacks.run import Run

__all__ = ["provide_run", "run_here"]

_Found: TypeAlias = "tuple[Sequence[BaseCallbackHandler], Run | None]"

_here: Callable[[Mapping[str, Any] | None], _Found] | None = None


def provide_run(here: Callable[[Mapping[str, Any] | None], _Found]) -> None:
    """Say how the run is found that code is part of, or that a config is of, and who listens to it."""
    global _here
    _here = here


def run_here(config: Mapping[str, Any] | None = None) -> _Found:
    """The handlers of the run that this code is part of, or that a config is of, and that run; None without one."""
    return ((), None) if _here is None else _here(config)
