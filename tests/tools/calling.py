"""What the tests of this folder share: a tool, a listener, and the two ways to call."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel

from chatplug.callbacks import BaseCallbackHandler
from chatplug.runnables import RunnableConfig
from chatplug.tools import BaseTool, tool


def call(name: str, identity: str = "call_1", **args: Any) -> dict[str, Any]:
    return {"type": "tool_call", "name": name, "args": args, "id": identity}


def invoke(how: str, one: BaseTool, value: Any, config: RunnableConfig | None = None, **more: Any) -> Any:
    if how == "sync":
        return one.invoke(value, config, **more)
    return asyncio.run(one.ainvoke(value, config, **more))


both = pytest.mark.parametrize("how", ["sync", "async"])


@tool
def weather(city: str, days: int = 1) -> str:
    """The weather in a city.

    Args:
        city: Where
        days: How many
    """
    return f"{city}: sunny for {days} days"


def same(city: Any) -> Any:
    return city


class Where(BaseModel):
    """A place."""

    city: str


class Recorder(BaseCallbackHandler):
    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []

    def on_tool_start(self, serialized: Any, input_str: Any, **kwargs: Any) -> None:
        self.heard.append(("start", (serialized, input_str, kwargs["inputs"], kwargs["run_id"], kwargs["name"])))

    def on_tool_end(self, output: Any, **kwargs: Any) -> None:
        self.heard.append(("end", output))

    def on_tool_error(self, error: Any, **kwargs: Any) -> None:
        self.heard.append(("error", error))

    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        self.heard.append(("model", kwargs["parent_run_id"]))
