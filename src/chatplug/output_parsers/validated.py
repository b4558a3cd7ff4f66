"""Values that arrive, as instances of a class: what makes one already, and what makes none at the end.

To validate a growing value at each of its steps costs the square of its length. `Partials` spends on it a fixed number
of times what the text costs in all: short answers are tried at each step, and long ones less often the longer they are.
"""

from __future__ import annotations

from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from pydantic import BaseModel, ValidationError

from chatplug.json_schema import adapter_of
from chatplug.output_parsers.parser import unreadable
from chatplug.wire.shape import is_class, is_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from chatplug.messages import BaseMessage

__all__ = ["Budget", "Partials", "is_validated", "validated"]

T = TypeVar("T")


def is_validated(schema: object) -> bool:
    """Whether a schema is a class that values are made instances of: pydantic's, or a dataclass."""
    return is_class(schema) and (issubclass(schema, BaseModel) or is_dataclass(schema))


def _make(cls: type[T], value: Any) -> T:
    if issubclass(cls, BaseModel):
        return cast("T", cls.model_validate(value))
    made: T = adapter_of(cls).validate_python(value)
    return made


def validated(cls: type[T], value: Any, message: BaseMessage | None, *, text: str | None = None) -> T:
    """The instance that a value makes.

    Raises:
        OutputParsingError: If it makes none; the cause is pydantic's error, and `partial` the value.
    """
    try:
        return _make(cls, value)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        told = "; ".join(f"{'.'.join(str(part) for part in fault['loc']) or 'all'}: {fault['msg']}" for fault in faults)
        raise unreadable(f"The answer is no {cls.__name__}: {told}", message, text=text, partial=value) from error


_TIMES = 64


class Budget:
    """How often a growing text may be tried: as often as it changes, until trying has cost a multiple of the text."""

    def __init__(self) -> None:
        self._length = self._spent = 0

    def grow(self, text: str) -> None:
        """Note what has arrived."""
        self._length += len(text)

    def allows(self) -> bool:
        """Whether there is enough left for one more try of all that is there."""
        return self._spent <= _TIMES * self._length

    def spend(self) -> None:
        """Note that all that is there is tried."""
        self._spent += self._length


class Partials(Generic[T]):
    """The instances that a growing value makes on its way.

    Args:
        cls: The class.
    """

    def __init__(self, cls: type[T]) -> None:
        self._cls = cls
        self._required = _required(cls)
        self._seen = 0
        self._budget = Budget()
        self._last: T | None = None
        self._read: Any = None

    def after(self, text: str, changes: int, read: Callable[[], Any]) -> tuple[T, ...]:
        """The instance that is due now that this much has arrived; none where it makes none, or the same.

        Args:
            text: What has just arrived.
            changes: How often the value has changed.
            read: Gives the value.
        """
        self._budget.grow(text)
        if changes == self._seen or not self._budget.allows():
            return ()
        self._seen = changes
        value = read()
        if not is_object(value) or not self._required <= value.keys():
            return ()
        self._budget.spend()
        try:
            made = _make(self._cls, value)
        except ValidationError:
            return ()
        if made == self._last:
            return ()
        self._last, self._read = made, value
        return (made,)

    def is_last(self, value: Any) -> bool:
        """Whether what was given last was made of this value."""
        # The instances may be equal all the same, as the numbers 9 and 9.00 are.
        return self._last is not None and self._read == value


def _required(cls: type[Any]) -> set[str]:
    """The names without which a value makes no instance; as far as they are known without trying."""
    if not issubclass(cls, BaseModel):
        return set()
    fields = cls.model_fields.items()
    return {name for name, info in fields if info.is_required() and not (info.alias or info.validation_alias)}
