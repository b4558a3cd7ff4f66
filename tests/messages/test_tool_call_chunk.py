"""Fragments of tool calls add up, as they occur in the wild."""

from __future__ import annotations

from typing import Any

import pytest

from chatplug.errors import MessageError
from chatplug.messages import AIMessage, AIMessageChunk, message_chunk_to_message
from tests.messages.adding import joined


def deltas(*each: list[dict[str, Any]]) -> AIMessageChunk:
    """The sum of deltas that bring fragments of tool calls, and of the last chunk."""
    return joined(*(AIMessageChunk(tool_call_chunks=one) for one in each), AIMessageChunk(chunk_position="last"))


def calls(whole: AIMessageChunk) -> list[tuple[str | None, str, dict[str, Any]]]:
    assert whole.invalid_tool_calls == []
    return [(call["id"], call["name"], call["args"]) for call in whole.tool_calls]


def test_fragments_with_an_index_go_where_it_says() -> None:
    whole = deltas(
        [{"index": 0, "id": "a", "name": "look", "args": ""}],
        [{"index": 1, "id": "b", "name": "find", "args": ""}],
        [{"index": 0, "args": '{"x"'}],
        [{"index": 1, "args": "{}"}],
        [{"index": 0, "args": ": 1}"}],
    )

    assert calls(whole) == [("a", "look", {"x": 1}), ("b", "find", {})]


def test_fragments_without_an_index_continue_the_call_before() -> None:
    whole = deltas(
        [{"id": "a", "name": "look", "args": ""}],
        [{"args": '{"x"'}],
        [{"args": ": 1}"}],
        [{"id": "b", "name": "look", "args": "{}"}],
    )

    assert calls(whole) == [("a", "look", {"x": 1}), ("b", "look", {})]


def test_fragments_with_an_id_and_no_index_go_to_their_id() -> None:
    whole = deltas(
        [{"id": "a", "name": "look", "args": '{"x"'}],
        [{"id": "b", "name": "find", "args": '{"y"'}],
        [{"id": "a", "args": ": 1}"}],
        [{"id": "b", "args": ": 2}"}],
    )

    assert calls(whole) == [("a", "look", {"x": 1}), ("b", "find", {"y": 2})]


def test_two_fragments_of_one_index_in_one_delta_are_one_call() -> None:
    whole = deltas([{"index": 0, "id": "a", "name": "look", "args": '{"x"'}, {"index": 0, "args": ": 1}"}])

    assert calls(whole) == [("a", "look", {"x": 1})]
    assert len(whole.tool_call_chunks) == 1


def test_an_index_given_as_text_is_the_number_it_says() -> None:
    whole = deltas([{"index": "0", "id": "a", "name": "look", "args": '{"x"'}], [{"index": 0, "args": ": 1}"}])

    assert calls(whole) == [("a", "look", {"x": 1})]
    assert whole.tool_call_chunks[0]["index"] == 0


def test_an_index_that_is_a_name_is_kept_as_it_came() -> None:
    whole = deltas([{"index": "lc_0", "id": "a", "name": "look", "args": "{"}], [{"index": "lc_0", "args": "}"}])

    assert calls(whole) == [("a", "look", {})]
    assert whole.tool_call_chunks[0]["index"] == "lc_0"


def test_an_id_repeated_on_each_fragment_is_one_call() -> None:
    whole = deltas(
        [{"index": 0, "id": "a", "name": "look", "args": '{"x"'}],
        [{"index": 0, "id": "a", "name": "look", "args": ": 1}"}],
    )

    assert calls(whole) == [("a", "look", {"x": 1})]


def test_an_id_that_comes_late_belongs_to_the_call_it_came_with() -> None:
    whole = deltas([{"index": 0, "name": "look", "args": "{"}], [{"index": 0, "id": "a", "args": "}"}])

    assert calls(whole) == [("a", "look", {})]


def test_a_second_call_that_takes_the_index_of_the_first_is_known_by_its_id() -> None:
    whole = deltas(
        [{"index": 0, "id": "a", "name": "look", "args": "{}"}],
        [{"index": 0, "id": "b", "name": "look", "args": '{"x"'}],
        [{"index": 0, "args": ": 1}"}],
    )

    assert calls(whole) == [("a", "look", {}), ("b", "look", {"x": 1})]


def test_calls_that_share_an_index_may_take_turns_if_they_say_their_ids() -> None:
    whole = deltas(
        [{"index": 0, "id": "a", "name": "look", "args": '{"x"'}],
        [{"index": 0, "id": "b", "name": "find", "args": '{"y"'}],
        [{"index": 0, "id": "a", "args": ": 1}"}],
        [{"index": 0, "id": "b", "args": ": 2}"}],
    )

    assert calls(whole) == [("a", "look", {"x": 1}), ("b", "find", {"y": 2})]


def test_a_second_call_without_any_id_is_known_by_its_new_name() -> None:
    whole = deltas([{"index": 0, "name": "look", "args": "{}"}], [{"index": 0, "name": "find", "args": "{}"}])

    assert calls(whole) == [(None, "look", {}), (None, "find", {})]


