"""Ctrl-C and closed pipes end the command at once and quietly."""

from __future__ import annotations

import os
import signal
import socket
import subprocess

import pytest

from tests.cli.child import Start

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals")


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["run", "scripted:mute", "hello"], id="while the model is silent"),
        pytest.param(["run", "scripted:mute", "hello", "--no-stream"], id="while the whole answer is awaited"),
        pytest.param(["run", "scripted:stubborn", "hello"], id="though the plugin swallows it"),
        pytest.param(["run", "scripted:rename", "hello"], id="though the plugin makes another error of it"),
        pytest.param(["models", "scripted"], id="while models are listed"),
    ],
)
def test_ctrl_c_ends_a_command_that_waits_for_the_network(start: Start, command: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        child = start(*command, "-o", f"port={server.getsockname()[1]}")
        line, _ = server.accept()
        with line:
            child.interrupt()

            ended = child.end()

    assert ended == (130, "", "")


def test_ctrl_c_leaves_what_had_arrived(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        child = start("run", "scripted:wait", "hello", "-o", f"port={server.getsockname()[1]}")
        line, _ = server.accept()
        with line:
            child.read(len("first"))
            child.interrupt()

            ended = child.end()

    assert ended == (130, "\n", "")


def test_ctrl_c_ends_a_command_that_reads_standard_input(start: Start) -> None:
    # The model is made before standard input is read, and says when that is.
    child = start("run", "echo:n3", stdin=subprocess.PIPE, python=("-X", "importtime", "-m", "chatplug"))
    assert child.process.stderr is not None
    for imported in child.process.stderr:
        if b"chatplug_echo.model" in imported:
            break
    child.interrupt()

    code, out, said = child.end()

    assert (code, out) == (130, "")
    assert "Traceback" not in said


def test_ctrl_c_while_the_command_starts_shows_no_traceback(start: Start) -> None:
    program = "import os, signal\nfrom chatplug.cli import main\n"
    # Importing click is the first thing that takes time.
    program += "import importlib.abc, sys\nclass Finder(importlib.abc.MetaPathFinder):\n"
    program += "    def find_spec(self, name, path, target=None):\n"
    program += "        if name == 'click.core': os.kill(os.getpid(), signal.SIGINT)\n"
    program += "sys.meta_path.insert(0, Finder())\nmain()\n"

    ended = start(python=("-c", program)).end()

    assert ended == (130, "", "")


def test_an_interrupt_that_is_ignored_from_the_beginning_stays_ignored(start: Start) -> None:
    program = "import os, signal, sys\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    program += "from chatplug.cli import main\nsys.argv[1:] = ['run', 'echo:n3', 'Meow!']\n"
    program += "import atexit\natexit.register(os.kill, os.getpid(), signal.SIGINT)\nmain()\n"

    ended = start(python=("-c", program)).end()

    assert ended == (0, "Meo\n", "")


def test_a_closed_pipe_ends_the_command_without_a_word(start: Start) -> None:
    child = start("run", "scripted:endless", "hello")
    assert child.process.stdout is not None

    assert child.read(5) == "line\n"
    child.process.stdout.close()
    child.process.stdout = None
    code, _, said = child.end()

    assert (code, said) == (128 + signal.SIGPIPE, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_full_disk_is_an_error_of_one_line(start: Start) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        code, _, said = start("run", "echo:n3", "Meow!", stdout=full).end()
    finally:
        os.close(full)

    assert code == 1
    assert said.startswith("Error: Standard output cannot be written: ")
    assert said.count("\n") == 1
