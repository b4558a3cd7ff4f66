"""A conversation cut to a number of tokens."""

from __future__ import annotations

import copy
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from chatplug.errors import InvalidRequestError
from chatplug.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    count_tokens_approximately,
    trim_messages,
)

if TYPE_CHECKING:
    from chatplug.messages import BaseMessage as Unreadable


def letters(messages: list[BaseMessage]) -> int:
    return sum(letters_of_one(message) for message in messages)


def letters_of_one(message: BaseMessage) -> int:
    content = message.content
    blocks = [content] if isinstance(content, str) else content
    return sum(len(block if isinstance(block, str) else block.get("text", "")) for block in blocks)


def asking(*identities: str, content: Any = "") -> AIMessage:
    return AIMessage(content, tool_calls=[{"name": "look", "args": {}, "id": identity} for identity in identities])


def contents(messages: list[BaseMessage]) -> list[Any]:
    return [message.content for message in messages]


TALK: list[BaseMessage] = [
    SystemMessage("sys"),
    HumanMessage("hello"),
    AIMessage("world!"),
    HumanMessage("foo"),
    AIMessage("barbaz"),
]
WITH_TOOLS: list[BaseMessage] = [
    HumanMessage("one"),
    asking("c1", "c2"),
    ToolMessage("r1", "c1"),
    ToolMessage("r2", "c2"),
    AIMessage("two"),
]


@pytest.mark.parametrize(
    ("limit", "first", "last", "with_system"),
    [
        (0, "", "", "sys"),
        (3, "sys", "", "sys"),
        (6, "sys", "barbaz", "sys"),
        (9, "sys hello", "foo barbaz", "sys barbaz"),
        (14, "sys hello world!", "foo barbaz", "sys foo barbaz"),
        (15, "sys hello world!", "world! foo barbaz", "sys foo barbaz"),
        (18, "sys hello world! foo", "world! foo barbaz", "sys world! foo barbaz"),
        (99, "sys hello world! foo barbaz", "sys hello world! foo barbaz", "sys hello world! foo barbaz"),
    ],
)
def test_the_longest_end_or_beginning_that_fits_is_kept(limit: int, first: str, last: str, with_system: str) -> None:
    def trim(**settings: Any) -> list[Any]:
        return contents(trim_messages(TALK, max_tokens=limit, token_counter=letters, **settings))

    assert trim(strategy="first") == first.split()
    assert trim() == last.split()
    assert trim(include_system=True) == with_system.split()


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({"start_on": "human"}, "foo barbaz"),
        ({"start_on": HumanMessage}, "foo barbaz"),
        ({"start_on": ("human", "ai")}, "world! foo barbaz"),
        ({"start_on": "tool"}, ""),
        ({"start_on": "human", "include_system": True}, "sys foo barbaz"),
        ({"end_on": "human"}, "hello world! foo"),
        ({"end_on": "tool"}, ""),
        ({"end_on": "tool", "include_system": True}, "sys"),
        ({"end_on": ["human"], "strategy": "first"}, "sys hello"),
        ({"end_on": SystemMessage, "strategy": "first"}, "sys"),
    ],
)
def test_what_is_kept_begins_and_ends_as_asked(settings: dict[str, Any], kept: str) -> None:
    assert contents(trim_messages(TALK, max_tokens=15, token_counter=letters, **settings)) == kept.split()


@pytest.mark.parametrize(
    ("limit", "last", "first"),
    [
        (1, ["two"], ["one"]),
        (2, ["two"], ["one"]),
        (3, ["two"], ["one"]),
        (4, ["", "r1", "r2", "two"], ["one", "", "r1", "r2"]),
        (5, ["one", "", "r1", "r2", "two"], ["one", "", "r1", "r2", "two"]),
    ],
)
def test_a_call_and_its_results_stay_or_go_together(limit: int, last: list[str], first: list[str]) -> None:
    assert contents(trim_messages(WITH_TOOLS, max_tokens=limit, token_counter=len)) == last
    assert contents(trim_messages(WITH_TOOLS, max_tokens=limit, token_counter=len, strategy="first")) == first


def test_a_call_and_a_result_with_something_between_stay_together() -> None:
    talk: list[BaseMessage] = [asking("c1"), HumanMessage("wait"), ToolMessage("r1", "c1"), AIMessage("a")]

    assert contents(trim_messages(talk, max_tokens=3, token_counter=len)) == ["a"]
    assert contents(trim_messages(talk, max_tokens=2, token_counter=len, strategy="first")) == []


def test_calls_of_two_answers_with_one_id_are_two_calls() -> None:
    turn: list[BaseMessage] = [asking("call_0"), ToolMessage("r", "call_0"), AIMessage("a")]

    assert trim_messages([*turn, *turn], max_tokens=3, token_counter=len) == turn


