"""Tool calls: the three shapes, and reading arguments."""

from __future__ import annotations

from typing import Any

import pytest

from chatplug.messages import AIMessageChunk, invalid_tool_call, tool_call, tool_call_chunk
from chatplug.messages.tool_call import read_arguments


def test_each_shape_says_what_it_is() -> None:
    assert tool_call(name="look", args={"x": 1}, id=None) == {
        "type": "tool_call",
        "id": None,
        "name": "look",
        "args": {"x": 1},
    }
    assert tool_call_chunk() == {"type": "tool_call_chunk", "id": None, "name": None, "args": None, "index": None}
    assert invalid_tool_call(name="look", error="no") == {
        "type": "invalid_tool_call",
        "id": None,
        "name": "look",
        "args": None,
        "error": "no",
    }


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_no_text_at_all_means_no_arguments(text: str | None) -> None:
    assert read_arguments(text, whole=True) == ({}, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [('{"a": "b', {"a": "b"}), ('{"a": [1, 2', {"a": [1]}), ('{"a": {"b": "c"}, "d"', {"a": {"b": "c"}}), ("{", {})],
)
def test_half_arguments_are_read_as_far_as_they_go(text: str, expected: dict[str, Any]) -> None:
    args, error = read_arguments(text, whole=False)

    assert error is None
    assert args is not None
    assert args == expected or args == {**expected, "a": [1, 2]}
    assert read_arguments(text, whole=True)[0] is None


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("text", ["[1]", "1", '"text"', "nonsense", "{'a': 1}", '{"a": \ud800}', "[" * 100_000])
def test_what_is_no_object_is_told_and_never_raised(text: str, whole: bool) -> None:
    args, error = read_arguments(text, whole=whole)

    assert args is None
    assert error


def test_what_a_call_has_beside_the_standard_keys_stays_with_it_in_chunks_and_sums() -> None:
    signed = {"name": "look", "args": {}, "id": "1", "extras": {"signature": "s"}}
    broken: Any = {"name": "n", "args": None, "id": "2", "error": "refused", "type": "invalid_tool_call"}

    total = AIMessageChunk(tool_calls=[signed], invalid_tool_calls=[broken]) + AIMessageChunk("")

    assert total.tool_calls == [{**signed, "type": "tool_call"}]
    assert total.invalid_tool_calls == [broken]
