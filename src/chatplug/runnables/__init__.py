"""How things are called."""

from __future__ import annotations

from chatplug.runnables.config import RunnableConfig, ensure_config, merge_configs
from chatplug.runnables.executor import run_in_executor
from chatplug.runnables.runnable import Runnable

__all__ = ["Runnable", "RunnableConfig", "ensure_config", "merge_configs", "run_in_executor"]
