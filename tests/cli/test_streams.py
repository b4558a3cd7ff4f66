"""Standard streams that are closed or full, arguments that are no text or too long."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from chatplug.cli.app import app

if sys.platform == "win32":
    pytest.skip("this is about a POSIX shell", allow_module_level=True)


def in_a_shell(command: str, *arguments: str | bytes) -> tuple[int, str, str]:
    """Exit code and both outputs of `chatplug <command>`, with these arguments as "$1", "$2"."""
    script = f'"{sys.executable}" -m chatplug {command}'
    done = subprocess.run(["sh", "-c", script, "sh", *arguments], capture_output=True, timeout=30, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize("prompt", ["", "-"])
def test_a_standard_input_that_is_closed_is_a_missing_prompt(prompt: str) -> None:
    code, out, said = in_a_shell(f"run echo:n3 {prompt} <&-")

    assert (code, out) == (2, "")
    assert said.endswith("There is no prompt: standard input is closed. Write the prompt behind MODEL.\n")


def test_nobody_misses_a_standard_input_that_is_closed_when_there_is_a_prompt() -> None:
    assert in_a_shell("run echo:n3 Meow <&-") == (0, "Meo\n", "")


@pytest.mark.parametrize("command", ["run echo:n3 Meow", "plugins", "models echo", "plugins --json"])
def test_a_standard_output_that_is_closed_is_told_in_one_line(command: str) -> None:
    assert in_a_shell(f"{command} >&-") == (1, "", "Error: Standard output is closed.\n")


@pytest.mark.parametrize("unbuffered", ["", "PYTHONUNBUFFERED"])
@pytest.mark.parametrize("command", ["--help", "--version", "run --help"])
def test_help_that_cannot_be_written_is_told_in_one_line(
    command: str, unbuffered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no full device")
    monkeypatch.setenv(unbuffered or "NOTHING", "1")

    code, out, said = in_a_shell(f"{command} >/dev/full")

    assert (code, out) == (1, "")
    assert said == "Error: Standard output cannot be written: No space left on device.\n"


def test_an_argument_that_is_no_text_is_refused_as_written_wrongly() -> None:
    code, out, said = in_a_shell('run echo:n3 "$1"', b"caf\xe9")

    assert (code, out) == (2, "")
    assert said.endswith("Error: An argument has bytes that are no utf-8 text.\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "x" * 5000, "hi"],
        ["run", f"echo:{'x' * 5000}", "hi"],
        ["run", "echo:n3", "hi", "-o", f"{'x' * 5000}=1"],
        ["run", "echo:n3", "hi", "-o", f"model={'x' * 5000}"],
        ["x" * 5000],
        [f"--{'x' * 5000}"],
    ],
)
def test_what_is_long_is_not_repeated_whole_in_an_error(cli: CliRunner, arguments: list[str]) -> None:
    result = cli.invoke(app, arguments)

    assert result.exit_code != 0
    assert 10 < len(result.stderr) < 1200
