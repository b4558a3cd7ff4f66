"""What is tried again, tried elsewhere, or done at once: each attempt and each branch is a run, below the one it is of.

The table goes on where that of `test_paths` ends: there one model is called, here several runs have one parent.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from chatplug.callbacks import flush
from chatplug.messages import AIMessage, AIMessageChunk
from chatplug.runnables import Runnable, RunnableConfig, RunnableLambda, RunnableParallel, RunnableSequence
from tests.callbacks.paths import LISTENING, USAGE, Refuses, Talks, check_laws, listener, prepare, whole
from tests.callbacks.ways import (
    SECONDS,
    aas_completed,
    abatch_of_three,
    adrop,
    ainvoke,
    aleave,
    as_completed,
    astream,
    batch_of_three,
    cancel_answer,
    cancel_events,
    drop,
    drop_events,
    invoke,
    leave,
    leave_events,
    leave_events_to_the_loop,
    read_events,
    stream,
    time_out_events,
)
from tests.language_models.models import Whole


class Stumbles(Whole):
    """Fails in its first calls, before anything came."""

    failures: int = 0

    def _stumble(self) -> None:
        if self.failures:
            self.failures -= 1
            raise LookupError("not yet")

    def _generate(self, *args: Any, **kwargs: Any) -> Any:
        self._stumble()
        return AIMessage("ab", usage_metadata=USAGE)

    async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(0)
        return self._generate()

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        self._stumble()
        yield AIMessageChunk("a", usage_metadata=USAGE)
        yield AIMessageChunk("b")

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        for chunk in self._stream():
            await asyncio.sleep(0)
            yield chunk


class Picky(Whole):
    """Fails at one of the inputs."""

    def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        if messages[-1].text == "bad":
            raise LookupError("bad")
        return AIMessage("ab", usage_metadata=USAGE)


def model(name: str, failures: int = 0) -> Stumbles:
    return Stumbles(name=name, failures=failures)


def retry(failures: int) -> Runnable[Any, Any]:
    return model("a", failures).with_retry(stop_after_attempt=3, wait_exponential_jitter=False)


def fallback(first: int, second: int) -> Runnable[Any, Any]:
    return model("a", first).with_fallbacks([model("b", second)])


def branches(a: Runnable[Any, Any], b: Runnable[Any, Any]) -> Runnable[Any, Any]:
    return RunnableParallel(a=a, b=b)


def late_failure() -> Runnable[Any, Any]:
    """Fails after its first piece, which cannot be taken back: there is no second attempt."""
    return Talks(name="a", then="fail").with_retry(stop_after_attempt=3, wait_exponential_jitter=False)


def refused(at: str) -> Runnable[Any, Any]:
    return RunnableSequence(model("a").with_config(callbacks=[Refuses(at)]), RunnableLambda(prepare))


def in_steps(then: Any = "end") -> Runnable[Any, Any]:
    return RunnableSequence(RunnableLambda(prepare), Talks(name="a", then=then), RunnableLambda(prepare))


OK, FAILED, BROKEN = ("ok", "reported"), ("error", "unknown"), ("error", "partial")
LEFT, CANCELLED, STOPPED = ("abandoned", "partial"), ("cancelled", "partial"), ("cancelled", "unknown")
SEQUENCE, RETRY, FALLBACKS, PARALLEL = (
    "RunnableSequence",
    "RunnableRetry",
    "RunnableWithFallbacks",
    "RunnableParallel<a,b>",
)
ALONE: dict[str, str | None] = {"a": None}
STEPS = {"prepare": SEQUENCE, "a": SEQUENCE, SEQUENCE: None}
RETRIED = {"a": RETRY, RETRY: None}
ELSEWHERE = {"a": FALLBACKS, "b": FALLBACKS, FALLBACKS: None}
SIDES = {"a": PARALLEL, "b": PARALLEL, PARALLEL: None}


@dataclass(frozen=True)
class Row:
    """What is called, in which ways, and what is expected of each run: of models, and of the others."""

    name: str
    make: Callable[[], Runnable[Any, Any]]
    ways: tuple[Any, ...]
    parents: Mapping[str, str | None]
    """The name of the parent of each run, by its name."""
    models: tuple[tuple[str, tuple[str, str]], ...]
    """Name, status and usage status of each run of a model."""
    others: tuple[tuple[str, str], ...] = ()
    """Name and status of each other run."""
    retries: int = 0


def both() -> Runnable[Any, Any]:
    return branches(a=model("a"), b=model("b"))


def both_wait() -> Runnable[Any, Any]:
    return branches(a=Talks(name="a", then="wait"), b=Talks(name="b", then="wait"))


def one_fails() -> Runnable[Any, Any]:
    return branches(a=model("a", 1), b=model("b"))


def one_model() -> Runnable[Any, Any]:
    return Picky(name="a")


ANSWERS, STREAMS, LEFT_STREAMS = (invoke, ainvoke), (stream, astream), (leave, aleave, drop, adrop)
ALL = (*ANSWERS, *STREAMS, read_events)
LEFT_EVENTS, STOPPED_EVENTS = (leave_events, leave_events_to_the_loop, drop_events), (cancel_events, time_out_events)
BATCHES = (batch_of_three, abatch_of_three, as_completed, aas_completed)
SAID, SUNK = ("prepare", "ok"), ("prepare", "error")
TABLE = [
    Row("a retry that helps", lambda: retry(2), ALL, RETRIED, (("a", FAILED),) * 2 + (("a", OK),), ((RETRY, "ok"),), 2),
    Row("a retry that gives up", lambda: retry(9), ALL, RETRIED, (("a", FAILED),) * 3, ((RETRY, "error"),), 2),
    Row("a retry of what has begun", late_failure, STREAMS, RETRIED, (("a", BROKEN),), ((RETRY, "error"),)),
    Row(
        "a retry that is left",
        lambda: retry(1),
        LEFT_STREAMS,
        RETRIED,
        (("a", FAILED), ("a", LEFT)),
        ((RETRY, "abandoned"),),
        1,
    ),
    Row("a fallback", lambda: fallback(1, 0), ALL, ELSEWHERE, (("a", FAILED), ("b", OK)), ((FALLBACKS, "ok"),)),
    Row(
        "a fallback in vain",
        lambda: fallback(1, 1),
        ALL,
        ELSEWHERE,
        (("a", FAILED), ("b", FAILED)),
        ((FALLBACKS, "error"),),
    ),
    Row(
        "a fallback that is left",
        lambda: fallback(1, 0),
        LEFT_STREAMS,
        ELSEWHERE,
        (("a", FAILED), ("b", LEFT)),
        ((FALLBACKS, "abandoned"),),
    ),
    Row("branches", both, ALL, SIDES, (("a", OK), ("b", OK)), ((PARALLEL, "ok"),)),
    Row("branches that are left", both, LEFT_STREAMS, SIDES, (("a", LEFT), ("b", LEFT)), ((PARALLEL, "abandoned"),)),
    Row(
        "branches that are cancelled",
        both_wait,
        (cancel_answer,),
        SIDES,
        (("a", STOPPED), ("b", STOPPED)),
        ((PARALLEL, "cancelled"),),
    ),
    Row("steps", in_steps, ALL, STEPS, (("a", OK),), (SAID, SAID, (SEQUENCE, "ok"))),
    Row("a step fails", lambda: in_steps("fail"), ANSWERS, STEPS, (("a", FAILED),), (SAID, (SEQUENCE, "error"))),
    Row(
        "a step fails in a stream",
        lambda: in_steps("fail"),
        (*STREAMS, read_events),
        STEPS,
        (("a", BROKEN),),
        (SAID, SUNK, (SEQUENCE, "error")),
    ),
    Row(
        "a step takes too long",
        lambda: in_steps("time out"),
        ANSWERS,
        STEPS,
        (("a", FAILED),),
        (SAID, (SEQUENCE, "error")),
    ),
    Row(
        "a step takes too long in a stream",
        lambda: in_steps("time out"),
        STREAMS,
        STEPS,
        (("a", BROKEN),),
        (SAID, SUNK, (SEQUENCE, "error")),
    ),
    Row(
        "a step is cancelled",
        lambda: in_steps("wait"),
        (cancel_answer,),
        STEPS,
        (("a", STOPPED),),
        (SAID, (SEQUENCE, "cancelled")),
    ),
    Row(
        "a handler of a step fails first",
        lambda: refused("on_chat_model_start"),
        ALL,
        STEPS,
        (("a", FAILED),),
        ((SEQUENCE, "error"),),
    ),
    Row(
        "a handler of a step fails last",
        lambda: refused("on_llm_end"),
        ANSWERS,
        STEPS,
        (("a", OK),),
        ((SEQUENCE, "error"),),
    ),
    Row(
        "a handler of a step fails last in a stream",
        lambda: refused("on_llm_end"),
        STREAMS,
        STEPS,
        (("a", OK),),
        (SUNK, (SEQUENCE, "error")),
    ),
    Row("a batch of which one fails", one_model, BATCHES, ALONE, (("a", OK), ("a", FAILED), ("a", OK))),
    Row(
        "events that are left",
        lambda: in_steps("wait"),
        LEFT_EVENTS,
        STEPS,
        (("a", CANCELLED),),
        (SAID, ("prepare", "cancelled"), (SEQUENCE, "cancelled")),
    ),
    Row(
        "events whose reader is stopped",
        lambda: in_steps("wait"),
        STOPPED_EVENTS,
        STEPS,
        (("a", CANCELLED),),
        (SAID, ("prepare", "cancelled"), (SEQUENCE, "cancelled")),
    ),
]
CELLS = [pytest.param(row, way, id=f"{row.name}-{way.__name__}") for row in TABLE for way in row.ways]


@pytest.mark.parametrize("kind", LISTENING)
@pytest.mark.parametrize(("row", "way"), CELLS)
def test_every_attempt_and_every_branch_has_one_start_and_one_end(row: Row, way: Any, kind: str) -> None:
    heard = listener(kind)
    config: RunnableConfig = {"callbacks": [heard], "tags": ["t"], "metadata": {"m": 1}}

    done = way(row.make(), config)
    if done is not None:
        asyncio.run(whole(done))
    assert flush(SECONDS)

    check_laws(heard)
    models = [run for run in heard.runs if run.kind == "chat_model"]
    others = [run for run in heard.runs if run.kind != "chat_model"]
    assert Counter((run.name, (run.status, run.usage_status)) for run in models) == Counter(row.models)
    assert Counter((run.name, run.status) for run in others) == Counter(row.others)
    assert all((run.parent and run.parent.name) == row.parents[run.name] for run in heard.runs)
    assert len({run.id for run in others if row.parents[run.name] is None}) == (0 if row.parents is ALONE else 1)
    assert all("t" in run.tags and run.metadata["m"] == 1 for run in heard.runs)
    assert sum(run.retries for run in heard.runs) == row.retries


@pytest.mark.parametrize("kind", LISTENING)
@pytest.mark.parametrize("way", ALL)
def test_of_branches_of_which_one_fails_each_has_one_end_whoever_is_first(way: Any, kind: str) -> None:
    heard = listener(kind)

    done = way(one_fails(), {"callbacks": [heard]})
    if done is not None:
        asyncio.run(whole(done))
    assert flush(SECONDS)

    check_laws(heard)
    ends = {run.name: (run.status, run.usage_status) for run in heard.runs}
    assert (ends["a"], ends[PARALLEL]) == (FAILED, ("error", "unknown"))
    assert ends.get("b") in {None, OK, LEFT, ("abandoned", "unknown"), STOPPED}  # it may have ended, or not have begun


class Asked(Stumbles):
    """Says that it was asked, which must not be."""

    def _stumble(self) -> None:
        ASKED.append(self.name or "")


ASKED: list[str] = []


class RefusesLater(Refuses):
    """The same, with a coroutine."""

    def __init__(self, at: str) -> None:
        async def fail(*args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(0)
            raise LookupError(at)

        setattr(self, at, fail)


def asked() -> Runnable[Any, Any]:
    return Asked(name="a")


CALLS: Mapping[str, Callable[[], Runnable[Any, Any]]] = {
    "a model": asked,
    "a sequence": lambda: RunnableSequence(RunnableLambda(prepare), asked()),
    "branches": lambda: branches(a=asked(), b=asked()),
    "a retry": lambda: asked().with_retry(stop_after_attempt=2, wait_exponential_jitter=False),
    "a fallback": lambda: asked().with_fallbacks([asked()]),
    "a function": lambda: RunnableLambda(asked().invoke),
    "bound": lambda: asked().bind(stop=["x"]),
}


# ---- who must be obeyed


@pytest.mark.parametrize("kind", [Refuses, RefusesLater])
@pytest.mark.parametrize("way", [*ALL, *BATCHES])
@pytest.mark.parametrize("call", CALLS)
def test_no_model_is_asked_where_a_handler_that_is_required_refuses(call: str, way: Any, kind: type[Refuses]) -> None:
    ASKED.clear()
    heard = listener("inline")

    done = way(CALLS[call](), {"callbacks": [heard, kind("on_chat_model_start")]})
    if done is not None:
        asyncio.run(whole(done))

    check_laws(heard)
    assert ASKED == []
    assert heard.runs
    assert {run.status for run in heard.runs if run.kind == "chat_model"} == {"error"}
