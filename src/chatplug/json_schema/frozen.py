"""JSON that is made once and sent many times: it cannot be changed, and so its text need be written only once."""

from __future__ import annotations

from typing import Any, NoReturn

from pydantic_core import from_json, to_json

from chatplug.json_schema.generate import json_copy
from chatplug.wire.shape import is_array, is_object

__all__ = ["FrozenDict", "FrozenList", "frozen"]


def _cannot_be_changed(*_: object, **__: object) -> NoReturn:
    raise TypeError("This goes with every call and cannot be changed. Change a deep copy, and bind that.")


_refuse: Any = _cannot_be_changed


class FrozenDict(dict[str, Any]):
    """A dict that cannot be changed; a copy of it is an ordinary dict."""

    __slots__ = ()
    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __copy__(self) -> dict[str, Any]:
        return dict(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return dict(json_copy(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return frozen, (json_copy(self),)


class FrozenList(list[Any]):
    """A list that cannot be changed; a copy of it is an ordinary list."""

    __slots__ = ("_text",)
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse

    @property
    def json_text(self) -> bytes:
        """Its JSON text, written when it is first asked for.

        Raises:
            ValueError: If it holds a number that JSON does not have.
        """
        try:
            return self._text
        except AttributeError:
            text = to_json(self)
            from_json(text, allow_inf_nan=False)
            self._text: bytes = text
            return text

    def __copy__(self) -> list[Any]:
        return list(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        return list(json_copy(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return frozen, (json_copy(self),)


def frozen(value: Any) -> Any:
    """A copy of plain JSON that cannot be changed."""
    if is_object(value):
        return FrozenDict({key: frozen(item) for key, item in value.items()})
    if is_array(value):
        return FrozenList([frozen(item) for item in value])
    return value
