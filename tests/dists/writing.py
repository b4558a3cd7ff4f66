"""Tiny distributions, most of them broken, written as an installer would leave them; and a process that has them."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

GOOD = """
    from chatplug import hookimpl
    from chatplug.language_models import SimpleChatModel

    class Model(SimpleChatModel):
        _llm_type = "tiny"

        def _call(self, messages, stop=None, run_manager=None, **kwargs):
            return messages[-1].text[::-1]

    @hookimpl
    def chatplug_create_model(provider, model, settings):
        return Model(**settings)
"""


@dataclass(frozen=True, slots=True)
class Site:
    """A folder that stands for site-packages."""

    folder: Path

    def add(
        self,
        distribution: str,
        code: str | None = GOOD,
        *,
        version: str = "1.2.3",
        provider: str | None = None,
        value: str | None = None,
        entry_points: str = "",
        requires: str = "",
    ) -> None:
        """Write a distribution; its module says on standard error that it was imported.

        Args:
            distribution: Its name.
            code: Its one module; None for none.
            version: Its version.
            provider: The provider that it declares; the module's name unless told otherwise.
            value: Where that is; the module unless told otherwise.
            entry_points: More of them, as text.
            requires: Which versions of chatplug it asks for.
        """
        module = distribution.replace("-", "_")
        metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        metadata += f"Requires-Dist: chatplug{requires}\n" if requires else ""
        entry_points = f"[chatplug.providers]\n{provider or module} = {value or module}\n{dedent(entry_points)}"
        self.write(f"{module}-{version}.dist-info/METADATA", metadata)
        self.write(f"{module}-{version}.dist-info/entry_points.txt", entry_points)
        if code is not None:
            says = f"import sys\nprint('imported {module}', file=sys.stderr)\n"
            self.write(f"{module}.py", says + dedent(code))
        self.record(distribution, version)

    def record(self, distribution: str, version: str = "1.2.3") -> None:
        """Write a distribution's RECORD, as an installer would."""
        module = distribution.replace("-", "_")
        own = f"{module}-{version}.dist-info"
        rows = [f"{own}/RECORD,,", f"__pycache__/{module}.pyc,,"]
        for path in (f"{module}.py", f"{own}/METADATA", f"{own}/entry_points.txt"):
            if (self.folder / path).exists():
                data = (self.folder / path).read_bytes()
                digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
                rows.append(f"{path},sha256={digest},{len(data)}")
        self.write(f"{own}/RECORD", "\n".join(rows) + "\n")

    def write(self, path: str, text: str) -> None:
        """Write one file."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def run(self, script: str, **variables: str) -> tuple[list[Any], list[str]]:
        """What a process that has these distributions shows, and which of their modules it imported.

        The script calls `show(value)`, and `attempt(function, *args)`, which shows an error as its class and text.
        """
        prelude = """
            import json, chatplug
            def show(value):
                print(json.dumps(value))
            def attempt(function, *args, **kwargs):
                try:
                    return show(function(*args, **kwargs))
                except chatplug.ChatplugError as error:
                    show([type(error).__name__, str(error)])
        """
        variables["PYTHONDONTWRITEBYTECODE"] = "1"
        # The one extension that is installed beside them; who allows others alone would be told that it is kept out.
        variables.setdefault("CHATPLUG_DISABLE_PLUGINS", "chatplug-jsonl")
        paths = [str(self.folder), os.environ.get("PYTHONPATH", "")]
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", dedent(prelude) + dedent(script)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        said = done.stderr.splitlines()
        assert all(line.startswith("imported ") for line in said), done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()], [
            line.removeprefix("imported ") for line in said
        ]
