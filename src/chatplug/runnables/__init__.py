"""How things are called, and combined with others."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatplug.runnables.binding import RunnableBinding
    from chatplug.runnables.config import RunnableConfig, ensure_config, merge_configs, patch_config
    from chatplug.runnables.executor import run_in_executor
    from chatplug.runnables.fluent import coerce_to_runnable
    from chatplug.runnables.function import RunnableLambda
    from chatplug.runnables.generator import RunnableGenerator
    from chatplug.runnables.parallel import AddableDict, RunnableMap, RunnableParallel
    from chatplug.runnables.runnable import Runnable
    from chatplug.runnables.sequence import RunnableSequence

__all__ = [
    "AddableDict",
    "Runnable",
    "RunnableBinding",
    "RunnableConfig",
    "RunnableGenerator",
    "RunnableLambda",
    "RunnableMap",
    "RunnableParallel",
    "RunnableSequence",
    "coerce_to_runnable",
    "ensure_config",
    "merge_configs",
    "patch_config",
    "run_in_executor",
]

_HOMES = {
    "AddableDict": "parallel",
    "Runnable": "runnable",
    "RunnableBinding": "binding",
    "RunnableConfig": "config",
    "RunnableGenerator": "generator",
    "RunnableLambda": "function",
    "RunnableMap": "parallel",
    "RunnableParallel": "parallel",
    "RunnableSequence": "sequence",
    "coerce_to_runnable": "fluent",
    "ensure_config": "config",
    "merge_configs": "config",
    "patch_config": "config",
    "run_in_executor": "executor",
}


def __getattr__(name: str) -> object:
    # A program that calls a model and combines nothing does not wait for what combines.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
