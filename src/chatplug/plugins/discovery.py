"""What `importlib_metadata` says is installed: asked where the index has no proof to go by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importlib_metadata import distributions  # pyright: ignore[reportUnknownVariableType]  # its **kwargs

from chatplug.plugins.declaration import GROUPS, Declaration, distribution_key, fault_of, printable
from chatplug.plugins.folder import PYDANTIC, Contents, Fault, requirement_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from importlib_metadata import IDistribution

__all__ = ["read_all", "read_entry"]

_DAMAGE = (AttributeError, KeyError, OSError, TypeError, ValueError)
"""What reading the metadata of a damaged distribution raises."""


def read_entry(path: str) -> Contents:
    """What one entry of `sys.path` declares."""
    return _read(distributions(path=[path]))


def read_all() -> Contents:
    """What all finders of distributions find, those of others too."""
    return _read(distributions())


def _read(found: Iterable[IDistribution]) -> Contents:
    names: dict[str, None] = {}
    declarations: list[Declaration] = []
    faults: list[Fault] = []
    has_pydantic_plugins = False
    for distribution in found:
        try:
            name, version = printable(distribution.metadata["Name"]), printable(distribution.version)
            entries = [(entry.group, entry.name, printable(entry.value)) for entry in distribution.entry_points]
            asked = [requirement_of(requirement) for requirement in distribution.requires or ()]
        except _DAMAGE as error:
            where = printable(str(getattr(distribution, "_path", "a distribution without a name")))
            faults.append(Fault(where, "", f"its metadata cannot be read ({type(error).__name__})"))
            continue
        key = distribution_key(name)
        if key in names:
            continue
        names[key] = None
        has_pydantic_plugins = has_pydantic_plugins or any(group == PYDANTIC for group, _, _ in entries)
        for group, entry, value in entries:
            if group not in GROUPS:
                continue
            fault = fault_of(group, entry)
            if fault:
                faults.append(Fault(name, version, f"the entry point {entry!a} is left out: {fault}"))
                continue
            requires = next(filter(None, asked), "")
            declarations.append(Declaration(entry, value, name, version, group, "", requires))
    return Contents(tuple(names), tuple(declarations), tuple(faults), has_pydantic_plugins)
