"""What becomes of asynchronous handlers that observe when their event loop ends: what was queued is heard, and once."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from chatplug.callbacks import BaseCallbackHandler, Run, flush, queues
from chatplug.callbacks.listener import listener_of
from chatplug.callbacks.loops import Grace
from chatplug.callbacks.queues import LoopQueue
from chatplug.messages import AIMessageChunk
from tests.callbacks.test_processes import run
from tests.language_models.models import WholeNative

SECONDS = 30
START, END = "on_chat_model_start", "on_llm_end"


class Slow(BaseCallbackHandler):
    """Takes several turns of its loop for each event, and says in which loop it was."""

    def __init__(self, turns: int = 50) -> None:
        self.turns = turns
        self.heard: list[str] = []
        self.loops: set[asyncio.AbstractEventLoop] = set()
        listener_of(self).kind.is_slow = True  # no run waits for it

    async def take(self, name: str) -> None:
        for _ in range(self.turns):
            await asyncio.sleep(0)
        self.heard.append(name)
        self.loops.add(asyncio.get_running_loop())

    async def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        await self.take(START)

    async def on_llm_end(self, *args: Any, **kwargs: Any) -> None:
        await self.take(END)

    async def on_run_end(self, run: Run) -> None:
        await self.take(f"{run.name} {run.status}")


class Waits(WholeNative):
    """Answers when it is cancelled, never before."""

    async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
        await asyncio.Event().wait()

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        yield AIMessageChunk("a")
        await asyncio.Event().wait()


def new_loop(main: Coroutine[Any, Any, Any]) -> asyncio.AbstractEventLoop:
    """Run a coroutine as `asyncio.run` does; gives the loop, which has ended."""
    with asyncio.Runner() as runner:
        runner.run(main)
        return runner.get_loop()


def test_what_was_queued_when_a_loop_ends_is_heard_in_that_loop() -> None:
    handler = Slow()

    loop = new_loop(WholeNative(name="m").ainvoke("x", {"callbacks": [handler]}))

    assert handler.heard == [START, END, "m ok"]
    assert handler.loops == {loop}
    assert listener_of(handler).report().is_well


def test_each_of_many_loops_hears_its_own_runs_once() -> None:
    handler = Slow(turns=3)

    for number in range(20):
        asyncio.run(WholeNative(name=f"m{number}").ainvoke("x", {"callbacks": [handler]}))

    assert Counter(handler.heard) == Counter({START: 20, END: 20, **{f"m{number} ok": 1 for number in range(20)}})
    assert len(handler.loops) == 20
    assert listener_of(handler).report().is_well


async def leave_a_task(config: Any) -> None:
    """A run is under way in a task when the loop ends, which cancels it."""
    task = asyncio.create_task(Waits(name="m").ainvoke("x", config))
    await asyncio.sleep(0)
    assert not task.done()


async def leave_a_stream(config: Any) -> None:
    """A stream is not read any more when the loop ends, which closes it."""
    kept.append(stream := Waits(name="m").astream("x", config))
    await anext(stream)


async def drop_a_stream(config: Any) -> None:
    """The garbage collector has begun to close a stream, in a task that the end of the loop cancels."""
    stream = Waits(name="m").astream("x", config)
    await anext(stream)
    del stream
    gc.collect()


kept: list[Any] = []


@pytest.mark.parametrize(
    ("leave", "status"), [(leave_a_task, "cancelled"), (leave_a_stream, "abandoned"), (drop_a_stream, "cancelled")]
)
def test_a_run_that_ends_because_its_loop_does_is_heard_to_its_end(leave: Callable[[Any], Any], status: str) -> None:
    handler = Slow(turns=5)

    asyncio.run(leave({"callbacks": [handler]}))

    assert flush(SECONDS)
    assert handler.heard == [START, END, f"m {status}"]
    assert listener_of(handler).report().is_well


def test_an_event_that_takes_too_long_is_given_up_and_the_rest_is_heard() -> None:
    class Stuck(Slow):
        async def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
            await asyncio.sleep(SECONDS)

    handler = Stuck()
    grace = listener_of(handler).kind.grace = Grace(0.01)

    loop = new_loop(WholeNative(name="m").ainvoke("x", {"callbacks": [handler]}))

    assert flush(SECONDS)
    assert handler.heard == [END, "m ok"]
    assert loop not in handler.loops
    assert (listener_of(handler).failed, listener_of(handler).dropped) == (0, 1)
    assert grace.seconds == 0  # no loop waits again for one of this class


def test_a_handler_that_keeps_its_cancellation_to_itself_holds_up_no_loop() -> None:
    class Stubborn(Slow):
        async def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
            try:
                await asyncio.sleep(SECONDS)
            except asyncio.CancelledError:
                self.heard.append(START)

    handler = Stubborn()
    listener_of(handler).kind.grace = Grace(0.01)

    loop = new_loop(WholeNative(name="m").ainvoke("x", {"callbacks": [handler]}))

    assert flush(SECONDS)
    assert handler.heard == [START, END, "m ok"]
    assert loop not in handler.loops
    assert listener_of(handler).report().is_well


async def test_a_program_that_cancels_all_its_tasks_and_goes_on_is_heard_in_its_loop() -> None:
    handler = Slow()

    for number in range(2):
        await WholeNative(name=f"m{number}").ainvoke("x", {"callbacks": [handler]})
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    assert handler.heard == [START, END, "m0 ok", START, END, "m1 ok"]
    assert handler.loops == {asyncio.get_running_loop()}


def test_methods_in_threads_are_heard_out_when_the_loop_ends() -> None:
    gate = threading.Event()

    class Mixed(Slow):
        def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]  # may be either
            assert gate.wait(SECONDS)
            self.heard.append(START)

    async def main() -> None:
        await WholeNative(name="m").ainvoke("x", {"callbacks": [handler]})
        asyncio.get_running_loop().call_later(0.01, gate.set)

    handler = Mixed()

    asyncio.run(main())

    assert handler.heard == [START, END, "m ok"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_loop_that_is_closed_without_ado_loses_the_event_under_way_and_no_other() -> None:
    handler = Slow()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(WholeNative(name="m").ainvoke("x", {"callbacks": [handler]}))
    loop.close()

    assert flush(SECONDS)
    gc.collect()

    assert handler.heard == [END, "m ok"]
    assert (listener_of(handler).failed, listener_of(handler).dropped) == (0, 1)


def test_a_queue_is_waited_for_though_its_loop_is_closed_and_there_is_another() -> None:
    gate = threading.Event()

    class Held(Slow):
        async def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
            if kwargs["name"] == "first":
                await asyncio.sleep(SECONDS)  # cancelled, so that the rest is heard elsewhere

        async def on_run_end(self, run: Run) -> None:
            if run.name == "first":
                await asyncio.to_thread(gate.wait, SECONDS)
            await super().on_run_end(run)

    handler = Held(turns=0)
    listener_of(handler).kind.grace = Grace(0)
    for name in ("first", "second"):
        asyncio.run(WholeNative(name=name).ainvoke("x", {"callbacks": [handler]}))
    in_time = flush(0.01)
    gate.set()

    assert not in_time
    assert flush(SECONDS)
    assert handler.heard[-1] == "first ok"


@pytest.mark.parametrize("ending", ["loop.close()", "pass", "asyncio.set_event_loop(loop)"])
def test_a_process_that_ends_with_a_loop_that_stands_still_says_nothing_of_it(ending: str) -> None:
    program = f"""
        import asyncio
        from chatplug.callbacks import BaseCallbackHandler
        from tests.language_models.models import WholeNative

        class Quick(BaseCallbackHandler):
            async def on_run_end(self, run):
                print(run.name, run.status)

        loop = asyncio.new_event_loop()
        loop.run_until_complete(WholeNative(name="m").ainvoke("x", {{"callbacks": [Quick()]}}))
        {ending}
    """

    done = run(program)

    assert done.stdout == "m ok\n"
    assert done.stderr == ""


def test_a_process_that_ends_hears_what_waits_in_a_loop_that_stands_still() -> None:
    program = """
        import asyncio
        from chatplug.callbacks import settling
        from tests.callbacks.test_loops import Slow
        from tests.language_models.models import WholeNative

        class Says(Slow):
            async def take(self, name):
                await super().take(name)
                print(name)

        settling.EXIT_PATIENCE = 30.0
        loop = asyncio.new_event_loop()
        loop.run_until_complete(WholeNative(name="m").ainvoke("x", {"callbacks": [Says()]}))
    """

    done = run(program)

    assert done.stdout == "on_llm_end\nm ok\n"  # the start was under way, and cannot go on
    assert "lost" not in done.stderr


def test_a_task_that_is_destroyed_after_its_loop_was_closed_is_heard_to_its_end() -> None:
    ends: list[str | None] = []

    class Ends(BaseCallbackHandler):
        run_inline = True

        def on_run_end(self, run: Run) -> None:
            ends.append(run.status)

    async def a_moment() -> None:
        await asyncio.sleep(0)

    handler = Ends()
    loop = asyncio.new_event_loop()
    asking = Waits().ainvoke("x", {"callbacks": [handler]})
    task = loop.create_task(asking)
    loop.run_until_complete(a_moment())
    loop.close()
    # Nobody can say this of a task that is left, but its collector.
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # else asyncio says so
    asking.close()

    assert ends == ["abandoned"]


class Counting(LoopQueue):
    """Counts how often its work is begun in the background loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None) -> None:
        super().__init__(loop)
        self.moves = 0

    def _move(self) -> None:
        self.moves += 1
        super()._move()


