"""The `chatplug` command; it needs the extra `cli`.

Modules of this room import the rest of the house, and rich, inside the functions that use them: `chatplug --help` is
there before pydantic would be imported.
"""

from __future__ import annotations

import sys

from chatplug.cli.interrupt import EXIT_CODE, watch

__all__ = ["main"]


def main() -> None:
    """Run the command line, or say what to install when its extra is missing."""
    try:
        watch()
        from importlib.util import find_spec

        missing = [name for name in ("click", "rich") if find_spec(name) is None]
        if missing:
            needs = " and ".join(missing)
            sys.exit(f"Error: The chatplug command needs {needs}. Install it with: pip install 'chatplug[cli]'")
        from chatplug.cli.app import app

        app(prog_name="chatplug")
    except KeyboardInterrupt:
        sys.exit(EXIT_CODE)
