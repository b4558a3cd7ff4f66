"""Each run is one line: whole, in order, without secrets, in a file that does not grow without end."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from chatplug_jsonl import JsonLinesHandler
from chatplug_jsonl.line import line_of
from chatplug_jsonl.rotating_file import RotatingFile

import chatplug
from chatplug.callbacks import Run, flush
from chatplug.messages import AIMessage, HumanMessage
from chatplug.runnables import RunnableLambda

KEYS = [
    "sk-proj-abcdefghijklmnop1234",
    "sk-ant-api03-abcdefghijklmnop",
    "gsk_abcdefghijklmnop1234",
    "AIzaSyabcdefghijklmnopqrstuvwxyz012345",
    "AKIAABCDEFGHIJKLMNOP",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
]


def runs_in(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def fail(value: AIMessage) -> str:
    raise ValueError(f"no {value.text}")


def test_each_run_is_a_line_that_says_what_it_was_and_what_it_was_a_part_of(tmp_path: Path) -> None:
    handler = JsonLinesHandler(tmp_path / "deep" / "runs.jsonl")
    chain: Any = chatplug.init("echo:n3") | RunnableLambda(fail)

    with pytest.raises(ValueError, match="no"):
        chain.invoke("Meow!", {"callbacks": [handler], "tags": ["t"], "metadata": {"user": 7}})

    assert flush(30)
    model, step, whole = runs_in(handler.path)
    assert (model["kind"], model["provider"], model["model"], model["status"]) == ("chat_model", "echo", "n3", "ok")
    assert (model["usage"], model["usage_status"]) == (None, "unknown")
    assert (step["status"], step["error"]["type"]) == ("error", "ValueError")
    assert model["parent_id"] == step["parent_id"] == whole["id"]
    assert whole["parent_id"] is None
    assert whole["seconds"] >= model["seconds"] >= 0
    assert all(run["tags"][0] == "t" and run["metadata"] == {"user": 7} for run in (model, step, whole))
    assert "inputs" not in model


def test_contents_are_written_where_they_are_wanted(tmp_path: Path) -> None:
    handler = JsonLinesHandler(tmp_path / "runs.jsonl", contents=True)

    list(chatplug.init("echo:n4").stream("Mäh\n!", {"callbacks": [handler]}))

    assert flush(30)
    (run,) = runs_in(handler.path)
    assert (run["inputs"][0]["content"], run["output"]["content"]) == ("Mäh\n!", "Mäh\n")
    assert run["seconds_to_first_token"] is not None


@pytest.mark.parametrize("key", KEYS)
def test_a_secret_is_not_written_wherever_it_stands(key: str) -> None:
    run = Run("chat_model", f"call with {key}", tags=[key], metadata={"header": f"Bearer {key}", "deep": [{"a": key}]})
    run.inputs, run.output = [HumanMessage(f"my key is {key}.")], AIMessage(f'{{"key": "{key}"}}')
    run.close("error", ValueError(f"Incorrect API key provided: {key}"))

    line = line_of(run, contents=True)

    assert key.encode() not in line
    assert json.loads(line)["inputs"][0]["content"] == "my key is [secret]."


def test_what_is_called_a_secret_is_not_written_and_the_rest_is() -> None:
    facts = {"api_key": 'a"b', "OPENAI_API_KEY": "xyz", "password": "p", "tokens": "12", "max_tokens": 5, "key": "of C"}
    run = Run("chain", "it", metadata=facts)
    run.close("ok")

    written = json.loads(line_of(run, contents=False))["metadata"]

    hidden = dict.fromkeys(["api_key", "OPENAI_API_KEY", "password"], "[secret]")
    assert written == {**facts, **hidden}


def test_whatever_a_run_holds_its_line_is_json() -> None:
    ring: list[Any] = []
    ring.append(ring)
    run = Run("tool", "\ud800", metadata={1: float("nan"), "x": {2}, "o": object, "b": b"\x00", "ring": ring})  # type: ignore[dict-item]  # the point
    run.close("ok")

    line = line_of(run, contents=True)

    assert line.count(b"\n") == 1
    assert json.loads(line)["metadata"]["b"] == "b'\\x00'"


def test_a_file_that_is_full_is_kept_and_the_oldest_goes(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "f", most_bytes=20, keep=2)

    for number in range(7):
        file.add(b"%09d\n" % number)
    file.add(b"x" * 50 + b"\n")

    kept = {path.name: path.read_bytes().split() for path in tmp_path.iterdir() if path.suffix != ".lock"}
    assert kept == {"f": [b"x" * 50], "f.1": [b"000000006"], "f.2": [b"000000004", b"000000005"]}
    assert (tmp_path / "f").stat().st_mode & 0o077 == 0


def test_nothing_is_kept_where_nothing_shall_be(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "f", most_bytes=5, keep=0)

    file.add(b"abcd\n")
    file.add(b"efgh\n")

    assert (tmp_path / "f").read_bytes() == b"efgh\n"
    assert not (tmp_path / "f.1").exists()


WRITER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from chatplug_jsonl.rotating_file import RotatingFile

file = RotatingFile(sys.argv[1], most_bytes=20_000, keep=100)
with ThreadPoolExecutor(4) as pool:
    list(pool.map(lambda n: file.add(f"{sys.argv[2]}-{n}-{'x' * (n % 90)}\\n".encode()), range(500)))
"""


