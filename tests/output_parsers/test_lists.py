"""Lists: whole, and item by item while they arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatplug.messages import AIMessage, AIMessageChunk
from chatplug.output_parsers import (
    CommaSeparatedListOutputParser,
    ListOutputParser,
    MarkdownListOutputParser,
    NumberedListOutputParser,
)

PARSERS = (CommaSeparatedListOutputParser(), NumberedListOutputParser(), MarkdownListOutputParser())


@pytest.mark.parametrize(
    ("parser", "text", "items"),
    [
        (PARSERS[0], "cats, dogs,birds", ["cats", "dogs", "birds"]),
        (PARSERS[0], 'cats, "dogs, small"\nbirds', ["cats", "dogs, small", "birds"]),
        (PARSERS[0], "cats,", ["cats", ""]),
        (PARSERS[0], "", []),
        (PARSERS[1], "Here:\n1. cats\n 2. dogs, small\n10. birds\nThat is all.", ["cats", "dogs, small", "birds"]),
        (PARSERS[1], "1.cats", []),
        (PARSERS[2], "Here:\n- cats\n  * dogs\n-birds", ["cats", "dogs"]),
    ],
)
def test_the_items_of_a_text_are_read(parser: ListOutputParser, text: str, items: list[str]) -> None:
    assert parser.invoke(text) == items == parser.invoke(AIMessage(text))


def pieces(text: str, sizes: list[int]) -> Iterator[AIMessageChunk]:
    for size in [*sizes, len(text)]:
        yield AIMessageChunk(text[:size])
        text = text[size:]


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: type(parser).__name__)
@given(text=st.text('ab12., -*\n"', max_size=40), sizes=st.lists(st.integers(0, 5), max_size=20))
def test_any_split_of_a_stream_adds_up_to_the_whole(parser: ListOutputParser, text: str, sizes: list[int]) -> None:
    parts = list(parser.transform(pieces(text, sizes)))

    assert [item for part in parts for item in part] == parser.invoke(text)


def test_an_item_is_given_when_the_next_one_has_begun() -> None:
    given: list[str] = []

    def source() -> Iterator[AIMessageChunk]:
        for piece in ("ca", 'ts, "do', "gs, sm", 'all", bi', "rds"):
            given.append(piece)
            yield AIMessageChunk(piece)

    seen = [(part, len(given)) for part in PARSERS[0].transform(source())]

    assert seen == [(["cats"], 2), (["dogs, small"], 4), (["birds"], 5)]


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: type(parser).__name__)
def test_what_a_model_is_told_is_read_by_the_parser_itself(parser: ListOutputParser) -> None:
    told = parser.get_format_instructions().rpartition("as in:")[2]

    assert [item.strip() for item in parser.invoke(told)] == ["red", "green", "blue"]
    assert asyncio.run(parser.ainvoke(told)) == parser.invoke(told)


def test_a_parser_that_only_parses_gives_its_items_at_the_end() -> None:
    class Words(ListOutputParser):
        def parse(self, text: str) -> list[str]:
            return text.split()

    assert list(Words().transform(pieces("a, b\nc", [2, 2]))) == [["a,"], ["b"], ["c"]]
