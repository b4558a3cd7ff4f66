"""An error is one line on standard error and an exit code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from chatplug.cli.app import app
from tests.cli.child import Start


def test_an_error_says_in_one_line_what_happened_and_what_to_do(cli: CliRunner) -> None:
    result = cli.invoke(app, ["run", "echo:three", "hello"])

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: echo:three: An echo model is named n<number>. For example: echo:n3\n"


def test_a_broken_stream_leaves_what_had_arrived_and_one_line(cli: CliRunner) -> None:
    result = cli.invoke(app, ["run", "scripted:breaks", "hello"])

    assert (result.exit_code, result.stdout) == (1, "as far as\n")
    assert result.stderr == "Error: scripted:breaks: The server said: [31mgone. Ask again.\n"


@pytest.mark.parametrize(("model", "name"), [("crashes", "RuntimeError: boom"), ("leaves", "SystemExit: 0")])
def test_what_nobody_expected_is_one_line_as_well(cli: CliRunner, model: str, name: str) -> None:
    result = cli.invoke(app, ["run", f"scripted:{model}", "hello"])

    assert (result.exit_code, result.stdout) == (1, "some text\n")
    assert result.stderr == f"Error: {name}. This is a fault of chatplug or of a plugin; --debug shows where.\n"


def test_a_file_that_cannot_be_written_is_no_fault_of_a_plugin(cli: CliRunner, tmp_path: Path) -> None:
    lock = tmp_path / "no folder, a file"
    lock.touch()

    result = cli.invoke(app, ["plugins", "lock"], env={"CHATPLUG_PLUGINS_LOCK": str(lock / "plugins.lock")})

    assert result.exit_code == 1
    assert result.stderr.endswith(f"Error: {lock}: File exists.\n")


@pytest.mark.parametrize("where", [0, 1, 3])
def test_debug_shows_the_traceback_before_the_line(cli: CliRunner, where: int) -> None:
    arguments = ["run", "scripted:crashes", "hello"]

    result = cli.invoke(app, [*arguments[:where], "--debug", *arguments[where:]])

    assert result.exit_code == 1
    assert result.stderr.startswith("Traceback (most recent call last):\n")
    assert "scripted_models.py" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("Error: RuntimeError: boom.")


@pytest.mark.parametrize("arguments", [["run"], ["walk"], ["run", "echo:n3", "a", "b"], ["models", "--jsn"]])
def test_a_command_that_is_written_wrongly_ends_with_two(cli: CliRunner, arguments: list[str]) -> None:
    result = cli.invoke(app, arguments)

    assert result.exit_code == 2
    assert "Usage: " in result.stderr


def test_a_warning_is_one_line_without_its_source(start: Start) -> None:
    code, out, said = start("run", "scripted:warns", "hello").end()

    assert (code, out) == (0, "text\n")
    assert said == "Warning: first line second line\n"


def test_a_setting_that_a_model_cannot_honour_is_a_warning(start: Start) -> None:
    code, out, said = start("run", "echo:n3", "Meow!", "-o", "temperature=0").end()

    assert (code, out) == (0, "Meo\n")
    assert said == "Warning: EchoChatModel cannot honour 'temperature'. It is ignored.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["hooks", "nope"],
        ["run", "nope", "hi"],
        ["run", "nope:x", "hi"],
        ["models", "nope"],
        ["profiles", "show", "nope"],
        ["run", "groq:x", "hi"],
        ["run", "echo:n3", "hi", "-o", "model_provider=echo"],
        ["run", "echo:n3", "hi", "-o", "configurable_fields=any"],
        ["run", "echo:n3", "hi", "-o", "config_prefix=a"],
        ["run", "echo:n3", "hi", "-o", "temprature=1"],
    ],
    ids=" ".join,
)
def test_a_failure_says_nothing_that_only_a_program_could_do(
    cli: CliRunner, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GROQ_API_KEY", raising=False)

    told = cli.invoke(app, arguments)

    assert told.exit_code != 0
    assert re.search(r"\w=['\s.]|\w\(", told.stderr) is None
