"""The command as a process of its own."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Callable
from typing import TypeAlias

SECONDS = 30
"""How long a test waits for a process before it fails."""


class Child:
    """The command in a process of its own; every wait for it has an end."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def read(self, count: int = 1) -> str:
        """So many bytes of its standard output, as soon as they are there."""
        assert self.process.stdout is not None
        got = b""
        while len(got) < count:
            ready, _, _ = select.select([self.process.stdout], [], [], SECONDS)
            assert ready, f"nothing after {got!r}"
            piece = os.read(self.process.stdout.fileno(), count - len(got))
            assert piece, f"the end after {got!r}"
            got += piece
        return got.decode()

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)

    def end(self) -> tuple[int, str, str]:
        """How it ended: exit code, what is left of standard output, standard error."""
        out, err = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, (out or b"").decode(), (err or b"").decode()


Start: TypeAlias = Callable[..., Child]
"""Starts the command with these arguments."""
