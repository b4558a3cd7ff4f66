"""Facts about models in TOML: what a plugin says of its provider's models, and what a user says of any.

A plugin has one file for each of its providers:

    catalogue = "cats-inc"              # the provider's name in the models.dev catalogue, where it is another one
    source = "https://example.com/docs" # where the facts of this file come from,
    date = 2026-11-24                   # and when it said so, or was read

    [sources.prices]                    # another source, by a name
    source = "https://example.com/prices"
    date = 2026-10-01

    [defaults]                          # what holds for every model of the provider
    tool_choice = true

    [models."cat-4"]                    # a name, or a pattern such as "cat-4*"
    aliases = ["cat-latest"]
    max_input_tokens = 200_000
    [[models."cat-4".also]]             # more about it, from another source
    source = "prices"
    input_price = 2.0

    [corrections."cat-*"]               # what holds whatever the catalogue says
    image_url_inputs = false

A user's file has tables with the names that `chatplug.init` takes: `["openai:cat-4"]`, `["ollama:*"]`.

What is wrong in a file is left out and told; the rest of the file holds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from chatplug.profiles.model_profile import faults
from chatplug.profiles.table import Entry, Source, Table
from chatplug.wire.shape import is_array, is_object

if TYPE_CHECKING:
    from chatplug.profiles.model_profile import ModelProfile

__all__ = ["Facts", "FactsOf", "facts_of_mapping", "read_facts", "read_user_facts"]

FactsOf: TypeAlias = Callable[[str], Mapping[str, Mapping[str, Any]] | os.PathLike[str] | None]
"""What gives the facts of a provider's plugin: a mapping of profiles, or the file that has them."""

_DEFAULT = "*"
_NOT_FACTS = ("aliases", "also", "date", "source")


@dataclass(slots=True)
class Facts:
    """What a plugin says about the models of one provider."""

    table: Table
    corrections: Table
    """What holds whatever the catalogue says."""
    catalogue: str | None = None
    """The provider's name in the catalogue; None where it is the same."""
    faults: list[str] = field(default_factory=list[str])
    """What is wrong, and was left out."""


