"""Whatever way a run takes: one start, one end, the right status and usage, the right parent.

The rows are the ways, the columns what is expected of each run. Every cell is run from synchronous and from
asynchronous code, for a model alone and in a chain, and for each way a handler may listen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from chatplug.callbacks import BaseCallbackHandler, flush
from chatplug.runnables import Runnable, RunnableConfig, RunnableLambda
from tests.callbacks.paths import LISTENING, Refuses, Talks, check_laws, listener, prepare, whole
from tests.callbacks.ways import (
    SECONDS,
    abatch,
    acancel,
    acancel_stream,
    adrop,
    ainvoke,
    aleave,
    astream,
    atime_out,
    atime_out_stream,
    batch,
    drop,
    invoke,
    leave,
    stream,
)

Sync = Callable[[Runnable[Any, Any], RunnableConfig], None]
Async = Callable[[Runnable[Any, Any], RunnableConfig], Awaitable[None]]


@dataclass(frozen=True)
class Row:
    """One way, and what is expected of the run of the model and of the chain around it."""

    name: str
    sync: Sync | None
    asynchronous: Async | None
    status: str
    usage: str
    then: Any = "end"
    refused_at: str | None = None
    count: int = 1
    chain: str | None = None
    """The status of the chain, where it is another one."""
    tokens: int = 0


TABLE = [
    # the way                                                     status       usage
    Row("invoke", invoke, ainvoke, "ok", "reported"),
    Row("a stream to the end", stream, astream, "ok", "reported", tokens=3),
    Row("a stream that is left", leave, aleave, "abandoned", "partial", tokens=1),
    Row("a stream that nobody holds", drop, adrop, "abandoned", "partial", tokens=1),
    Row("an answer that is cancelled", None, acancel, "cancelled", "unknown", then="wait"),
    Row("a stream that is cancelled", None, acancel_stream, "cancelled", "partial", then="wait", tokens=1),
    Row("an answer that is interrupted", invoke, None, "cancelled", "unknown", then="interrupt"),
    Row("a stream that is interrupted", stream, None, "cancelled", "partial", then="interrupt", tokens=1),
    Row("an answer that takes too long", None, atime_out, "cancelled", "unknown", then="wait"),
    Row("a stream that takes too long", None, atime_out_stream, "cancelled", "partial", then="wait", tokens=1),
    Row("a provider that takes too long", invoke, ainvoke, "error", "unknown", then="time out"),
    Row("a model that fails", invoke, ainvoke, "error", "unknown", then="fail"),
    Row("a stream that fails", stream, astream, "error", "partial", then="fail", tokens=1),
    Row("a handler fails first", invoke, ainvoke, "error", "unknown", refused_at="on_chat_model_start"),
    Row("a handler fails first in a stream", stream, astream, "error", "unknown", refused_at="on_chat_model_start"),
    Row("a handler fails at a token", stream, astream, "error", "partial", refused_at="on_llm_new_token", tokens=1),
    Row("a handler fails last", invoke, ainvoke, "ok", "reported", refused_at="on_llm_end", chain="error"),
    Row("a handler fails at a run's end", invoke, ainvoke, "ok", "reported", refused_at="on_run_end", chain="error"),
    Row("a batch", batch, abatch, "ok", "reported", count=3),
    Row("a batch that fails", batch, abatch, "error", "unknown", then="fail", count=3),
]
WAYS = [
    pytest.param(row, way, id=f"{row.name}-{'async' if way is row.asynchronous else 'sync'}")
    for row in TABLE
    for way in (row.sync, row.asynchronous)
    if way is not None
]


@pytest.mark.parametrize("kind", LISTENING)
@pytest.mark.parametrize("is_chain", [False, True], ids=["model", "chain"])
@pytest.mark.parametrize(("row", "way"), WAYS)
def test_every_run_has_one_start_and_one_end(row: Row, way: Any, is_chain: bool, kind: str) -> None:
    heard = listener(kind)
    refusing: list[BaseCallbackHandler] = [Refuses(row.refused_at)] if row.refused_at else []
    model = Talks(name="model", then=row.then, callbacks=refusing)
    subject: Runnable[Any, Any] = RunnableLambda(prepare) | model if is_chain else model
    config: RunnableConfig = {"callbacks": [heard], "tags": ["t"], "metadata": {"m": 1}}

    done = way(subject, config)
    if done is not None:
        asyncio.run(whole(done))
    assert flush(SECONDS)

    check_laws(heard)
    models = [run for run in heard.runs if run.kind == "chat_model"]
    assert [(run.status, run.usage_status) for run in models] == [(row.status, row.usage)] * row.count
    assert [name for name, _ in heard.events].count("on_llm_new_token") == row.tokens
    assert all(run.tags[0] == "t" and run.metadata == {"m": 1} for run in models)
    chains = [run for run in heard.runs if run.name == "RunnableSequence"]
    assert [run.status for run in chains] == ([row.chain or row.status] * row.count if is_chain else [])
    assert {run.parent for run in models} == (set(chains) if is_chain else {None})
