"""What every test of the repository may ask for, and how the examples of the pages are collected."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Generator
from pathlib import Path

import hypothesis
import pytest

from tools.examples import docstrings, pages

ROOT = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("CHATPLUG_SHARED", ROOT.parent / "shared"))
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}

hypothesis.settings.register_profile("chatplug", deadline=None, derandomize=IN_CI, print_blob=True)
hypothesis.settings.load_profile("chatplug")

pytest_collect_file = (pages + docstrings).pytest()


def absent(what: str) -> None:
    """Skip with this reason, but fail in CI, where nothing may be absent."""
    if IN_CI:
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder with what real providers answered."""
    folder = SHARED / "recordings"
    if not (folder / "index.json").exists():
        absent(f"no recorded traffic: {folder.parent.name}/recordings is not beside the checkout")
    return folder


@pytest.fixture(scope="session")
def real_server() -> Generator[str]:
    """The base URL of a real llama.cpp server with a tiny model, started once for the run."""
    script = SHARED / "realserver" / "serve.py"
    python = ROOT / ".venv-realserver" / "bin" / "python"
    if not script.exists():
        absent(f"no real server: {SHARED.name}/realserver is not beside the checkout")
    if not python.exists():
        absent("no real server: ./check could not make .venv-realserver")
    spec = importlib.util.spec_from_file_location("chatplug_realserver", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.serving(python=str(python)) as url:
        yield url
