"""Whose line a warning is about: the caller's, not one of ours or of a plugin."""

from __future__ import annotations

from inspect import currentframe
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["askers_level", "callers_level"]


def callers_level(model: object) -> int:
    """The `stacklevel` for a warning about a model, seen from the function that gives it.

    A model that a plugin's hook makes is the work of whoever asked the host for it; any other is the work of whoever
    called its class, or a method of it.
    """
    frames = _outwards(currentframe())[1:]
    hooks = [level for level, frame in enumerate(frames) if _name(frame) == "chatplug.plugins.manager"]
    for level, frame in enumerate(frames):
        is_made_by_hook = bool(hooks) and level <= hooks[0]
        if not (is_made_by_hook or _is_ours(frame) or _makes(frame, model)):
            return level + 1
    return 1


def askers_level() -> int:
    """The `stacklevel` for a warning about a call, seen from the function that gives it: whoever asked the model.

    That function was called by the model's maker, who was called by the host, who was called by whoever asked.
    """
    frames = _outwards(currentframe())[1:]
    runs = [(is_ours, [*run]) for is_ours, run in groupby(frames, _is_ours)]
    return 1 + sum(len(run) for _, run in runs[:3]) if len(runs) > 3 else 2  # as said above


def _outwards(frame: FrameType | None) -> list[FrameType]:
    found: list[FrameType] = []
    while frame is not None:
        found.append(frame)
        frame = frame.f_back
    return found


def _name(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _is_ours(frame: FrameType) -> bool:
    return _name(frame).partition(".")[0] in ("chatplug", "pydantic")


def _makes(frame: FrameType, model: object) -> bool:
    """Whether a frame is an `__init__` of the model, written by the author of its class."""
    return frame.f_code.co_name == "__init__" and frame.f_locals.get("self") is model
