"""The life of a run as handlers hear it: one start, and exactly one end.

A `Life` does no I/O and waits for nothing: it says which events are due. Whoever drives it sends them, by `dispatch`
or by `adispatch`. A subclass says what is called, and what there is to hear of it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, ClassVar

from chatplug.callbacks.event import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chatplug.callbacks.handler import BaseCallbackHandler
    from chatplug.callbacks.run import Run, RunKind, RunStatus

__all__ = ["Event", "Life", "each_once", "status_after"]

_ENDS: dict[RunKind, tuple[str, str]] = {
    "chat_model": ("on_llm_end", "on_llm_error"),
    "chain": ("on_chain_end", "on_chain_error"),
    "parser": ("on_chain_end", "on_chain_error"),
    "tool": ("on_tool_end", "on_tool_error"),
}


class Life:
    """What handlers hear of one run, and when it has ended."""

    __slots__ = ("handlers", "run", "status")

    kind: ClassVar[RunKind] = "chain"

    handlers: list[BaseCallbackHandler]
    """Who hears the run; those who missed its start, because another handler's failure ended it, are taken out."""
    run: Run | None
    """The run; None where nobody can hear of it."""
    status: RunStatus | None
    """How it ended; None while it is under way."""

    # ---- what a subclass says

    def start_event(self) -> Event:
        """What is heard before anything is done."""
        raise NotImplementedError

    def outcome(self) -> tuple[Any, ...]:
        """What is heard with the end: the arguments of the event, made of what has arrived."""
        raise NotImplementedError

    def learn(self, error: BaseException) -> None:
        """Tell the error where it happened, and what had arrived."""

    def beside(self) -> dict[str, Any]:
        """What is heard with a good end beside it."""
        return {}

    def partial(self) -> dict[str, Any]:
        """What is heard with an error beside it."""
        return {}

    def close_run(self, run: Run) -> None:
        """Write on the run what came of it."""

    # ---- what a driver asks

    def started(self) -> Sequence[Event]:
        """What handlers hear before anything is done."""
        if not self.handlers:
            return ()
        from chatplug.callbacks.audience import Audience

        self.handlers = Audience(self.handlers, self.run)
        return [self.start_event()] if self.handlers else ()

    def hears(self, event: str) -> bool:
        """Whether anybody hears an event of this name, once the run has begun."""
        hears: Callable[[str], bool] | None = getattr(self.handlers, "hears", None)
        return hears is not None and hears(event)

    def ended(self) -> Sequence[Event]:
        """What handlers hear of a good end."""
        if self.status is not None:
            return ()
        self.status = "ok"
        return self._end("ok", None) if self.handlers else ()

    def failed(self, error: BaseException) -> Sequence[Event]:
        """What handlers hear when an exception ends the run; leaving early and cancelling are no failures."""
        if self.status is not None:
            return ()
        self.status = status = status_after(error)
        if status == "error":
            self.learn(error)
        return self._end(status, error) if self.handlers else ()

    def event(self, name: str, /, *args: Any, **more: Any) -> Event:
        """An event of this run, with what every event says."""
        run = self.run
        assert run is not None, "a life that handlers hear has a run"
        return (name, args, {"run_id": run.id, "parent_run_id": run.parent_id, "tags": list(run.tags), **more})

    def _end(self, status: RunStatus, error: BaseException | None) -> list[Event]:
        run = self.run
        assert run is not None, "a life that handlers hear has a run"
        end, failure = _ENDS[self.kind]
        if status == "error":
            event = self.event(failure, error, **self.partial())
        else:
            event = self.event(end, *self.outcome(), status=status, **self.beside())
        run.close(status, error)
        self.close_run(run)
        return [event, ("on_run_end", (run,), {})]


def status_after(error: BaseException) -> RunStatus:
    """How a run ended that this exception has ended."""
    if isinstance(error, GeneratorExit):
        return "abandoned"
    if isinstance(error, KeyboardInterrupt) or _is_cancellation(error):
        return "cancelled"
    return "error"


def _is_cancellation(error: BaseException) -> bool:
    # Where asyncio was never imported nothing was cancelled; importing it costs a program without it 14 ms.
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and isinstance(error, asyncio.CancelledError)


def each_once(*groups: Sequence[BaseCallbackHandler]) -> list[BaseCallbackHandler]:
    """The handlers of all groups in their order, each once."""
    if not any(groups):
        return []
    return list({id(handler): handler for group in groups for handler in group}.values())
