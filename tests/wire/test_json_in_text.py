"""The JSON value in an answer, wherever it stands."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatplug.wire import JSONInText

VALUES = {
    "alone": ('{"a": 1}', {"a": 1}),
    "in prose": ('Here you are: {"a": [1, 2]}. Anything else?', {"a": [1, 2]}),
    "in a fence": ('Sure:\n```json\n{"a": 1}\n```\nDone.', {"a": 1}),
    "in a fence without a name": ("```\n[1, 2]\n```", [1, 2]),
    "in a fence, behind a list in prose": ('As in [1]:\n```json\n{"a": 1}\n```', {"a": 1}),
    "behind thoughts": ('<think>maybe {"a": 0}?</think>\n{"a": 1}', {"a": 1}),
    "behind thoughts that the template began": ('maybe {"a": 0}?\n</think>\n{"a": 1}', {"a": 1}),
    "behind long thoughts": ('<thinking>{"a"\n</thinking>{"a": 1}', {"a": 1}),
    "behind words in braces": ('In {curly} braces: {"a": 1}', {"a": 1}),
    "behind broken JSON": ('{"a": x} then {"a": 1}', {"a": 1}),
    "behind two braces": ('{{"a": 1}}', {"a": 1}),
    "the first of two": ('{"a": 1} {"a": 2}', {"a": 1}),
    "with a fence in a text": ('{"a": "```json {} ```"}', {"a": "```json {} ```"}),
    "with the end of thoughts in a text": ('{"a": "</think>"}', {"a": "</think>"}),
    "with a line break in a text": ('{"a": "x\ny"}', {"a": "x\ny"}),
    "with thoughts that are mentioned behind": ('{"a": 1} <think>{"a": 2}</think>', {"a": 1}),
    "nowhere": ("No JSON here.", None),
    "in thoughts alone": ('<think>{"a": 1}', None),
    "not whole": ('{"a": {"b": [1, "x', {"a": {"b": [1, "x"]}}),
}


def fed(pieces: list[str], *, only_objects: bool = False) -> JSONInText:
    found = JSONInText(only_objects=only_objects)
    for piece in pieces:
        found.feed(piece)
    return found


def cut(text: str, places: list[int]) -> list[str]:
    ends = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[start:end] for start, end in itertools.pairwise(ends)]


@pytest.mark.parametrize("name", VALUES)
def test_the_value_is_found(name: str) -> None:
    text, value = VALUES[name]

    found = fed([text])

    assert found.value() == value
    assert found.is_whole == (name not in ("nowhere", "in thoughts alone", "not whole"))


@given(st.sampled_from(sorted(VALUES)), st.lists(st.integers(0, 200), max_size=12))
def test_it_is_the_same_at_any_split(name: str, places: list[int]) -> None:
    text, value = VALUES[name]

    assert fed(cut(text, places)).value() == value


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
prose = st.text(alphabet="abc .,:'\n")


@given(prose, st.dictionaries(st.text(), json_values), prose, st.lists(st.integers(0, 400), max_size=12))
def test_any_object_is_found_between_any_words_at_any_split(
    before: str, value: dict[str, object], after: str, places: list[int]
) -> None:
    text = f"{before}{json.dumps(value)}{after}"

    found = fed(cut(text, places), only_objects=True)

    assert found.is_whole
    assert found.value() == value


def test_a_list_is_passed_over_where_an_object_is_wanted() -> None:
    assert fed(['See [1] and [{"a": 1}].'], only_objects=True).value() == {"a": 1}


@given(st.text(), st.lists(st.integers(0, 400), max_size=12))
def test_any_text_at_all_is_read_without_an_error(text: str, places: list[int]) -> None:
    assert fed(cut(text, places)).value() == fed([text]).value()


def test_what_has_changed_is_counted_and_nothing_else() -> None:
    found = JSONInText()
    changes: list[int] = []
    for piece in ("Here: ", "{", '"na', "me", '": ', '"B', "ern", '"', ', "n": 1', "2", "}", " done"):
        found.feed(piece)
        changes.append(found.changes)

    has_changed = [after > before for before, after in itertools.pairwise([0, *changes])]

    #                      Here  {     "na    me     ":     "B    ern   "      ,n:1   2      }     done
    assert has_changed == [False, True, False, False, False, True, True, False, False, False, True, False]


def test_what_stands_too_deep_is_not_taken_for_the_answer() -> None:
    found = fed(["[" * 300 + "1" + "]" * 300])

    assert found.value() is None
    assert not found.is_whole
