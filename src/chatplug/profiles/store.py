"""Where refreshed profiles are kept: one file, of which a lookup reads no more than one provider.

The first line says where each provider's line begins; each further line is the profiles of one provider as JSON. The
file is replaced as a whole and never written in place, so that a reader sees the old one or the new one. The one
before is kept beside it, and is read where the newest cannot be.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic_core import from_json, to_json

from chatplug.profiles.table import Entry, Source, Table
from chatplug.wire.shape import is_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatplug.profiles.catalogue import Catalogue
    from chatplug.profiles.model_profile import ModelProfile

__all__ = ["Store"]

_FORMAT = 1
_BEFORE = ".before"


class Store:
    """The refreshed profiles of one file.

    Args:
        path: The file; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.faults: list[str] = []
        """What is wrong with the file."""
        self._read_from: Path | None = None
        self._header: dict[str, Any] | None = None
        self._first_line = b""
        self._tables: dict[str, Table | None] = {}

    @property
    def source(self) -> Source | None:
        """Where the profiles come from; None where there are none."""
        header = self._open()
        return Source("refreshed", header["source"], header["date"]) if header else None

    def providers(self) -> list[str]:
        """The providers that it knows, under the catalogue's names."""
        return list(self._open().get("providers", {}))

    def table(self, provider: str) -> Table | None:
        """What it says about the models of a provider; None where it says nothing."""
        if provider not in self._tables:
            self._tables[provider] = self._read(provider)
        return self._tables[provider]

    def profiles(self, provider: str) -> dict[str, ModelProfile]:
        """The profiles of a provider, by model."""
        table = self.table(provider)
        return {name: entry.profile for name, entry in table.entries.items()} if table else {}

    def write(self, catalogue: Catalogue, where: str, date: str) -> None:
        """Replace what it holds.

        Raises:
            OSError: If the file cannot be written; what it held before is still there.
        """
        lines = [(name, to_json(models)) for name, models in catalogue.items()]
        places: dict[str, tuple[int, int]] = {}
        offset = 0
        for name, line in lines:
            places[name] = (offset, len(line))
            offset += len(line) + 1
        header = {"format": _FORMAT, "source": where, "date": date, "providers": places, "size": offset}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        aside = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            with aside.open("wb") as file:
                file.write(to_json(header) + b"\n")
                file.writelines(line + b"\n" for _, line in lines)
                file.flush()
                os.fsync(file.fileno())
            if self.path.exists():
                self.path.replace(self._before)
            aside.replace(self.path)
        finally:
            aside.unlink(missing_ok=True)
        self.forget()

    def forget(self) -> None:
        """Read the file anew when it is asked next."""
        self._header = self._read_from = None
        self._tables.clear()
        self.faults.clear()

    def before(self) -> Store:
        """What was held before the last time that it was replaced."""
        return Store(self._before)

    @property
    def _before(self) -> Path:
        return self.path.with_name(self.path.name + _BEFORE)

    def _open(self) -> dict[str, Any]:
        """The first line; empty where there is no file that can be read."""
        if self._header is None:
            self._header = {}
            for path in (self.path, self._before):
                header = self._header_of(path)
                if header is not None:
                    self._header, self._read_from = header, path
                    break
        return self._header

    def _header_of(self, path: Path) -> dict[str, Any] | None:
        try:
            with path.open("rb") as file:
                self._first_line = file.readline()
                header = from_json(self._first_line)
                size = os.fstat(file.fileno()).st_size - file.tell()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            self.faults.append(f"{path} cannot be read: {error}")
            return None
        if is_object(header) and header.get("format") == _FORMAT and header.get("size") == size:
            texts = (header.get("source"), header.get("date"))
            if is_object(header.get("providers")) and all(isinstance(text, str) for text in texts):
                return header
        self.faults.append(f"{path} is not whole; refresh it with: chatplug profiles refresh")
        return None

    def _read(self, provider: str) -> Table | None:
        place = self._open().get("providers", {}).get(provider)
        path, source = self._read_from, self.source
        if place is None or path is None or source is None:
            return None
        try:
            offset, length = place
            with path.open("rb") as file:
                if file.readline() != self._first_line:  # it was replaced in the meantime
                    self._header = None
                    return self._read(provider)
                file.seek(offset, os.SEEK_CUR)
                models = from_json(file.read(length))
            return Table(dict(_entries(models, source)))
        except (OSError, ValueError, TypeError, AttributeError) as error:
            self.faults.append(f"{path} is not whole ({provider}): {error}")
            return None


def _entries(models: dict[str, Any], source: Source) -> Iterator[tuple[str, Entry]]:
    for name, profile in models.items():
        if is_object(profile):
            # A name with a `*` would be a pattern; no model has one.
            yield name.replace("*", "?"), Entry(name, cast("ModelProfile", profile), source)
