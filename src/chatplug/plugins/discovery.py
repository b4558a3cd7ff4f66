"""What is installed, read from the metadata of distributions and never by import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from importlib_metadata import EntryPoint, distributions  # pyright: ignore[reportUnknownVariableType]  # its **kwargs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from importlib_metadata import IDistribution

__all__ = ["EXTENSIONS", "PROVIDERS", "Declaration", "discover", "discover_all", "plain_name"]

PROVIDERS = "chatplug.providers"
"""The entry-point group in which plugins declare their providers."""
EXTENSIONS = "chatplug.extensions"
"""The entry-point group in which plugins declare what is heard whatever the provider: converters."""


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
    return discover_all((group,))[group]


def discover_all(groups: Sequence[str]) -> dict[str, dict[str, list[Declaration]]]:
    """What `discover` gives, for several groups at once: the metadata is read one time only."""
    found: dict[str, dict[str, list[Declaration]]] = {group: {} for group in groups}
    seen: set[str] = set()
    for distribution in distributions():
        try:
            owner, declarations = _read(distribution, groups)
        except _DAMAGE:
            continue  # half removed, or written by hand: it declares nothing, and hides nobody else
        if owner in seen:
            continue
        seen.add(owner)
        for group, declaration in declarations:
            found[group].setdefault(plain_name(declaration.name), []).append(declaration)
    return found


def plain_name(provider: str) -> str:
    """A provider's name in the one way that counts: `OpenAI-Compat` is `openai_compat`."""
    return provider.strip().lower().replace("-", "_")


_DAMAGE = (AttributeError, KeyError, OSError, TypeError, ValueError)
"""What reading the metadata of a damaged distribution raises."""


def _read(distribution: IDistribution, groups: Sequence[str]) -> tuple[str, list[tuple[str, Declaration]]]:
    name = distribution.metadata["Name"]
    entries = [entry for entry in distribution.entry_points if entry.group in groups]
    owner = name.lower().replace("-", "_").replace(".", "_")
    version = distribution.version
    return owner, [(entry.group, Declaration(entry.name, entry.value, name, version)) for entry in entries]
