"""Distributions that come and go, as installers make and remove them; and what importlib_metadata makes of them."""

from __future__ import annotations

import shutil
import time
import zipfile
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

import importlib_metadata

from chatplug.plugins.declaration import GROUPS, PROVIDERS, fault_of, plain_name
from chatplug.plugins.index import Installed

Answer = dict[str, dict[str, list[tuple[str, str, str]]]]


@dataclass
class SitePackages:
    """A folder of distributions, written without the care that an installer takes."""

    folder: Path

    def install(
        self, name: str, version: str = "1.0", entry_points: str | bytes | None = "", *, kind: str = "dist-info"
    ) -> Path:
        """Write a distribution; without an `=` the entry points are the names of providers."""
        if isinstance(entry_points, str) and entry_points and "=" not in entry_points:
            entry_points = f"[{PROVIDERS}]\n" + "".join(f"{one} = {one}_module\n" for one in entry_points.split())
        where = self.folder / f"{name}-{version}.{kind}"
        where.mkdir(parents=True, exist_ok=True)
        metadata = "METADATA" if kind == "dist-info" else "PKG-INFO"
        (where / metadata).write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
        if isinstance(entry_points, str):
            entry_points = entry_points.encode()
        if entry_points is not None:
            (where / "entry_points.txt").write_bytes(entry_points)
        return where

    def uninstall(self, name: str) -> None:
        """Remove every version of a distribution."""
        for found in self.folder.glob(f"{name}-*.*-info"):
            shutil.rmtree(found)


def pack(folder: Path, archive: Path) -> None:
    """A zip file with what a folder holds."""
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted(folder.rglob("*")):
            packed.write(path, path.relative_to(folder).as_posix())


def told(installed: Installed) -> Answer:
    """What the index says, in the form of `expected`."""
    return {
        group: {name: [(one.name, one.value, one.distribution) for one in declared] for name, declared in names.items()}
        for group, names in installed.groups.items()
    }


def expected(path: list[str]) -> Answer:
    """The same from importlib_metadata, by the rules of the house: damaged distributions declare and hide nothing."""
    found: Answer = {group: {} for group in GROUPS}
    seen: set[str] = set()
    importlib_metadata.MetadataPathFinder.invalidate_caches()
    for one in importlib_metadata.distributions(path=path):
        distribution: Any = one
        try:
            entries = list(distribution.entry_points)
        except (AttributeError, OSError, TypeError, ValueError):
            continue
        if not distribution._has_metadata() or distribution._normalized_name in seen:
            continue
        seen.add(distribution._normalized_name)
        for entry in entries:
            if entry.group in GROUPS and not fault_of(entry.group, entry.name):
                name = plain_name(entry.name) if entry.group == PROVIDERS else entry.name
                same = found[entry.group].setdefault(name, [])
                owner = distribution.metadata["Name"]
                if (entry.value, owner) not in [one[1:] for one in same]:
                    same.append((entry.name, entry.value, owner))
                    same.sort(key=itemgetter(2))
    return found


def later() -> int:
    """A clock that is a minute ahead, for which all that was written is old enough to prove something."""
    return time.time_ns() + 60_000_000_000


def next_tick(folder: Path) -> None:
    """Come back when the file system's clock has moved on, so that the next change has another time."""
    probe = folder / "probe"
    probe.write_bytes(b"0")
    began = probe.stat().st_ctime_ns
    for _ in range(100_000):
        probe.write_bytes(b"1")
        if probe.stat().st_ctime_ns != began:
            return
    raise AssertionError("the clock of the file system stands still")
