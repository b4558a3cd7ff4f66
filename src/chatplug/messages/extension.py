"""Who converts what this package does not know: a place that somebody above fills.

Messages know no plugins. What plugins can convert is asked through the one object that the plugins' manager leaves
here; the manager is woken by its name when a conversion needs it and nobody has made a model yet.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chatplug.messages.loss import Exported
    from chatplug.messages.message import BaseMessage

__all__ = ["Converters", "converters", "provide_converters"]


class Converters(Protocol):
    """What is asked where this package knows no answer."""

    def import_messages(self, value: object) -> list[BaseMessage] | None:
        """The messages that a foreign value stands for; None if nobody knows it."""

    def export_messages(self, messages: Sequence[BaseMessage], format: str) -> Exported | None:
        """The conversation in a foreign format, and what was lost; None if nobody knows it."""


_FILLED_BY = "chatplug.plugins.manager"
_source: Callable[[], Converters] | None = None


def provide_converters(source: Callable[[], Converters]) -> None:
    """Leave here what gives the converters; it is called when one is needed."""
    global _source  # one for each process
    _source = source


def converters() -> Converters | None:
    """The converters of this process; None where nobody has left any."""
    if _source is None:
        import_module(_FILLED_BY)
    return None if _source is None else _source()
