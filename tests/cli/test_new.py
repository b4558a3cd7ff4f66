"""`chatplug new`: what it writes installs, passes its tests, answers, and is as well typed as the host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from chatplug.cli.app import app
from chatplug.plugins.declaration import GROUPS
from chatplug.plugins.index import Installed, default_index
from tests.architecture.sources import ROOT

pytestmark = pytest.mark.timeout(600)  # building and installing, on a machine that does more

KINDS = {
    "provider": ["provider", "acme"],
    "small": ["provider", "acme", "--small"],
    "callbacks": ["callbacks", "acme"],
    "converter": ["converter", "acme"],
}


@dataclass(frozen=True)
class Made:
    """A new distribution, and the folder in which its wheel is installed."""

    kind: str
    folder: Path
    site: Path

    def run(self, *command: str) -> str:
        """What a command prints in the new folder, where the distribution is installed."""
        paths = os.pathsep.join(filter(None, [str(self.site), os.environ.get("PYTHONPATH", "")]))
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module", params=KINDS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    into = tmp_path_factory.mktemp(request.param)
    result = CliRunner().invoke(app, ["new", *KINDS[request.param], "--into", str(into)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    made = Made(request.param, into / "chatplug-acme", into / "site")
    # As an installer does it, but without a network: the wheel, without what it depends on, which is here already.
    made.run("-m", "pip", "wheel", "-q", "--no-deps", "--no-index", "--no-build-isolation", "-w", str(into), ".")
    (wheel,) = into.glob("*.whl")
    made.run("-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(made.site), str(wheel))
    return made


def test_it_passes_its_tests_with_nothing_skipped(made: Made) -> None:
    said = made.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestWarning").splitlines()

    assert " passed" in said[-1]
    assert "skipped" not in said[-1]


def test_a_provider_answers_at_once(made: Made) -> None:
    if made.kind in ("provider", "small"):
        assert made.run("-m", "chatplug", "run", "acme:x", "hi") == "x heard: hi\n"


def test_what_the_readme_shows_is_what_is_heard_and_converted(made: Made) -> None:
    readme = (made.folder / "README.md").read_text(encoding="utf-8")
    shown = {"callbacks": "INFO:chatplug_acme:fake:None ok after", "converter": "Once.\n"}
    for block in re.findall(r"^```python\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL):
        said = made.run("-c", f"import sys\nsys.stderr = sys.stdout\n{block}")
        assert shown.pop(made.kind) in said
    assert made.kind not in shown or made.kind in ("provider", "small")


def test_it_is_formatted_and_typed(made: Made) -> None:
    config = str(ROOT / "pyproject.toml")
    made.run("-m", "ruff", "format", "--check", "--config", config, ".")
    ours = "lint.isort.known-first-party=['chatplug', 'chatplug_acme']"
    made.run("-m", "ruff", "check", "--config", config, "--config", ours, "src")
    types = made.run("-m", "mypy", "--strict", "--cache-dir", str(made.folder.parent.parent / "types"), "src", "tests")

    assert "Success" in types


def test_its_wheel_has_the_marker_for_types(made: Made) -> None:
    assert (made.site / "chatplug_acme" / "py.typed").exists()
    assert not list(made.site.rglob("*.txt.txt"))


def test_a_provider_has_the_rooms_of_the_house(tmp_path: Path) -> None:
    CliRunner().invoke(app, ["new", "provider", "acme", "--into", str(tmp_path)])
    folder = tmp_path / "chatplug-acme"
    rooms = {path.name for path in (folder / "src" / "chatplug_acme").iterdir()}

    assert rooms >= {
        *("plugin.py", "settings.py", "model.py", "encode.py", "decode.py", "transport.py", "errors.py"),
        "profiles.toml",
    }
    assert {path.name for path in folder.iterdir()} >= {"pyproject.toml", "README.md", "CHANGELOG.md", ".github"}


@pytest.mark.parametrize("name", ["", "1st", "a b", "ä", "../x", "a__b"])
def test_what_is_no_name_is_refused(name: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["new", "provider", "--into", str(tmp_path), "--", name])

    assert result.exit_code == 1
    assert "is no name for a plugin. Take letters" in result.output
    assert list(tmp_path.iterdir()) == []


def test_the_name_may_be_that_of_the_distribution(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["new", "provider", "chatplug-Blue-Whale", "--into", str(tmp_path)])

    assert result.exit_code == 0
    assert (tmp_path / "chatplug-blue-whale" / "src" / "chatplug_blue_whale" / "model.py").exists()
    assert "python -m pytest" in result.output


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "chatplug-acme").mkdir()
    (tmp_path / "chatplug-acme" / "mine").write_text("mine")

    result = CliRunner().invoke(app, ["new", "provider", "acme", "--into", str(tmp_path)])

    assert result.exit_code == 2
    assert "is there already" in result.output
    assert [path.name for path in (tmp_path / "chatplug-acme").iterdir()] == ["mine"]


def warned(*arguments: str, into: Path) -> str:
    """What is said on standard error when something is written all the same."""
    result = CliRunner().invoke(app, ["new", *arguments, "--into", str(into)])
    assert result.exit_code == 0, result.output
    assert list(into.rglob("pyproject.toml"))
    return result.stderr


def test_a_name_that_nobody_has_is_written_without_a_word(tmp_path: Path) -> None:
    assert warned("provider", "acme", into=tmp_path) == ""


def test_a_provider_that_another_distribution_has_is_written_with_a_warning(tmp_path: Path) -> None:
    said = warned("provider", "openai", into=tmp_path)

    assert said.startswith("Warning: chatplug-openai-compat 0.1.0 provides 'openai' already. Take another name")


def test_a_provider_that_is_published_but_not_installed_is_written_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = Installed({group: {} for group in GROUPS}, (), has_pydantic_plugins=False)
    monkeypatch.setattr(default_index(), "installed", lambda: nobody)

    said = warned("provider", "groq", into=tmp_path)

    assert "chatplug-openai-compat, which is published, provides 'groq' already" in said
    assert said.endswith("Perhaps it does what you want: pip install chatplug-openai-compat\n")


@pytest.mark.parametrize("kind", ["provider", "callbacks", "converter"])
def test_the_name_of_an_installed_distribution_is_told(kind: str, tmp_path: Path) -> None:
    said = warned(kind, "openai-compat", into=tmp_path)

    assert said.startswith(
        "Warning: chatplug-openai-compat 0.1.0 is installed; this one will be installed in its place"
    )
    assert said.count("Warning") == 1


def test_a_name_of_the_user_s_own_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatplug.plugins.aliases.config_folder", lambda: str(tmp_path))
    (tmp_path / "providers.toml").write_text('[work]\nprovider = "echo"\n', encoding="utf-8")

    assert "'work' is a name of your own in" in warned("provider", "work", into=tmp_path / "new")
