"""What others install: wheels of every distribution, and a fresh environment with nothing but them.

What they depend on, and nothing else, is taken from the environment of the checks, so that no network is needed: a
folder of links stands for the package index.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from importlib import metadata
from importlib.metadata import Distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.sources import ROOT

DISTRIBUTIONS = [ROOT, *sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))]
# What builds an editable install, and what checks the types of a program that uses one.
TOOLS = ("hatchling", "editables", "mypy", "pyright")


@dataclass(frozen=True)
class Wheelhouse:
    """The archives of every distribution, and the folder with what they depend on."""

    archives: Path
    needs: Path

    def wheels(self) -> list[Path]:
        """The wheels, by name."""
        return sorted(self.archives.glob("*.whl"))

    @property
    def variables(self) -> dict[str, str]:
        """The environment in which pip finds the wheels, and nothing else."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON", "VIRTUAL"))}
        return {
            **kept,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.archives),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_BUILD_ISOLATION": "0",  # pip reads this as "no isolation": hatchling is there already
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "NO_COLOR": "1",
            "COLUMNS": "120",
        }

    def offer(self, venv: Path) -> None:
        """Let an environment find what the wheels depend on."""
        (site,) = venv.glob("lib/python*/site-packages")
        (site / "needs.pth").write_text(f"{self.needs}\n", encoding="utf-8")


def called(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """What a command prints; it has to succeed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def needed() -> list[Distribution]:
    """The distributions that ours ask for, with all their extras, and those that these ask for; none of ours."""
    ours = {name_of(source) for source in DISTRIBUTIONS}
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [Requirement(f"{name}[cli,http,testing]") for name in ours] + [Requirement(name) for name in TOOLS]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        extras = frozenset({"", *requirement.extras})
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        distribution = found[name] = metadata.distribution(name)
        for text in distribution.requires or ():
            other = Requirement(text)
            if other.marker is None or any(other.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(other)
    return [distribution for name, distribution in found.items() if name not in ours]


def name_of(source: Path) -> str:
    """The name of the distribution in a folder."""
    return str(tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"])


@pytest.fixture(scope="session")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Wheelhouse:
    """Every distribution as a source archive, and as the wheel that is built from that archive alone."""
    folder = tmp_path_factory.mktemp("wheelhouse")
    archives, unpacked = folder / "archives", folder / "unpacked"
    for source in DISTRIBUTIONS:
        called(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", archives, cwd=source)
    for archive in sorted(archives.glob("*.tar.gz")):
        called("tar", "-xzf", archive, "--one-top-level=" + str(unpacked))
    for source in sorted(unpacked.iterdir()):
        called(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", archives, cwd=source)
    needs = folder / "needs"
    needs.mkdir()
    for distribution in needed():
        for name in {file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "__pycache__")}:
            (needs / name).unlink(missing_ok=True)
            (needs / name).symlink_to(Path(str(distribution.locate_file(name))))
    return Wheelhouse(archives, needs)


@pytest.fixture(scope="session")
def fresh(wheelhouse: Wheelhouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment in which every wheel is installed, as pip does it."""
    venv = tmp_path_factory.mktemp("fresh") / "venv"
    called(sys.executable, "-m", "venv", "--without-pip", venv)
    wheelhouse.offer(venv)
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", venv / "bin" / "python"]
    called(*pip, "install", "-q", *wheelhouse.wheels(), env=wheelhouse.variables)
    return venv / "bin"
