"""Functions, generators, dicts, branches, bindings, listeners, fields and alternatives as Runnables."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from operator import itemgetter
from typing import Any

import pytest
from pydantic import PrivateAttr

from chatplug.callbacks import CallbackManagerForChainRun, Run
from chatplug.errors import ConfigError
from chatplug.messages import AIMessage
from chatplug.runnables import (
    AddableDict,
    ConfigurableField,
    Runnable,
    RunnableBranch,
    RunnableConfig,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
    RunnablePick,
    chain,
    ensure_config,
)
from chatplug.testing import FakeChatModel
from tests.language_models.models import Pieces, Whole, WholeNative
from tests.runnables.chains import WAYS, Ends, call, every_way


def letters(pieces: Iterator[str]) -> Iterator[str]:
    for piece in pieces:
        yield from piece


# ---- functions


@pytest.mark.parametrize("way", WAYS)
def test_a_function_gets_what_it_asks_for(way: str) -> None:
    heard, got = Ends(), list[Any]()

    def asks(text: str, config: RunnableConfig, run_manager: CallbackManagerForChainRun) -> str:
        got.append((config.get("tags"), run_manager.run))
        return text

    call(RunnableLambda(asks), way, "x", {"tags": ["t"], "callbacks": [heard]})

    assert got == [(["t"], heard.named("asks"))]


@pytest.mark.parametrize("way", WAYS)
def test_a_runnable_that_a_function_gives_is_called(way: str) -> None:
    heard = Ends()
    route = RunnableLambda[str, Any](lambda text: Whole(name="model") if text == "x" else text, name="route")

    output = call(route, way, "x", {"callbacks": [heard]})

    assert (output[0] if type(output) is list else output).text == "x"
    assert heard.named("model").parent is heard.named("route")


@pytest.mark.parametrize("way", WAYS)
def test_functions_that_give_runnables_for_ever_come_to_an_end(way: str) -> None:
    calls: list[str] = []

    def again(text: str) -> Any:
        calls.append(text)
        return endless

    endless = RunnableLambda[str, Any](again)

    with pytest.raises(RecursionError, match="recursion_limit"):
        call(endless, way, "x", {"recursion_limit": 5})

    assert len(calls) == 6


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_an_asynchronous_function_says_how_to_call_it(way: str) -> None:
    async def only(text: str) -> str:
        return text

    with pytest.raises(TypeError, match=r"only is asynchronous: use ainvoke"):
        call(RunnableLambda(only), way, "x")
    with pytest.raises(TypeError, match="use ainvoke"):
        call(RunnableLambda[str, Any](lambda text: only(text + "")), way, "x")

    assert call(RunnableLambda[str, Any](lambda text: only(text + "")), f"a{way}", "x") in ("x", ["x"])


def test_a_function_of_the_language_itself_is_a_step() -> None:
    assert every_way(RunnableLambda(itemgetter("a")) | str, {"a": 1}) == ["1", ["1"], "1", ["1"]]


def test_a_synchronous_function_does_not_block_the_loop() -> None:
    where: list[int] = []

    asyncio.run(RunnableLambda[str, None](lambda text: where.append(threading.get_ident())).ainvoke("x"))

    assert where != [threading.get_ident()]


@pytest.mark.parametrize("way", WAYS)
def test_what_a_function_calls_is_part_of_its_run_without_being_told(way: str) -> None:
    heard, model = Ends(), WholeNative(name="model")

    def inner(text: str) -> str:
        return RunnableLambda[str, str](lambda it: model.invoke(it).text, name="deep").invoke(text)

    call(RunnableLambda(inner), way, "x", {"callbacks": [heard], "tags": ["t"], "configurable": {"k": 1}})

    assert heard.named("model").parent is heard.named("deep")
    assert heard.named("deep").parent is heard.named("inner")
    assert heard.named("model").tags == ["t"]


def test_a_decorated_function_is_a_runnable() -> None:
    @chain
    def shout(text: str) -> str:
        return text.upper()

    @chain
    def spell(pieces: Iterator[str]) -> Iterator[str]:
        for piece in pieces:
            yield from piece

    assert shout.get_name() == "shout"
    assert every_way(shout | spell, "ab") == ["AB", ["A", "B"], "AB", ["A", "B"]]


# ---- generators


@pytest.mark.parametrize("way", WAYS)
def test_a_generator_that_raises_half_way_ends_its_run_with_what_it_gave(way: str) -> None:
    heard = Ends()

    def breaks(pieces: Iterator[str]) -> Iterator[str]:
        yield "a"
        yield "b"
        raise LookupError("half-way")

    with pytest.raises(LookupError, match="half-way"):
        call(RunnableGenerator(breaks), way, "x", {"callbacks": [heard]})

    run = heard.named("breaks")
    assert (run.status, run.output) == ("error", "ab")


def test_what_is_no_generator_function_is_refused() -> None:
    with pytest.raises(TypeError, match="'ascii' is no generator function"):
        RunnableGenerator[Any, Any](ascii)  # type: ignore[arg-type]  # the mistake under test


async def test_a_synchronous_generator_in_an_asynchronous_stream_is_left_with_it() -> None:
    closed: list[str] = []

    async def endless(pieces: AsyncIterator[str]) -> AsyncIterator[str]:
        try:
            while True:
                yield "x"
        finally:
            closed.append("source")

    def passes(pieces: Iterator[str]) -> Iterator[str]:
        try:
            yield from pieces
        finally:
            closed.append("step")

    stream = (RunnableGenerator(endless) | passes).astream("a")
    first = await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]  # a generator

    assert first == "x"
    assert closed == ["step", "source"]
    assert len(asyncio.all_tasks()) == 1


# ---- dicts


def test_steps_of_a_dict_get_the_same_input_at_once() -> None:
    gate = threading.Barrier(3)

    def meets(text: str) -> str:
        gate.wait(20)
        return text

    both: Runnable[Any, Any] = RunnableParallel(a=meets, b=meets, c=meets)

    assert both.invoke("x") == {"a": "x", "b": "x", "c": "x"}
    assert list(both.invoke("x")) == ["a", "b", "c"]
    assert asyncio.run(both.ainvoke("x")) == {"a": "x", "b": "x", "c": "x"}


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_the_pieces_of_a_dict_come_under_their_keys_and_add_up(way: str) -> None:
    pieces: list[Any] = call(RunnableParallel(a=letters, b=len), way, "abc")

    assert [piece for piece in pieces if "a" in piece] == [{"a": "a"}, {"a": "b"}, {"a": "c"}]
    assert sum(pieces[1:], pieces[0]) == {"a": "abc", "b": 3}


def test_dicts_that_add_up_add_up_by_key() -> None:
    first, second = AddableDict(a="x", b=None), AddableDict(a="y", b=1, c=[2])

    assert first + second == {"a": "xy", "b": 1, "c": [2]}
    assert {"a": "w"} + first == {"a": "wx", "b": None}


@pytest.mark.parametrize("way", WAYS)
def test_the_failure_of_one_step_ends_the_others(way: str) -> None:
    heard = Ends()

    def fail(text: str) -> str:
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        call(RunnableParallel(a=letters, b=fail), way, "abc", {"callbacks": [heard]})

    assert {run.name for run in heard.runs if run.status == "error"} >= {"fail", "RunnableParallel<a,b>"}
    assert all(run.status is not None for run in heard.runs)


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_leaving_a_dict_closes_its_steps(way: str) -> None:
    closed = threading.Semaphore(0)

    def endless(pieces: Iterator[str]) -> Iterator[str]:
        try:
            while True:
                yield "x"
        finally:
            closed.release()  # asynchronously by the thread that is in it, which nobody waits for

    both: Runnable[Any, Any] = RunnableParallel(a=endless, b=endless)

    async def leave() -> None:
        stream, seen = both.astream("x"), set[str]()
        async for piece in stream:
            seen |= set(piece)
            if len(seen) == 2:
                break
        await stream.aclose()  # type: ignore[attr-defined]  # a generator
        assert len(asyncio.all_tasks()) == 1

    if way == "stream":
        stream, seen = both.stream("x"), set[str]()
        for piece in stream:
            seen |= set(piece)
            if len(seen) == 2:
                break
        stream.close()  # type: ignore[attr-defined]  # a generator
    else:
        asyncio.run(leave())

    assert all(closed.acquire(timeout=20) for _ in range(2))


@pytest.mark.parametrize("way", WAYS)
def test_a_dict_passes_on_with_more_in_it(way: str) -> None:
    more = RunnablePassthrough.assign(b=lambda given: given["a"] + 1, c=lambda given: given["a"] + 2)

    output: Any = call(more, way, {"a": 1})
    pieces: Any = output if way in ("stream", "astream") else [output]

    assert sum(pieces[1:], pieces[0]) == {"a": 1, "b": 2, "c": 3}


def test_a_runnable_is_assigned_and_picked_from() -> None:
    start = RunnableLambda[int, dict[str, Any]](lambda number: {"a": number})

    assert every_way(start.assign(b=lambda given: given["a"] * 2).pick("b"), 2) == [4, [4], 4, [4]]
    assert start.assign(b=lambda given: 1).pick(["a", "b", "x"]).invoke(2) == {"a": 2, "b": 1}
    assert RunnablePick("x").invoke({"a": 1}) is None
    with pytest.raises(TypeError, match="This step wants a dict, not int"):
        RunnablePick("x").invoke(3)


@pytest.mark.parametrize("way", WAYS)
def test_what_passes_through_may_be_looked_at(way: str) -> None:
    seen: list[str] = []

    output = call(RunnableGenerator(letters) | RunnablePassthrough[str](seen.append), way, "abc")

    assert output in ("abc", ["a", "b", "c"])
    assert seen == ["abc"]


# ---- branches and lists


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


# ---- bindings


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


# ---- fields and alternatives


class Model(WholeNative):
    n: int = 1

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        answer = super()._generate(messages)
        answer.generations[0].message.content *= self.n
        return answer

    async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        return self._generate(messages)


@pytest.mark.parametrize("way", WAYS)
def test_a_call_sets_a_field(way: str) -> None:
    model = Model().configurable_fields(n=ConfigurableField("times"))

    def text(output: Any) -> str:
        return str((output[0] if way in ("stream", "astream") else output).text)

    assert text(call(model, way, "ab")) == "ab"
    assert text(call(model, way, "ab", {"configurable": {"times": 2}})) == "abab"
    assert text(call(RunnableLambda(str) | model, way, "ab", {"configurable": {"times": "3"}})) == "ababab"
    assert text(call(model, way, "ab")) == "ab"


class Derived(WholeNative):
    n: int = 1
    _answer: str = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        super().model_post_init(context)
        self._answer = "ab" * self.n

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        return AIMessage(self._answer)


def test_what_a_model_derives_from_a_field_is_derived_anew_for_a_call() -> None:
    given: Any = {"seed": 1, "profile": {"max_input_tokens": 7}}
    made = Derived(n=2, tags=["kept"], on_unsupported="allow", **given)
    made.set_origin("cats", "tom")
    model = made.configurable_fields(n=ConfigurableField("times"))
    heard = Ends()

    answers = [model.invoke("x", {"configurable": said, "callbacks": [heard]}) for said in ({}, {"times": 3})]

    assert [answer.text for answer in answers] == ["abab", "ababab"]
    assert [answer.response_metadata["unsupported_settings"] for answer in answers] == [["seed"], ["seed"]]
    other = made.remade({"n": 5})
    assert (other.provider, other.model_id, other.tags, other.profile) == ("cats", "tom", ["kept"], made.profile)


def test_a_fake_model_goes_on_with_its_script_whatever_a_call_sets() -> None:
    fake = FakeChatModel(script=["one", "two"])
    model = fake.configurable_fields(model_name=ConfigurableField("called"))

    answers = [model.invoke(text, {"configurable": {"called": text}}) for text in ("a", "b")]

    assert [answer.text for answer in answers] == ["one", "two"]
    assert [answer.response_metadata["model_name"] for answer in answers] == ["a", "b"]
    assert len(fake.calls) == 2


def test_a_value_that_a_field_cannot_have_is_refused() -> None:
    model = Model().configurable_fields(n=ConfigurableField("times"))

    with pytest.raises(ConfigError, match="The field 'n' of Model cannot be set so") as caught:
        model.invoke("a", {"configurable": {"times": "hush"}})

    assert "hush" not in str(caught.value)


def test_a_field_that_is_not_there_is_found_at_once() -> None:
    with pytest.raises(ConfigError, match=r"Model has no field 'model_nam'\. Did you mean 'model_name'\?"):
        Model().configurable_fields(model_nam=ConfigurableField("x"))


def test_what_is_no_configurable_field_is_found_at_once() -> None:
    wrong: Any = "times"

    with pytest.raises(ConfigError, match=r"n is str\. Give a ConfigurableField\."):
        Model().configurable_fields(n=wrong)


def test_an_alternative_that_is_no_text_is_none() -> None:
    either = RunnableLambda(str.lower).configurable_alternatives(ConfigurableField("how"), upper=RunnableLambda(len))

    with pytest.raises(ConfigError, match=r"configurable\['how'\] is \['upper'\]\. Did you mean 'upper'\?"):
        either.invoke("a", {"configurable": {"how": ["upper"]}})


def test_a_runnable_that_is_no_pydantic_model_has_fields_too() -> None:
    parallel: Runnable[Any, Any] = RunnableParallel(a=len).configurable_fields(name=ConfigurableField("called"))
    heard = Ends()

    parallel.invoke("x", {"configurable": {"called": "mine"}, "callbacks": [heard]})

    assert "mine" in heard.names


@pytest.mark.parametrize("way", WAYS)
def test_a_call_chooses_an_alternative(way: str) -> None:
    made: list[str] = []

    def make() -> Runnable[str, str]:
        made.append("made")
        return RunnableLambda(str.upper)

    either = RunnableLambda(str.lower).configurable_alternatives(
        ConfigurableField("how"), default_key="lower", upper=make, title=RunnableLambda(str.title)
    )

    assert call(either, way, "aB") in ("ab", ["ab"])
    assert call(either, way, "aB", {"configurable": {"how": "lower"}}) in ("ab", ["ab"])
    assert made == []
    for _ in range(2):
        assert call(either, way, "aB", {"configurable": {"how": "upper"}}) in ("AB", ["AB"])
    assert made == ["made"]
    with pytest.raises(ConfigError, match=r"configurable\['how'\] is 'uper'\. Did you mean 'upper'\?"):
        call(either, way, "aB", {"configurable": {"how": "uper"}})


def test_fields_of_alternatives_may_be_marked() -> None:
    def model(times: int) -> Runnable[Any, Any]:
        return Model(n=times).configurable_fields(n=ConfigurableField("times"))

    either = model(1).configurable_alternatives(ConfigurableField("which"), prefix_keys=True, other=model(2))

    config: RunnableConfig = {"configurable": {"which": "other", "which==other/times": 3, "times": 7}}
    assert either.invoke("a", config).text == "aaa"
    assert either.invoke("a", {"configurable": {"which==default/times": 4}}).text == "aaaa"


def test_an_alternative_that_stands_for_itself_is_found() -> None:
    either = RunnableLambda(str).configurable_alternatives(ConfigurableField("which"))
    either.alternatives["again"] = either.with_config(tags=["a"])

    with pytest.raises(ConfigError, match="A Runnable stands for itself: RunnableConfigurableAlternatives -> "):
        either.invoke("x", {"configurable": {"which": "again"}})


def test_an_alternative_cannot_have_the_key_of_the_default() -> None:
    with pytest.raises(ConfigError, match="'default' is the key of the default"):
        RunnableLambda(str).configurable_alternatives(ConfigurableField("which"), default=RunnableLambda(str))


def test_a_stream_of_a_model_is_transformed_whole() -> None:
    model = Pieces()

    pieces = list(model.transform(iter(["c", "at"])))

    assert "".join(piece.text for piece in pieces) == "cat"
    assert list(model.transform(iter([]))) == []
    assert ensure_config() == {}


def test_a_key_that_is_bound_is_not_shown() -> None:
    bound = WholeNative().bind(api_key="sk-not-to-be-seen", seed=3)

    assert "sk-not" not in repr(bound)
    assert "'seed': 3" in repr(bound)
