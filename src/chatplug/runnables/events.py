"""`astream_events`: what happens in a run and in all runs below it, while it happens.

The Runnable is streamed in a task of its own, with a handler that hears in line. The handler keeps few events ahead of
the reader: the run waits until there is room, so that memory does not grow with a stream that is read slowly. Where it
cannot wait, in a synchronous call in the event loop itself or in a thread that such a call waits for, it does not.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from threading import Condition, get_ident
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict, cast

from chatplug.callbacks.handler import BaseCallbackHandler
from chatplug.runnables.chain_stream import Closing
from chatplug.runnables.config import RunnableConfig, resolve, under

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
    from uuid import UUID

    from chatplug.outputs import LLMResult
    from chatplug.runnables.runnable import Runnable

__all__ = ["EventFilter", "StreamEvent", "Version", "astream_events"]

Version = Literal["v1", "v2"]
"""The form of the events: that of the older pages, or the one with a start, a stream and an end of every step."""

_AHEAD = 32
"""So many events may wait for the reader."""
_PATIENCE = 0.5
"""Seconds in which an event loop that has to be woken wakes, unless something keeps it waiting."""


class StreamEvent(TypedDict):
    """What happened in a run."""

    event: str
    """What happened: `on_`, then `chat_model`, `chain`, `parser` or `tool`, then `_start`, `_stream` or `_end`; also
    `on_tool_error` and `on_custom_event`."""
    run_id: str
    """The run's id, the same in all its events."""
    name: str
    """The run's name; of an event that a program sends itself the event's."""
    tags: list[str]
    """The run's tags."""
    metadata: dict[str, Any]
    """The run's metadata."""
    data: dict[str, Any]
    """What happened to what: `input` at the start, `chunk` in a stream, `output` (and below the outermost run `input`)
    at the end."""
    parent_ids: list[str]
    """The ids of the runs above it, the outermost first; not there in version `v1`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events are wanted: what any `include` names, or all without any, and nothing that an `exclude` names."""

    include_names: Sequence[str] | None = None
    include_types: Sequence[str] | None = None
    include_tags: Sequence[str] | None = None
    exclude_names: Sequence[str] | None = None
    exclude_types: Sequence[str] | None = None
    exclude_tags: Sequence[str] | None = None

    def wants(self, name: str, kind: str, tags: Sequence[str]) -> bool:
        """Whether an event of a run is wanted."""
        included = (self.include_names, self.include_types, self.include_tags)
        if any(one is not None for one in included) and not _is_named(included, name, kind, tags):
            return False
        return not _is_named((self.exclude_names, self.exclude_types, self.exclude_tags), name, kind, tags)


def _is_named(words: Sequence[Sequence[str] | None], name: str, kind: str, tags: Sequence[str]) -> bool:
    names, kinds, own = (one or () for one in words)
    return name in names or kind in kinds or any(tag in own for tag in tags)


_under_way: set[asyncio.Task[None]] = set()
"""The tasks that make events; else the garbage collector might take one along with a reader that nobody holds."""


async def astream_events(
    runnable: Runnable[Any, Any],
    input: Any,
    config: Mapping[str, Any] | None,
    version: Version,
    wanted: EventFilter,
    kwargs: Mapping[str, Any],
) -> AsyncIterator[StreamEvent]:
    """What happens in a run of the Runnable and below it; left early, the run is cancelled."""
    waiting = _Waiting()
    handler = _EventHandler(input, version, wanted, waiting)
    said = under(resolve(config), {"callbacks": [handler]})

    async def run() -> None:
        try:
            async with Closing(runnable.astream(input, cast("RunnableConfig", said), **kwargs)) as stream:
                async for _ in stream:
                    pass
        finally:
            waiting.end()

    task = asyncio.create_task(run())
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)
    try:
        while (event := await waiting.next()) is not None:
            yield event
        await task
    finally:
        waiting.leave()
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # raised above, or nobody's any more


