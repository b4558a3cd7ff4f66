"""What every test of the repository may ask for, and how the examples of the pages are collected."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path

import hypothesis
import pytest

from chatplug.profiles import default_registry
from tools.examples import docstrings, pages

ROOT = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("CHATPLUG_SHARED", ROOT.parent / "shared"))
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}

hypothesis.settings.register_profile("chatplug", deadline=None, derandomize=IN_CI, print_blob=True)
hypothesis.settings.load_profile("chatplug")

pytest_collect_file = (pages + docstrings).pytest()


# What a test's handlers went through is kept when the process ends, and not for the user who runs the tests.
_state = tempfile.TemporaryDirectory()
os.environ["XDG_STATE_HOME"] = _state.name

# Nobody's key gets into a test, and so none gets out of one to a real provider.
for _name in [name for name in os.environ if name.endswith(("_API_KEY", "_TOKEN"))]:
    del os.environ[_name]


def absent(what: str) -> None:
    """Skip with this reason, but fail in CI, where nothing may be absent."""
    if IN_CI:
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(autouse=True)
def nobodys_files(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for this test's configuration, data and state, in the user's place; child processes have it too."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "data"))
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    default_registry().forget()
    return folder


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder with what real providers answered."""
    folder = SHARED / "recordings"
    if not (folder / "index.json").exists():
        absent(f"no recorded traffic: {folder.parent.name}/recordings is not beside the checkout")
    return folder


@pytest.fixture(scope="session")
def real_server_command() -> list[str]:
    """The command that starts a real llama.cpp server with a tiny model; its first line of output is its address."""
    script = SHARED / "realserver" / "serve.py"
    python = ROOT / ".venv-realserver" / "bin" / "python"
    if not script.exists():
        absent(f"no real server: {SHARED.name}/realserver is not beside the checkout")
    if not python.exists():
        absent("no real server: ./check could not make .venv-realserver")
    return [str(python), str(script), "--until-eof"]


@contextlib.contextmanager
def serving(command: list[str]) -> Generator[tuple[str, Callable[[], None]]]:
    """A server's base URL, and what kills it; it is ended in any case, by its process id."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            url = child.stdout.readline().strip()
            assert url.startswith("http"), "the real server did not start; its standard error is above"
            yield url, child.kill
        finally:
            child.kill()


@pytest.fixture(scope="session")
def real_server(real_server_command: list[str]) -> Generator[str]:
    """The base URL of a real llama.cpp server with a tiny model, started once for the run."""
    with serving(real_server_command) as (url, _):
        yield url


@pytest.fixture
def start_real_server(
    real_server_command: list[str],
) -> Callable[..., contextlib.AbstractContextManager[tuple[str, Callable[[], None]]]]:
    """Starts a server of one's own, given options of the command: its base URL, and what kills it."""
    return lambda *options: serving([*real_server_command, *options])
