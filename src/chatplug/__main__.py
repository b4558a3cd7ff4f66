"""`python -m chatplug` is the `chatplug` command."""

from __future__ import annotations

from chatplug.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
