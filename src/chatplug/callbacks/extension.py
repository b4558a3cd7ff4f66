"""Which handlers plugins bring, what those do not see, and who is told of trouble: a place that somebody above fills.

Callbacks know no plugins. The handlers that extensions give are asked of the one object that the plugins' manager
leaves here; it is woken by its name when a run begins and nobody has made a model by `chatplug.init` yet.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chatplug.callbacks.handler import BaseCallbackHandler
    from chatplug.callbacks.redaction import Redactor

__all__ = ["Handlers", "Trouble", "extension_handlers", "extension_redactors", "keep_trouble", "provide_handlers"]


class Trouble(NamedTuple):
    """What handlers of one class went through: numbers and names, nothing of what they heard or said."""

    failed: int
    """How often they raised."""
    dropped: int
    """How many events they have missed."""
    aside: int
    """How many of them were put aside."""
    error: str
    """The class of what they raised last; empty where they raised nothing."""


class Handlers(Protocol):
    """What is asked for the handlers."""

    def callback_handlers(self) -> Sequence[BaseCallbackHandler]:
        """The handlers that hear every run; the same each time, and not to be changed."""
        ...

    def redactors(self) -> Sequence[Redactor]:
        """What handlers' texts go through; the same each time, and not to be changed."""
        ...

    def keep_trouble(self, handler: type[BaseCallbackHandler], trouble: Trouble) -> None:
        """Keep for the doctor what handlers of a class went through; nothing is said if that cannot be."""
        ...


_FILLED_BY = "chatplug.plugins.manager"
_source: Callable[[], Handlers] | None = None


def provide_handlers(source: Callable[[], Handlers]) -> None:
    """Leave here what gives the handlers; it is called for each run."""
    global _source  # one for each process
    _source = source


def extension_handlers() -> Sequence[BaseCallbackHandler]:
    """The handlers of extensions, which hear every run of this process."""
    if _source is None:
        import_module(_FILLED_BY)
    return () if _source is None else _source().callback_handlers()


def extension_redactors() -> Sequence[Redactor]:
    """What the texts go through that handlers hear."""
    return () if _source is None else _source().redactors()


def keep_trouble(handler: type[BaseCallbackHandler], trouble: Trouble) -> None:
    """Have kept for the doctor what handlers of a class went through."""
    if _source is not None:
        _source().keep_trouble(handler, trouble)
