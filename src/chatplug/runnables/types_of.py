"""What a Runnable says of the types it takes and gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin

from chatplug.runnables.fluent import Fluent

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["schema_of", "types_of"]


def types_of(runnable: object) -> tuple[Any, Any]:
    """The two types of a Runnable, from what its class derives from; `Any` for one that it leaves open.

    >>> from chatplug.runnables import Runnable
    >>> class Length(Runnable[str, int]):
    ...     def invoke(self, input, config=None, **kwargs):
    ...         return len(input)
    >>> types_of(Length())
    (<class 'str'>, <class 'int'>)
    """
    for kind in type(runnable).__mro__:
        for base in kind.__dict__.get("__orig_bases__", ()):
            arguments = get_args(base)
            if issubclass(get_origin(base) or object, Fluent) and len(arguments) == 2:
                first, second = (Any if isinstance(one, TypeVar) else one for one in arguments)
                return first, second
    return Any, Any


def schema_of(name: str, kind: Any) -> type[BaseModel]:
    """A pydantic model that holds one value of a type."""
    from pydantic import RootModel, create_model

    model: type[BaseModel] = create_model(name, __base__=RootModel[kind])
    return model