class _Reader:
    """Reads the tables of one file; what is wrong in them is told."""

    def __init__(self, layer: str, where: str) -> None:
        self.where = where
        self.told: list[str] = []
        self.base = Source(layer, where)
        self.sources: dict[str, Source] = {}

    def tables(self, data: Mapping[str, Any], name: str) -> dict[str, dict[str, Any]]:
        """The tables under a name."""
        found: dict[str, dict[str, Any]] = {}
        for key, value in self.table(data, name).items():
            if is_object(value):
                found[key] = value
            else:
                self.told.append(f"{self.where}: {name}.{key} is no table")
        return found

    def table(self, data: Mapping[str, Any], name: str) -> dict[str, Any]:
        """One table; empty where there is none."""
        value = data.get(name, {})
        if is_object(value):
            return value
        self.told.append(f"{self.where}: {name} is no table")
        return {}

    def aliases(self, name: str, facts: Mapping[str, Any]) -> list[str]:
        """A model's other names."""
        value = facts.get("aliases", [])
        if is_array(value) and all(isinstance(alias, str) for alias in value):
            return value
        self.told.append(f"{self.where}: {name}: aliases is no list of names")
        return []

    def entry(self, name: str, facts: Mapping[str, Any], layer: str | None = None) -> Entry:
        """What a table says about a model; what is wrong in it is left out."""
        base = Source(layer, self.base.where, self.base.date) if layer else self.base
        if not isinstance(facts, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # a plugin's own mapping
            self.told.append(f"{self.where}: {name} is {type(facts).__name__}, not a profile")
            return Entry(name, {}, base)
        profile: dict[str, Any] = {}
        more: dict[str, Source] = {}
        source = self._said(name, facts, base, profile)
        also = facts.get("also", [])
        if not is_array(also) or not all(is_object(one) for one in also):
            self.told.append(f"{self.where}: {name}: also is no list of tables")
        for one in also if is_array(also) else ():
            if is_object(one):
                said: dict[str, Any] = {}
                other = self._said(name, one, base, said)
                profile.update(said)
                more.update(dict.fromkeys(said, other))
        return Entry(name, cast("ModelProfile", profile), source, more)

    def _said(self, name: str, facts: Mapping[str, Any], base: Source, profile: dict[str, Any]) -> Source:
        """Put what one table says into a profile; gives its source."""
        profile.update((key, _plain(value)) for key, value in facts.items() if key not in _NOT_FACTS)
        for key, sentence in list(faults(profile)):
            self.told.append(f"{self.where}: {name}: {key} {sentence}")
            del profile[key]
        return self.source(facts, base)

    def source(self, facts: Mapping[str, Any], base: Source) -> Source:
        """Where the facts of a table come from."""
        where, when = facts.get("source", base.where), _plain(facts.get("date"))
        if not isinstance(where, str) or not (when is None or isinstance(when, str)):
            self.told.append(f"{self.where}: a source is a text, and its date a date")
            return base
        named = self.sources.get(where)
        if named is not None:
            return Source(base.layer, named.where, when or named.date)
        if when is None and where == base.where:
            return base
        return Source(base.layer, where, when or base.date)


def read_facts(text: str, where: str) -> Facts:
    """What a plugin's file says.

    Args:
        text: The file's text.
        where: The file's name, which is the source of facts that name no other.
    """
    reader = _Reader("plugin", where)
    data = _parsed(text, where, reader.told)
    reader.base = reader.source(data, reader.base)
    reader.sources = {name: reader.source(one, reader.base) for name, one in reader.tables(data, "sources").items()}
    models = reader.tables(data, "models")
    default = reader.entry(_DEFAULT, reader.table(data, "defaults"))
    entries = {name: reader.entry(name, facts) for name, facts in models.items()}
    aliases = {alias: name for name, facts in models.items() for alias in reader.aliases(name, facts)}
    corrections = {
        name: reader.entry(name, facts, "correction") for name, facts in reader.tables(data, "corrections").items()
    }
    catalogue = data.get("catalogue")
    foreign = data.keys() - {"catalogue", "corrections", "date", "defaults", "models", "source", "sources"}
    reader.told.extend(f"{where} has {name!r}, which means nothing there" for name in sorted(foreign))
    own_name = catalogue if isinstance(catalogue, str) else None
    if catalogue is not None and own_name is None:
        reader.told.append(f"{where}: catalogue is no name")
    return Facts(Table(entries, aliases, default), Table(corrections), own_name, reader.told)


def facts_of_mapping(models: Mapping[str, Mapping[str, Any]], where: str) -> Facts:
    """What a plugin says that gives its facts as they are: a profile for each name or pattern."""
    reader = _Reader("plugin", where)
    entries = {name: reader.entry(name, facts) for name, facts in models.items()}
    return Facts(Table(entries), Table({}), None, reader.told)


def read_user_facts(text: str, where: str) -> tuple[dict[str, Table], list[str]]:
    """What a user's file says: a table for each provider, and what is wrong and was left out."""
    reader = _Reader("user", where)
    entries: dict[str, dict[str, Entry]] = {}
    aliases: dict[str, dict[str, str]] = {}
    for name, facts in _parsed(text, where, reader.told).items():
        provider, colon, model = name.partition(":")
        if not is_object(facts) or not colon or not model:
            reader.told.append(f'{where} has {name!r}; a table is named ["provider:model"]')
            continue
        provider = provider.strip().lower().replace("-", "_")
        entries.setdefault(provider, {})[model] = reader.entry(model, facts)
        aliases.setdefault(provider, {}).update((alias, model) for alias in reader.aliases(name, facts))
    return {name: Table(found, aliases[name]) for name, found in entries.items()}, reader.told


def _parsed(text: str, where: str, told: list[str]) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        told.append(f"{where} is no TOML: {error}")
        return {}


def _plain(value: object) -> object:
    """A value of TOML as JSON has it."""
    return value.isoformat() if isinstance(value, (date, datetime)) else value
