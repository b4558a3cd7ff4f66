"""What becomes of events when a process forks, and when it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

from chatplug.callbacks import BaseCallbackHandler, flush
from tests.architecture.sources import ROOT
from tests.language_models.models import Whole

SECONDS = 30
has_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own, which may import the tests."""
    head = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
    return subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(program), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


class Names(BaseCallbackHandler):
    def __init__(self) -> None:
        self.names: list[str] = []

    def on_run_end(self, run: Any) -> Any:
        self.names.append(run.name)


class NamesLater(Names):
    async def on_run_end(self, run: Any) -> None:
        self.names.append(run.name)


@has_fork
@pytest.mark.parametrize("kind", [Names, NamesLater])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")  # the point: from Python 3.12 on
def test_the_child_of_a_fork_hears_its_own_runs_and_none_of_its_parent(kind: type[Names]) -> None:
    handler, gate = kind(), threading.Event()

    class Stuck(Names):
        def on_run_end(self, run: Any) -> Any:
            assert gate.wait(SECONDS)
            super().on_run_end(run)

    stuck = Stuck()
    Whole(name="parent").invoke("x", {"callbacks": [handler, stuck]})
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            gate.set()
            Whole(name="child").invoke("x", {"callbacks": [handler, stuck]})
            assert flush(SECONDS)
            os.write(writing, repr((handler.names, stuck.names)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    gate.set()

    assert flush(SECONDS)
    assert told == repr((["parent", "child"], ["child"]))
    assert handler.names == stuck.names == ["parent"]


@pytest.mark.parametrize("word", ["", "async"])
def test_a_process_that_ends_lets_its_handlers_catch_up(word: str, tmp_path: Path) -> None:
    program = f"""
        import threading
        from chatplug.callbacks import BaseCallbackHandler
        from tests.language_models.models import Whole

        class Slow(BaseCallbackHandler):
            {word} def on_run_end(self, run):
                threading.Event().wait(0.2)
                with open(sys.argv[1], "a") as file:
                    print(run.name, file=file)

        for number in range(3):
            Whole(name=f"run {{number}}").invoke("x", {{"callbacks": [Slow()]}})
    """

    done = run(program, str(tmp_path / "heard"))

    assert (tmp_path / "heard").read_text(encoding="utf-8").splitlines() == ["run 0", "run 1", "run 2"]
    assert done.stderr == ""


def test_a_process_does_not_wait_for_ever_for_a_handler_that_is_stuck_and_says_what_it_missed() -> None:
    program = """
        import threading
        from chatplug.callbacks import BaseCallbackHandler, settling
        from tests.language_models.models import Whole

        class Stuck(BaseCallbackHandler):
            def on_chat_model_start(self, *args, **kwargs):
                threading.Event().wait()

            def on_llm_end(self, *args, **kwargs):
                pass

        settling.EXIT_PATIENCE = 0.1
        Whole().invoke("x", {"callbacks": [Stuck()]})
    """

    done = run(program)

    assert "Stuck has not heard all, the process ends: 1 events are lost." in done.stderr


@pytest.mark.parametrize("method", ["spawn", pytest.param("fork", marks=has_fork)])
def test_a_process_of_multiprocessing_lets_its_handlers_catch_up(method: str, tmp_path: Path) -> None:
    (tmp_path / "ask.py").write_text(
        textwrap.dedent(
            """
            import threading
            from chatplug.callbacks import BaseCallbackHandler
            from tests.language_models.models import Whole

            class Slow(BaseCallbackHandler):
                def on_run_end(self, run):
                    threading.Event().wait(0.4)
                    with open(self.path, "a") as file:
                        print(run.name, file=file)

            def ask(path):
                handler = Slow()
                handler.path = path
                for name in ("first", "second"):
                    Whole(name=name).invoke("x", {"callbacks": [handler]})
            """
        ),
        encoding="utf-8",
    )
    program = f"""
        import multiprocessing
        sys.path.insert(0, {str(tmp_path)!r})
        from ask import ask

        if __name__ == "__main__":
            child = multiprocessing.get_context({method!r}).Process(target=ask, args=(sys.argv[1],))
            child.start()
            child.join()
    """

    run(program, str(tmp_path / "heard"))

    assert (tmp_path / "heard").read_text(encoding="utf-8").splitlines() == ["first", "second"]
