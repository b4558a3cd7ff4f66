"""A download with a progress bar, for commands that fetch something large."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

__all__ = ["download"]


def download(url: str) -> bytes:
    """What is at an address, whole; on a terminal a bar shows how far it is.

    Raises:
        click.ClickException: If it is not there, breaks off, or is larger than a catalogue can be.
    """
    from chatplug.http import Request, Timeout, TransportError, default_transport, public_url
    from chatplug.profiles.catalogue import LARGEST

    where = public_url(url)
    pieces: list[bytes] = []
    size = 0
    try:
        with default_transport().stream(Request("GET", url, {"accept": "application/json"}, None, Timeout())) as stream:
            if stream.status != 200:  # the one status of success that has a body
                raise click.ClickException(f"{where} answers with status {stream.status}.")
            with _bar(where, stream.headers) as advance:
                for piece in stream:
                    pieces.append(piece)
                    size += len(piece)
                    advance(len(piece))
                    if size > LARGEST:
                        raise click.ClickException(f"{where} is larger than {LARGEST // 1024 // 1024} MiB.")
    except TransportError as error:
        raise click.ClickException(f"{where} cannot be downloaded: {error}") from error
    return b"".join(pieces)


@contextmanager
def _bar(where: str, headers: Mapping[str, str]) -> Generator[Callable[[int], None]]:
    """What is told of each piece that arrives."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    # What is compressed on the way is larger here than the header says.
    length = headers.get("content-length", "") if not headers.get("content-encoding") else ""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(where, total=int(length) if length.isdecimal() else None)
        yield lambda count: progress.advance(task, count)
