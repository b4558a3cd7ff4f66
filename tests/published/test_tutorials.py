"""The steps of a tutorial, as printed, by somebody who has nothing but the published wheels."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT
from tests.published.conftest import Wheelhouse, called

BLOCK = re.compile(r"^```([\w-]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = sorted(set((ROOT / "docs" / "tutorials").glob("*.md")) - {ROOT / "docs" / "tutorials" / "index.md"})


def difference(shown: list[str], printed: str) -> str | None:
    """What to complain about; `...` stands for anything within a line, and alone in a line for any lines."""
    patterns = ["(?:.*\n)*" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") + "\n" for line in shown]
    text = "".join(f"{line.rstrip()}\n" for line in printed.strip("\n").splitlines())
    if re.fullmatch("".join(patterns), text):
        return None
    return "\n".join(["The page shows:", *shown, "", "The shell prints:", text])


class Reader:
    """Somebody who does what a page says, in a shell and in a folder of their own."""

    def __init__(self, folder: Path, wheelhouse: Wheelhouse) -> None:
        self.folder = folder
        self.wheelhouse = wheelhouse
        self.state = "cd ."

    def run(self, block: str) -> str | None:
        """Type the commands of a block; what to complain about when something else is printed than shown."""
        commands = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
        shown = [line for line in block.splitlines() if not line.startswith("$ ")]
        # Each block goes on where the one before it ended: same folder, same environment.
        script = "\n".join([self.state, *commands, 'echo "[$PWD]" >&3'])
        done = subprocess.run(
            ["sh", "-c", f"exec 3>{self.folder}/where 2>&1\n{script}"],
            cwd=self.folder,
            env=self.wheelhouse.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            timeout=400,
            check=False,
        )
        where = (self.folder / "where").read_text(encoding="utf-8").strip().strip("[]")
        activate = f". {self.folder}/.venv/bin/activate" if (self.folder / ".venv").exists() else ":"
        self.state = f"{activate}\ncd {where}"
        return difference(shown, done.stdout)

    @property
    def here(self) -> Path:
        """The folder in which the reader is."""
        return Path(self.state.rpartition("cd ")[2])

    def write(self, block: str) -> None:
        """Write a file that the first line of a block names, in a comment."""
        path, _, text = block.partition("\n")
        (self.here / path.removeprefix("# ")).write_text(text, encoding="utf-8")

    def change(self, block: str) -> None:
        """Change the one file in which the old lines of a diff are."""
        lines = block.splitlines()
        old = "\n".join(line[1:] for line in lines if line[0] in " -")
        new = "\n".join(line[1:] for line in lines if line[0] in " +")
        (path,) = [path for path in self.here.rglob("src/**/*.py") if old in path.read_text(encoding="utf-8")]
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def steps(page: Path) -> Iterator[tuple[str, str]]:
    for kind, block in BLOCK.findall(page.read_text(encoding="utf-8")):
        if kind in ("shell-session", "diff") or (kind == "python" and block.startswith(("# src/", "# tests/"))):
            yield kind, block


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_steps_of_a_tutorial_work_as_printed(page: Path, wheelhouse: Wheelhouse, tmp_path: Path) -> None:
    reader = Reader(tmp_path, wheelhouse)
    done = list(steps(page))

    for kind, block in done:
        if kind == "python":
            reader.write(block)
        elif kind == "diff":
            reader.change(block)
        elif block.startswith("$ python -m venv"):
            # What the package index does for a reader who has one.
            called("python3", "-m", "venv", tmp_path / ".venv")
            wheelhouse.offer(tmp_path / ".venv")
            assert reader.run(block.partition("\n")[2]) is None
        else:
            complaint = reader.run(block)
            assert complaint is None, f"{block}\n{complaint}"

    assert len(done) > 5
