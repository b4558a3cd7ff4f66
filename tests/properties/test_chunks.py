"""The laws of adding chunks."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from chatplug.messages import AIMessage, AIMessageChunk, ToolCallChunk, message_chunk_to_message
from chatplug.testing.strategies import chunks, tool_call_streams
from chatplug.wire.shape import is_array, is_object

some = st.lists(chunks(), min_size=1, max_size=6)


def total(parts: list[AIMessageChunk]) -> AIMessageChunk:
    result = parts[0]
    for part in parts[1:]:
        result = result + part
    return result


@given(chunks(), chunks(), chunks())
def test_adding_is_associative(a: AIMessageChunk, b: AIMessageChunk, c: AIMessageChunk) -> None:
    assert (a + b) + c == a + (b + c)


@given(some, some, some)
def test_adding_sums_is_associative(a: list[AIMessageChunk], b: list[AIMessageChunk], c: list[AIMessageChunk]) -> None:
    left, middle, right = total(a), total(b), total(c)

    assert (left + middle) + right == left + (middle + right) == total([*a, *b, *c])


@given(chunks(), some)
def test_the_empty_chunk_changes_no_sum(first: AIMessageChunk, rest: list[AIMessageChunk]) -> None:
    whole = total([first, *rest])

    assert AIMessageChunk() + whole == whole == whole + AIMessageChunk()


@given(some)
def test_all_ways_of_adding_give_the_same(parts: list[AIMessageChunk]) -> None:
    expected = AIMessageChunk() + total(parts)

    assert AIMessageChunk() + sum(parts) == expected  # type: ignore[operator]  # the sum of at least one chunk
    assert AIMessageChunk() + parts == expected  # type: ignore[operator]  # a list is added one by one
    assert AIMessageChunk() + tuple(parts) == expected  # type: ignore[operator]  # as above


@given(some)
def test_adding_changes_none_of_the_chunks(parts: list[AIMessageChunk]) -> None:
    before = [part.model_dump() for part in parts]

    total(parts).model_dump()

    assert [part.model_dump() for part in parts] == before


@given(st.lists(chunks(), min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_it_does_not_matter_when_a_sum_is_read(parts: list[AIMessageChunk], random: Any) -> None:
    unread = [total(parts[: end + 1]) for end in range(len(parts))]
    grown = [parts[0]]
    for part in parts[1:]:
        if random.random() < 0.5:
            repr(grown[-1])
        grown.append(grown[-1] + part)

    assert grown[::-1] == unread[::-1]


def fragment(name: str | None, args: str | None, identity: str | None = None) -> ToolCallChunk:
    return {"name": name, "args": args, "id": identity, "index": 1, "type": "tool_call_chunk"}


@given(st.lists(chunks(), max_size=8))
@example(
    [
        AIMessageChunk(tool_call_chunks=[fragment("", '{"": 0}', "call_a")]),
        AIMessageChunk(tool_call_chunks=[fragment("look", "1", ""), fragment(None, "{}", "call_a")]),
    ]
)
@example(
    [AIMessageChunk(tool_call_chunks=[fragment(*it)]) for it in (("b", None), ("a", "{}"), ("b", None), ("a", None))]
)
def test_any_stream_of_chunks_adds_up_and_makes_a_message(parts: list[AIMessageChunk]) -> None:
    whole = total([AIMessageChunk(), *parts])

    message = message_chunk_to_message(whole)

    assert isinstance(message, AIMessage)
    assert not isinstance(message, AIMessageChunk)
    assert whole.text == message.text
    assert isinstance(whole.content_blocks, list)
    assert len(whole.tool_calls) + len(whole.invalid_tool_calls) == len(whole.tool_call_chunks)


@given(chunks(), chunks())
def test_what_was_added_may_change_afterwards(a: AIMessageChunk, b: AIMessageChunk) -> None:
    expected = a.model_copy(deep=True) + b.model_copy(deep=True)
    whole = a + b

    for leaf in (a, b):
        spoil(leaf.content)
        spoil(leaf.additional_kwargs)
        spoil(leaf.response_metadata)
        spoil(leaf.tool_call_chunks)
        spoil(leaf.usage_metadata)
        leaf.content = "spoilt"
        leaf.id = "spoilt"

    assert whole == expected


def spoil(value: Any) -> None:
    """Change plain data wherever it can be changed."""
    if is_object(value):
        for item in value.values():
            spoil(item)
        value["spoilt"] = True
    elif is_array(value):
        for item in value:
            spoil(item)
        value.append("spoilt")


@given(tool_call_streams())
def test_tool_calls_arrive_whole_however_they_were_cut_and_mixed(
    stream: tuple[list[dict[str, Any]], list[AIMessageChunk]],
) -> None:
    calls, parts = stream

    message = message_chunk_to_message(total([AIMessageChunk(), *parts]))

    assert isinstance(message, AIMessage)
    assert not message.invalid_tool_calls
    assert {call["id"]: call["args"] for call in message.tool_calls} == {f"call_{i}": c for i, c in enumerate(calls)}


@given(tool_call_streams())
def test_arguments_can_be_read_at_every_step(stream: tuple[list[dict[str, Any]], list[AIMessageChunk]]) -> None:
    _, parts = stream
    so_far = AIMessageChunk()

    for part in parts:
        so_far = so_far + part
        assert not so_far.invalid_tool_calls
        assert len(so_far.tool_calls) == len(so_far.tool_call_chunks)


@given(chunks())
def test_the_dump_of_a_chunk_makes_it_again(chunk: AIMessageChunk) -> None:
    assert AIMessageChunk.model_validate(chunk.model_dump()) == chunk


@given(some)
def test_the_dump_of_a_sum_makes_it_again(parts: list[AIMessageChunk]) -> None:
    whole = total([AIMessageChunk(), *parts])

    assert AIMessageChunk.model_validate(whole.model_dump()) == whole


@given(some, chunks())
def test_a_sum_that_was_rebuilt_grows_as_before(parts: list[AIMessageChunk], more: AIMessageChunk) -> None:
    whole = total([AIMessageChunk(), *parts])
    rebuilt = AIMessageChunk.model_validate(whole.model_dump())

    assert (rebuilt + more).text == (whole + more).text
    assert (rebuilt + more).usage_metadata == (whole + more).usage_metadata
    assert (rebuilt + more).response_metadata == (whole + more).response_metadata
