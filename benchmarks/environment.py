"""The environments: the host, its plugins and what they are compared with, at fixed versions; and one for each peer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv-benchmarks"
LANGCHAIN_FOLDER = ROOT / ".venv-benchmarks-langchain"
LANGCHAIN = "langchain-core>=1.7,<2"
BESIDE_US = ["httpcore2", "openai", "urllib3"]
PEERS_FOLDER = ROOT / ".venv-benchmarks-peers"
PEERS = {
    "chatplug": [".", "./plugins/openai_compat"],
    "openai": ["openai"],
    "langchain-openai": ["langchain-openai"],
    "llm": ["llm"],
    "litellm": ["litellm"],
    "pydantic-ai-slim": ["pydantic-ai-slim[openai]"],
}
"""What a user installs to ask an OpenAI-compatible server, and nothing more; of the others the newest releases."""


def make() -> str:
    """Make the environments, or bring them up to date; the interpreter of the one that the benchmarks run in."""
    plugins = sorted(path.parent.relative_to(ROOT) for path in ROOT.glob("plugins/*/pyproject.toml"))
    ours = [".[http]", *(f"./{folder.as_posix()}" for folder in plugins)]
    editable = [word for path in ours for word in ("-e", path)]
    _install(LANGCHAIN_FOLDER, [LANGCHAIN])
    return _install(FOLDER, ["--constraint", "constraints.txt", *editable, *BESIDE_US])


def make_peers() -> None:
    """Make an environment for each peer, or bring it up to date; ours as a user has it, not editable."""
    for name, what in PEERS.items():
        _install(PEERS_FOLDER / name, ["--upgrade", *what])
    ours = ["--force-reinstall", "--no-deps", *PEERS["chatplug"]]  # its version does not change with each commit
    _install(PEERS_FOLDER / "chatplug", ours)


def peers() -> dict[str, str]:
    """The interpreter of each peer's environment; without those that were not made."""
    found = {name: _python(PEERS_FOLDER / name) for name in PEERS}
    return {name: str(python) for name, python in found.items() if python.exists()}


def langchain() -> str | None:
    """The interpreter that has langchain-core, which is kept apart from us; None where it was not made."""
    python = _python(LANGCHAIN_FOLDER)
    return str(python) if python.exists() else None


def _python(folder: Path) -> Path:
    return folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"


def _install(folder: Path, what: list[str]) -> str:
    python = _python(folder)
    if not python.exists():
        folder.parent.mkdir(exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *what], cwd=ROOT, check=True)
    return str(python)
