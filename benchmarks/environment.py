"""The environment that the benchmarks run in: the host, its plugins and what it is compared with, at fixed versions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv-benchmarks"
BESIDE_US = ["httpcore2", "openai", "urllib3"]


def make() -> str:
    """Make the environment, or bring it up to date; the interpreter in it."""
    python = FOLDER / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(FOLDER)], check=True)
        (FOLDER / ".gitignore").write_text("*\n", encoding="utf-8")
    plugins = sorted(path.parent.relative_to(ROOT) for path in ROOT.glob("plugins/*/pyproject.toml"))
    ours = [".[http]", *(f"./{folder.as_posix()}" for folder in plugins)]
    editable = [word for path in ours for word in ("-e", path)]
    command = [str(python), "-m", "pip", "install", "--quiet", "--constraint", "constraints.txt", *editable, *BESIDE_US]
    subprocess.run(command, cwd=ROOT, check=True)
    return str(python)
