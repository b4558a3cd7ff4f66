"""What is installed, read from the metadata of distributions and never by import."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from importlib_metadata import EntryPoint, distributions  # pyright: ignore[reportUnknownVariableType]  # its **kwargs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from importlib_metadata import IDistribution

__all__ = ["EXTENSIONS", "PROVIDERS", "Declaration", "discover", "discover_all", "plain_name", "printable"]

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
            same = found[group].setdefault(plain_name(declaration.name), [])
            # One distribution may write one name in two ways, as long as both mean the same.
            if not any(one.value == declaration.value and one.distribution == declaration.distribution for one in same):
                same.append(declaration)
    return found


def plain_name(provider: str) -> str:
    """A provider's name in the one way that counts: `OpenAI-Compat` is `openai_compat`."""
    return provider.strip().lower().replace("-", "_")


def printable(text: str) -> str:
    r"""The text without what a terminal would obey; lines stay.

    >>> printable("red: \x1b[31m")
    'red: ?[31m'
    """
    return "".join([letter if letter.isprintable() or letter in "\t\n" else "?" for letter in text])


@cache
def _leave_out(name: str, owner: str, why: str) -> None:
    """Say once why a name is not listed."""
    logging.getLogger("chatplug.plugins").warning("The provider %r of %s is left out: %s.", name, owner, why)


def _fault(name: str) -> str | None:
    """Why nobody could ask for a name; None where there is nothing wrong with it."""
    if not plain_name(name):
        return "its name is empty"
    if ":" in name:
        return "a colon in its name would end it"
    if not name.isprintable():
        return "its name has control characters"
    return None


_DAMAGE = (AttributeError, KeyError, OSError, TypeError, ValueError)
"""What reading the metadata of a damaged distribution raises."""


def _read(distribution: IDistribution, groups: Sequence[str]) -> tuple[str, list[tuple[str, Declaration]]]:
    name = distribution.metadata["Name"]
    entries = [entry for entry in distribution.entry_points if entry.group in groups]
    owner = name.lower().replace("-", "_").replace(".", "_")
    name, version = printable(name), printable(distribution.version)
    declarations: list[tuple[str, Declaration]] = []
    for entry in entries:
        fault = _fault(entry.name)
        if fault is not None:
            _leave_out(entry.name, f"{name} {version}", fault)
            continue
        declarations.append((entry.group, Declaration(entry.name, printable(entry.value), name, version)))
    return owner, declarations
