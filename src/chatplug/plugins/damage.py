"""A damaged installation must not keep the host from starting.

pydantic looks for plugins of its own when the first model class is made, and gives up at the first distribution whose
entry points it cannot read. This module lets that happen to a class that nobody needs. Afterwards pydantic goes on
without plugins; where nothing is damaged nothing is changed.
"""

from __future__ import annotations

import logging
from importlib.metadata import distributions

from pydantic import BaseModel

from chatplug.errors import PluginError

__all__ = ["make_way"]

_DAMAGE = (AttributeError, KeyError, OSError, TypeError, ValueError)


def make_way() -> None:
    """Make the first class; say which distribution is damaged if that fails.

    Raises:
        PluginError: If pydantic cannot make a class the second time, either.
    """
    try:
        _make_class()
    except _DAMAGE as error:
        culprits = _unreadable()
        if not culprits:
            raise
        what = f"The entry points of {', '.join(culprits)} cannot be read ({type(error).__name__})"
        hint = f"Reinstall or uninstall {' and '.join(culprits)}."
        try:
            _make_class()
        except _DAMAGE:
            raise PluginError(f"{what}, and pydantic stops at them.", hint=hint) from error
        logging.getLogger("chatplug.plugins").warning("%s; plugins of pydantic are off. %s", what, hint)


def _make_class() -> None:
    type("First", (BaseModel,), {"__module__": __name__})


def _unreadable() -> list[str]:
    """The distributions whose entry points cannot be read."""
    culprits: list[str] = []
    for distribution in distributions():
        try:
            distribution.entry_points  # noqa: B018  # reading it is the test
        except _DAMAGE:
            try:
                name = distribution.metadata["Name"]
            except _DAMAGE:
                name = None
            culprits.append(str(name or getattr(distribution, "_path", "a distribution without a name")))
    return culprits


make_way()
