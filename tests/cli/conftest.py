"""A distribution with models that do what a test asks, and the command in this process and in one of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.cli.child import SECONDS, Child, Start

SCRIPTED = """
import json, socket, warnings
from typing import Any

from chatplug import hookimpl
from chatplug.errors import ChatplugError, StreamBrokenError
from chatplug.language_models import BaseChatModel
from chatplug.messages import AIMessage, AIMessageChunk

TOKENS = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}


class Scripted(BaseChatModel):
    _llm_type = "scripted"
    script: str
    given: dict[str, Any]

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        total = None
        for chunk in self._stream(messages):
            total = chunk if total is None else total + chunk
        return AIMessage(total.text, usage_metadata=total.usage_metadata)

    def _stream(self, messages, stop=None, run_manager=None, **kwargs):
        yield from (AIMessageChunk(piece) for piece in getattr(self, self.script)(messages))
        if self.script == "usage":
            yield AIMessageChunk("", usage_metadata=TOKENS)

    def tell(self, messages):
        said = [[message.type, message.content] for message in messages]
        yield json.dumps({"said": said, "given": self.given})

    def usage(self, messages):
        yield "Meo"

    def wait(self, messages):
        yield "first"
        with socket.create_connection(("127.0.0.1", self.given["port"])) as line:
            line.recv(1)
        yield " second"

    def mute(self, messages):
        with socket.create_connection(("127.0.0.1", self.given["port"])) as line:
            line.recv(1)
        yield "never"

    def stubborn(self, messages):
        with socket.create_connection(("127.0.0.1", self.given["port"])) as line:
            while True:
                try:
                    line.recv(1)
                except BaseException:
                    pass

    def rename(self, messages):
        try:
            yield from self.mute(messages)
        except KeyboardInterrupt:
            raise RuntimeError("interrupted")

    def endless(self, messages):
        while True:
            yield "line\\n"

    def breaks(self, messages):
        yield "as far as"
        raise StreamBrokenError("The server said:\\r\\n  \\x1b[31mgone.", hint="Ask again.")

    def crashes(self, messages):
        yield "some text"
        raise RuntimeError("boom")

    def leaves(self, messages):
        yield "some text"
        raise SystemExit(0)

    def warns(self, messages):
        warnings.warn("first line\\nsecond line", UserWarning)
        yield "text"

    def colours(self, messages):
        yield "\\x1b[31mred\\x07\\r\\n\\ttab \\u009b0m"

    def half(self, messages):
        yield "\\ud83d"


@hookimpl
def chatplug_create_model(provider, model, settings):
    return Scripted(script=model, given=dict(settings))


@hookimpl
def chatplug_list_models(provider, settings):
    if settings.get("fail"):
        raise ChatplugError("Nobody\\nanswers.", hint="Start it.")
    if "port" in settings:
        with socket.create_connection(("127.0.0.1", settings["port"])) as line:
            line.recv(1)
    return ["tell", "[red]odd"]
"""


@pytest.fixture(scope="session")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for `sys.path` with the providers `scripted` and, which cannot be imported, `broken`."""
    folder = tmp_path_factory.mktemp("scripted")
    (folder / "scripted_models.py").write_text(SCRIPTED, encoding="utf-8")
    metadata = folder / "scripted_models-1.5.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: scripted-models\nVersion: 1.5\n", encoding="utf-8")
    points = "[chatplug.providers]\nscripted = scripted_models\nbroken = scripted_models_missing\n"
    (metadata / "entry_points.txt").write_text(points, encoding="utf-8")
    return folder


@pytest.fixture
def cli(distribution: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Runs the command in this process."""
    monkeypatch.syspath_prepend(distribution)
    return CliRunner()


@pytest.fixture
def start(distribution: Path) -> Iterator[Start]:
    """Starts the command as a process of its own, which is gone when the test is over."""
    children: list[Child] = []

    def begin(
        *arguments: str,
        python: tuple[str, ...] = ("-m", "chatplug"),
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.PIPE,
    ) -> Child:
        path = os.pathsep.join(filter(None, [str(distribution), os.environ.get("PYTHONPATH", "")]))
        process = subprocess.Popen(
            [sys.executable, *python, *arguments],
            env={**os.environ, "PYTHONPATH": path, "TERM": "xterm", "COLUMNS": "100"},
            # Tests that run in the background of a script have SIGINT ignored, and would pass that on.
            preexec_fn=_hear_interrupts,  # noqa: PLW1509  # there are no threads that hold a lock
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
        )
        children.append(Child(process))
        return children[-1]

    yield begin
    for child in children:
        with suppress(ProcessLookupError):
            child.process.kill()
        child.process.wait(SECONDS)
        for stream in (child.process.stdin, child.process.stdout, child.process.stderr):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()


def _hear_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
