"""The doctor's other end: a process that imports one distribution's plugins and writes down how it went.

It writes each step before it takes it, so that whoever reads knows what was going on when the process was ended, by
the plugin or by the doctor. Run by `doctor`; it is no place for anything else.
"""

from __future__ import annotations

import json
import sys

# The host as it is when it loads a plugin, so that the plugin pays for itself alone.
import chatplug.plugins.manager  # noqa: F401  # pyright: ignore[reportUnusedImport]
from chatplug.errors import PluginError
from chatplug.plugins.declaration import Declaration
from chatplug.plugins.loading import load

__all__ = ["main"]


def main(file: str, declarations: list[list[str]]) -> None:
    """Load each plugin, and write lines of JSON to a file."""
    with open(file, "w", encoding="utf-8") as report:

        def say(**facts: object) -> None:
            report.write(json.dumps(facts) + "\n")
            report.flush()

        for fields in declarations:
            declaration = Declaration(*fields)
            say(value=declaration.value, group=declaration.group)
            try:
                plugin = load(declaration, declaration.group)
            except PluginError as error:
                say(error=error.message, fix=error.hint)
            else:
                say(seconds=plugin.seconds, hooks=plugin.hooks())
        sys.stdout.flush()
        say(done=True)
