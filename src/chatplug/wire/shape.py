"""What kind of JSON a value is, said so that type checkers follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import TypeIs

__all__ = ["is_array", "is_object"]


def is_object(value: object) -> TypeIs[dict[str, Any]]:
    """Whether a parsed value is a JSON object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeIs[list[Any]]:
    """Whether a parsed value is a JSON array."""
    return isinstance(value, list)
