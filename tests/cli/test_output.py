"""What a terminal gets, and what a pipe gets."""

from __future__ import annotations

import os
import select
import subprocess
import sys

import pytest
from click.testing import CliRunner

from chatplug.cli.app import app
from tests.cli.child import SECONDS, Start

if sys.platform == "win32":
    pytest.skip("there are no pseudo-terminals", allow_module_level=True)


def on_a_terminal(start: Start, *arguments: str, stdin: bool = False) -> tuple[int, str, str]:
    """The exit code, what a terminal gets, and standard error."""
    mine, theirs = os.openpty()
    child = start(*arguments, stdin=theirs if stdin else subprocess.DEVNULL, stdout=theirs)
    os.close(theirs)
    got = b""
    try:
        while select.select([mine], [], [], SECONDS)[0]:
            piece = os.read(mine, 4096)
            if not piece:
                break
            got += piece
    except OSError:  # Linux says so when nobody has the other end any more.
        pass
    finally:
        os.close(mine)
    code, _, said = child.end()
    return code, got.decode().replace("\r\n", "\n"), said


def test_a_model_cannot_send_control_sequences_to_a_terminal(start: Start) -> None:
    code, shown, _ = on_a_terminal(start, "run", "scripted:colours", "hello")

    # A terminal may write a tab as blanks.
    assert (code, shown.expandtabs()) == (0, "[31mred\n\ttab 0m\n".expandtabs())


def test_a_pipe_gets_what_the_model_sent(cli: CliRunner) -> None:
    result = cli.invoke(app, ["run", "scripted:colours", "hello"])

    assert result.stdout_bytes.decode() == "\x1b[31mred\x07\r\n\ttab \x9b0m\n"


def test_a_terminal_gets_a_table_and_names_as_they_are(start: Start) -> None:
    code, shown, _ = on_a_terminal(start, "models", "scripted")

    assert code == 0
    assert "│ scripted │ scripted:tell" in shown
    assert "scripted:[red]odd" in shown


def test_a_pipe_gets_no_styling(cli: CliRunner) -> None:
    result = cli.invoke(app, ["plugins"])

    assert "\x1b" not in result.stdout
    assert result.stdout.isascii()


def test_run_on_a_terminal_without_a_prompt_says_how_to_give_one(start: Start) -> None:
    code, _, said = on_a_terminal(start, "run", "echo:n3", stdin=True)

    assert code == 2
    assert "There is no prompt. Write it behind MODEL, or pipe it in" in said
