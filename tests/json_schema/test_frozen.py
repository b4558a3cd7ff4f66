"""JSON that cannot be changed."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from chatplug.json_schema import FrozenList, frozen

VALUE = [{"name": "a", "items": [1, {"deep": None}]}]


def test_it_is_equal_to_what_it_was_made_of_and_has_its_text() -> None:
    made = frozen(VALUE)

    assert isinstance(made, FrozenList)
    assert made == VALUE
    assert json.loads(made.json_text) == VALUE
    assert made.json_text is made.json_text
    assert json.loads(json.dumps(made)) == VALUE


CHANGES: list[Callable[[Any], Any]] = [
    lambda made: made.append(1),
    lambda made: made.__setitem__(0, 1),
    lambda made: made.sort(),
    lambda made: made.__iadd__([1]),
    lambda made: made[0].update(name="b"),
    lambda made: made[0].__setitem__("name", "b"),
    lambda made: made[0].pop("name"),
    lambda made: made[0].__ior__({"name": "b"}),
    lambda made: made[0]["items"].clear(),
    lambda made: made[0]["items"][1].setdefault("x", 1),
]


@pytest.mark.parametrize("change", CHANGES)
def test_no_part_of_it_can_be_changed(change: Callable[[Any], Any]) -> None:
    made = frozen(VALUE)

    with pytest.raises(TypeError, match="cannot be changed"):
        change(made)

    assert made == VALUE


def test_a_deep_copy_is_ones_own_and_a_pickle_is_frozen_again() -> None:
    made = frozen(VALUE)

    copied = copy.deepcopy(made)
    copied[0]["items"][1]["deep"] = 7

    assert type(copied) is list
    assert made == VALUE
    assert type(pickle.loads(pickle.dumps(made))) is FrozenList  # noqa: S301  # our own
    assert type(copy.copy(made)) is list
    assert type(copy.copy(made[0])) is dict


def test_a_number_that_json_does_not_have_is_refused_when_it_is_written() -> None:
    with pytest.raises(ValueError, match="expected value"):
        _ = frozen([float("inf")]).json_text
