"""`PartialJSON` against the standard library's reader, at any split."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatplug.wire import is_array, is_object
from chatplug.wire.partial_json import ABSENT, PartialJSON

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(['"', "\\", "\n", "雪🙂", "/"])
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def readings(text: str, cuts: list[int]) -> list[Any]:
    parser = PartialJSON()
    read: list[Any] = []
    edges = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    for start, end in itertools.pairwise(edges):
        parser.feed(text[start:end])
        read.append(parser.value())
        assert parser.error is None
    assert parser.is_whole
    return read


def begins(part: Any, whole: Any) -> bool:
    """Whether a reading can grow into the whole value."""
    if is_object(whole):
        return is_object(part) and all(key in whole and begins(part[key], whole[key]) for key in part)
    if is_array(whole):
        return is_array(part) and len(part) <= len(whole) and all(map(begins, part, whole))
    if isinstance(whole, str):
        return isinstance(part, str) and whole.startswith(part)
    return bool(part == whole)


@given(values, st.booleans(), st.lists(st.integers(0, 500), max_size=20))
def test_any_split_of_any_json_ends_in_the_value_that_it_stands_for(value: Any, ascii_: bool, cuts: list[int]) -> None:
    text = json.dumps(value, ensure_ascii=ascii_) + " "

    assert readings(text, cuts)[-1] == value


@given(values, st.lists(st.integers(0, 500), max_size=20))
def test_each_reading_is_a_beginning_of_the_value(value: Any, cuts: list[int]) -> None:
    for reading in readings(json.dumps(value) + " ", cuts):
        assert reading is ABSENT or begins(reading, value)


@given(values, st.integers(0, 200), st.sampled_from('{}[],:"\\x1 '))
def test_what_the_standard_library_refuses_is_refused_and_nothing_else(value: Any, at: int, mark: str) -> None:
    text = json.dumps(value)
    text = text[: at % len(text)] + mark + text[at % len(text) + 1 :] + " "
    try:
        expected: Any = json.loads(text)
        text.encode()
        json.dumps(expected, ensure_ascii=False).encode()
    except ValueError:
        expected = ABSENT
    parser = PartialJSON()

    parser.feed(text)

    if expected is not ABSENT:
        assert parser.is_whole
        assert parser.value() == expected
    elif "\\u" not in text:
        assert not parser.is_whole


def test_an_older_reading_stays_as_it_was_while_the_parser_reads_on() -> None:
    parser = PartialJSON()
    parser.feed('{"list": [1, {"a": "x')
    early = parser.value()

    parser.feed('yz"}, 2], "more": true}')

    assert early == {"list": [1, {"a": "x"}]}
    assert parser.value() == {"list": [1, {"a": "xyz"}, 2], "more": True}


def test_a_number_and_a_word_count_when_their_end_is_there() -> None:
    parser = PartialJSON()

    parser.feed('{"days": 1')
    assert parser.value() == {}
    parser.feed("2")
    assert parser.value() == {}
    parser.feed(', "sure": tr')
    assert parser.value() == {"days": 12}
    parser.feed("ue}")
    assert parser.value() == {"days": 12, "sure": True}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("}", "'}' where a value should be"),
        ('{"a" 1}', "where a colon should be"),
        ("{1: 2}", "where a name or the end should be"),
        ("[1, ]", "where a value should be"),
        ('{"a": 1,}', "where a name should be"),
        ("[1 2]", "where a comma or the end should be"),
        ("tru ", "'tru', which is no value"),
        ("1 2", "where the end should be"),
        ('"\\x"', "the escape"),
        ('"\n"', "a control character"),
        ("'", '"\'" where a value should be'),
        ("[`", "'`' where a value or the end should be"),
        ("[" * 300, "more than 200 containers"),
    ],
)
def test_what_breaks_the_grammar_is_told(text: str, error: str) -> None:
    parser = PartialJSON()

    parser.feed(text)

    assert parser.error is not None
    assert error in parser.error


def test_half_of_a_pair_of_codes_is_read_as_the_replacement_character() -> None:
    parser = PartialJSON()

    parser.feed('"a\\ud83dz\\ud83d\\n\\ude42"')

    assert parser.value() == "a\ufffdz\ufffd\n\ufffd"
