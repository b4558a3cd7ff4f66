"""The arguments of a tool: what the model sees of them, what the program puts in, and how they are checked."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any, Literal, TypeAlias

import typing_extensions
from pydantic import BaseModel, ValidationError

from chatplug.callbacks.manager import AsyncCallbackManagerForToolRun, CallbackManagerForToolRun
from chatplug.errors import SchemaError, ToolArgumentsError
from chatplug.json_schema import class_schema, is_schema_class, json_copy
from chatplug.json_schema.signature import annotations_of, subset
from chatplug.runnables.config import RunnableConfig
from chatplug.wire.shape import is_class, is_mapping

__all__ = [
    "ArgsSchema",
    "Arguments",
    "InjectedToolArg",
    "InjectedToolCallId",
    "Runtime",
    "callable_name",
    "checked_schema",
    "explained",
    "runtime_of",
    "said_by",
]

ArgsSchema: TypeAlias = type[BaseModel] | dict[str, Any]
"""What a tool takes: a pydantic class, which checks it, or a JSON Schema, which only says it."""


class InjectedToolArg:
    """Marks an argument that the program gives: `Annotated[str, InjectedToolArg]`. The model does not see it."""


class InjectedToolCallId(InjectedToolArg):
    """Marks an argument that gets the id of the tool call: `Annotated[str, InjectedToolCallId]`."""


class Arguments:
    """What one tool takes.

    Args:
        tool: The tool's name.
        schema: What it takes, all of it.
        positional: The parameters that can be given by position only.
    """

    def __init__(self, tool: str, schema: ArgsSchema, positional: tuple[str, ...] = ()) -> None:
        self.tool = tool
        self.positional = positional
        self._schema = schema
        self._hidden: set[str] = set()
        self._call_ids: list[str] = []
        self._names: dict[str, str] = {}
        """Of a pydantic class, each field and the name of its parameter."""
        if isinstance(schema, dict):
            self.visible: ArgsSchema = schema
            return
        for field, info in schema.model_fields.items():
            name = info.alias or field
            self._names[field] = name
            marks = [mark for item in (info.annotation, *info.metadata) for mark in _marks_in(item)]
            if marks:
                self._hidden.update((field, name))
            if any(_is_mark(mark, InjectedToolCallId) for mark in marks):
                self._call_ids.append(name)
        self.visible = subset(schema, self._hidden) if self._hidden else schema
        """What the model sees of it."""

    def named_after(self, tool: str) -> Arguments:
        """The same arguments of a tool with another name."""
        copied = copy(self)
        copied.tool = tool
        return copied

    @property
    def properties(self) -> dict[str, Any]:
        """The JSON Schema of each argument that the model sees."""
        schema = json_copy(self.visible) if isinstance(self.visible, dict) else class_schema(self.visible)
        properties: dict[str, Any] = schema.get("properties", {})
        return properties

    @property
    def injected(self) -> frozenset[str]:
        """The arguments that the program gives."""
        return frozenset(self._hidden)

    @property
    def asked_of_program(self) -> list[str]:
        """Those of them that the program has to give."""
        if isinstance(self._schema, dict):
            return []
        fields = self._schema.model_fields
        required = [name for field, name in self._names.items() if fields[field].is_required()]
        return [name for name in required if name in self._hidden and name not in self._call_ids]

    def without_injected(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments as they may be shown, and as a model may give them."""
        return {name: value for name, value in given.items() if name not in self._hidden}

    def by_name(self, given: object) -> dict[str, Any]:
        """The arguments as a dict of one's own; a text is the only argument.

        Raises:
            ToolArgumentsError: If they are neither, or a text is given to a tool that takes more.
        """
        if is_mapping(given):
            return dict(given)
        names = list(self.properties)
        if isinstance(given, str) and len(names) == 1:
            return {names[0]: given}
        takes = f"It takes {', '.join(names)}." if names else "It takes no arguments."
        raise self._error(f"cannot be called with a {type(given).__name__}.", hint=f"{takes} Give a dict.")

    def checked(self, given: dict[str, Any], call_id: str | None) -> dict[str, Any]:
        """The arguments by the names of the tool's parameters, checked and converted.

        Args:
            given: The arguments.
            call_id: The id of the tool call; None where it is none.

        Raises:
            ToolArgumentsError: If they are not what the tool takes; the cause is pydantic's error.
        """
        schema = self._schema
        if self._call_ids:
            if call_id is None:
                raise self._error("wants the id of its call.", hint="Give the whole tool call: tool.invoke(tool_call).")
            given = {**given, **dict.fromkeys(self._call_ids, call_id)}
        if isinstance(schema, dict):
            missing = [name for name in schema.get("required", ()) if name not in given]
            if missing:
                raise self._error(f"does not take these arguments: {missing[0]}: Field required")
            return given
        try:
            checked = schema.model_validate(given)
        except ValidationError as error:
            raise explained(self.tool, error) from error
        values = {name: getattr(checked, field) for field, name in self._names.items()}
        return {**values, **(checked.model_extra or {})}

    def _error(self, what: str, hint: str | None = None) -> ToolArgumentsError:
        error = ToolArgumentsError(f"The tool {self.tool!r} {what}", hint=hint)
        error.tool = self.tool
        return error


