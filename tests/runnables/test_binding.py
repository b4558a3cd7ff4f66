"""What is bound to a Runnable: arguments, config, listeners, types."""

from __future__ import annotations

from typing import Any

import pytest

from chatplug.callbacks import Run
from chatplug.errors import ConfigError
from chatplug.runnables import Runnable, RunnableConfig, RunnableLambda
from tests.language_models.models import Whole, WholeNative
from tests.runnables.chains import WAYS, Ends, call


@pytest.mark.parametrize("way", WAYS)
def test_what_is_bound_goes_with_every_call(way: str) -> None:
    heard = Ends()
    model = WholeNative().bind(stop=["x"], own=1).with_config(tags=["a"], metadata={"m": 1}).with_config(run_name="it")

    call(model, way, "cat", {"callbacks": [heard], "tags": ["b"], "metadata": {"m": 2}})

    run = heard.named("it")
    assert (run.tags, run.metadata, model.get_name()) == (["a", "b"], {"m": 2}, "it")
    assert model.kwargs == {"stop": ["x"], "own": 1}


def test_a_wrong_config_is_found_when_it_is_bound() -> None:
    with pytest.raises(ConfigError, match="'tags'"):
        Whole().with_config(tag=["a"])


def test_a_binding_in_a_sequence_keeps_its_place_in_the_tree() -> None:
    heard = Ends()

    (RunnableLambda(str) | WholeNative(name="m").with_config(tags=["a"])).invoke("x", {"callbacks": [heard]})

    assert heard.named("m").parent is heard.named("RunnableSequence")
    assert heard.named("m").tags == ["a", "seq:step:2"]


@pytest.mark.parametrize("way", WAYS)
def test_listeners_hear_one_run_and_not_those_below(way: str) -> None:
    told: list[tuple[str, Any]] = []

    def start(run: Run) -> None:
        told.append(("start", run.inputs))

    async def end(run: Run, config: RunnableConfig) -> None:
        told.append(("end", (run.output, config.get("tags"))))

    listened = (RunnableLambda(str) | RunnableLambda(str)).with_listeners(on_start=start, on_end=end)

    call(listened, way, 3, {"tags": ["t"]})

    assert told == [("start", 3), ("end", ("3", ["t"]))]


def test_listeners_hear_of_a_failure() -> None:
    told: list[Any] = []

    def fail(number: int) -> int:
        raise LookupError(number)

    with pytest.raises(LookupError):
        RunnableLambda(fail).with_alisteners(
            on_end=lambda run: told.append("end"), on_error=lambda run: told.append(run.error)
        ).invoke(1)

    assert [type(one) for one in told] == [LookupError]


def test_a_runnable_says_what_it_takes_and_gives() -> None:
    class Length(Runnable[str, int]):
        def invoke(self, input: str, config: RunnableConfig | None = None, **kwargs: Any) -> int:
            return len(input)

    typed = RunnableLambda[Any, Any](len).with_types(input_type=str, output_type=int)

    assert (Length().InputType, Length().OutputType) == (str, int) == (typed.InputType, typed.OutputType)
    assert Length().input_schema.model_json_schema()["type"] == "string"
    assert Length().output_schema.model_json_schema()["type"] == "integer"
    assert RunnableLambda(len).InputType is Any
