"""A Runnable that is chosen by a condition, and one that is called for each of a list."""

from __future__ import annotations

import asyncio

import pytest

from chatplug.runnables import RunnableBranch, RunnableLambda
from tests.runnables.chains import WAYS, Ends, call, letters


@pytest.mark.parametrize("way", WAYS)
def test_the_first_branch_is_called_whose_condition_holds(way: str) -> None:
    heard = Ends()
    branch = RunnableBranch[str, str](
        (lambda text: text == "a", lambda text: "first"),
        (lambda text: text in "ab", RunnableLambda[str, str](lambda text: "second", name="second")),
        letters,
    )

    assert call(branch, way, "a") in ("first", ["first"])
    assert call(branch, way, "b", {"callbacks": [heard]}) in ("second", ["second"])
    assert call(branch, way, "xyz") in ("xyz", ["x", "y", "z"])
    assert heard.named("second").tags == ["branch:2"]


def test_a_branch_wants_pairs_and_a_default() -> None:
    with pytest.raises(ValueError, match="a Runnable at the end"):
        RunnableBranch((bool, str))
    with pytest.raises(TypeError, match="Branch 1 is no pair"):
        RunnableBranch(bool, str)


def test_a_runnable_is_mapped_over_a_list() -> None:
    heard = Ends()

    output = RunnableLambda(len).map().invoke(["a", "bb"], {"callbacks": [heard]})

    assert output == [1, 2] == asyncio.run(RunnableLambda(len).map().ainvoke(["a", "bb"]))
    assert {run.parent for run in heard.runs if run.name == "len"} == {heard.named("RunnableEach<len>")}
