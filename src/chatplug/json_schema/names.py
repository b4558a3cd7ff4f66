"""Names in annotations that are texts: those of a module are found by typing, those of a function around are not."""

from __future__ import annotations

from inspect import currentframe
from typing import Any, get_type_hints

__all__ = ["hints_of", "names_around"]


def names_around() -> dict[str, Any]:
    """The local names of all functions that are under way here; of two with one name the nearer counts."""
    frames: list[dict[str, Any]] = []
    frame = currentframe()
    while frame is not None:
        if frame.f_locals is not frame.f_globals:
            frames.append(frame.f_locals)
        frame = frame.f_back
    return {name: value for names in reversed(frames) for name, value in names.items()}


def hints_of(thing: Any) -> dict[str, Any]:
    """The annotations of a function or a class, as `typing.get_type_hints` gives them with their extras.

    Raises:
        NameError: If a name can be found neither in its module nor in a function that is under way.
    """
    try:
        return get_type_hints(thing, include_extras=True)
    except NameError:
        # A class that was defined inside a function, whose names are in no module.
        return get_type_hints(thing, localns=names_around(), include_extras=True)
