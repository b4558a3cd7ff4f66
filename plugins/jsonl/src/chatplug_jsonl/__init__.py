"""Each run of a model, a chain or a tool as one JSON line in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatplug_jsonl.handler import JsonLinesHandler

__all__ = ["JsonLinesHandler"]


def __getattr__(name: str) -> object:
    # `plugin.py` is imported in every process where this is installed; the handler where there is something to write.
    if name != "JsonLinesHandler":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from chatplug_jsonl.handler import JsonLinesHandler

    return JsonLinesHandler
