"""Functions as tools: `StructuredTool`, and the decorator `@tool`."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial, reduce
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, overload

from pydantic import PrivateAttr

from chatplug.errors import InvalidRequestError, SchemaError
from chatplug.json_schema import read_signature
from chatplug.runnables.executor import run_in_executor
from chatplug.runnables.fluent import is_runnable
from chatplug.tools.arguments import Arguments, callable_name, checked_schema, runtime_of, said_by
from chatplug.tools.definition import BaseTool
from chatplug.tools.of_runnable import RunnableTool

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from chatplug.runnables.runnable import Runnable
    from chatplug.tools.arguments import ArgsSchema
    from chatplug.tools.run import ResponseFormat

__all__ = ["StructuredTool", "tool"]


class StructuredTool(BaseTool):
    """A function as a tool; `StructuredTool.from_function` and `@tool` make it."""

    func: Callable[..., Any] | None = None
    """What it does."""
    coroutine: Callable[..., Awaitable[Any]] | None = None
    """What it does where it is called asynchronously; None for `func` in a worker thread."""

    _signature: tuple[ArgsSchema, bool] | None = PrivateAttr(default=None)
    """What was read of the function, and whether its docstring was told to say what each argument is."""

    @classmethod
    def from_function(  # noqa: PLR0913  # one parameter for each field
        cls,
        func: Callable[..., Any] | None = None,
        coroutine: Callable[..., Awaitable[Any]] | None = None,
        name: str | None = None,
        description: str | None = None,
        return_direct: bool = False,  # noqa: FBT001, FBT002  # the order that is known
        args_schema: ArgsSchema | None = None,
        *,
        response_format: ResponseFormat = "content",
        parse_docstring: bool = True,
        error_on_invalid_docstring: bool = False,
        **more: Any,
    ) -> Self:
        """A tool that runs a function.

        Args:
            func: What it does; a coroutine function counts as `coroutine`.
            coroutine: What it does where it is called asynchronously.
            name: Its name; None for the function's.
            description: What it does, for the model; None for the docstring.
            return_direct: Whether its result ends the conversation.
            args_schema: What it takes; None for the function's signature.
            response_format: Whether it gives a tuple of what the model sees and what the program gets.
            parse_docstring: Whether what the docstring says of each argument goes to that argument. Without it all of
                the docstring is the description.
            error_on_invalid_docstring: Whether a docstring that tells of arguments which are not there is an error.
            **more: Other fields of the tool.

        Raises:
            SchemaError: If nothing says what it does, its signature has no JSON Schema, or tools have no such field.
        """
        cls.check_fields(more)
        if func is not None and coroutine is None and _is_coroutine_function(func):
            func, coroutine = None, func
        source = func or coroutine
        if source is None:
            raise SchemaError("A tool needs a function.", hint="Give func, coroutine, or both.")
        _check_is_function(source)
        signature = read_signature(source, leave_out=runtime_of(source), docstring_arguments=parse_docstring)
        name = name or callable_name(signature.name)
        schema = signature.model if args_schema is None else checked_schema(name, args_schema)
        described = signature.doc
        strangers = [argument for argument in described.arguments if argument not in _known(source)]
        if strangers and parse_docstring and error_on_invalid_docstring:
            raise SchemaError(f"The docstring of {name!r} tells of {strangers[0]!r}, which it does not take.")
        if description is None:
            description = described.text if parse_docstring else inspect.getdoc(source)
            description = description or said_by(args_schema)
        if not description:
            raise SchemaError(
                f"Nothing says what the tool {name!r} does.", hint="Give it a docstring, or description='...'."
            )
        made = cls(
            name=name,
            description=description,
            func=func,
            coroutine=coroutine,
            args_schema=schema,
            return_direct=return_direct,
            response_format=response_format,
            **more,
        )
        made._arguments = Arguments(name, schema, signature.positional)
        made._signature = signature.model, parse_docstring
        return made

    # ---- pickled: what was made of the function is left out, and made of it again

    def __reduce_ex__(self, protocol: Any) -> Any:
        # What `@tool` was written above is the tool: nobody finds the function by its name, and all find the tool.
        source = self.func or self.coroutine
        with suppress(AttributeError, ImportError):
            place: tuple[str, str] = source.__module__, source.__qualname__  # type: ignore[union-attr]  # suppressed
            if _found(*place) is self:
                return _found, place
        return super().__reduce_ex__(protocol)

    def __getstate__(self) -> dict[Any, Any]:
        state = super().__getstate__()
        if self._signature is None:
            return state
        schema, parses = self._signature
        fields, private = state["__dict__"], state["__pydantic_private__"]
        if self.args_schema is schema:
            fields = {**fields, "args_schema": None}
        return {**state, "__dict__": fields, "__pydantic_private__": {**private, "_signature": (None, parses)}}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        super().__setstate__(state)
        source = self.func or self.coroutine
        if self._signature is None or source is None:
            return
        parses = self._signature[1]
        signature = read_signature(source, leave_out=runtime_of(source), docstring_arguments=parses)
        if self.args_schema is None:
            self.args_schema = signature.model
        self._arguments = Arguments(self.name, self.args_schema, signature.positional)
        self._signature = signature.model, parses

    def _run(self, /, *args: Any, **kwargs: Any) -> Any:
        if self.func is None:
            raise InvalidRequestError(
                f"The tool {self.name!r} can only be called asynchronously.", hint="Use `await tool.ainvoke(...)`."
            )
        return self.func(*args, **kwargs)

    async def _arun(self, /, *args: Any, **kwargs: Any) -> Any:
        if self.coroutine is not None:
            return await self.coroutine(*args, **kwargs)
        kwargs = {name: value.get_sync() if hasattr(value, "get_sync") else value for name, value in kwargs.items()}
        return await run_in_executor(None, partial(self._run, *args, **kwargs))

    def _function(self, method: str) -> Callable[..., Any]:
        function = self.coroutine or self.func if method == "_arun" else self.func or self.coroutine
        return self._run if function is None else function


def _found(module: str, qualname: str) -> Any:
    """What stands in a module under a name."""
    return reduce(getattr, qualname.split("."), import_module(module))


def _check_is_function(source: object) -> None:
    """Refuse what would offer the model nonsense: a class, and a method without its object."""
    if isinstance(source, type):
        hint = "Give it to bind_tools as it is, or write a function that takes it."
        raise SchemaError(f"The class {source.__name__} does nothing that a model could call.", hint=hint)
    if inspect.isfunction(source) and next(iter(inspect.signature(source).parameters), "") == "self":
        hint = "Make the tool of the method of an object: tool(thing.method)."
        raise SchemaError(f"{source.__qualname__} takes self, which no model can give.", hint=hint)


def _is_coroutine_function(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004  # not whether, but how


def _known(function: Callable[..., Any]) -> set[str]:
    return set(inspect.signature(function).parameters)


class _Decorator(Protocol):
    """What `@tool(...)` gives."""

    @overload
    def __call__(self, thing: Runnable[Any, Any], /) -> RunnableTool: ...
    @overload
    def __call__(self, thing: Callable[..., Any], /) -> StructuredTool: ...


@overload
def tool(runnable: Runnable[Any, Any], /, **more: Any) -> RunnableTool: ...
@overload
def tool(function: Callable[..., Any], /, **more: Any) -> StructuredTool: ...
@overload
def tool(
    name: str,
    runnable: Runnable[Any, Any],
    /,
    *,
    description: str | None = None,
    return_direct: bool = False,
    args_schema: ArgsSchema | None = None,
    response_format: ResponseFormat = "content",
    **more: Any,
) -> RunnableTool: ...
@overload
def tool(
    name: str | None = None,
    /,
    *,
    description: str | None = None,
    return_direct: bool = False,
    args_schema: ArgsSchema | None = None,
    response_format: ResponseFormat = "content",
    parse_docstring: bool = True,
    error_on_invalid_docstring: bool = False,
    **more: Any,
) -> _Decorator: ...
def tool(name_or_function: Any = None, runnable: Any = None, /, **more: Any) -> Any:
    """A function as a tool: `@tool`, `@tool("name")` or `@tool(return_direct=True, ...)`; or a Runnable.

    Name, description and what it takes come from the function: its name, its docstring, its annotations. Of a Runnable,
    `tool("name", runnable)`, they are what `Runnable.as_tool` says.

    Args:
        name_or_function: The function, or the tool's name.
        runnable: What a tool of this name calls; without it the function below `@tool`.
        **more: As for `StructuredTool.from_function` and `Runnable.as_tool`.

    Raises:
        SchemaError: If nothing says what it does, or its signature has no JSON Schema.

    >>> @tool
    ... def weather(city: str) -> str:
    ...     '''The weather in a city.'''
    ...     return f"Sunny in {city}."
    >>> weather.invoke({"city": "Bern"})
    'Sunny in Bern.'
    """
    name = name_or_function if isinstance(name_or_function, str) else None
    if runnable is not None:
        if name is None or not is_runnable(runnable):
            raise SchemaError("tool takes a function, or a name and a Runnable.", hint="Write tool('name', runnable).")
        return _made(name, runnable, more)
    if name_or_function is not None and name is None:
        return _made(None, name_or_function, more)
    return partial(_made, name, more=more)


def _made(name: str | None, thing: Any, more: Mapping[str, Any]) -> StructuredTool | RunnableTool:
    if is_runnable(thing):
        return RunnableTool.from_runnable(thing, name=name, **more)
    return StructuredTool.from_function(thing, name=name, **more)
