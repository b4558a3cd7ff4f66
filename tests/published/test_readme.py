"""The plugins of the README, pasted into two files each and installed beside nothing but the wheels."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT
from tests.published.conftest import Wheelhouse, called

pytestmark = pytest.mark.timeout(600)  # building and installing, on a machine that does more

README = (ROOT / "README.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^```\w+\n# (\S+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL))


def installed(wheelhouse: Wheelhouse, fresh: Path, folder: Path, module: str, project: str) -> dict[str, str]:
    """Install a module of the README with its project; the environment in which it is found."""
    source = folder / "source"
    source.mkdir()
    (source / "pyproject.toml").write_text(project, encoding="utf-8")
    (source / module).write_text(FILES[module], encoding="utf-8")
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        fresh / "python",
        "install",
        "-q",
        "--target",
        folder / "site",
    ]
    called(*pip, "--no-deps", source, env=wheelhouse.variables)
    return {**wheelhouse.variables, "PYTHONPATH": str(folder / "site")}


def test_the_provider_of_the_readme_has_thirty_lines_and_answers(
    wheelhouse: Wheelhouse, fresh: Path, tmp_path: Path
) -> None:
    project, module = FILES["pyproject.toml"], FILES["chatplug_shout.py"]
    lines = [line for line in (project + module).splitlines() if line]
    variables = installed(wheelhouse, fresh, tmp_path, "chatplug_shout.py", project)

    assert len(lines) <= 30
    assert called(fresh / "chatplug", "run", "shout:loud", "hello", cwd=tmp_path, env=variables) == "HELLO\n"
    score = called(fresh / "chatplug", "conformance", "shout:loud", cwd=tmp_path, env=variables)
    assert re.search(r"shout:loud \(chatplug-shout 0\.1\.0\): (\d+) of \1 passed\.", score), score


def test_the_callbacks_of_the_readme_hear_a_run(wheelhouse: Wheelhouse, fresh: Path, tmp_path: Path) -> None:
    project = FILES["pyproject.toml"].replace("shout", "told").replace("chatplug.providers", "chatplug.extensions")
    variables = installed(wheelhouse, fresh, tmp_path, "chatplug_told.py", project)
    program = "import chatplug; chatplug.init('echo:n3').invoke('Meow!')"

    assert called(fresh / "python", "-c", program, cwd=tmp_path, env=variables) == "n3 ok None\n"
