"""What a Runnable says of the types it takes and gives."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin

from chatplug.runnables.fluent import Fluent

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["schema_of", "types_of", "types_of_function"]


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


def types_of_function(function: object) -> tuple[Any, Any]:
    """The types of a function's first parameter and of what it gives; `Any` for one that it does not say.

    >>> def shout(text: str): ...
    >>> types_of_function(shout)
    (<class 'str'>, typing.Any)
    """
    from chatplug.json_schema.names import hints_of

    is_plain = inspect.isroutine(function) or inspect.isclass(function)
    try:
        first = next(iter(inspect.signature(function).parameters), "")  # type: ignore[arg-type]  # or it raises
        hints = hints_of(function if is_plain else getattr(function, "__call__", function))  # noqa: B004  # an object's
    except (NameError, TypeError, ValueError):
        return Any, Any
    return hints.get(first, Any), hints.get("return", Any)


def schema_of(name: str, kind: Any) -> type[BaseModel]:
    """A pydantic model that holds one value of a type."""
    from pydantic import RootModel, create_model

    model: type[BaseModel] = create_model(name, __base__=RootModel[kind])
    return model
