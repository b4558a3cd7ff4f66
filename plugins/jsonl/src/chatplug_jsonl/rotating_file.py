"""A file to which threads and processes add lines at once, and which does not grow without end."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["RotatingFile"]


class RotatingFile:
    """Lines are added whole; a file that is full is kept beside it as `.1`, the one before as `.2`, and so on.

    Nothing is held between two lines: not a descriptor, which a fork would share, nor a lock. Whoever adds a line holds
    the lock of a file beside it (`.lock`), against threads and processes alike. Not for network file systems without
    locks.

    Args:
        path: The file. It and its folder are made when there is something to write.
        most_bytes: The size at which a new file is begun. A line that is longer stands alone in its file.
        keep: How many full files are kept.
    """

    def __init__(self, path: str | os.PathLike[str], *, most_bytes: int, keep: int) -> None:
        self.path = Path(path)
        self._most_bytes = most_bytes
        self._keep = keep

    def add(self, line: bytes) -> None:
        """Add a line, which ends with its newline.

        Raises:
            OSError: If it cannot be written.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(self._beside("lock")):
            if self._size() + len(line) > self._most_bytes and self._size():
                self._rotate()
            # Not for everybody's eyes.
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
            try:
                _write_whole(descriptor, line)
            finally:
                os.close(descriptor)

    def _size(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def _rotate(self) -> None:
        if not self._keep:
            self.path.unlink()
            return
        for number in range(self._keep - 1, 0, -1):
            older = self._beside(str(number))
            if older.exists():
                older.replace(self._beside(str(number + 1)))
        self.path.replace(self._beside("1"))

    def _beside(self, suffix: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{suffix}")


def _write_whole(descriptor: int, line: bytes) -> None:
    """Write it; what a full disk has let begin is taken back."""
    size = os.fstat(descriptor).st_size
    try:
        left = memoryview(line)
        while left:
            left = left[os.write(descriptor, left) :]
    except OSError:
        os.ftruncate(descriptor, size)
        raise


@contextmanager
def _locked(path: Path) -> Generator[None]:
    """Hold the lock of a file; other threads and processes wait."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(descriptor)
        try:
            yield
        finally:
            _unlock(descriptor)  # closing it would not do: a fork may have copied it meanwhile
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
