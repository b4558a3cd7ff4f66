"""How things are called, and combined with others."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatplug.runnables.attempts import RetryState
    from chatplug.runnables.binding import RunnableBinding
    from chatplug.runnables.branch import RunnableBranch
    from chatplug.runnables.config import RunnableConfig, ensure_config, merge_configs, patch_config
    from chatplug.runnables.configurable import (
        ConfigurableField,
        RunnableConfigurableAlternatives,
        RunnableConfigurableFields,
    )
    from chatplug.runnables.each import RunnableEach
    from chatplug.runnables.events import StreamEvent
    from chatplug.runnables.executor import run_in_executor
    from chatplug.runnables.fallbacks import RunnableWithFallbacks
    from chatplug.runnables.fluent import chain, coerce_to_runnable
    from chatplug.runnables.function import RunnableLambda
    from chatplug.runnables.generator import RunnableGenerator
    from chatplug.runnables.parallel import AddableDict, RunnableMap, RunnableParallel
    from chatplug.runnables.passthrough import RunnableAssign, RunnablePassthrough, RunnablePick
    from chatplug.runnables.retry import ExponentialJitterParams, RunnableRetry
    from chatplug.runnables.runnable import Runnable
    from chatplug.runnables.sequence import RunnableSequence

__all__ = [
    "AddableDict",
    "ConfigurableField",
    "ExponentialJitterParams",
    "RetryState",
    "Runnable",
    "RunnableAssign",
    "RunnableBinding",
    "RunnableBranch",
    "RunnableConfig",
    "RunnableConfigurableAlternatives",
    "RunnableConfigurableFields",
    "RunnableEach",
    "RunnableGenerator",
    "RunnableLambda",
    "RunnableMap",
    "RunnableParallel",
    "RunnablePassthrough",
    "RunnablePick",
    "RunnableRetry",
    "RunnableSequence",
    "RunnableWithFallbacks",
    "StreamEvent",
    "chain",
    "coerce_to_runnable",
    "ensure_config",
    "merge_configs",
    "patch_config",
    "run_in_executor",
]

_HOMES = {
    "AddableDict": "parallel",
    "ConfigurableField": "configurable",
    "ExponentialJitterParams": "retry",
    "RetryState": "attempts",
    "Runnable": "runnable",
    "RunnableAssign": "passthrough",
    "RunnableBinding": "binding",
    "RunnableBranch": "branch",
    "RunnableConfig": "config",
    "RunnableConfigurableAlternatives": "configurable",
    "RunnableConfigurableFields": "configurable",
    "RunnableEach": "each",
    "RunnableGenerator": "generator",
    "RunnableLambda": "function",
    "RunnableMap": "parallel",
    "RunnableParallel": "parallel",
    "RunnablePassthrough": "passthrough",
    "RunnablePick": "passthrough",
    "RunnableRetry": "retry",
    "RunnableSequence": "sequence",
    "RunnableWithFallbacks": "fallbacks",
    "StreamEvent": "events",
    "chain": "fluent",
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
