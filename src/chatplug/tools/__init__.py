"""What a model may call: functions as tools, the JSON Schema of whatever describes one, the loop of calls."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatplug.errors import ToolException
    from chatplug.tools.arguments import ArgsSchema, InjectedToolArg, InjectedToolCallId
    from chatplug.tools.convert import (
        ToolLike,
        convert_to_json_schema,
        convert_to_openai_function,
        convert_to_openai_tool,
    )
    from chatplug.tools.definition import BaseTool
    from chatplug.tools.loop import arun_tools, run_tools
    from chatplug.tools.of_runnable import RunnableTool
    from chatplug.tools.structured import StructuredTool, tool

__all__ = [
    "ArgsSchema",
    "BaseTool",
    "InjectedToolArg",
    "InjectedToolCallId",
    "RunnableTool",
    "StructuredTool",
    "ToolException",
    "ToolLike",
    "arun_tools",
    "convert_to_json_schema",
    "convert_to_openai_function",
    "convert_to_openai_tool",
    "run_tools",
    "tool",
]

_HOMES = {
    "ArgsSchema": "tools.arguments",
    "BaseTool": "tools.definition",
    "InjectedToolArg": "tools.arguments",
    "InjectedToolCallId": "tools.arguments",
    "RunnableTool": "tools.of_runnable",
    "StructuredTool": "tools.structured",
    "ToolException": "errors",
    "ToolLike": "tools.convert",
    "arun_tools": "tools.loop",
    "convert_to_json_schema": "tools.convert",
    "convert_to_openai_function": "tools.convert",
    "convert_to_openai_tool": "tools.convert",
    "run_tools": "tools.loop",
    "tool": "tools.structured",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: Any = getattr(import_module(f"chatplug.{home}"), name)
    globals()[name] = value
    return value
