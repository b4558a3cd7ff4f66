"""What is installed, read from the metadata of distributions and never by import."""

from __future__ import annotations

from dataclasses import dataclass

from importlib_metadata import EntryPoint, distributions

__all__ = ["PROVIDERS", "Declaration", "discover"]

PROVIDERS = "chatplug.providers"
"""The entry-point group in which plugins declare their providers."""


@dataclass(slots=True, frozen=True)
class Declaration:
    """One entry point of one distribution."""

    name: str
    """What is declared: in the group of providers, the provider's name."""
    value: str
    """Where it is: `module` or `module:attribute`."""
    distribution: str
    """Who declares it: the distribution's name."""
    version: str
    """The distribution's version."""

    def load(self) -> object:
        """Import the module and give the object; the only place where a plugin's code begins to run."""
        return EntryPoint(name=self.name, value=self.value, group=PROVIDERS).load()


def discover(group: str = PROVIDERS) -> dict[str, list[Declaration]]:
    """What installed distributions declare in a group, by name; two declarations of one name are both there.

    Of a distribution that is on the path twice the first one counts, as it does for an import.
    """
    found: dict[str, list[Declaration]] = {}
    seen: set[str] = set()
    for distribution in distributions():
        metadata_name: str | None = distribution.metadata["Name"]
        if not metadata_name:
            continue
        key = metadata_name.lower().replace("-", "_").replace(".", "_")
        if key in seen:
            continue
        seen.add(key)
        for entry in distribution.entry_points:
            if entry.group == group:
                made = Declaration(entry.name, entry.value, metadata_name, distribution.version)
                found.setdefault(entry.name, []).append(made)
    return found
