"""What kind of value something is, said so that type checkers follow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import TypeIs

__all__ = ["is_array", "is_class", "is_mapping", "is_object", "is_tuple"]


def is_object(value: object) -> TypeIs[dict[str, Any]]:
    """Whether a parsed value is a JSON object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeIs[list[Any]]:
    """Whether a parsed value is a JSON array."""
    return isinstance(value, list)


def is_mapping(value: object) -> TypeIs[Mapping[str, Any]]:
    """Whether a value is a mapping; that its keys are texts is taken for granted."""
    return isinstance(value, Mapping)


def is_tuple(value: object) -> TypeIs[tuple[Any, ...]]:
    """Whether a value is a tuple."""
    return isinstance(value, tuple)


def is_class(value: object) -> TypeIs[type[Any]]:
    """Whether a value is a class."""
    return isinstance(value, type)
