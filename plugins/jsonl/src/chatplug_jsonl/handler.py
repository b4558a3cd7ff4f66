"""`JsonLinesHandler`: writes each run that ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatplug.callbacks import BaseCallbackHandler
from chatplug_jsonl.line import line_of
from chatplug_jsonl.rotating_file import RotatingFile

if TYPE_CHECKING:
    import os

    from chatplug.callbacks import Run

__all__ = ["JsonLinesHandler"]


class JsonLinesHandler(BaseCallbackHandler):
    """Adds a line of JSON to a file for each run that it hears.

    It observes: calls neither wait for the disk nor fail with it.

    Args:
        path: The file.
        contents: Whether to write what was asked and what came of it, beside the facts about the run.
        most_bytes: The size at which a new file is begun; 50 MB.
        keep: How many full files are kept; 5.

    >>> import json, tempfile
    >>> import chatplug
    >>> from chatplug.callbacks import flush
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     handler = JsonLinesHandler(f"{folder}/runs.jsonl")
    ...     answer = chatplug.init("echo:n3").invoke("Meow!", {"callbacks": [handler]})
    ...     caught_up = flush()
    ...     run = json.loads(handler.path.read_text())
    >>> run["kind"], run["model"], run["status"], run["usage_status"]
    ('chat_model', 'n3', 'ok', 'unknown')
    """

    def __init__(
        self, path: str | os.PathLike[str], *, contents: bool = False, most_bytes: int = 50_000_000, keep: int = 5
    ) -> None:
        if most_bytes < 1 or keep < 0:
            raise ValueError("most_bytes is a number from 1, keep one from 0.")
        self._file = RotatingFile(path, most_bytes=most_bytes, keep=keep)
        self._contents = contents
        self.path = self._file.path
        """The file."""

    def on_run_end(self, run: Run) -> None:
        """Write a run."""
        self._file.add(line_of(run, contents=self._contents))
