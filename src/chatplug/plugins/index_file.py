"""The file that the index is kept in: lines of text with a checksum, read and written without a sound.

    chatplug installed 1 CHECKSUM
    OWNER                                   which interpreter wrote it
    F  folder  stamp  has_pydantic_plugins
    N  names                                of the distributions in the folder
    P  paths                                that the stamp is of
    D  the fields of a declaration
    X  the fields of a fault

Fields are separated by tabs. What has unprintable characters, and so might have a tab or a line's end, is not kept.
"""

from __future__ import annotations

import os
from binascii import crc32
from contextlib import suppress
from stat import S_ISREG, S_IWGRP, S_IWOTH
from typing import TYPE_CHECKING

from chatplug.plugins.declaration import GROUPS, Declaration
from chatplug.plugins.folder import Contents, Fault, Proof

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["decode", "encode", "read_file", "write_file"]

_TITLE = b"chatplug installed 1 "
_LARGEST = 16 << 20
"""Bytes; more than ten thousand plugins need."""


def encode(known: Mapping[str, tuple[Contents, Proof]], owner: str) -> bytes:
    """The file's contents."""
    lines = [owner]
    for path, (contents, proof) in known.items():
        texts = (path, *contents.names, *proof.paths, *(text for one in contents.declarations for text in one))
        texts = (*texts, *(text for fault in contents.faults for text in fault))
        if not all(map(str.isprintable, texts)):
            continue
        lines.append("\t".join(("F", path, str(proof.stamp), str(int(contents.has_pydantic_plugins)))))
        lines.append("\t".join(("N", *contents.names)))
        lines.append("\t".join(("P", *proof.paths)))
        lines += ["\t".join(("D", *declared)) for declared in contents.declarations]
        lines += ["\t".join(("X", *fault)) for fault in contents.faults]
    body = "\n".join(lines).encode("utf-8", "strict")
    return b"%s%08x\n%s" % (_TITLE, crc32(body), body)


def decode(data: bytes, owner: str) -> dict[str, tuple[Contents, Proof]]:
    """What a file holds; nothing if it is torn, another interpreter's, or no such file at all."""
    head, _, body = data.partition(b"\n")
    if head != b"%s%08x" % (_TITLE, crc32(body)):
        return {}
    try:
        first, *lines = body.decode().split("\n")
        return _folders(lines) if first == owner else {}
    except (ValueError, TypeError, IndexError):
        return {}  # whoever wrote it knows the checksum


def _folders(lines: list[str]) -> dict[str, tuple[Contents, Proof]]:
    known: dict[str, tuple[Contents, Proof]] = {}
    path, stamp, flag = "", 0, False
    names: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    declarations: list[Declaration] = []
    faults: list[Fault] = []

    def close() -> None:
        if path:
            known[path] = Contents(names, tuple(declarations), tuple(faults), flag), Proof(paths, stamp)

    for line in lines:
        kind, *fields = line.split("\t")
        if kind == "F":
            close()
            path, stamp, flag = fields[0], int(fields[1]), fields[2] == "1"
            names, paths, declarations, faults = (), (), [], []
        elif kind == "N":
            names = tuple(fields)
        elif kind == "P":
            paths = tuple(fields)
        elif kind == "D":
            declared = Declaration(*fields)
            if len(fields) != len(Declaration._fields) or declared.group not in GROUPS:
                raise ValueError(line)
            if os.path.dirname(declared.folder) != path.rstrip("/\\"):
                raise ValueError(line)
            declarations.append(declared)
        elif kind == "X":
            faults.append(Fault(*fields))
    close()
    return known


def read_file(path: str) -> bytes:
    """A file's contents; empty where there is none, or none of this user's own."""
    try:
        # Not to wait for a pipe that somebody put in its place.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError):
        return b""
    try:
        found = os.fstat(descriptor)
        if not S_ISREG(found.st_mode) or found.st_size > _LARGEST:
            return b""
        if os.name == "posix" and (found.st_uid not in (0, os.geteuid()) or found.st_mode & (S_IWGRP | S_IWOTH)):
            return b""
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(_LARGEST)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def write_file(path: str, data: bytes) -> bool:
    """Write a file whole and at once, so that whoever reads it reads all or nothing; False if it cannot be."""
    folder = os.path.dirname(path)
    temporary = f"{path}.{os.urandom(6).hex()}{_UNFINISHED}"
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    except (OSError, ValueError):
        return False
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
        _tidy(folder)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)
        return False
    return True


_UNFINISHED = ".tmp"
_HOUR = 3600


def _tidy(folder: str) -> None:
    """Remove what processes that were killed left behind."""
    from time import time

    for entry in os.scandir(folder):
        if entry.name.endswith(_UNFINISHED) and time() - entry.stat().st_mtime > _HOUR:
            with suppress(OSError):
                os.unlink(entry.path)
