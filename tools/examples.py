"""How the examples of README and docs are run.

The blocks of a page share one module, from top to bottom. A block shows what it prints, each line after `#>`, and a
`console` block shows what its commands print; `...` stands for whatever is not worth showing. What is not shown must
not be printed, so a page cannot say less or more than its code.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
import json
import os
import re
import subprocess
import sys
import tomllib
import types
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from sybil import Document, Example, Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers.markdown import CodeBlockParser, SkipParser
from sybil.parsers.rest import DocTestParser

ROOT = Path(__file__).resolve().parent.parent

_SHOWN = re.compile(r"^\s*#>[ ]?(.*)$", re.MULTILINE)


class Page(Document):
    """A Markdown page whose blocks run in a module of their own, so that types find their names."""

    def __init__(self, text: str, path: str) -> None:
        super().__init__(text, path)
        module = types.ModuleType("example_" + re.sub(r"\W", "_", Path(path).stem).lower())
        sys.modules[module.__name__] = module
        self.namespace = module.__dict__


def difference(shown: Sequence[str], printed: str) -> str | None:
    """What to complain about when a block prints something else than it shows."""
    lines = [line.rstrip() for line in printed.rstrip().splitlines()]
    pattern = "\n".join(re.escape(line.rstrip()).replace(re.escape("..."), ".*") for line in shown)
    if re.fullmatch(pattern, "\n".join(lines)):
        return None
    return "\n".join(["The page shows:", *shown, "", "The block prints:", *lines])


def run_python(example: Example) -> str | None:
    """Run a block, `await` at its top level included, and compare what it prints with what it shows."""
    source = str(example.parsed)
    # Empty lines in front make the line numbers of a traceback those of the page.
    padded = "\n" * example.line + source
    code = compile(padded, example.path, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        waiting: Coroutine[Any, Any, None] | None = eval(code, example.namespace)  # noqa: S307  # our own pages
        if code.co_flags & inspect.CO_COROUTINE and waiting is not None:
            asyncio.run(waiting)
    return difference(_SHOWN.findall(source), printed.getvalue())


def run_console(example: Example) -> str | None:
    """Run each line after `$ ` in the root of the repository and compare what the commands print with what is shown."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    source = str(example.parsed)
    commands = [line[2:] for line in source.splitlines() if line.startswith("$ ")]
    shown = [line for line in source.splitlines() if not line.startswith("$ ")]
    done = subprocess.run(
        ["sh", "-c", "\n".join(commands)],
        cwd=ROOT,
        env={**os.environ, "PATH": path, "NO_COLOR": "1", "COLUMNS": "120"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return difference(shown, done.stdout)


def parsed_by(load: Callable[[str], object]) -> Callable[[Example], str | None]:
    """An evaluator for data: the block must at least be what it says it is."""

    def evaluate(example: Example) -> str | None:
        load(str(example.parsed))
        return None

    return evaluate


pages = Sybil(
    parsers=[
        SkipParser(),
        CodeBlockParser("python", run_python),
        CodeBlockParser("console", run_console),
        CodeBlockParser("json", parsed_by(json.loads)),
        CodeBlockParser("toml", parsed_by(tomllib.loads)),
    ],
    patterns=["*.md"],
    path=str(ROOT),
    document_types={".md": Page},
)
"""The Markdown pages."""

docstrings = Sybil(
    parsers=[DocTestParser()],
    patterns=["src/*/*.py", "src/*/*/*.py", "src/*/*/*/*.py"],  # `**` is one folder before Python 3.13
    path=str(ROOT),
    document_types={".py": PythonDocStringDocument},
)
"""The `>>>` examples in the docstrings of the sources."""