def test_a_queue_that_two_threads_find_in_a_closed_loop_is_rescued_by_one() -> None:
    class Closed(asyncio.SelectorEventLoop):
        """While one thread looks whether it is closed, another one rescues the queue."""

        is_over = True
        is_first = True

        def is_closed(self) -> bool:
            if not self.is_over:
                return super().is_closed()
            if self.is_first:
                self.is_first = False
                other = threading.Thread(target=queue.rescue)
                other.start()
                other.join(SECONDS)
            return True

    loop = Closed()
    queue = Counting(loop)
    try:
        assert queue.busy.acquire(False)

        queue.rescue()

        assert queue.moves == 1
    finally:
        loop.is_over = False
        loop.close()


def test_the_end_of_a_process_rescues_nothing_from_the_background_loop_before_it_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.new_event_loop()
    monkeypatch.setattr(queues, "background_loop", lambda: loop)
    queue = Counting(None)
    queue.wake()

    queue.rescue(is_last=True)

    assert queue.moves == 1
    loop.close()


def test_a_process_ends_although_an_event_is_lost_while_the_interpreter_does() -> None:
    """Before Python 3.12 a thread that is started then is waited for in vain."""
    ended = run("""
        import asyncio
        from chatplug.callbacks.listener import listener_of
        from tests.callbacks.test_loops import Slow

        slow = Slow()

        class Late:
            def __del__(self, listener=listener_of(slow)):
                listener.drop()
                print("lost")

        import builtins
        builtins.late = Late()  # which the interpreter forgets at the very end
    """)

    assert ended.stdout == "lost\n"