def test_the_results_of_one_call_stay_together_even_if_there_are_two() -> None:
    talk: list[BaseMessage] = [asking("c1"), ToolMessage("r1", "c1"), ToolMessage("again", "c1"), AIMessage("a")]

    assert contents(trim_messages(talk, max_tokens=2, token_counter=len)) == ["a"]


def test_a_call_that_only_the_content_tells_stays_with_its_result() -> None:
    talk: list[BaseMessage] = [AIMessage([{"type": "tool_use", "id": "c1", "name": "look"}]), ToolMessage("r1", "c1")]

    assert trim_messages(talk, max_tokens=1, token_counter=len) == []


def test_a_function_call_stays_with_its_result() -> None:
    called = AIMessage("", additional_kwargs={"function_call": {"name": "look"}})
    talk: list[BaseMessage] = [called, FunctionMessage("r", name="look"), AIMessage("a")]

    assert contents(trim_messages(talk, max_tokens=2, token_counter=len)) == ["a"]


def test_where_it_is_to_end_or_begin_splits_no_call_from_its_result() -> None:
    assert contents(trim_messages(WITH_TOOLS[:4], max_tokens=9, token_counter=len, end_on="ai")) == []
    assert contents(trim_messages(WITH_TOOLS, max_tokens=9, token_counter=len, start_on="tool")) == []
    assert trim_messages(WITH_TOOLS, max_tokens=9, token_counter=len, end_on=("human", "tool")) == WITH_TOOLS[:4]


@pytest.mark.parametrize(
    ("limit", "last", "first"),
    [
        (1, [], []),
        (2, [], ["a\n"]),
        (3, ["fff"], ["a\n"]),
        (6, ["ee\nfff"], ["a\nbb\n"]),
        (8, ["d\nee\nfff"], ["a\nbb\nccc"]),
        (11, ["ccc", "d\nee\nfff"], ["a\nbb\nccc", "d\n"]),
    ],
)
def test_a_message_is_cut_between_lines_if_a_part_is_allowed(limit: int, last: list[str], first: list[str]) -> None:
    talk = [HumanMessage("a\nbb\nccc", id="m1"), AIMessage("d\nee\nfff", id="m2")]

    def trim(**settings: Any) -> list[Any]:
        return contents(
            trim_messages(talk, max_tokens=limit, token_counter=letters, allow_partial=True, **settings),
        )

    assert trim() == last
    assert trim(strategy="first") == first


@pytest.mark.parametrize(
    ("limit", "last", "first"),
    [(2, ["dd"], ["a\n"]), (4, "c d", "a b"), (8, "all", "all")],
)
def test_a_message_is_cut_between_blocks_before_its_text_is_cut(limit: int, last: Any, first: Any) -> None:
    image = {"type": "image", "url": "https://example.org/a.png"}
    blocks: list[Any] = [{"type": "text", "text": "a\nbb"}, image, "c\ndd"]
    named = {"all": [blocks], "c d": [blocks[1:]], "a b": [blocks[:2]]}

    def trim(**settings: Any) -> list[Any]:
        message = HumanMessage(blocks)
        return contents(
            trim_messages([message], max_tokens=limit, token_counter=letters, allow_partial=True, **settings)
        )

    assert trim() == (named[last] if isinstance(last, str) else last)
    assert trim(strategy="first") == (named[first] if isinstance(first, str) else first)


def test_a_part_of_a_message_keeps_its_calls() -> None:
    talk: list[BaseMessage] = [asking("c1", content="a\nbb"), ToolMessage("r", "c1")]

    trimmed = trim_messages(talk, max_tokens=3, token_counter=letters, allow_partial=True)

    assert trimmed == [asking("c1", content="bb"), talk[1]]


def test_a_part_of_a_result_stays_behind_its_call() -> None:
    talk: list[BaseMessage] = [asking("c1"), ToolMessage("a\nbb", "c1")]

    trimmed = trim_messages(talk, max_tokens=3, token_counter=letters, allow_partial=True, strategy="first")

    assert contents(trimmed) == ["", "a\n"]


def test_a_content_that_holds_calls_is_not_cut() -> None:
    blocks: list[Any] = ["text", {"type": "tool_use", "id": "c1", "name": "look", "input": {}}]

    trimmed = trim_messages([AIMessage(blocks)], max_tokens=2, token_counter=letters, allow_partial=True)

    assert trimmed == []


def words(text: str) -> list[str]:
    return [f"{word} " for word in text.split(" ")]


class WordSplitter:
    def split_text(self, text: str) -> list[str]:
        return words(text)


@pytest.mark.parametrize("splitter", [words, WordSplitter()])
def test_a_text_is_cut_as_its_splitter_says(splitter: Any) -> None:
    def trim(**settings: Any) -> list[Any]:
        return contents(
            trim_messages(["a b c d"], max_tokens=4, token_counter=letters, text_splitter=splitter, **settings)
        )

    assert trim(allow_partial=True) == ["c d "]
    assert trim() == []


