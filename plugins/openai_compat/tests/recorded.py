"""The recordings of chat completions, and which provider of ours each of them is."""

from __future__ import annotations

from typing import Any

from chatplug_openai_compat.gateway import GENERIC, Gateway, gateway_names, gateway_of

__all__ = ["gateway_of_recording"]

_OTHER_NAMES = {"alibaba": "dashscope", "azure": "azure_openai"}


def gateway_of_recording(rec: Any) -> Gateway:
    """The row of the provider that was recorded; the general one for those that have none."""
    name = _OTHER_NAMES.get(rec.provider, rec.provider)
    return gateway_of(name if name in gateway_names() else GENERIC)
