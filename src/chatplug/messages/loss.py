"""What a conversion could not carry, said so that a program can act on it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Exported", "Loss", "LossWarning", "warn_of"]


class LossWarning(UserWarning):
    """A conversation holds something that the provider who gets it has no place for; it was left out."""


@dataclass(slots=True, frozen=True)
class Loss:
    """One thing that was left out, or that arrives as less than it was."""

    path: str
    """Where it was: `messages[3].content[0]`."""
    kind: str
    """What it was, in a word: `annotation`, `arguments`, `media`, `message`, `name`, `non_standard`, `order`,
    `reasoning`, `role`, `server_tool`, `signature` or `status`."""
    reason: str
    """Why it could not be carried."""

    def as_dict(self) -> dict[str, str]:
        """The loss as plain data."""
        return {"path": self.path, "kind": self.kind, "reason": self.reason}


@dataclass(slots=True, frozen=True)
class Exported:
    """What came of an export."""

    value: Any
    """The conversation in the format that was asked for."""
    losses: list[Loss] = field(default_factory=list[Loss])
    """What that format, or the one who gets it, has no place for."""


_warned: set[str] = set()


def warn_of(losses: Iterable[Loss], *, stacklevel: int = 2) -> None:
    """Warn of losses, once for each kind in a process."""
    for loss in losses:
        if loss.kind not in _warned:
            _warned.add(loss.kind)
            warnings.warn(f"{loss.path} is left out: {loss.reason}", LossWarning, stacklevel=stacklevel + 1)