def test_trimming_gives_the_messages_themselves_and_changes_none() -> None:
    block: dict[str, Any] = {"type": "text", "text": "b"}
    talk: list[BaseMessage] = [HumanMessage([block, block], additional_kwargs={"x": [1]}), AIMessage("c")]
    before = copy.deepcopy(talk)

    part, whole = trim_messages(talk, max_tokens=2, token_counter=letters, allow_partial=True)
    part.content[0]["text"] = "changed"  # type: ignore[index]  # a block
    part.additional_kwargs["x"].append(2)

    assert whole is talk[1]
    assert talk == before


def one(message: BaseMessage) -> int:
    return letters_of_one(message)


def one_of_any(message: AnyMessage) -> int:
    return letters_of_one(message)


def one_as_a_checker_reads_it(message: Unreadable) -> int:
    return letters_of_one(message)


one_as_a_checker_reads_it.__annotations__["message"] = "messages.BaseMessage"


class Model:
    def get_num_tokens_from_messages(self, messages: list[BaseMessage]) -> int:
        return letters(messages)


COUNTERS: list[Any] = [letters, one, one_of_any, one_as_a_checker_reads_it, Model(), partial(letters)]


@pytest.mark.parametrize("counter", COUNTERS)
def test_messages_are_counted_together_one_by_one_or_by_a_model(counter: Any) -> None:
    assert contents(trim_messages(TALK, max_tokens=9, token_counter=counter)) == ["foo", "barbaz"]


def test_messages_are_counted_approximately() -> None:
    limit = count_tokens_approximately(TALK[3:])

    assert trim_messages(TALK, max_tokens=limit, token_counter="approximate") == TALK[3:]
    assert trim_messages(TALK, max_tokens=limit - 1, token_counter="approximate") == TALK[4:]


def test_a_counter_of_one_message_is_asked_once_for_each() -> None:
    asked: list[int] = []

    def counter(message: BaseMessage) -> int:
        asked.append(id(message))
        return 1

    trim_messages([HumanMessage(str(i)) for i in range(1_000)], max_tokens=300, token_counter=counter)

    assert len(asked) == len(set(asked)) <= 1_000


def test_a_counter_of_many_messages_is_asked_seldom() -> None:
    asked: list[int] = []

    def counter(messages: list[BaseMessage]) -> int:
        asked.append(len(messages))
        return letters(messages)

    talk = [HumanMessage("a\n" * 100) for _ in range(1_000)]
    trim_messages(talk, max_tokens=30_050, token_counter=counter, allow_partial=True)

    assert len(asked) <= 25


def test_a_counter_that_wants_one_message_and_does_not_say_so_is_told_how() -> None:
    with pytest.raises(AttributeError) as caught:
        trim_messages(TALK, max_tokens=9, token_counter=lambda message: len(message.text))

    assert "`message: BaseMessage`" in caught.value.__notes__[0]


WRONG: list[Any] = [
    ({"strategy": "middle"}, "strategy is 'middle'. It is 'first' or 'last'"),
    ({"strategy": "first", "start_on": "human"}, "start_on has no meaning with strategy='first'"),
    ({"strategy": "first", "include_system": True}, "include_system has no meaning with strategy='first'"),
    ({"max_tokens": "9"}, "max_tokens is '9'"),
    ({"max_tokens": None}, "max_tokens is None"),
    ({"token_counter": "exact"}, "token_counter is 'exact'.* 'approximate'"),
    ({"token_counter": 3}, "token_counter is int, which cannot count.* get_num_tokens_from_messages"),
    ({"token_counter": lambda messages: None}, "token_counter gave None"),
    ({"token_counter": lambda messages: "3"}, "token_counter gave '3'"),
    ({"end_on": "humann"}, r"end_on names the type 'humann'.* Did you mean 'human'\?"),
    ({"start_on": 3}, "start_on"),
    ({"text_splitter": 3}, "text_splitter is int"),
    ({"text_splitter": lambda text: text, "allow_partial": True}, "text_splitter gave str"),
]


@pytest.mark.parametrize(("settings", "complaint"), WRONG)
def test_arguments_that_do_not_fit_are_refused(settings: dict[str, Any], complaint: str) -> None:
    given: dict[str, Any] = {"max_tokens": 9, "token_counter": letters, **settings}

    with pytest.raises(InvalidRequestError, match=complaint):
        trim_messages(TALK, **given)


def test_an_empty_conversation_stays_empty() -> None:
    settings: dict[str, Any] = {"start_on": "human", "end_on": "ai", "include_system": True, "allow_partial": True}

    assert trim_messages([], max_tokens=9, token_counter=letters, **settings) == []
