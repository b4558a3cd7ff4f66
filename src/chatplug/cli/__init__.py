"""The `chatplug` command; it needs the extra `cli`."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line, or say what to install when its extra is missing."""
    try:
        from chatplug.cli.app import app
    except ModuleNotFoundError as error:
        if error.name not in {"click", "rich"}:
            raise
        sys.exit(f"The `chatplug` command needs {error.name}. Install it with: pip install 'chatplug[cli]'")
    app()
