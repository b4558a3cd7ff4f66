"""Chunks add up as the streams of real providers need it."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from chatplug.errors import MessageError
from chatplug.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessageChunk,
    ChatMessage,
    ChatMessageChunk,
    FunctionMessageChunk,
    HumanMessage,
    HumanMessageChunk,
    SystemMessageChunk,
    ToolMessage,
    ToolMessageChunk,
    message_chunk_to_message,
)


def joined(*chunks: AIMessageChunk) -> AIMessageChunk:
    whole = AIMessageChunk()
    for chunk in chunks:
        whole = whole + chunk
    return whole


def deltas(*each: list[dict[str, Any]]) -> AIMessageChunk:
    """The sum of deltas that bring fragments of tool calls, and of the last chunk."""
    return joined(*(AIMessageChunk(tool_call_chunks=one) for one in each), AIMessageChunk(chunk_position="last"))


def calls(whole: AIMessageChunk) -> list[tuple[str | None, str, dict[str, Any]]]:
    assert whole.invalid_tool_calls == []
    return [(call["id"], call["name"], call["args"]) for call in whole.tool_calls]


# ---- fragments of tool calls, as they occur in the wild


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


def test_an_empty_delta_that_claims_the_role_changes_nothing() -> None:
    whole = joined(AIMessageChunk("", id="m1"), AIMessageChunk("a"), AIMessageChunk(""), AIMessageChunk("b"))

    assert whole == AIMessageChunk("ab", id="m1")


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


# ---- the other fields


def test_usage_adds_up_and_absent_stays_absent() -> None:
    whole = joined(
        AIMessageChunk("a"),
        AIMessageChunk("", usage_metadata={"input_tokens": 3, "output_tokens": 0, "total_tokens": 3}),
        AIMessageChunk(
            "",
            usage_metadata={
                "input_tokens": 0,
                "output_tokens": 5,
                "total_tokens": 5,
                "output_token_details": {"reasoning": 2},
            },
        ),
    )

    assert whole.usage_metadata == {
        "input_tokens": 3,
        "output_tokens": 5,
        "total_tokens": 8,
        "output_token_details": {"reasoning": 2},
    }
    assert joined(AIMessageChunk("a"), AIMessageChunk("b")).usage_metadata is None


def test_metadata_said_again_is_not_doubled() -> None:
    again = {"model_name": "n3", "finish_reason": None, "deep": {"a": "x"}}

    whole = joined(*(AIMessageChunk("x", response_metadata=again) for _ in range(3)))

    assert whole.response_metadata == again


def test_a_later_fact_replaces_an_earlier_one_and_null_replaces_nothing() -> None:
    whole = joined(
        AIMessageChunk("", response_metadata={"finish_reason": None, "model_name": "n3"}),
        AIMessageChunk("", response_metadata={"finish_reason": "stop"}),
        AIMessageChunk("", response_metadata={"finish_reason": None}),
    )

    assert whole.response_metadata == {"finish_reason": "stop", "model_name": "n3"}


def test_texts_beside_the_content_continue_and_names_do_not() -> None:
    whole = joined(
        AIMessageChunk(
            additional_kwargs={"reasoning_content": "I ", "function_call": {"name": "look", "arguments": "{"}}
        ),
        AIMessageChunk(
            additional_kwargs={"reasoning_content": "see", "function_call": {"name": "look", "arguments": "}"}}
        ),
    )

    assert whole.additional_kwargs == {
        "reasoning_content": "I see",
        "function_call": {"name": "look", "arguments": "{}"},
    }


def test_a_value_beside_the_content_may_change_its_kind() -> None:
    parts = ("a", "b", [{"x": 1}], "c", {"y": 1}, 3)

    whole = joined(*(AIMessageChunk(additional_kwargs={"odd": part}) for part in parts))

    assert whole.additional_kwargs == {"odd": 3}


def test_blocks_with_one_index_are_one_block() -> None:
    whole = joined(
        AIMessageChunk([{"type": "reasoning", "index": 0, "reasoning": "h"}]),
        AIMessageChunk([{"type": "reasoning", "index": 0, "reasoning": "m", "signature": "s"}]),
        AIMessageChunk([{"type": "text", "index": 1, "text": "a"}, {"type": "text", "index": 1, "text": "b"}]),
    )

    assert whole.content == [
        {"type": "reasoning", "index": 0, "reasoning": "hm", "signature": "s"},
        {"type": "text", "index": 1, "text": "ab"},
    ]


def test_a_block_that_takes_the_index_of_another_id_is_a_block_of_its_own() -> None:
    whole = joined(
        AIMessageChunk([{"type": "text", "index": 0, "id": "a", "text": "1"}]),
        AIMessageChunk([{"type": "text", "index": 0, "id": "b", "text": "2"}]),
        AIMessageChunk([{"type": "text", "index": 0, "text": "3"}]),
    )

    assert whole.content == [
        {"type": "text", "index": 0, "id": "a", "text": "1"},
        {"type": "text", "index": 0, "id": "b", "text": "23"},
    ]


def test_text_and_blocks_keep_their_order() -> None:
    image = {"type": "image", "url": "x"}

    assert joined(AIMessageChunk("a"), AIMessageChunk([image]), AIMessageChunk("b"), AIMessageChunk("c")).content == [
        "a",
        image,
        "bc",
    ]


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["run-1", "run-1", None], "run-1"),
        ([None, "run-1", "msg_1"], "msg_1"),
        (["msg_1", "run-1", "msg_2"], "msg_1"),
        (["run-1", "lc_2"], "run-1"),
        ([None, None], None),
    ],
)
def test_the_id_that_the_provider_gave_first_is_the_id_of_the_sum(ids: list[str | None], expected: str | None) -> None:
    whole = AIMessageChunk("x", id=ids[0])
    for identity in ids[1:]:
        whole = whole + AIMessageChunk("x", id=identity)

    assert whole.id == expected


def test_the_last_chunk_makes_the_sum_the_last() -> None:
    whole = joined(AIMessageChunk("a", chunk_position="last"), AIMessageChunk("b"))

    assert whole.chunk_position == "last"


# ---- sums are values


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


def test_sum_and_lists_and_tuples_add_up() -> None:
    chunks = [AIMessageChunk(text) for text in "abc"]

    assert sum(chunks) == AIMessageChunk("abc")
    assert chunks[0] + (chunks[1], chunks[2]) == AIMessageChunk("abc")  # type: ignore[operator]  # more than the types say
    assert chunks[0] + [chunks[1], chunks[2]] == AIMessageChunk("abc")  # type: ignore[operator]  # as above


@pytest.mark.parametrize("other", ["b", 1, None, AIMessage("b"), HumanMessageChunk("b")])
def test_chunks_add_up_with_their_own_kind_only(other: Any) -> None:
    with pytest.raises(MessageError, match=rf"AIMessageChunk \+ {type(other).__name__} is not a sum of chunks"):
        _ = AIMessageChunk("a") + other


# ---- the other kinds of chunks


@pytest.mark.parametrize("kind", [SystemMessageChunk, HumanMessageChunk])
def test_chunks_of_other_roles_add_up_alike(kind: type[BaseMessageChunk]) -> None:
    whole = kind("a", id="m1") + kind("b", response_metadata={"x": 1}) + kind("c", name="Ada")

    assert whole == kind("abc", id="m1", name="Ada", response_metadata={"x": 1})
    assert type(whole) is kind


def test_a_piece_of_a_tool_s_result_that_failed_makes_a_failed_result() -> None:
    parts = [ToolMessageChunk("a", "call_1"), ToolMessageChunk("b", "call_1", status="error")]

    for first, second in (parts, parts[::-1]):
        whole = first + second
        assert whole.status == "error"
        assert whole.tool_call_id == "call_1"


def test_chunks_of_different_calls_roles_and_functions_do_not_add_up() -> None:
    with pytest.raises(MessageError, match="tool_call_id 'call_1' and 'call_2'"):
        _ = ToolMessageChunk("a", "call_1") + ToolMessageChunk("b", "call_2")
    with pytest.raises(MessageError, match="role 'a' and 'b'"):
        _ = ChatMessageChunk("a", "a") + ChatMessageChunk("b", "b")
    with pytest.raises(MessageError, match="name 'a' and 'b'"):
        _ = FunctionMessageChunk("a", name="a") + FunctionMessageChunk("b", name="b")


def test_chunks_make_the_message_of_their_role() -> None:
    assert message_chunk_to_message(HumanMessageChunk("a", id="m1")) == HumanMessage("a", id="m1")
    assert message_chunk_to_message(ChatMessageChunk("a", "critic") + ChatMessageChunk("b", "critic")) == ChatMessage(
        "ab", "critic"
    )
    assert message_chunk_to_message(ToolMessageChunk("a", "call_1", artifact=[1])) == ToolMessage(
        "a", "call_1", artifact=[1]
    )
    message = AIMessage("a")
    assert message_chunk_to_message(message) is message


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


def test_what_only_names_something_is_not_said_twice_when_blocks_add_up() -> None:
    piece = {"type": "audio", "index": 0, "base64": "QQ", "mime_type": "audio/wav", "extras": {"provider": "meow"}}

    total = AIMessageChunk([piece]) + AIMessageChunk([piece])

    assert total.content == [{**piece, "base64": "QQQQ"}]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"additional_kwargs": [1]}, "AIMessageChunk.additional_kwargs is list"),
        ({"response_metadata": "x"}, "AIMessageChunk.response_metadata is str"),
        ({"tool_call_chunks": ["x"]}, r"tool_call_chunks\[0\] is str"),
    ],
)
def test_a_field_of_another_kind_is_refused_when_a_chunk_is_made(fields: Any, words: str) -> None:
    with pytest.raises(MessageError, match=words):
        AIMessageChunk("", **fields)


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