def test_threads_of_several_processes_write_each_line_whole_and_once_while_files_are_begun(tmp_path: Path) -> None:
    commands = [[sys.executable, "-c", WRITER, str(tmp_path / "f"), str(number)] for number in range(4)]

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(subprocess.run, command, timeout=100) for command in commands]:
            assert done.result().returncode == 0

    lines = Counter(line for path in tmp_path.glob("f*") for line in path.read_text("utf-8").splitlines())
    assert lines == Counter(f"{process}-{n}-{'x' * (n % 90)}" for process in range(4) for n in range(500))
    assert len(list(tmp_path.glob("f.*"))) > 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_lock_does_not_outlive_its_line_though_a_fork_has_copied_it(tmp_path: Path) -> None:
    class Forking(RotatingFile):
        child = 0

        def _size(self) -> int:  # while the lock is held
            if not self.child:
                self.child = os.fork()
                if not self.child:
                    os.read(reading, 1)
                    os._exit(0)
            return super()._size()

    reading, writing = os.pipe()
    file = Forking(tmp_path / "f", most_bytes=100, keep=1)

    file.add(b"a\n")
    file.add(b"b\n")

    os.write(writing, b"x")
    os.waitpid(file.child, 0)
    os.close(reading)
    os.close(writing)
    assert file.path.read_bytes() == b"a\nb\n"


def test_a_disk_that_fails_ends_no_call_and_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    handler = JsonLinesHandler(tmp_path / "file" / "runs.jsonl")

    with caplog.at_level(logging.WARNING, "chatplug.callbacks"):
        answer = chatplug.init("echo:n3").invoke("Meow!", {"callbacks": [handler]})

    assert flush(30)
    assert answer.text == "Meo"
    assert "JsonLinesHandler.on_run_end failed" in caplog.text


@pytest.mark.parametrize("contents", ["", "1"])
def test_an_installed_plugin_writes_every_run_of_a_program_where_the_environment_says_so(
    contents: str, tmp_path: Path
) -> None:
    program = "import chatplug; chatplug.init('echo:n3').invoke('Meow!')"
    variables = {**os.environ, "CHATPLUG_JSONL_FILE": str(tmp_path / "runs"), "CHATPLUG_JSONL_CONTENTS": contents}

    done = subprocess.run(
        [sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=True, timeout=60
    )

    (run,) = runs_in(tmp_path / "runs")
    assert (run["model"], "inputs" in run) == ("n3", bool(contents))
    assert done.stderr == ""


def test_an_installed_plugin_writes_nothing_and_imports_nothing_of_its_own_unless_it_is_told_to(tmp_path: Path) -> None:
    program = "import sys, chatplug; chatplug.init('echo:n3').invoke('x'); print('chatplug_jsonl.line' in sys.modules)"
    variables = {name: value for name, value in os.environ.items() if not name.startswith("CHATPLUG_JSONL")}

    done = subprocess.run(
        [sys.executable, "-c", program], env=variables, cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert (done.stdout.strip(), list(tmp_path.iterdir())) == ("False", [])


@pytest.mark.parametrize("wrong", [{"most_bytes": 0}, {"keep": -1}])
def test_sizes_that_make_no_sense_are_refused(wrong: dict[str, int], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="most_bytes"):
        JsonLinesHandler(tmp_path / "f", **wrong)  # type: ignore[arg-type]  # one of the numbers