class _Waiting:
    """The events that the reader has not read; they come from the event loop and from threads."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = get_ident()
        self._events: deque[StreamEvent] = deque()
        self._room = Condition()
        self._has_ended = self._is_left = self._is_stuck = False
        self._reader: asyncio.Future[None] | None = None
        self._writers: list[asyncio.Future[None]] = []
        self._asked = self._answered = 0
        """How often a thread has asked the loop to wake, and how often it did."""

    def put(self, event: StreamEvent) -> Awaitable[None] | None:
        """Keep an event; what is given has to be awaited, where that is possible, before the next one."""
        if self._is_left:
            return None
        self._events.append(event)
        if get_ident() != self._thread:
            self._wait_in_thread()
            return None
        self._wake()
        return None if self._has_room() else self._wait()

    def _has_room(self) -> bool:
        return self._is_left or self._is_stuck or len(self._events) < _AHEAD

    def _wait_in_thread(self) -> None:
        with self._room:
            while True:
                self._asked += 1
                asked = self._asked
                self._loop.call_soon_threadsafe(self._answer)
                if self._room.wait_for(self._has_room, _PATIENCE):
                    return
                if self._answered < asked:
                    self._is_stuck = True  # a loop that does not wake may be waiting for this very thread
                    return

    def _answer(self) -> None:
        self._answered += 1
        self._wake()

    async def _wait(self) -> None:
        if asyncio.get_running_loop() is not self._loop:
            # A synchronous call in our loop, which somebody else awaits for it: the reader cannot read meanwhile.
            self._is_stuck = True
            return
        while not self._has_room():
            self._writers.append(self._loop.create_future())
            await self._writers[-1]

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def next(self) -> StreamEvent | None:
        """The next event; None when there are no more."""
        while not self._events:
            if self._has_ended:
                return None
            self._reader = self._loop.create_future()
            await self._reader
        event = self._events.popleft()
        self._is_stuck = False
        self._make_room()
        return event

    def _make_room(self) -> None:
        if self._has_room():
            for writer in self._writers:
                if not writer.done():
                    writer.set_result(None)
            self._writers.clear()
            with self._room:
                self._room.notify_all()

    def end(self) -> None:
        """There are no more events."""
        self._has_ended = True
        self._wake()

    def leave(self) -> None:
        """Nobody reads any more."""
        self._is_left = True
        self._events.clear()
        self._make_room()


class _Run(NamedTuple):
    """What is known of a run that has not ended."""

    kind: str
    name: str
    tags: list[str]
    metadata: dict[str, Any]
    parent_id: UUID | None
    input: Any


class _EventHandler(BaseCallbackHandler):
    """Makes events of what it hears."""

    wants_streaming = True
    run_inline = True
    is_redacted = False  # what it hears goes back to the caller

    def __init__(self, given: Any, version: Version, wanted: EventFilter, waiting: _Waiting) -> None:
        self._given = given
        self._version = version
        self._wanted = wanted
        self._waiting = waiting
        self._runs: dict[UUID, _Run] = {}
        self._root: UUID | None = None

    # ---- what it hears

    def on_chat_model_start(
        self, serialized: dict[str, Any], messages: Any, *, run_id: UUID, **kwargs: Any
    ) -> Awaitable[None] | None:
        return self._start("chat_model", run_id, {"messages": messages}, kwargs)

    def on_llm_new_token(self, token: str, *, chunk: Any = None, run_id: UUID, **kwargs: Any) -> Awaitable[None] | None:
        message: Any = token if chunk is None else chunk.message
        if chunk is not None and message.id is None:
            # A model that announces a chunk itself does so before the stream has given it its id.
            message = message.model_copy(update={"id": f"run-{run_id}"})
        return self._happened(run_id, "stream", {"chunk": message})

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> Awaitable[None] | None:
        answers = response.generations[0]
        return self._end(run_id, answers[0].message if answers else None)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._runs.pop(run_id, None)

    def on_chain_start(
        self, serialized: dict[str, Any], inputs: Any, *, run_id: UUID, **kwargs: Any
    ) -> Awaitable[None] | None:
        return self._start(kwargs.get("run_type", "chain"), run_id, inputs, kwargs)

    def on_chain_stream(self, chunk: Any, *, run_id: UUID, **kwargs: Any) -> Awaitable[None] | None:
        return self._happened(run_id, "stream", {"chunk": chunk})

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> Awaitable[None] | None:
        return self._end(run_id, outputs, kwargs.get("inputs"))

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._runs.pop(run_id, None)

    def on_tool_start(
        self, serialized: dict[str, Any], input_str: str, *, run_id: UUID, **kwargs: Any
    ) -> Awaitable[None] | None:
        inputs = kwargs.get("inputs")
        return self._start("tool", run_id, input_str if inputs is None else inputs, kwargs)

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> Awaitable[None] | None:
        return self._end(run_id, output)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> Awaitable[None] | None:
        run = self._runs.get(run_id)
        happened = None if run is None else self._happened(run_id, "error", {"error": error, "input": run.input})
        self._runs.pop(run_id, None)
        return happened

    def on_custom_event(self, name: str, data: Any, *, run_id: UUID, **kwargs: Any) -> Awaitable[None] | None:
        tags, metadata = _tags_and_metadata(kwargs)
        if not self._wanted.wants(name, "custom", tags):
            return None
        return self._put("on_custom_event", run_id, name, tags, metadata, data)

    # ---- what it makes of it

    def _start(self, kind: str, run_id: UUID, given: Any, facts: dict[str, Any]) -> Awaitable[None] | None:
        if self._root is None:
            # The outermost run was called with this, whatever it has made of it.
            self._root, given = run_id, self._given
        tags, metadata = _tags_and_metadata(facts)
        parent_id = facts.get("parent_run_id") if run_id != self._root else None
        self._runs[run_id] = _Run(kind, facts.get("name") or "", tags, metadata, parent_id, given)
        return self._happened(run_id, "start", {} if given is None else {"input": given})

    def _end(self, run_id: UUID, output: Any, given: Any = None) -> Awaitable[None] | None:
        run = self._runs.get(run_id)
        if run is None:
            return None
        data: dict[str, Any] = {"output": output}
        if run_id != self._root:
            data["input"] = run.input if given is None else given
        happened = self._happened(run_id, "end", data)
        del self._runs[run_id]
        return happened

    def _happened(self, run_id: UUID, what: str, data: dict[str, Any]) -> Awaitable[None] | None:
        run = self._runs.get(run_id)
        if run is None or not self._wanted.wants(run.name, run.kind, run.tags):
            return None
        return self._put(f"on_{run.kind}_{what}", run_id, run.name, list(run.tags), dict(run.metadata), data)

    def _put(  # one for each key of an event
        self, event: str, run_id: UUID, name: str, tags: list[str], metadata: dict[str, Any], data: Any
    ) -> Awaitable[None] | None:
        facts = {"event": event, "run_id": str(run_id), "name": name, "tags": tags, "metadata": metadata, "data": data}
        if self._version == "v2":
            above: list[str] = []
            run = self._runs.get(run_id)
            while run is not None and run.parent_id is not None:
                above.insert(0, str(run.parent_id))
                run = self._runs.get(run.parent_id)
            facts["parent_ids"] = above
        return self._waiting.put(cast("StreamEvent", facts))


def _tags_and_metadata(facts: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
    tags: Sequence[str] | None = facts.get("tags")
    metadata: Mapping[str, Any] | None = facts.get("metadata")
    return list(tags or ()), dict(metadata or {})
