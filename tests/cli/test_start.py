"""How the command starts: quickly, and with a word of advice when its extra is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import chatplug
from chatplug.cli.app import app
from tests.cli.child import Start


def test_the_command_tells_its_version(cli: CliRunner) -> None:
    assert cli.invoke(app, ["--version"]).stdout == f"chatplug {chatplug.__version__}\n"


@pytest.mark.parametrize("command", [[], ["run"], ["plugins"], ["models"]])
def test_help_has_an_example(cli: CliRunner, command: list[str]) -> None:
    result = cli.invoke(app, [*command, "--help"])

    assert result.exit_code == 0
    assert "\n    chatplug " in result.stdout


def test_the_command_is_a_module_too(start: Start) -> None:
    code, out, said = start("--help", python=("-m", "chatplug")).end()

    assert (code, said) == (0, "")
    assert out.startswith("Usage: chatplug [OPTIONS]")


def test_help_imports_neither_pydantic_nor_rich_nor_a_plugin(start: Start) -> None:
    code, _, said = start("run", "--help", python=("-X", "importtime", "-m", "chatplug")).end()

    imported = {line.rpartition("|")[2].strip() for line in said.splitlines()}
    assert code == 0
    assert "click" in imported
    assert not imported & {"pydantic", "rich", "pluggy", "importlib_metadata", "chatplug.errors", "chatplug_echo"}


def test_an_answer_is_printed_without_rich(start: Start) -> None:
    code, _, said = start("run", "echo:n3", "Meow!", python=("-X", "importtime", "-m", "chatplug")).end()

    imported = {line.rpartition("|")[2].strip() for line in said.splitlines()}
    assert code == 0
    assert "rich" not in imported


def test_without_its_extra_the_command_says_what_to_install(start: Start) -> None:
    # -S leaves out everything that is installed; chatplug itself comes from where it is.
    source = Path(chatplug.__file__).parents[1]
    program = f"import sys; sys.path.append({str(source)!r}); from chatplug.cli import main; main()"

    code, out, said = start(python=("-S", "-c", program)).end()

    assert (code, out) == (1, "")
    assert said == "Error: The chatplug command needs click and rich. Install it with: pip install 'chatplug[cli]'\n"


def test_the_kit_says_what_to_install_where_pytest_is_missing(start: Start) -> None:
    without = "import sys; sys.modules['pytest'] = None; from chatplug.cli import main; main()"
    code, out, said = start("conformance", "echo", python=("-c", without)).end()

    assert (code, out) == (1, "")
    assert said == "Error: The kit needs pytest. Install it with: pip install 'chatplug[testing]'\n"
