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


@pytest.mark.parametrize("text", [None, "", " \n", "null", " null\n"])
def test_no_text_at_all_or_null_means_no_arguments(text: str | None) -> None:
    assert read_arguments(text, whole=True) == ({}, None)


@pytest.mark.parametrize("whole", [True, False])
def test_a_line_break_as_it_is_may_stand_in_a_text_of_the_arguments(whole: bool) -> None:
    assert read_arguments('{"code": "if x:\n\ty"}', whole=whole) == ({"code": "if x:\n\ty"}, None)


def test_a_line_break_in_a_text_breaks_no_call_while_it_arrives() -> None:
    total = AIMessageChunk("", tool_call_chunks=[tool_call_chunk(name="run", args='{"code": "a', id="1", index=0)])
    assert total.tool_calls == [tool_call(name="run", args={"code": "a"}, id="1")]

    for text in ("\n", 'b"}'):
        total += AIMessageChunk("", tool_call_chunks=[tool_call_chunk(args=text, index=0)])
        assert total.invalid_tool_calls == []

    assert total.tool_calls == [tool_call(name="run", args={"code": "a\nb"}, id="1")]


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
@pytest.mark.parametrize(
    "text",
    ["[1]", "1", '"text"', "nonsense", "{'a': 1}", '{"a": \ud800}', '{"a": "\n" x', "[" * 100_000, "\n[" * 50_000],
)
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


def test_what_a_fragment_has_beside_the_standard_keys_stays_where_one_of_these_is_missing() -> None:
    chunk = AIMessageChunk(tool_call_chunks=[{"name": "look", "args": "{}", "id": "1", "extras": {"signature": "s"}}])

    assert chunk.tool_calls == [{**tool_call(name="look", args={}, id="1"), "extras": {"signature": "s"}}]
