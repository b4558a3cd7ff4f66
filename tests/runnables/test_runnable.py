"""A Runnable has all ways of calling from one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chatplug.runnables import Runnable, RunnableConfig


class Double(Runnable[int, int]):
    def invoke(self, input: int, config: RunnableConfig | None = None, **kwargs: Any) -> int:
        return input * 2 + int(kwargs.get("plus", 0))


def test_everything_follows_from_invoke() -> None:
    async def collect() -> list[int]:
        return [await Double().ainvoke(1), *[piece async for piece in Double().astream(2, plus=1)]]

    assert list(Double().stream(1)) == [2]
    assert asyncio.run(collect()) == [2, 5]


def test_a_class_without_invoke_is_no_runnable() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Runnable()  # type: ignore[abstract]  # the mistake under test
