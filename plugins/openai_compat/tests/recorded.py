"""The recordings of chat completions, and which provider of ours each of them is."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

from chatplug_openai_compat.gateway import GENERIC, Gateway, gateway_names, gateway_of

__all__ = ["gateway_of_recording", "load_replay"]

_OTHER_NAMES = {"alibaba": "dashscope", "azure": "azure_openai"}


def load_replay(folder: Path) -> Any:
    """The module beside the recordings that reads and serves them."""
    if "replay" not in sys.modules:
        spec = importlib.util.spec_from_file_location("replay", folder / "replay.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["replay"] = module
        spec.loader.exec_module(module)
    return sys.modules["replay"]


def gateway_of_recording(rec: Any) -> Gateway:
    """The row of the provider that was recorded; the general one for those that have none."""
    name = _OTHER_NAMES.get(rec.provider, rec.provider)
    return gateway_of(name if name in gateway_names() else GENERIC)
