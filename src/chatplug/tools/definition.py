"""`BaseTool`: something that a model may call; a Runnable whose input is a tool call."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, PrivateAttr, field_validator

from chatplug.callbacks.handler import BaseCallbackHandler
from chatplug.callbacks.manager import AsyncCallbackManagerForToolRun, CallbackManagerForToolRun
from chatplug.errors import SchemaError, nearest
from chatplug.json_schema import read_signature
from chatplug.messages import ToolCall
from chatplug.runnables.config import RunnableConfig, resolve
from chatplug.runnables.executor import run_in_executor
from chatplug.runnables.runnable import Runnable
from chatplug.runnables.running import Running
from chatplug.tools.arguments import ArgsSchema, Arguments, checked_schema, runtime_of
from chatplug.tools.run import ErrorHandling, ResponseFormat, ToolRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["BaseTool"]


class BaseTool(BaseModel, Runnable[str | dict[str, Any] | ToolCall, Any]):
    """A tool: a name, what it takes, and what it does.

    A subclass writes `_run`, and `_arun` where it can do better than a worker thread. What it takes is its signature,
    or `args_schema`. Invoked with a tool call, it gives a `ToolMessage` that answers the call; with a dict of arguments
    (or with the only argument as a text) it gives what `_run` gives.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid", protected_namespaces=())

    name: str
    """The name by which the model calls it."""
    description: str = ""
    """What it does, for the model."""
    args_schema: Any = None
    """What it takes: a pydantic class, or a JSON Schema; None for the signature of what it runs."""
    return_direct: bool = False
    """Whether its result ends the conversation: `run_tools` does not ask the model again."""
    response_format: ResponseFormat = "content"
    """Whether it gives its result, or a tuple of what the model sees and what the program gets as `artifact`."""
    handle_tool_error: ErrorHandling = False
    """What becomes of a `ToolException`: raised; or a result with its words (True), this text, or what this gives."""
    handle_validation_error: ErrorHandling = False
    """The same for arguments that it does not take; a function gets pydantic's `ValidationError`."""
    callbacks: list[BaseCallbackHandler] | None = None
    """Who listens to every run of this tool."""
    tags: list[str] | None = None
    """Words to find its runs by."""
    metadata: dict[str, Any] | None = None
    """Facts to keep with its runs."""
    extras: dict[str, Any] | None = None
    """What a provider wants to know of it beside the standard fields."""

    _arguments: Arguments | None = PrivateAttr(default=None)
    _runtimes: dict[str, dict[str, Any]] = PrivateAttr(default_factory=dict[str, dict[str, Any]])

    _reserved: ClassVar[frozenset[str]] = frozenset({"run_manager"})

    @field_validator("args_schema")
    @classmethod
    def _check_schema(cls, value: Any, info: Any) -> Any:
        return None if value is None else checked_schema(str(info.data.get("name")), value)

    @classmethod
    def check_fields(cls, names: Iterable[str]) -> None:
        """Refuse what is no field of a tool, before one is made of it.

        Raises:
            SchemaError: If one of them is none; with the nearest name.
        """
        for name in names:
            if name not in cls.model_fields:
                raise SchemaError(f"A tool has no field {name!r}.", hint=nearest(name, cls.model_fields))

    # ---- what a subclass writes

    @abstractmethod
    def _run(self, /, *args: Any, **kwargs: Any) -> Any:
        """Do it; the arguments come by name. `run_manager` and a parameter of type `RunnableConfig` are filled in."""

    async def _arun(self, /, *args: Any, **kwargs: Any) -> Any:
        """The asynchronous twin of `_run`; in a worker thread unless the class does better."""
        manager = kwargs.get("run_manager")
        if manager is not None:
            kwargs["run_manager"] = manager.get_sync()
        return await run_in_executor(None, partial(self._run, *args, **kwargs))

    def _function(self, method: str) -> Callable[..., Any]:
        """Whose signature says what the tool takes, and what `_run` or `_arun` want of the run."""
        is_own = method == "_arun" and type(self)._arun is not BaseTool._arun  # noqa: SLF001  # its own class's
        return self._arun if is_own else self._run

    # ---- what others see of it

    @property
    def arguments(self) -> Arguments:
        """What it takes, and how that is checked."""
        if self._arguments is None:
            function = self._function("_run")
            positional: tuple[str, ...] = ()
            schema = self.args_schema
            if schema is None:
                signature = read_signature(function, leave_out=runtime_of(function))
                schema, positional = signature.model, signature.positional
            self._arguments = Arguments(self.name, schema, positional)
        elif self._arguments.tool != self.name:
            # A copy with another name shares what its original found out.
            self._arguments = self._arguments.named_after(self.name)
        return self._arguments

    @property
    def args(self) -> dict[str, Any]:
        """The JSON Schema of each argument that the model sees."""
        return self.arguments.properties

    @property
    def tool_call_schema(self) -> ArgsSchema:
        """What the model sees of the arguments: all but those that the program gives."""
        return self.arguments.visible

    def get_name(self) -> str:
        """The name of its runs."""
        return self.name

    def __getstate__(self) -> dict[Any, Any]:
        state = super().__getstate__()
        # What a signature says is a class that was made here: it is found out again where it is wanted.
        return {**state, "__pydantic_private__": {**state["__pydantic_private__"], "_arguments": None}}

    # ---- how it is called

    def invoke(
        self, input: str | dict[str, Any] | ToolCall, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Any:
        """What the tool does with these arguments.

        Args:
            input: A tool call, a dict of arguments, or the only argument as a text.
            config: What is said with this one call.
            **kwargs: Arguments that the program gives beside those of the model.

        Returns:
            For a tool call a `ToolMessage` with its id; else what the tool itself gives.

        Raises:
            ToolArgumentsError: If these are not the arguments that it takes, and nothing handles that.
        """
        run = ToolRun(self, input, resolve(config), kwargs)
        with Running(run, run.child), run:
            positional, named = run.values(self._runtime("_run"), CallbackManagerForToolRun)
            run.give(self._run(*positional, **named))
        return run.output

    async def ainvoke(
        self, input: str | dict[str, Any] | ToolCall, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Any:
        """The asynchronous twin of `invoke`."""
        run = ToolRun(self, input, resolve(config), kwargs)
        async with Running(run, run.child):
            with run:
                positional, named = run.values(self._runtime("_arun"), AsyncCallbackManagerForToolRun)
                run.give(await self._arun(*positional, **named))
        return run.output

    def _runtime(self, method: str) -> dict[str, Any]:
        if method not in self._runtimes:
            self._runtimes[method] = runtime_of(self._function(method))
        return self._runtimes[method]