def said_by(schema: object) -> str | None:
    """What a schema says of itself: its description, or the docstring of the class."""
    if isinstance(schema, dict):
        return schema.get("description")  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]  # of JSON
    return inspect.cleandoc(schema.__doc__) if isinstance(schema, type) and schema.__doc__ else None


def callable_name(name: str) -> str:
    """A function's name as the name of a tool.

    Raises:
        SchemaError: If the function has none.
    """
    if name == "<lambda>":
        raise SchemaError("A lambda has no name by which a model could call it.", hint="Write it with `def`.")
    return name


def explained(tool: str, error: ValidationError) -> ToolArgumentsError:
    """What is wrong with the arguments, in words that a model can act on; without the values, which may be secret."""
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    told = "; ".join(f"{'.'.join(str(part) for part in fault['loc']) or 'all'}: {fault['msg']}" for fault in faults)
    made = ToolArgumentsError(f"The tool {tool!r} does not take these arguments: {told}")
    made.tool = tool
    return made


def _marks_in(annotation: Any) -> list[Any]:
    """The marks of an annotation, also of `Optional[Annotated[...]]` and of what stands in the metadata by itself."""
    if _is_mark(annotation, InjectedToolArg):
        return [annotation]
    if typing_extensions.get_origin(annotation) is None:
        return []
    marks = [mark for mark in getattr(annotation, "__metadata__", ()) if _is_mark(mark, InjectedToolArg)]
    parts = typing_extensions.get_args(annotation)
    return marks + [mark for part in parts for mark in _marks_in(part) if isinstance(part, type) is False]


def _is_mark(value: Any, kind: type) -> bool:
    return isinstance(value, kind) or (isinstance(value, type) and issubclass(value, kind))


Runtime = Literal["config", "run_manager"]
"""What a tool's function may ask of the run it works in."""

_MANAGERS = (CallbackManagerForToolRun, AsyncCallbackManagerForToolRun)


def runtime_of(function: Callable[..., Any]) -> dict[str, Runtime]:
    """The parameters of a function that get something of the run: by annotation, or by the name `run_manager`."""
    found: dict[str, Runtime] = {}
    code = getattr(function, "__code__", None)
    if code is not None and "run_manager" in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
        found["run_manager"] = "run_manager"
    for name, annotation in annotations_of(function).items():
        # No set: what `Annotated` holds need not have a hash.
        kinds = [annotation, *typing_extensions.get_args(annotation)]
        if any(kind is RunnableConfig for kind in kinds):
            found[name] = "config"
        elif any(kind is manager for kind in kinds for manager in _MANAGERS):
            found[name] = "run_manager"
    found.pop("return", None)
    return found


def checked_schema(tool: str, schema: object) -> ArgsSchema:
    """What a tool's author gave as `args_schema`.

    Raises:
        SchemaError: If it is neither a pydantic class nor a JSON Schema.
    """
    if is_class(schema) and issubclass(schema, BaseModel):
        return schema
    if is_mapping(schema):
        return dict(schema)
    hint = "Give a pydantic class, or a JSON Schema."
    if is_class(schema) and is_schema_class(schema):
        hint = f"{hint} {schema.__name__} may be a pydantic class as well."
    raise SchemaError(f"args_schema of the tool {tool!r} is neither.", hint=hint)
