"""One call of a Runnable that is made of others, of a function or of a parser: its run, and what it hands on.

    call = ChainCall("shout", text, resolve(config))
    with Running(call, call.child):
        return call.gave(function(text))

A stream gives `call.piece(...)` what it yields, and sets `call.child` for each step by `in_context`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from chatplug.callbacks.ambient import ambient_handlers
from chatplug.callbacks.life import Life, each_once
from chatplug.callbacks.run import Run
from chatplug.runnables.config import child_config

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatplug.callbacks import BaseCallbackHandler
    from chatplug.callbacks.life import Event
    from chatplug.callbacks.run import RunKind
    from chatplug.runnables.config import ResolvedConfig, RunnableConfig

__all__ = ["NOTHING", "ChainCall", "ParserCall", "added"]

T = TypeVar("T")

NOTHING: Any = object()
"""What no pieces add up to."""


def added(first: Any, second: Any) -> Any:
    """Two pieces as one; where they do not add up, as two plain dicts do not, the second."""
    if first is NOTHING:
        return second
    try:
        return first + second
    except TypeError:
        return second


class ChainCall(Life):
    """One call: what it was given, what it has given, and the config of what it calls.

    Args:
        name: What is called, unless the config names the run.
        given: What it is called with; `NOTHING` where that is still arriving.
        config: What was said with the call and is inherited.
        own: Handlers of what is called, which hear this run alone.
    """

    __slots__ = ("_output", "child", "given")

    kind: ClassVar[RunKind] = "chain"

    def __init__(
        self, name: str, given: object, config: ResolvedConfig, own: Sequence[BaseCallbackHandler] = ()
    ) -> None:
        self.given = given
        self.status = None
        self._output: Any = NOTHING
        self.run = run = Run(self.kind, name, config.parent)
        if config:
            run.called(config)
        self.handlers = each_once(config.handlers, own, ambient_handlers())
        self.child = child_config(config, run)

    def got(self, piece: object) -> None:
        """A piece of what it is called with; handlers hear the sum of the pieces with the end."""
        if self.handlers:
            self.given = added(self.given, piece)

    def gave(self, output: T) -> T:
        """The output, which handlers hear when the run ends."""
        self._output = output
        return output

    def piece(self, output: T) -> T:
        """A piece of the output; handlers hear the sum of the pieces, or the last one where they do not add up."""
        if self.handlers:
            self._output = added(self._output, output)
        return output

    def for_child(self, tag: str | None = None) -> RunnableConfig:
        """The config for something that is called, with a tag where somebody hears it."""
        child = self.child
        if tag is not None and self.handlers and self.run is not None:
            child = child_config(child, self.run, tag)
        return child  # type: ignore[return-value]  # a checked one

    # ---- what handlers hear

    def start_event(self) -> Event:
        """What handlers hear before anything is done."""
        run = self.run
        assert run is not None, "every call of a chain has a run"
        run.inputs = self._known()
        return self.event(
            "on_chain_start",
            {"name": run.name},
            run.inputs,
            metadata=dict(run.metadata),
            name=run.name,
            run_type=run.kind,
        )

    def heard(self, piece: object) -> list[Event]:
        """What handlers hear of a piece."""
        return [self.event("on_chain_stream", piece)]

    def beside(self) -> dict[str, Any]:
        """What handlers hear with the end beside it: what it was called with."""
        return {"inputs": self._known()}

    def _known(self) -> Any:
        return None if self.given is NOTHING else self.given

    def outcome(self) -> tuple[Any]:
        """What handlers hear with the end: what came of it, None where nothing had."""
        return (None if self._output is NOTHING else self._output,)

    def partial(self) -> dict[str, Any]:
        """What handlers hear with a failure: what it was called with."""
        return self.beside()

    def close_run(self, run: Run) -> None:
        """Write on the run what came of it."""
        run.inputs = self._known()
        run.output = self.outcome()[0]


class ParserCall(ChainCall):
    """One call of an output parser."""

    __slots__ = ("adds_up",)

    kind: ClassVar[RunKind] = "parser"

    def __init__(self, name: str, given: object, config: ResolvedConfig) -> None:
        super().__init__(name, given, config)
        self.adds_up = True
        """Whether the pieces add up; else each holds all that has come so far."""

    def piece(self, output: T) -> T:
        """A piece of the output; handlers hear the sum of the pieces, or the last one where they do not add up."""
        return super().piece(output) if self.adds_up else self.gave(output)
