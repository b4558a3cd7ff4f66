"""Laws of what is combined: where the brackets stand does not matter, and a batch is nothing but calls."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatplug.errors import ConfigError
from chatplug.runnables import Runnable, RunnableGenerator, RunnableLambda, merge_configs


def double(text: str) -> str:
    return text * 2


def reverse(text: str) -> str:
    return text[::-1]


def letters(pieces: Iterator[str]) -> Iterator[str]:
    for piece in pieces:
        yield from piece


def pairs(pieces: Iterator[str]) -> Iterator[str]:
    for piece in pieces:
        yield f"<{piece}"
        yield ">"


STEPS = st.sampled_from(
    [
        RunnableLambda(double),
        RunnableLambda(reverse),
        RunnableGenerator(letters),
        RunnableLambda(str.upper).with_config(tags=["x"]),
        RunnableGenerator(letters) | RunnableLambda(reverse) | RunnableGenerator(letters),
    ]
)


def streamed(runnable: Runnable[str, str], text: str) -> str:
    return "".join(runnable.stream(text))


async def astreamed(runnable: Runnable[str, str], text: str) -> str:
    return "".join([piece async for piece in runnable.astream(text)])


@given(st.text(min_size=1, max_size=8), STEPS, STEPS, STEPS)
def test_sequences_are_associative(text: str, a: Any, b: Any, c: Any) -> None:
    left, right = (a | b) | c, a | (b | c)

    outputs = {left.invoke(text), right.invoke(text), streamed(left, text), streamed(right, text)}
    outputs |= {asyncio.run(astreamed(left, text)), asyncio.run(astreamed(right, text))}

    assert outputs == {c.invoke(b.invoke(a.invoke(text)))}


@given(st.text(max_size=8))
def test_pieces_go_through_one_by_one(text: str) -> None:
    chain = RunnableGenerator(letters) | RunnableGenerator(pairs)

    assert list(chain.stream(text)) == [piece for letter in text for piece in (f"<{letter}", ">")]


@given(st.lists(st.integers(-3, 3), max_size=20), st.integers(1, 8))
def test_a_batch_is_as_many_calls(numbers: list[int], at_once: int) -> None:
    def divide(number: int) -> float:
        return 6 / number

    def outcome(number: int) -> str:
        try:
            return str(divide(number))
        except ZeroDivisionError as error:
            return str(error)

    runnable = RunnableLambda(divide)
    expected = [outcome(number) for number in numbers]

    outputs = runnable.batch(numbers, {"max_concurrency": at_once}, return_exceptions=True)
    aoutputs = asyncio.run(runnable.abatch(numbers, {"max_concurrency": at_once}, return_exceptions=True))
    pairs_of = runnable.batch_as_completed(numbers, {"max_concurrency": at_once}, return_exceptions=True)

    assert [str(one) for one in outputs] == [str(one) for one in aoutputs] == expected
    assert [str(output) for _, output in sorted(pairs_of, key=lambda pair: pair[0])] == expected


CONFIGS = st.fixed_dictionaries(
    {},
    optional={
        "tags": st.lists(st.sampled_from("abc"), max_size=3),
        "metadata": st.dictionaries(st.sampled_from("kl"), st.integers(0, 3), max_size=2),
        "configurable": st.dictionaries(st.sampled_from("kl"), st.integers(0, 3), max_size=2),
        "run_name": st.sampled_from(["x", "y"]),
        "max_concurrency": st.integers(1, 3),
    },
)


@given(CONFIGS, CONFIGS, CONFIGS)
def test_merging_configs_is_associative(a: Any, b: Any, c: Any) -> None:
    def plain(config: Any) -> dict[str, Any]:
        return {name: value for name, value in dict(config).items() if value}

    left, right = merge_configs(merge_configs(a, b), c), merge_configs(a, merge_configs(b, c))

    assert plain(left) == plain(right) == plain(merge_configs(a, b, c))


CONFIG_KEYS = (
    "tags",
    "metadata",
    "callbacks",
    "run_name",
    "run_id",
    "max_concurrency",
    "recursion_limit",
    "configurable",
)


@given(st.text(min_size=1, max_size=12).filter(lambda key: key not in CONFIG_KEYS))
def test_an_unknown_key_is_never_taken(key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        merge_configs({key: 1})

    assert repr(key) in str(caught.value)
