"""One run of a tool, from its arguments to its result; what the drivers in `definition.py` pass things through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from chatplug.callbacks.ambient import ambient_handlers
from chatplug.callbacks.life import Life, each_once
from chatplug.callbacks.run import Run
from chatplug.errors import PluginHookError, ToolArgumentsError, ToolException
from chatplug.messages import ToolMessage
from chatplug.runnables.config import NOTHING, HandedConfig, child_config
from chatplug.wire.shape import is_array, is_object, is_tuple

if TYPE_CHECKING:
    from types import TracebackType

    from chatplug.callbacks import BaseCallbackHandler
    from chatplug.callbacks.life import Event
    from chatplug.callbacks.manager import AsyncCallbackManagerForToolRun, CallbackManagerForToolRun
    from chatplug.callbacks.run import RunKind
    from chatplug.messages import Content
    from chatplug.runnables.config import ResolvedConfig
    from chatplug.tools.arguments import Arguments, Runtime

__all__ = ["ErrorHandling", "ResponseFormat", "ToolRun"]

ErrorHandling: TypeAlias = bool | str | Callable[[Any], Any] | None
"""What becomes of an error: raised where it is falsy; else a result, with its words, this text, or what this gives."""
ResponseFormat: TypeAlias = Literal["content", "content_and_artifact"]
"""Whether a tool gives its result, or a tuple of what the model sees and what the program gets."""


class Callee(Protocol):
    """What a run has to know of the tool."""

    name: str
    description: str
    response_format: ResponseFormat
    handle_tool_error: ErrorHandling
    handle_validation_error: ErrorHandling
    callbacks: list[BaseCallbackHandler] | None
    tags: list[str] | None
    metadata: dict[str, Any] | None

    @property
    def arguments(self) -> Arguments: ...


class ToolRun(Life):
    """A run of a tool; as a `with` block it makes a result of the errors that the tool wants handled."""

    __slots__ = ("_fault", "_given", "_tool", "call_id", "child", "config", "output")

    kind: ClassVar[RunKind] = "tool"

    def __init__(self, tool: Callee, value: object, config: ResolvedConfig, more: Mapping[str, Any]) -> None:
        self._tool = tool
        self.call_id: str | None = None
        if is_object(value) and value.get("type") == "tool_call":
            self.call_id = value.get("id") or ""
            value = value.get("args") or {}
        self._fault: ToolArgumentsError | None = None
        try:
            self._given = {**tool.arguments.by_name(value), **more}
        except ToolArgumentsError as error:
            self._given, self._fault = dict(more), error  # raised inside the run, so that handlers hear of it
        self.config = config
        self.status = None
        self.run: Run | None = None
        self.child: ResolvedConfig | None = None
        """What the tool hands on to what it calls; None where there is nothing to hand on."""
        self.output: Any = None
        """What the tool gave, as the caller gets it."""
        self.handlers = each_once(config.handlers, tool.callbacks or (), ambient_handlers())
        if self.handlers or config is not NOTHING:
            self.run = run = Run(
                "tool",
                config.get("run_name") or tool.name,
                config.parent,
                id=config.get("run_id"),
                tags=list(dict.fromkeys([*config.get("tags", ()), *(tool.tags or ())])),
                metadata={**(tool.metadata or {}), **config.get("metadata", {})},
            )
            run.inputs = self.shown
            self.child = child_config(config, run)

    @property
    def shown(self) -> dict[str, Any]:
        """The arguments that others may see: not those that the program put in."""
        return self._tool.arguments.without_injected(self._given)

    # ---- what goes in

    def values(
        self, wanted: Mapping[str, Runtime], manager: type[CallbackManagerForToolRun | AsyncCallbackManagerForToolRun]
    ) -> tuple[list[Any], dict[str, Any]]:
        """What the tool's function is called with, by position and by name.

        Args:
            wanted: What it asks of the run.
            manager: The class of the manager that it gets.

        Raises:
            ToolArgumentsError: If the arguments are not what the tool takes.
        """
        arguments = self._tool.arguments
        try:
            if self._fault is not None:
                raise self._fault
            named = arguments.checked(self._given, self.call_id)
        except ToolArgumentsError as error:
            self._fault = error  # not to be taken for one of a tool that this one calls
            raise
        for name, what in wanted.items():
            if what == "config":
                named[name] = {} if self.child is None else HandedConfig(self.child)
            else:
                inherited = self.child.get("callbacks") if self.child else None
                named[name] = manager(self, inherited) if self.handlers else None
        return [named.pop(name) for name in arguments.positional], named

    # ---- what comes out

    def give(self, result: Any) -> None:
        """Take what the tool gave."""
        artifact = None
        if self._tool.response_format == "content_and_artifact":
            result, artifact = self._pair(result)
        self.output = self._as_message(result, artifact)

    def _pair(self, result: object) -> tuple[Any, Any]:
        if is_tuple(result) and len(result) == 2:
            return result[0], result[1]
        raise PluginHookError(
            f"The tool {self._tool.name!r} gave {type(result).__name__}.",
            hint="With response_format='content_and_artifact' it has to give a tuple of the two.",
        )

    def _as_message(self, content: Any, artifact: Any = None, status: Literal["success", "error"] = "success") -> Any:
        if self.call_id is None or isinstance(content, ToolMessage):
            return content
        return ToolMessage(_content(content), self.call_id, name=self._tool.name, artifact=artifact, status=status)

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        fault = self._fault
        if fault is not None and error is fault:
            said = _handled(self._tool.handle_validation_error, fault, fault.__cause__)
        elif isinstance(error, ToolException):
            said = _handled(self._tool.handle_tool_error, error, error)
        else:
            return False
        if said is None:
            return False
        self.output = self._as_message(said, status="error")
        return True

    # ---- what handlers hear

    def start_event(self) -> Event:
        """The arguments, without those that the program put in."""
        tool = self._tool
        shown = self.shown
        serialized = {"name": tool.name, "description": tool.description}
        run = self.run
        assert run is not None, "handlers hear of a run"
        return self.event(
            "on_tool_start",
            serialized,
            str(shown),
            inputs=shown,
            metadata=dict(run.metadata),
            name=run.name,
        )

    def outcome(self) -> tuple[Any, ...]:
        """What the tool gave."""
        return (self.output,)

    def close_run(self, run: Run) -> None:
        """Write on the run what the tool gave."""
        run.output = self.output


def _handled(how: ErrorHandling, error: Exception, cause: object) -> Any:
    """What the model is told of an error; None where it is to be raised."""
    if not how:
        return None
    if callable(how):
        return how(cause if isinstance(cause, ValidationError) else error)
    return how if isinstance(how, str) else str(error)


def _content(value: Any) -> Content:
    """A result as the model sees it: texts and content blocks as they are, anything else as JSON."""
    if isinstance(value, str):
        return value
    if is_array(value) and value and all(_is_block(item) for item in value):
        return value
    if isinstance(value, BaseModel):
        return value.model_dump_json()
    try:
        return to_json(value).decode()
    except (TypeError, ValueError):
        return str(value)


def _is_block(item: object) -> bool:
    return isinstance(item, str) or (is_object(item) and isinstance(item.get("type"), str))
