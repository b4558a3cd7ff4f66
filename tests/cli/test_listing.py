"""`chatplug plugins` and `chatplug models`."""

from __future__ import annotations

import json
import sys

import pytest
from click.testing import CliRunner

from chatplug.cli.app import app


def test_plugins_lists_provider_distribution_version_and_entry_point(cli: CliRunner) -> None:
    result = cli.invoke(app, ["plugins"])

    lines = [line.split() for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert lines[0] == ["Provider", "Distribution", "Version", "Entry", "point"]
    assert ["scripted", "scripted-models", "1.5", "scripted_models"] in lines
    assert ["broken", "scripted-models", "1.5", "scripted_models_missing"] in lines


def test_plugins_imports_no_plugin(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "scripted_models", raising=False)

    result = cli.invoke(app, ["plugins"])

    assert "scripted_models" in result.stdout
    assert "scripted_models" not in sys.modules


def test_plugins_as_json(cli: CliRunner) -> None:
    result = cli.invoke(app, ["plugins", "--json"])

    assert {
        "provider": "scripted",
        "distribution": "scripted-models",
        "version": "1.5",
        "entry_point": "scripted_models",
        "kept_out": None,
    } in json.loads(result.stdout)


def test_models_are_named_as_run_takes_them(cli: CliRunner) -> None:
    result = cli.invoke(app, ["models", "scripted"])

    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines == [["Provider", "Model"], ["scripted", "scripted:tell"], ["scripted", "scripted:[red]odd"]]


def test_a_failing_provider_is_listed_with_its_error_and_does_not_hide_the_others(cli: CliRunner) -> None:
    result = cli.invoke(app, ["models"])

    lines = result.stdout.splitlines()
    failing = [line for line in lines if line.startswith("broken ")]
    assert result.exit_code == 0
    assert len(failing) == 1
    assert "Error: " in failing[0]
    assert "scripted_models_missing" in failing[0]
    assert any(line.split() == ["echo", "echo:n3"] for line in lines)
    assert any(line.split() == ["scripted", "scripted:tell"] for line in lines)


def test_models_as_json_keeps_names_and_errors_apart(cli: CliRunner) -> None:
    result = cli.invoke(app, ["models", "--json"])

    found = {row["provider"]: row for row in json.loads(result.stdout)}
    assert found["scripted"] == {"provider": "scripted", "models": ["tell", "[red]odd"], "error": None}
    assert found["broken"]["models"] == []
    assert "cannot be imported" in found["broken"]["error"]


def test_a_named_provider_that_fails_is_an_error(cli: CliRunner) -> None:
    result = cli.invoke(app, ["models", "scripted", "-o", "fail=true"])

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: scripted: Nobody answers. Start it.\n"


def test_a_provider_is_named_as_in_the_name_of_a_model(cli: CliRunner) -> None:
    result = cli.invoke(app, ["models", "Echo"])

    assert result.exit_code == 0


def test_an_unknown_provider_is_answered_with_the_nearest(cli: CliRunner) -> None:
    result = cli.invoke(app, ["models", "ecko"])

    assert result.exit_code == 1
    assert "Did you mean 'echo'?" in result.stderr


def test_settings_such_as_a_key_do_not_go_to_every_provider(cli: CliRunner) -> None:
    result = cli.invoke(app, ["models", "-o", "api_key=sk-secret"])

    assert result.exit_code == 2
    assert "Settings are for one provider" in result.stderr
    assert "sk-secret" not in result.output
