"""Who listens to runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatplug.callbacks.cost import CostCallbackHandler, get_cost_callback
    from chatplug.callbacks.custom_event import adispatch_custom_event, dispatch_custom_event
    from chatplug.callbacks.handler import AsyncCallbackHandler, BaseCallbackHandler
    from chatplug.callbacks.listener import HandlerReport, handler_reports
    from chatplug.callbacks.manager import (
        AsyncCallbackManagerForChainRun,
        AsyncCallbackManagerForLLMRun,
        AsyncCallbackManagerForToolRun,
        CallbackManager,
        CallbackManagerForChainRun,
        CallbackManagerForLLMRun,
        CallbackManagerForToolRun,
    )
    from chatplug.callbacks.printing import StreamingStdOutCallbackHandler
    from chatplug.callbacks.run import Run, RunKind, RunStatus, UsageStatus
    from chatplug.callbacks.settling import aflush, flush
    from chatplug.callbacks.usage import UsageMetadataCallbackHandler, get_usage_metadata_callback

__all__ = [
    "AsyncCallbackHandler",
    "AsyncCallbackManagerForChainRun",
    "AsyncCallbackManagerForLLMRun",
    "AsyncCallbackManagerForToolRun",
    "BaseCallbackHandler",
    "CallbackManager",
    "CallbackManagerForChainRun",
    "CallbackManagerForLLMRun",
    "CallbackManagerForToolRun",
    "CostCallbackHandler",
    "HandlerReport",
    "Run",
    "RunKind",
    "RunStatus",
    "StreamingStdOutCallbackHandler",
    "UsageMetadataCallbackHandler",
    "UsageStatus",
    "adispatch_custom_event",
    "aflush",
    "dispatch_custom_event",
    "flush",
    "get_cost_callback",
    "get_usage_metadata_callback",
    "handler_reports",
]

_HOMES = {
    "AsyncCallbackHandler": "handler",
    "AsyncCallbackManagerForChainRun": "manager",
    "AsyncCallbackManagerForLLMRun": "manager",
    "AsyncCallbackManagerForToolRun": "manager",
    "BaseCallbackHandler": "handler",
    "CallbackManager": "manager",
    "CallbackManagerForChainRun": "manager",
    "CallbackManagerForLLMRun": "manager",
    "CallbackManagerForToolRun": "manager",
    "CostCallbackHandler": "cost",
    "HandlerReport": "listener",
    "Run": "run",
    "RunKind": "run",
    "RunStatus": "run",
    "StreamingStdOutCallbackHandler": "printing",
    "UsageMetadataCallbackHandler": "usage",
    "UsageStatus": "run",
    "adispatch_custom_event": "custom_event",
    "aflush": "settling",
    "dispatch_custom_event": "custom_event",
    "flush": "settling",
    "get_cost_callback": "cost",
    "get_usage_metadata_callback": "usage",
    "handler_reports": "listener",
}


def __getattr__(name: str) -> object:
    # Most programs have no handlers: what handlers need is imported when there is one.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
