"""What handlers are not to see: texts in inputs and outputs go through the redactors of extensions.

A redactor gets each text, wherever it stands in a message, a dict, a list, a dataclass or a pydantic model, and gives
the text to show. What it changes is changed in a copy. Into other objects nobody looks.
"""

from __future__ import annotations

import logging
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from chatplug.messages.value import Value
from chatplug.wire.shape import is_array, is_object

if TYPE_CHECKING:
    from chatplug.callbacks.run import Run

__all__ = ["Redaction", "Redactor"]

Redactor: TypeAlias = Callable[[str], str]
"""Gives the text to show for a text; the same where there is nothing to hide."""

_log = logging.getLogger("chatplug.callbacks")

NOT_SHOWN = "[not shown: a redactor failed]"
"""What stands for a text that could not be looked at."""
CIRCLE = "[not shown: what it is in]"
"""What stands for a part that holds itself."""
_MOST_LEVELS = 100
"""What lies deeper is not shown."""

_KEPT = frozenset({"run_id", "parent_run_id", "tags", "name", "run_type", "status", "error"})
"""The arguments of events that are neither inputs nor outputs."""


class Redaction:
    """Some redactors, one after the other.

    Args:
        redactors: What each text goes through. One that fails hides the whole text, and is logged.
    """

    def __init__(self, redactors: Sequence[Redactor]) -> None:
        self._redactors = tuple(redactors)

    def around(self, event: str, method: Callable[..., Any]) -> Callable[..., Any]:
        """A handler's method that gets the event as it may be shown."""
        return partial(self._call, event, method)

    def _call(self, event: str, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if event == "on_run_end":
            return method(*(self.run(run) for run in args))
        shown = {name: value if name in _KEPT else self.of(value) for name, value in kwargs.items()}
        return method(*(self.of(value) for value in args), **shown)

    def run(self, run: Run) -> Run:
        """A copy of a run, and of those above it, as it may be shown."""
        copied = run.copy()
        copied.inputs, copied.output, copied.metadata = self.of(run.inputs), self.of(run.output), self.of(run.metadata)
        if run.parent is not None:
            copied.parent = self.run(run.parent)
        return copied

    def of(self, value: Any) -> Any:
        """A value as it may be shown; the value itself where nothing is hidden in it."""
        return self.text(value) if isinstance(value, str) else _Look(self).at(value, _MOST_LEVELS)

    def text(self, text: str) -> str:
        """A text as it may be shown."""
        for redactor in self._redactors:
            try:
                text = redactor(text)
            except Exception as error:
                _log.warning("The redactor %r failed: %s. The text is not shown.", redactor, type(error).__name__)
                return NOT_SHOWN
            if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # other people's code
                _log.warning("The redactor %r gave no text. The text is not shown.", redactor)
                return NOT_SHOWN
        return text


class _Look:
    """One look at a value and at all that is in it, at each part once: parts may stand in several places."""

    __slots__ = ("_redaction", "_seen")

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self._seen: dict[int, tuple[Any, Any]] = {}
        """By identity each part and how it is shown; the part itself is kept, so that no other has its identity."""

    def at(self, value: Any, levels: int) -> Any:
        """A value as it may be shown."""
        if isinstance(value, str):
            return self._redaction.text(value)
        if not levels:
            return NOT_SHOWN
        seen = self._seen.get(id(value))
        if seen is None:
            self._seen[id(value)] = value, CIRCLE
            self._seen[id(value)] = seen = value, self._shown(value, levels)
        return seen[1]

    def _shown(self, value: Any, levels: int) -> Any:
        if is_object(value):
            changed = self._changed(value, levels)
            return {**value, **changed} if changed else value
        if is_array(value):
            shown = [self.at(item, levels - 1) for item in value]
            return value if all(map(operator.is_, shown, value)) else shown
        if isinstance(value, tuple):
            items = cast("tuple[object, ...]", value)
            parts = tuple([self.at(item, levels - 1) for item in items])
            return items if all(map(operator.is_, parts, items)) else parts
        if isinstance(value, Value):
            changed = self._changed({name: getattr(value, name) for name in value.field_names()}, levels)
            return cast("Any", value).model_copy(update=changed) if changed else value
        if is_dataclass(value) and not isinstance(value, type):
            changed = self._changed({one.name: getattr(value, one.name) for one in fields(value) if one.init}, levels)
            return replace(value, **changed) if changed else value
        if hasattr(cast("object", type(value)), "__pydantic_fields__"):
            changed = self._changed(vars(value), levels)
            return cast("Any", value).model_copy(update=changed) if changed else value
        return value

    def _changed(self, values: Mapping[str, Any], levels: int) -> dict[str, Any]:
        """Those of the values that may not be shown, as they may."""
        shown = {name: self.at(value, levels - 1) for name, value in values.items()}
        return {name: value for name, value in shown.items() if value is not values[name]}
