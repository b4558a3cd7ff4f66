"""What a run hands on reaches what it calls, whether it was handed over or not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import pytest

from chatplug.callbacks import BaseCallbackHandler, CallbackManager, Run
from chatplug.callbacks.ambient import heard_by
from chatplug.callbacks.life import status_after
from chatplug.messages import AIMessage, AIMessageChunk
from chatplug.runnables import RunnableConfig, RunnableLambda, ensure_config, merge_configs
from chatplug.runnables.chain_call import ChainCall, ParserCall
from chatplug.runnables.config import current, resolve
from chatplug.runnables.running import Running
from chatplug.testing import RecordingHandler
from tests.language_models.models import Whole, WholeNative

INNER = WholeNative(name="inner")


class Runs(BaseCallbackHandler):
    """Keeps the runs that have ended."""

    run_inline = True

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.events: list[tuple[str, UUID]] = []

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        self.events.append(("model start", kwargs["run_id"]))

    def on_chain_start(self, *args: Any, **kwargs: Any) -> None:
        self.events.append(("chain start", kwargs["run_id"]))

    def on_chain_end(self, *args: Any, **kwargs: Any) -> None:
        self.events.append((f"chain end {kwargs['status']}", kwargs["run_id"]))

    def on_chain_error(self, *args: Any, **kwargs: Any) -> None:
        self.events.append(("chain error", kwargs["run_id"]))

    def on_run_end(self, run: Run) -> None:
        assert run.name not in self.runs
        self.runs[run.name] = run


class Outer(Whole):
    """A model that asks another one, and hands nothing over."""

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        return INNER.invoke(messages)

    async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        return await INNER.ainvoke(messages)


class OuterInPieces(Outer):
    """The same, in a stream."""

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Iterator[Any]:
        for _ in range(2):
            yield AIMessageChunk("a")
        yield AIMessageChunk(INNER.invoke(messages).text)

    async def _astream(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        for _ in range(2):
            yield AIMessageChunk("a")
        yield AIMessageChunk((await INNER.ainvoke(messages)).text)


def call(model: Any, way: str, config: RunnableConfig) -> None:
    async def astream() -> None:
        async for _ in model.astream("cat", config):
            assert current.get() is None

    if way == "invoke":
        model.invoke("cat", config)
    elif way == "ainvoke":
        asyncio.run(model.ainvoke("cat", config))
    elif way == "stream":
        for _ in model.stream("cat", config):
            assert current.get() is None
    else:
        asyncio.run(astream())
    assert current.get() is None


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
@pytest.mark.parametrize("kind", [Outer, OuterInPieces])
def test_a_model_that_asks_another_hands_its_config_on_unasked(kind: type[Whole], way: str) -> None:
    heard = Runs()

    call(kind(name="outer"), way, {"callbacks": [heard], "tags": ["t"], "metadata": {"m": 1}, "run_name": "mine"})

    inner, outer = heard.runs["inner"], heard.runs["mine"]
    assert (inner.parent, outer.parent) == (outer, None)
    assert inner.parent_id == outer.id
    assert (inner.tags, inner.metadata, inner.status) == (["t"], {"m": 1}, "ok")


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_a_run_says_who_answered_what_and_what_it_used(way: str) -> None:
    heard = Runs()

    call(WholeNative(name="it"), way, {"callbacks": [heard]})

    run = heard.runs["it"]
    assert (run.kind, run.provider, run.model, run.status) == ("chat_model", "test", "whole-1", "ok")
    assert isinstance(run.output, AIMessage)
    assert run.usage_status == ("reported" if run.output.usage_metadata else "unknown")
    assert run.end is not None
    assert run.duration == run.end - run.start >= 0


def test_a_chain_call_is_heard_and_what_is_called_inside_is_its_child() -> None:
    heard = Runs()
    chain = ChainCall("chain", "in", resolve({"callbacks": [heard], "run_id": UUID(int=5)}))

    with Running(chain, chain.child):
        INNER.invoke("cat")
        chain.gave("out")

    assert heard.runs["inner"].parent is heard.runs["chain"]
    run = heard.runs["chain"]
    assert (run.kind, run.inputs, run.output, run.status, run.id) == ("chain", "in", "out", "ok", UUID(int=5))
    assert [name for name, run_id in heard.events if run_id == run.id] == ["chain start", "chain end ok"]


@pytest.mark.parametrize(
    ("error", "status", "event"),
    [
        (ValueError("no"), "error", "chain error"),
        (KeyboardInterrupt(), "cancelled", "chain end cancelled"),
        (asyncio.CancelledError(), "cancelled", "chain end cancelled"),
        (GeneratorExit(), "abandoned", "chain end abandoned"),
    ],
)
def test_a_run_ends_once_with_the_status_of_what_ended_it(error: BaseException, status: str, event: str) -> None:
    heard = Runs()
    chain = ParserCall("it", "in", resolve({"callbacks": [heard]}))

    with pytest.raises(type(error)), Running(chain, chain.child):
        raise error

    assert status_after(error) == status == heard.runs["it"].status
    assert heard.runs["it"].error is error
    assert heard.runs["it"].kind == "parser"
    assert [name for name, _ in heard.events] == ["chain start", event]


def test_a_thread_inherits_what_it_is_handed_and_nothing_else() -> None:
    heard, parents = Runs(), list[Any]()

    class Threads(Whole):
        def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            parents.append(run_manager.run)
            config: RunnableConfig = {"callbacks": run_manager.get_child("branch")}
            for work in (lambda: INNER.invoke("x", config), lambda: Whole(name="lone").invoke("x")):
                thread = threading.Thread(target=work)
                thread.start()
                thread.join()
            return AIMessage("a")

    Threads(name="outer").invoke("cat", {"callbacks": [heard], "tags": ["t"]})

    assert heard.runs["inner"].parent is parents[0]
    assert heard.runs["inner"].tags == ["t", "branch"]
    assert "lone" not in heard.runs


def test_handlers_of_a_call_are_heard_beside_those_it_inherits() -> None:
    first, second = Runs(), Runs()
    chain = ChainCall("chain", None, resolve({"callbacks": [first]}))

    with Running(chain, chain.child):
        INNER.invoke("cat", {"callbacks": [second, first]})

    assert first.runs["inner"] is second.runs["inner"]


def test_a_config_that_is_handed_on_and_inherited_counts_once() -> None:
    heard = Runs()
    chain = ChainCall("chain", None, resolve({"callbacks": [heard], "tags": ["t"]}))

    with Running(chain, chain.child):
        handed: Any = {**chain.child, "tags": ["more"]}
        config = ensure_config(handed)
        INNER.invoke("cat", handed)

    assert config.get("tags") == ["t", "more"]
    assert heard.runs["inner"].tags == ["t", "more"]
    assert heard.runs["inner"].parent is heard.runs["chain"]


def test_the_name_and_the_id_of_a_run_are_not_inherited() -> None:
    chain = ChainCall("chain", None, resolve({"run_name": "mine", "run_id": UUID(int=1), "max_concurrency": 3}))

    assert chain.child == {"max_concurrency": 3}
    assert chain.run is not None
    assert (chain.run.name, chain.run.id) == ("mine", UUID(int=1))


def test_two_threads_that_ask_for_the_id_of_one_run_get_the_same() -> None:
    for _ in range(50):
        run, ids, gate = Run("chain", "it"), list[UUID](), threading.Barrier(4)

        def ask(run: Run = run, ids: list[UUID] = ids, gate: threading.Barrier = gate) -> None:
            gate.wait(10)
            ids.append(run.id)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(ids) == 4
        assert len(set(ids)) == 1


def test_merged_managers_keep_each_handler_once_and_the_later_run() -> None:
    first, second, run = Runs(), Runs(), Run("chain", "it")

    merged: Any = merge_configs(
        {"callbacks": [first]},
        {"callbacks": CallbackManager([second, first], parent_run=run, tags=["a"])},
        {"callbacks": [second]},
    )

    assert merged["callbacks"].handlers == [first, second]
    assert merged["callbacks"].parent_run is run
    assert merged["callbacks"].tags == ["a"]


def test_a_model_that_is_invoked_streams_where_somebody_wants_its_chunks() -> None:
    class Listens(Runs):
        wants_streaming = True

        def __init__(self) -> None:
            super().__init__()
            self.tokens: list[str] = []

        def on_llm_new_token(self, token: str, **kwargs: Any) -> None:
            self.tokens.append(token)

    heard = [Listens(), Listens()]

    answers = [
        OuterInPieces(name="outer").invoke("cat", {"callbacks": [heard[0]]}),
        asyncio.run(OuterInPieces(name="outer").ainvoke("cat", {"callbacks": [heard[1]]})),
    ]

    for answer, listener in zip(answers, heard, strict=True):
        assert type(answer) is AIMessage
        assert answer.text == "aa" + INNER.invoke("cat").text
        assert listener.tokens[:2] == ["a", "a"]
        assert listener.runs["outer"].output.text == answer.text
        assert listener.runs["outer"].time_to_first_token is not None


def test_a_handler_of_a_block_hears_the_same_tags_as_one_of_a_call() -> None:
    chain, around, named = (
        RunnableLambda(str.upper) | {"a": RunnableLambda(len)},
        RecordingHandler(),
        RecordingHandler(),
    )

    with heard_by(around):
        chain.invoke("x")
    chain.invoke("x", {"callbacks": [named]})

    assert [list(run.tags) for run in around.runs] == [list(run.tags) for run in named.runs]
    assert ["map:key:a"] in [list(run.tags) for run in around.runs]
