"""The run behind `chatplug conformance`: pytest in a process of its own, so that whatever a plugin does ends there."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from chatplug.credentials import environment_with
from chatplug.errors import ModelNameError
from chatplug.factory import split_name
from chatplug.plugins import default_manager
from chatplug.testing.conformance.score import Score

__all__ = ["scored"]


def scored(provider: str, settings: dict[str, Any], suite: Path | None) -> Score:
    """The score of a provider, from a run of the kit or of the author's own suite.

    Raises:
        click.ClickException: If no test of the kit was run.
        ChatplugError: If the provider is not there, or its model cannot be made.
    """
    from chatplug.testing.conformance import installed

    variables: dict[str, str] = {}
    if suite is None:
        name = _model_of(provider, settings)
        default_manager().create_model(*split_name(name), settings)  # what is wrong with it is told once, not 90 times
        variables[installed.VARIABLE] = json.dumps([name, settings])
    else:
        split_name("any", provider.partition(":")[0])
    with tempfile.TemporaryDirectory() as folder:
        report, ini = Path(folder, "score.json"), Path(folder, "pytest.ini")
        ini.write_text("[pytest]\n", encoding="utf-8")
        # The suite of an author is run as the author runs it; our own, as if nothing were configured.
        place = [str(suite)] if suite is not None else ["-c", str(ini), "--rootdir", folder, str(installed.__file__)]
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib"]
        done = subprocess.run(
            [*command, "--conformance-json", str(report), *place],
            env=environment_with(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        score = Score.from_dict(json.loads(report.read_text(encoding="utf-8"))) if report.exists() else Score()
    if not score.tests or done.returncode not in (0, 1):
        raise click.ClickException(f"The kit was not run to its end.\n{done.stdout.strip()}")
    return score


def _model_of(provider: str, settings: dict[str, Any]) -> str:
    """The model to test, as `provider:model`."""
    if ":" in provider:
        return provider
    name = split_name("any", provider)[0]
    offered = default_manager().list_models(name, settings)
    if not offered:
        raise ModelNameError(f"The provider {name!r} lists no models.", hint=f"Say which one: {name}:MODEL")
    return f"{name}:{offered[0]}"
