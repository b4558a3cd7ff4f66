"""A sum of chunks is a value: it stays as it is while others grow from it, and what was changed in it is kept."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from chatplug.messages import AIMessageChunk, ToolMessageChunk
from tests.messages.adding import joined


def test_an_older_sum_reads_as_it_did_when_two_branches_grow_from_it() -> None:
    trunk = AIMessageChunk("a", id="m1") + AIMessageChunk("b")

    left = trunk + AIMessageChunk("L", tool_call_chunks=[{"index": 0, "name": "look", "args": "{}"}])
    right = trunk + AIMessageChunk("R", response_metadata={"x": 1})
    further = right + AIMessageChunk("!") + trunk

    assert trunk == AIMessageChunk("ab", id="m1")
    assert (left.text, right.text, further.text) == ("abL", "abR", "abR!ab")
    assert right.tool_calls == []
    assert left.response_metadata == {}


def test_every_sum_of_a_loop_can_still_be_read_in_any_order() -> None:
    sums = [AIMessageChunk("0")]
    for number in range(1, 10):
        sums.append(sums[-1] + AIMessageChunk(str(number)))

    assert sums[9].text == "0123456789"
    assert [one.text for one in sums] == ["0123456789"[: end + 1] for end in range(10)]


def test_many_threads_may_grow_one_sum_each_in_its_own_way() -> None:
    trunk = AIMessageChunk("*", id="m1") + AIMessageChunk("*")
    barrier = threading.Barrier(8)
    grown: dict[int, list[AIMessageChunk]] = {}

    def grow(number: int) -> None:
        barrier.wait(timeout=10)
        sums = [trunk]
        for _ in range(200):
            sums.append(sums[-1] + AIMessageChunk(str(number)))
            if len(sums) % 50 == 0:
                str(sums[-1].content)
        grown[number] = sums

    threads = [threading.Thread(target=grow, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)

    assert trunk == AIMessageChunk("**", id="m1")
    assert sorted(grown) == list(range(8))
    for number, sums in grown.items():
        assert [one.text for one in sums] == ["**" + str(number) * length for length in range(201)]


def test_many_threads_may_read_one_sum_at_once() -> None:
    whole = joined(*(AIMessageChunk(str(number % 10)) for number in range(2000)))
    barrier = threading.Barrier(8)
    texts: list[str] = []

    def read() -> None:
        barrier.wait(timeout=10)
        texts.append(whole.text)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)

    assert texts == ["0123456789" * 200] * 8


def test_a_chunk_that_changes_after_it_was_added_changes_no_sum() -> None:
    leaf = AIMessageChunk(
        [{"type": "text", "text": "a", "more": {"x": 1}}],
        response_metadata={"deep": {"x": 1}},
        tool_call_chunks=[{"index": 0, "name": "look", "args": "{}"}],
        usage_metadata={
            "input_tokens": 1,
            "output_tokens": 1,
            "total_tokens": 2,
            "input_token_details": {"cache_read": 1},
        },
    )
    first, second = leaf + AIMessageChunk(), AIMessageChunk() + leaf
    before = leaf.model_dump()

    leaf.content[0]["more"]["x"] = 2  # type: ignore[index]  # it is a list of blocks
    leaf.content.append("b")  # type: ignore[union-attr]  # as above
    leaf.response_metadata["deep"]["x"] = 2
    leaf.tool_call_chunks[0]["args"] = "[]"
    assert leaf.usage_metadata is not None
    leaf.usage_metadata.setdefault("input_token_details", {})["cache_read"] = 2
    leaf.id = "m9"

    assert first.model_dump() == second.model_dump() == before


CHANGES: list[tuple[str, Any]] = [
    ("content", "new"),
    ("content", ["new"]),
    ("id", "m2"),
    ("name", "Ada"),
    ("response_metadata", {"x": 1}),
    ("additional_kwargs", {"x": 1}),
    ("tool_calls", [{"type": "tool_call", "id": "a", "name": "look", "args": {}}]),
    ("usage_metadata", {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}),
    ("chunk_position", "last"),
]


@pytest.mark.parametrize("is_read_before", [False, True])
@pytest.mark.parametrize(("field", "value"), CHANGES)
def test_a_sum_that_was_changed_keeps_the_change_when_it_grows(field: str, value: Any, is_read_before: bool) -> None:
    whole = AIMessageChunk("a") + AIMessageChunk("b")
    if is_read_before:
        repr(whole)
    older = whole

    setattr(whole, field, value)
    grown = whole + AIMessageChunk("")

    assert getattr(grown, field) == value
    assert grown == older
    assert (grown + AIMessageChunk("c")).text == grown.text + "c"


def test_facts_written_into_a_sum_stay_in_it() -> None:
    whole = AIMessageChunk("a") + AIMessageChunk("b", response_metadata={"x": 1})
    branch = whole + AIMessageChunk("c")

    whole.response_metadata["y"] = 2
    whole.additional_kwargs["z"] = 3
    grown = whole + AIMessageChunk("d")

    assert grown.response_metadata == {"x": 1, "y": 2}
    assert grown.additional_kwargs == {"z": 3}
    assert branch.response_metadata == {"x": 1}


def test_a_long_stream_is_kept_as_few_texts() -> None:
    whole = AIMessageChunk()
    for number in range(5000):
        whole = whole + AIMessageChunk("x" if number % 2 else "y")

    assert whole.text == "yx" * 2500


def test_a_fragment_list_that_was_changed_in_place_is_kept_by_the_next_sum() -> None:
    first = AIMessageChunk(tool_call_chunks=[{"name": "f", "args": "{}", "id": "1", "index": 0}])
    total = first + AIMessageChunk("")

    total.tool_call_chunks[0]["args"] = '{"z": 1}'

    assert total.tool_calls[0]["args"] == {"z": 1}
    assert (total + AIMessageChunk("")).tool_calls[0]["args"] == {"z": 1}


def test_reading_an_operand_does_not_change_the_sum() -> None:
    block = {"type": "text", "text": "x", "index": 0}
    unread = AIMessageChunk("a") + AIMessageChunk([block])
    was_read = AIMessageChunk("a") + AIMessageChunk([block])
    assert was_read.content == ["a", block]

    assert AIMessageChunk("a") + was_read == AIMessageChunk("a") + unread


FIELDS_THAT_ARE_HANDED_OUT = ["additional_kwargs", "response_metadata", "tool_call_chunks", "usage_metadata"]


def total_with_all() -> AIMessageChunk:
    usage: Any = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    fragment: Any = {"name": "look", "args": '{"x": "', "id": "a", "index": 0}
    return joined(
        AIMessageChunk("a", response_metadata={"deep": {"x": 1}}, additional_kwargs={"y": [1]}, usage_metadata=usage),
        AIMessageChunk("b", tool_call_chunks=[fragment]),
    )


@pytest.mark.parametrize("fields", [FIELDS_THAT_ARE_HANDED_OUT, *([name] for name in FIELDS_THAT_ARE_HANDED_OUT)])
def test_a_sum_whose_fields_are_read_at_each_step_goes_on_where_it_was(fields: list[str]) -> None:
    total = total_with_all()
    buffer = total._buffer
    assert buffer is not None

    for step in range(1, 10):
        read = [getattr(total, field) for field in fields]
        assert [getattr(total, field) for field in fields] == read
        assert total.tool_calls[0]["args"] == {"x": "z" * (step - 1)}
        total += AIMessageChunk("", tool_call_chunks=[{"args": "z", "index": 0}])
        assert total._buffer is buffer
        assert buffer.fold.count == len(buffer.pieces) - 1


def test_what_was_handed_out_and_changed_deep_inside_is_kept_by_the_next_sum_and_by_no_other() -> None:
    total, untouched = total_with_all(), total_with_all()
    younger = total + AIMessageChunk("c")

    total.response_metadata["deep"]["x"] = 2
    total.additional_kwargs["y"].append(2)
    grown = total + AIMessageChunk("d")

    assert (grown.response_metadata, grown.additional_kwargs) == ({"deep": {"x": 2}}, {"y": [1, 2]})
    assert younger == untouched + AIMessageChunk("c")


def test_calls_are_not_read_again_because_their_fragments_were_handed_out() -> None:
    total = total_with_all()
    calls_before = total.tool_calls

    assert total.tool_call_chunks[0]["args"] == '{"x": "'
    assert total.tool_calls is calls_before


def test_what_a_tool_gave_is_never_compared_when_a_sum_grows() -> None:
    class Table:
        def __eq__(self, other: object) -> bool:
            raise ValueError("ambiguous")

        __hash__ = None  # type: ignore[assignment]  # as tables have it

        def __bool__(self) -> bool:
            raise ValueError("ambiguous")

    table = Table()
    total = ToolMessageChunk("a", tool_call_id="1", artifact=table) + ToolMessageChunk("b", tool_call_id="1")
    assert total.additional_kwargs == {}

    assert (total + ToolMessageChunk("c", tool_call_id="1")).artifact is table
    total.artifact = Table()
    assert (total + ToolMessageChunk("c", tool_call_id="1")).artifact is total.artifact
