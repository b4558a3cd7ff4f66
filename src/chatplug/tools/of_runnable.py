"""`RunnableTool`: a Runnable as a tool; `Runnable.as_tool` and `tool("name", runnable)` make it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Union, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic.errors import PydanticUserError

from chatplug.errors import SchemaError
from chatplug.json_schema import adapter_of, class_schema, is_schema_class, plain_name
from chatplug.runnables.config import RunnableConfig
from chatplug.tools.arguments import Arguments, checked_schema, explained, said_by
from chatplug.tools.definition import BaseTool

if TYPE_CHECKING:
    from typing import Self

    from chatplug.runnables.runnable import Runnable
    from chatplug.tools.arguments import ArgsSchema

__all__ = ["RunnableTool"]

_ONLY = "input"
"""The one argument of a tool whose Runnable takes no fields."""


class RunnableTool(BaseTool):
    """A Runnable as a tool: its run is a part of the tool's."""

    runnable: Any
    """What it calls."""
    arg_types: dict[str, Any] | None = None
    """The name and the type of each argument; None for `args_schema`, or for the input type of the Runnable."""

    @classmethod
    def from_runnable(
        cls,
        runnable: Runnable[Any, Any],
        args_schema: ArgsSchema | None = None,
        *,
        name: str | None = None,
        description: str | None = None,
        arg_types: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Self:
        """A tool that calls a Runnable; see `Runnable.as_tool`.

        Raises:
            SchemaError: If nothing says what it takes, it has no name by which a model could call it, or tools have no
                such field.
        """
        cls.check_fields(more)
        name = plain_name(runnable.get_name()) if name is None else name
        types = None if arg_types is None else dict(arg_types)
        made = cls(name=name, runnable=runnable, args_schema=args_schema, arg_types=types, **more)
        if not name:
            raise SchemaError(f"{runnable!r} has no name by which a model could call it.", hint="Give name='...'.")
        takes = json.dumps(made.args)  # or it is found out here that nothing says it
        made.description = description or _said_of(runnable, args_schema) or f"Takes {takes}."
        return made

    @property
    def arguments(self) -> Arguments:
        """What it takes, and how that becomes the input of the Runnable."""
        if self._arguments is None:
            self._arguments = _arguments(self.name, self.runnable, self.args_schema, self.arg_types)
        return super().arguments

    def _run(self, input: Any, config: RunnableConfig) -> Any:
        return self.runnable.invoke(input, config)

    async def _arun(self, input: Any, config: RunnableConfig) -> Any:
        return await self.runnable.ainvoke(input, config)


class _Input(Arguments):
    """Arguments that become one input.

    Args:
        tool: The tool's name.
        schema: What the model sees.
        made: What makes the input of the arguments.
        is_checked_so: Whether that checks them as well, so that nothing else has to.
    """

    def __init__(
        self, tool: str, schema: ArgsSchema, made: Callable[[dict[str, Any]], Any], *, is_checked_so: bool = False
    ) -> None:
        super().__init__(tool, schema)
        self._made = made
        self._is_checked_so = is_checked_so

    def checked(self, given: dict[str, Any], call_id: str | None) -> dict[str, Any]:
        try:
            return {"input": self._made(given if self._is_checked_so else super().checked(given, call_id))}
        except ValidationError as error:
            raise explained(self.tool, error) from error


def _arguments(
    tool: str, runnable: Runnable[Any, Any], args_schema: ArgsSchema | None, arg_types: Mapping[str, Any] | None
) -> Arguments:
    kind = runnable.InputType
    if arg_types is not None:
        args_schema = _model(tool, arg_types)
    if args_schema is not None and args_schema is not kind:
        return _Input(tool, checked_schema(tool, args_schema), dict)
    if is_schema_class(kind):
        schema: ArgsSchema = kind if issubclass(kind, BaseModel) else class_schema(kind)
        return _Input(tool, schema, adapter_of(kind).validate_python, is_checked_so=True)
    if kind is Any or _is_dict(kind):
        raise SchemaError(
            f"Nothing says what the tool {tool!r} takes: the input of its Runnable is {_named(kind)}.",
            hint="Give args_schema or arg_types, or annotate the function with a pydantic class or a TypedDict.",
        )
    if str in get_args(kind) and get_origin(kind) in _UNIONS:
        kind = str  # a model writes texts, whatever else a program may give
    return _Input(tool, _model(tool, {_ONLY: kind}), lambda given: given[_ONLY])


_UNIONS = (Union, type(int | str))


def _is_dict(kind: Any) -> bool:
    origin = get_origin(kind) or kind
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _named(kind: Any) -> str:
    return "of any type" if kind is Any else f"{kind}"


def _said_of(runnable: object, args_schema: object) -> str | None:
    """What a docstring says of it: of the function, of the class of the arguments."""
    function = getattr(runnable, "func", None) or getattr(runnable, "afunc", None)
    return (inspect.getdoc(function) if inspect.isroutine(function) else None) or said_by(args_schema)


def _model(tool: str, fields: Mapping[str, Any]) -> type[BaseModel]:
    for name in fields:
        if name.startswith("_") or name == "model_config":  # which pydantic would leave out without a word
            raise SchemaError(f"The tool {tool!r} cannot have an argument {name!r}.", hint="Give it another name.")
    config = ConfigDict(arbitrary_types_allowed=True)
    try:
        made: type[BaseModel] = cast("Any", create_model)(
            tool, __config__=config, **{name: (one, ...) for name, one in fields.items()}
        )
    except PydanticUserError as error:
        reason = error.message.partition("\n")[0]
        raise SchemaError(f"The tool {tool!r} takes something that pydantic cannot check: {reason}") from error
    return made
