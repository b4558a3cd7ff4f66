"""Asking a model or whatever is made of one, synchronously and asynchronously."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

__all__ = ["both", "invoke", "stream"]

both = pytest.mark.parametrize("how", ["sync", "async"])


def invoke(model: Any, how: str, value: Any, **call: Any) -> Any:
    return model.invoke(value, **call) if how == "sync" else asyncio.run(model.ainvoke(value, **call))


def stream(model: Any, how: str, value: Any, **call: Any) -> list[Any]:
    if how == "sync":
        return list(model.stream(value, **call))

    async def collect() -> list[Any]:
        return [chunk async for chunk in model.astream(value, **call)]

    return asyncio.run(collect())
