"""The arguments of a function as a pydantic class, which checks them and says their JSON Schema."""

from __future__ import annotations

import functools
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo

from chatplug.errors import SchemaError
from chatplug.json_schema.docstring import Docstring, read_docstring
from chatplug.json_schema.generate import text_in_annotation
from chatplug.json_schema.names import hints_of

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

__all__ = ["Signature", "annotations_of", "function_name", "read_signature", "subset"]


@dataclass(slots=True, frozen=True)
class Signature:
    """What a function takes, and how it is called with what was checked."""

    name: str
    """The function's name."""
    doc: Docstring
    """What its docstring says."""
    model: type[BaseModel]
    """Its arguments. A parameter whose name cannot be a field's is a field of another name, with the name as alias."""
    positional: tuple[str, ...]
    """The parameters that can be given by position only."""


def function_name(function: Any) -> str:
    """The name of a function, of what a partial holds, or of the class of an object that can be called."""
    function = _unwrapped(function)
    return str(getattr(function, "__name__", None) or type(function).__name__)


def _unwrapped(function: Any) -> Any:
    """The function that a partial holds."""
    while is_partial(function):
        function = function.func
    return function


def is_partial(function: Any) -> bool:
    """Whether a function is another one of which some arguments are given."""
    return isinstance(function, functools.partial)


def read_signature(
    function: Callable[..., Any],
    *,
    leave_out: Container[str] = (),
    doc: str | None = None,
    docstring_arguments: bool = True,
) -> Signature:
    """What a function takes.

    Args:
        function: The function; a coroutine function, a method, a partial and an object with `__call__` will do.
        leave_out: Parameters that are none of the arguments.
        doc: The docstring; None for the function's own.
        docstring_arguments: Whether what the docstring says of arguments describes them.

    Raises:
        SchemaError: If a type cannot be found, or is none that JSON Schema can say.
    """
    name = function_name(function)
    parameters = _parameters(function, name)
    hints = annotations_of(function)
    said = read_docstring(_doc_of(function) if doc is None else doc)
    fields: dict[str, Any] = {}
    extra: Any = None
    positional: list[str] = []
    for parameter in parameters:
        if parameter.name in leave_out or parameter.kind is parameter.VAR_POSITIONAL:
            continue  # a model names its arguments
        hint = hints.get(parameter.name, Any)
        if parameter.kind is parameter.VAR_KEYWORD:
            extra = hint
            continue
        if parameter.kind is parameter.POSITIONAL_ONLY:
            positional.append(parameter.name)
        described = said.arguments.get(parameter.name) if docstring_arguments else None
        field, definition = _field(parameter, hint, described)
        fields[field] = definition
    model = _model(name, fields, extra)
    return Signature(name, said, model, tuple(positional))


def _parameters(function: Any, name: str) -> list[inspect.Parameter]:
    bound: Mapping[str, Any] = getattr(function, "keywords", {}) if is_partial(function) else {}
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise SchemaError(f"{name} does not say what it takes: {error}", hint="Wrap it in a function.") from error
    return [parameter for parameter in signature.parameters.values() if parameter.name not in bound]


def annotations_of(function: Any) -> dict[str, Any]:
    """The annotations of a function's parameters, with names looked up where it was written.

    Raises:
        SchemaError: If a name cannot be found.
    """
    function = _unwrapped(function)
    if not (inspect.isroutine(function) or inspect.isclass(function)):
        function = type(function).__call__
    function = inspect.unwrap(function)
    try:
        return hints_of(function)
    except NameError as error:
        raise SchemaError(
            f"{function_name(function)} has an annotation that cannot be found: {error.name}.",
            hint="Import it outside of `if TYPE_CHECKING`, or give args_schema.",
        ) from None
    except TypeError:
        return {}


def _doc_of(function: Any) -> str | None:
    function = _unwrapped(function)
    if inspect.isroutine(function) or inspect.isclass(function):
        return function.__doc__
    return type(function).__call__.__doc__ or type(function).__doc__


def _field(parameter: inspect.Parameter, hint: Any, described: str | None) -> tuple[str, Any]:
    """A parameter as a field: its name, and what `create_model` wants to know."""
    name = parameter.name
    more: dict[str, Any] = {}
    # A field cannot have the name of a method of pydantic's, or one with a leading underscore.
    if name.startswith("_") or hasattr(BaseModel, name):
        more["alias"] = name
        name = f"p_{name.lstrip('_')}"
    text = text_in_annotation(hint)[0] or described
    default = parameter.default
    if isinstance(default, FieldInfo):
        if text and default.description is None:
            more["description"] = text
        return name, (Annotated[hint, Field(**more)] if more else hint, default)
    is_described = any(isinstance(item, FieldInfo) and item.description for item in getattr(hint, "__metadata__", ()))
    if text and not is_described:
        more["description"] = text
    if more:
        hint = Annotated[hint, Field(**more)]
    return name, hint if default is parameter.empty else (hint, default)


def _model(name: str, fields: dict[str, Any], extra: Any) -> type[BaseModel]:
    config = ConfigDict(
        arbitrary_types_allowed=True,
        protected_namespaces=(),
        title=name,
        validate_by_alias=True,
        validate_by_name=True,
    )
    if extra is not None:
        config["extra"] = "allow"
    more: dict[str, Any] = {} if extra in (None, Any) else {"__pydantic_extra__": dict[str, extra]}
    base: type[BaseModel] = type("Arguments", (BaseModel,), {"__annotations__": more, "model_config": config})
    try:
        made: type[BaseModel] = create_model(name, __base__=base, **fields)
    except PydanticUserError as error:
        raise SchemaError(f"{name} takes something that pydantic cannot check: {error.message}") from error
    return made


def subset(model: type[BaseModel], leave_out: Container[str]) -> type[BaseModel]:
    """The same class without some fields."""
    fields: dict[str, Any] = {
        name: (info.annotation, info) for name, info in model.model_fields.items() if name not in leave_out
    }
    made: type[BaseModel] = create_model(
        model.__name__, __config__=ConfigDict(**model.model_config), __doc__=model.__doc__, **fields
    )
    return made
