"""One hook of one plugin: called directly, through the manager, and by pluggy."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pluggy

from chatplug import hookimpl
from chatplug.messages import HumanMessage
from chatplug.plugins import ChatplugSpecs, Declaration, PluginManager


class Letter:
    def __init__(self, text: str) -> None:
        self.text = text


class Letters:
    @hookimpl
    def chatplug_import_messages(self, value: object) -> Any:
        return [HumanMessage(value.text)] if isinstance(value, Letter) else None


def cases(way: str) -> dict[str, Any]:
    """The cases; `way` is `direct`, `manager` or `pluggy`."""
    plugin = Letters()
    module = ModuleType("bench_letters")
    module.plugin = plugin  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    declared = {"letters": [Declaration("letters", "bench_letters:plugin", "bench-letters", "1.0")]}
    pm = pluggy.PluginManager("chatplug")
    pm.add_hookspecs(ChatplugSpecs)
    pm.register(plugin)
    by_pluggy = pm.hook.chatplug_import_messages
    ways: dict[str, Any] = {
        "direct": plugin.chatplug_import_messages,
        "manager": PluginManager({}, declared).import_messages,
        "pluggy": lambda value: by_pluggy(value=value),
    }
    call = ways[way]
    known, unknown = Letter("Hello"), object()

    def hook(number: int) -> object:
        answer = None
        for _ in range(number):
            answer = call(known)
        return answer[0].text if answer else None

    def hook_without_answer(number: int) -> object:
        answer = None
        for _ in range(number):
            answer = call(unknown)
        return answer

    return {"hook": hook, "hook_without_answer": hook_without_answer}
