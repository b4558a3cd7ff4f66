"""What the tests of this folder read: the sources as files and as trees, whichever rooms exist."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOST = ROOT / "src" / "chatplug"


@dataclass(frozen=True, slots=True)
class Module:
    """One module: its dotted name, its place and its tree."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def where(self) -> str:
        """Its path from the root of the repository."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def room(self) -> str:
        """Its path inside its package: `wire/sse.py`."""
        parts = self.path.relative_to(ROOT).parts
        return "/".join(parts[parts.index("src") + 2 :])

    @property
    def is_host(self) -> bool:
        """Whether it belongs to the host, not to a plugin."""
        return self.path.is_relative_to(HOST)


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the host and of the plugins."""
    found: list[Module] = []
    for source in (ROOT / "src", *sorted(ROOT.glob("plugins/*/src"))):
        for path in sorted(source.rglob("*.py")):
            parts = path.relative_to(source).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found.append(Module(name, path, ast.parse(path.read_text(encoding="utf-8"), str(path))))
    return tuple(found)


@cache
def tracked_files() -> tuple[Path, ...]:
    """Every file that is, or is about to be, under version control."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        paths = (ROOT / name for name in done.stdout.split("\0") if name)
    else:
        hidden = {"__pycache__", "_build"}
        paths = (
            path
            for path in ROOT.rglob("*")
            if not any(
                part in hidden or (part.startswith(".") and part != ".ci") for part in path.relative_to(ROOT).parts[:-1]
            )
        )
    return tuple(sorted(path for path in paths if path.is_file()))


def text_files() -> Iterator[tuple[str, str]]:
    """The tracked files that are text: path from the root, contents."""
    for path in tracked_files():
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def imported_names(tree: ast.AST) -> dict[str, str]:
    """What each imported name stands for, as a dotted path: `{"sleep": "time.sleep", "t": "time"}`."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname:
                    names[alias.asname] = alias.name
                else:
                    names[alias.name.partition(".")[0]] = alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def dotted_uses(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every use of an imported name, as a dotted path and the line it is on."""
    names = imported_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            path = dotted(node)
            if path:
                head, _, tail = path.partition(".")
                if head in names:
                    yield (f"{names[head]}.{tail}" if tail else names[head]), node.lineno


def dotted(node: ast.expr) -> str | None:
    """`a.b.c` as text, or nothing when the expression is not only names."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])


def public_names(module: Module) -> list[str] | None:
    """The `__all__` of a module, when it is written as a list."""
    for node in module.tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        named = any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets)
        if named and isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.List | ast.Tuple):
            return [
                item.value for item in node.value.elts if isinstance(item, ast.Constant) and isinstance(item.value, str)
            ]
    return None
