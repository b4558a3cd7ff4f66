"""Who listens and who talks on the paths of a run, and the laws that hold on all of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any, Literal

from chatplug.callbacks import BaseCallbackHandler, Run
from chatplug.errors import ProviderTimeoutError
from chatplug.messages import AIMessage, AIMessageChunk
from tests.callbacks.ways import WHEN_WAITING
from tests.language_models.models import Whole

USAGE: Any = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
STARTS = {"on_chat_model_start", "on_chain_start"}
ENDS = {"on_llm_end", "on_llm_error", "on_chain_end", "on_chain_error"}


class Listens(BaseCallbackHandler):
    """Keeps what it hears of runs, whatever their kind."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.statuses: dict[Any, str] = {}
        self.runs: list[Run] = []

    def keep(self, name: str, kwargs: dict[str, Any]) -> None:
        self.events.append((name, kwargs["run_id"]))
        if name in ENDS:
            self.statuses[kwargs["run_id"]] = kwargs.get("status", "error")

    def on_run_end(self, run: Run) -> Any:
        self.runs.append(run)

    def on_llm_new_token(self, *args: Any, **kwargs: Any) -> Any:
        self.keep("on_llm_new_token", kwargs)


def _hearing(name: str, is_async: bool) -> Any:
    def hear(self: Listens, *args: Any, **kwargs: Any) -> None:
        self.keep(name, kwargs)

    async def hear_later(self: Listens, *args: Any, **kwargs: Any) -> None:
        if name in STARTS:
            self.keep(name, kwargs)  # at once: what is cancelled while it starts is told to those that were being told
        await asyncio.sleep(0)
        if name not in STARTS:
            self.keep(name, kwargs)

    return hear_later if is_async else hear


def listener(kind: str) -> Listens:
    """A handler that listens in one of the ways."""
    members: dict[str, Any] = {name: _hearing(name, "async" in kind) for name in STARTS | ENDS}
    members["run_inline"] = "inline" in kind
    members["policy"] = "required" if "required" in kind else "observe"
    made: Listens = type("Listener", (Listens,), members)()
    return made


class Refuses(BaseCallbackHandler):
    """Is required, and fails at one event of models."""

    policy = "required"

    def __init__(self, at: str) -> None:
        def fail(*args: Any, **kwargs: Any) -> Any:
            raise LookupError(at)

        setattr(self, at, fail)


class Talks(Whole):
    """Gives `a`, with what it used so far, and then does what it was told."""

    then: Literal["end", "fail", "time out", "interrupt", "wait"] = "end"

    def _act(self) -> None:
        if self.then == "fail":
            raise LookupError("the model failed")
        if self.then == "time out":
            raise ProviderTimeoutError("It took too long.")
        if self.then == "interrupt":
            raise KeyboardInterrupt

    def _generate(self, *args: Any, **kwargs: Any) -> Any:
        self._act()
        return AIMessage("ab", usage_metadata=USAGE)

    async def _wait(self) -> None:
        if self.then == "wait":
            WHEN_WAITING.get()()
            await asyncio.Event().wait()

    async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
        await self._wait()
        return self._generate()

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        yield AIMessageChunk("a", usage_metadata=USAGE)
        self._act()
        yield AIMessageChunk("b")

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        yield AIMessageChunk("a", usage_metadata=USAGE)
        await self._wait()
        self._act()
        yield AIMessageChunk("b")


LISTENING = ["inline", "inline async", "observing", "observing async", "required", "required async"]


def prepare(value: str) -> str:
    return value


async def whole(way: Awaitable[None]) -> None:
    await way


def check_laws(heard: Listens) -> None:
    """What holds for all runs, whatever they are."""
    starts = [run_id for name, run_id in heard.events if name in STARTS]
    ends = [run_id for name, run_id in heard.events if name in ENDS]
    assert Counter(starts) == Counter(ends) == Counter(run.id for run in heard.runs)
    assert len(set(starts)) == len(starts)
    for run in heard.runs:
        assert run.status == heard.statuses[run.id]
        assert run.end is not None
        assert run.end >= run.start
        assert (run.error is None) == (run.status == "ok")
        events = [name for name, run_id in heard.events if run_id == run.id]
        assert events[0] in STARTS
        assert events[-1] in ENDS
        if run.parent is not None:  # it began before, and ends after
            order = [run_id for name, run_id in heard.events if name in STARTS | ENDS]
            assert order.index(run.parent.id) < order.index(run.id)
            assert order[::-1].index(run.parent.id) < order[::-1].index(run.id)
