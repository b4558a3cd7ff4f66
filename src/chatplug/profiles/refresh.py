"""A new catalogue in the place of the old one, if it can be trusted; and what is different in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from chatplug.errors import ProfileDataError
from chatplug.profiles.catalogue import read_catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from chatplug.profiles.catalogue import Catalogue
    from chatplug.profiles.model_profile import ModelProfile
    from chatplug.profiles.registry import ProfileRegistry
    from chatplug.profiles.store import Store

__all__ = ["URL", "Change", "Refreshed", "changes", "known_names", "refresh"]

URL = "https://models.dev/api.json"
"""Where the catalogue is, unless told otherwise."""
_KEPT = 0.5
"""The part of what is known that a new catalogue has to know too."""


@dataclass(slots=True, frozen=True)
class Change:
    """A fact that is another one than before; None where there was none, or is none."""

    field: str
    before: object
    after: object


@dataclass(slots=True, frozen=True)
class Refreshed:
    """What came of a refresh."""

    models: int
    providers: int
    added: list[str]
    """The models that were not known before, as `provider:model`, under the catalogue's names."""
    removed: list[str]
    changed: list[str]
    faults: list[str]
    """What was wrong in the catalogue, and was left out."""


def refresh(
    store: Store, data: bytes, where: str, date: str, *, known: Mapping[str, set[str]], force: bool = False
) -> Refreshed:
    """Put a catalogue in the place of what the store holds; if it is refused, that stays.

    Args:
        store: Where it is kept.
        data: The catalogue.
        where: Where it comes from.
        date: When it was read.
        known: The models that are known from elsewhere, by the catalogue's name of their provider.
        force: Whether a catalogue is taken that does not know most of what is known.

    Raises:
        ProfileDataError: If it is no catalogue, if too much in it is wrong, or if it does not know most of what is
            known.
        OSError: If it cannot be written.
    """
    catalogue, faults = read_catalogue(data, where)
    before: Catalogue = {provider: store.profiles(provider) for provider in store.providers()}
    old = dict(_flat(before))
    new = dict(_flat(catalogue))
    expected = set(old) or {f"{provider}:{name}" for provider, names in known.items() for name in names}
    lost = sorted(expected - set(new))
    if expected and len(lost) > len(expected) * (1 - _KEPT) and not force:
        raise ProfileDataError(
            f"The catalogue {where} does not know {len(lost)} of the {len(expected)} models that are known, such as "
            f"{', '.join(lost[:3])}.",
            hint="What was known before stays in force; --force takes it all the same.",
        )
    store.write(catalogue, where, date)
    return Refreshed(
        models=len(new),
        providers=len(catalogue),
        added=sorted(set(new) - set(old)),
        removed=sorted(set(old) - set(new)),
        changed=sorted(name for name in set(new) & set(old) if new[name] != old[name]),
        faults=faults,
    )


def _flat(catalogue: Catalogue) -> Iterator[tuple[str, ModelProfile]]:
    for provider, models in catalogue.items():
        for name, profile in models.items():
            yield f"{provider}:{name}", profile


def changes(before: ModelProfile, after: ModelProfile) -> list[Change]:
    """What a second profile says otherwise; what it does not say is no change."""
    old, new = cast("dict[str, Any]", before), cast("dict[str, Any]", after)
    return [Change(field, old.get(field), value) for field, value in new.items() if old.get(field) != value]


def known_names(registry: ProfileRegistry, provider: str) -> dict[str, str]:
    """The models of a provider that somebody describes by name, each with the layer that does, without patterns."""
    facts = registry.facts(provider)
    refreshed = registry.store.table(facts.catalogue or provider) if registry.store else None
    found: dict[str, str] = {}
    for layer, table in (
        ("user", registry.user_tables().get(provider)),
        ("plugin", facts.table),
        ("refreshed", refreshed),
    ):
        for name in table.entries if table else ():
            if "*" not in name:
                found.setdefault(name, layer)
    return dict(sorted(found.items()))
