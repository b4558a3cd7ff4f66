"""Several calls at once: in order, each with its input and its config."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import pytest

from chatplug.errors import ConfigError
from chatplug.runnables import RunnableConfig, RunnableLambda
from tests.language_models.models import WholeNative
from tests.runnables.batches import DOUBLE, collect, double
from tests.runnables.chains import Ends

WHERE: ContextVar[str] = ContextVar("where", default="nowhere")


def test_outputs_have_the_order_of_the_inputs() -> None:
    numbers = list(range(200))
    expected = [number * 2 for number in numbers]

    assert DOUBLE.batch(numbers) == expected
    assert asyncio.run(DOUBLE.abatch(numbers)) == expected
    assert sorted(DOUBLE.batch_as_completed(numbers)) == list(enumerate(expected))
    assert sorted(asyncio.run(collect(DOUBLE, numbers))) == list(enumerate(expected))


def test_a_batch_of_nothing_is_nothing() -> None:
    assert DOUBLE.batch([]) == asyncio.run(DOUBLE.abatch([])) == []
    assert list(DOUBLE.batch_as_completed([])) == []
    assert asyncio.run(collect(DOUBLE, [])) == []


def test_inputs_may_come_from_anything_that_can_be_iterated() -> None:
    assert DOUBLE.batch(number for number in range(3)) == [0, 2, 4]
    assert DOUBLE.batch((1, 2)) == [2, 4]


@pytest.mark.parametrize("inputs", ["text", b"bytes", {"a": 1}])
def test_one_text_is_no_list_of_inputs(inputs: Any) -> None:
    with pytest.raises(TypeError, match="A batch takes a list of inputs, not one"):
        DOUBLE.batch(inputs)


def test_calls_see_the_context_of_who_asks_and_not_each_others() -> None:
    seen: list[str] = []

    def look(number: int) -> int:
        seen.append(WHERE.get())
        WHERE.set(f"call {number}")
        return number

    async def alook(number: int) -> int:
        return look(number)

    WHERE.set("here")
    RunnableLambda(look).batch(range(50))
    list(RunnableLambda(look).batch_as_completed(range(50)))
    asyncio.run(RunnableLambda(alook).abatch(range(50), {"max_concurrency": 2}))

    assert set(seen) == {"here"}
    assert WHERE.get() == "here"


def test_exceptions_take_the_place_of_outputs_where_that_is_asked_for() -> None:
    def fail(number: int) -> int:
        if number % 2:
            raise LookupError(number)
        return number

    runnable = RunnableLambda(fail)
    for outputs in (
        runnable.batch(range(4), return_exceptions=True),
        asyncio.run(runnable.abatch(range(4), return_exceptions=True)),
        [output for _, output in sorted(runnable.batch_as_completed(range(4), return_exceptions=True), key=str)],
    ):
        assert [str(output) for output in outputs] == ["0", "1", "2", "3"]
        assert [type(output) for output in outputs] == [int, LookupError] * 2


def test_each_input_may_have_a_config_of_its_own() -> None:
    heard = Ends()
    configs: list[RunnableConfig] = [{"tags": ["a"], "callbacks": [heard]}, {"tags": ["b"], "callbacks": [heard]}]

    RunnableLambda(double).batch([1, 2], configs)

    assert sorted((run.inputs, run.tags) for run in heard.runs) == [(1, ["a"]), (2, ["b"])]


def test_as_many_configs_as_inputs_are_wanted() -> None:
    with pytest.raises(ConfigError, match="A batch of 2 inputs was given 1 configs"):
        DOUBLE.batch([1, 2], [{}])


@pytest.mark.parametrize("as_list", [False, True])
def test_the_id_of_a_run_is_used_once(as_list: bool) -> None:
    heard = Ends()
    config: RunnableConfig = {"run_id": UUID(int=7), "callbacks": [heard]}

    with pytest.warns(RuntimeWarning, match="run_id names one run") as caught:
        DOUBLE.batch([1, 2, 3], [config] * 3 if as_list else config)

    assert [run.inputs for run in heard.runs if run.id == UUID(int=7)] == [1]
    assert len({run.id for run in heard.runs}) == 3
    assert caught[0].filename == __file__


def test_a_batch_of_one_may_have_an_id() -> None:
    heard = Ends()

    DOUBLE.batch([1], {"run_id": UUID(int=7), "callbacks": [heard]})

    assert heard.runs[0].id == UUID(int=7)


def test_an_unknown_key_is_found_before_anything_is_called() -> None:
    wrong: Any = {"tag": ["a"]}

    with pytest.raises(ConfigError, match="tags"):
        WholeNative().batch(["a"], wrong)
    with pytest.raises(ConfigError, match="tags"):
        WholeNative().batch_as_completed(["a"], wrong)


def test_a_model_has_batches() -> None:
    model = WholeNative()

    assert [answer.text for answer in model.batch(["a", "b"])] == ["a", "b"]
    assert sorted((number, answer.text) for number, answer in model.batch_as_completed(["a", "b"])) == [
        (0, "a"),
        (1, "b"),
    ]