def test_a_second_call_of_one_tool_without_any_id_is_known_by_its_name_behind_whole_arguments() -> None:
    whole = deltas(
        [{"index": 0, "name": "look", "args": '{"x": 1}'}, {"index": 0, "name": "look", "args": '{"x"'}],
        [{"index": 0, "args": ": 2}"}],
        [{"index": 0, "name": "look", "args": {"x": 3}}],
    )

    assert calls(whole) == [(None, "look", {"x": 1}), (None, "look", {"x": 2}), (None, "look", {"x": 3})]


def test_a_name_repeated_on_each_fragment_is_one_call() -> None:
    whole = deltas(*([{"index": 0, "name": "look", "args": args}] for args in ('{"x": {', '"y": {}', "}", "}", " ")))

    assert calls(whole) == [(None, "look", {"x": {"y": {}}})]


def test_arguments_that_are_said_once_more_at_the_end_are_said_once() -> None:
    whole = deltas(
        [{"index": 0, "id": "a", "name": "look", "args": '{"x"'}],
        [{"index": 0, "id": "a", "args": ": 1}"}],
        [{"index": 0, "id": "a", "name": "look", "args": '{"x": 1}'}],
    )

    assert calls(whole) == [("a", "look", {"x": 1})]


def test_more_arguments_behind_whole_ones_of_the_same_id_are_no_second_call() -> None:
    whole = deltas(
        [{"index": 0, "id": "a", "name": "look", "args": "{}"}],
        [{"index": 0, "id": "a", "name": "look", "args": '{"x": 1}'}],
    )

    assert whole.tool_calls == []
    assert [call["args"] for call in whole.invalid_tool_calls] == ['{}{"x": 1}']


def test_an_id_that_changes_with_each_fragment_is_one_call_until_its_arguments_are_whole() -> None:
    whole = deltas(
        [{"index": 0, "id": "a", "name": "look", "args": ""}],
        [{"index": 0, "id": "b", "args": '{"x"'}],
        [{"index": 0, "id": "c", "args": ": 1}"}],
        [{"index": 0, "id": "d"}],
        [{"index": 0, "name": "find", "args": "{}"}],
    )

    assert calls(whole) == [("a", "look", {"x": 1}), ("d", "find", {})]


def test_arguments_that_arrive_as_an_object_are_the_arguments() -> None:
    whole = deltas([{"index": 0, "id": "a", "name": "look", "args": {"x": "é"}}])

    assert calls(whole) == [("a", "look", {"x": "é"})]


def test_arguments_that_never_arrive_are_no_arguments() -> None:
    assert calls(deltas([{"index": 0, "id": "a", "name": "look"}])) == [("a", "look", {})]
    assert calls(deltas([{"index": 0, "id": "a", "name": "look", "args": ""}])) == [("a", "look", {})]


def test_a_name_in_two_halves_is_one_name_and_a_repeated_one_is_not_doubled() -> None:
    assert calls(deltas([{"index": 0, "name": "lo"}], [{"index": 0, "name": "ok"}])) == [(None, "look", {})]
    assert calls(deltas([{"index": 0, "name": "look"}], [{"index": 0, "name": "look"}])) == [(None, "look", {})]


def test_arguments_are_read_while_they_arrive() -> None:
    so_far, seen = AIMessageChunk(), list[Any]()

    for text in ("", '{"city', '": "Par', 'is", "days": [1', ", 2]}"):
        so_far = so_far + AIMessageChunk(tool_call_chunks=[{"index": 0, "id": "a", "name": "look", "args": text}])
        seen.append(so_far.tool_calls[0]["args"])
        assert so_far.invalid_tool_calls == []

    assert seen[0] == seen[1] == {}
    assert seen[2] == {"city": "Par"}
    assert seen[3]["city"] == "Paris"
    assert seen[4] == {"city": "Paris", "days": [1, 2]}


def test_half_arguments_become_an_invalid_call_with_the_last_chunk() -> None:
    part = AIMessageChunk("", tool_call_chunks=[{"index": 0, "id": "a", "name": "look", "args": '{"x": 1'}])

    assert part.tool_calls[0]["args"] in ({}, {"x": 1})
    part.chunk_position = "last"
    assert part.tool_calls == []
    assert part.invalid_tool_calls[0]["args"] == '{"x": 1'


@pytest.mark.parametrize("args", ['{"x": ', "[1]", "nonsense", '{"x": 1} {"y": 2}', "12"])
def test_a_message_made_of_broken_arguments_keeps_them_as_an_invalid_call(args: str) -> None:
    whole = joined(AIMessageChunk("", tool_call_chunks=[{"index": 0, "id": "a", "name": "look", "args": args}]))

    message = message_chunk_to_message(whole)

    assert isinstance(message, AIMessage)
    assert message.tool_calls == []
    (bad,) = message.invalid_tool_calls
    assert (bad["id"], bad["name"], bad["args"]) == ("a", "look", args)
    assert bad["error"]


def test_whole_calls_are_fragments_too() -> None:
    chunk = AIMessageChunk("", tool_calls=[{"id": "a", "name": "look", "args": {"x": 1}}])

    assert calls(chunk + AIMessageChunk("!")) == [("a", "look", {"x": 1})]
    assert chunk.tool_call_chunks[0]["args"] == '{"x": 1}'


def test_a_fragment_with_a_name_that_is_no_text_is_refused_with_its_index() -> None:
    with pytest.raises(MessageError, match=r"tool_call_chunks\[1\]\['name'\]"):
        AIMessageChunk(tool_call_chunks=[{"name": "look"}, {"name": 3}])
