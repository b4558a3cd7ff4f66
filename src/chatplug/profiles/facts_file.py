"""Facts about models in TOML: what a plugin says of its provider's models, and what a user says of any.

A plugin has one file for each of its providers:

    catalogue = "openai"                # the provider's name in the models.dev catalogue, where it is another one
    source = "https://example.com/docs" # where the facts of this file come from,
    date = 2026-11-24                   # and when it was so

    [defaults]                          # what holds for every model of the provider
    tool_choice = true

    [models."cat-4"]                    # a name, or a pattern such as "cat-4*"
    aliases = ["cat-latest"]
    max_input_tokens = 200_000
    source = "https://example.com/cat-4"                # another source for this model, and for one fact
    sources.input_price = { source = "https://example.com/prices", date = 2026-10-01 }

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
_NOT_FACTS = ("aliases", "source", "date", "sources")


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


def read_facts(text: str, where: str) -> Facts:
    """What a plugin's file says.

    Args:
        text: The file's text.
        where: The file's name, which is the source of facts that name no other.
    """
    told: list[str] = []
    data = _parsed(text, where, told)
    base = _source(data, Source("plugin", where), told)
    models = _tables(data, "models", where, told)
    default = _entry(_DEFAULT, _table(data, "defaults", where, told), base, told)
    entries = {name: _entry(name, facts, base, told) for name, facts in models.items()}
    aliases = {alias: name for name, facts in models.items() for alias in _aliases(name, facts, told)}
    corrections = {
        name: _entry(name, facts, Source("correction", base.where, base.date), told)
        for name, facts in _tables(data, "corrections", where, told).items()
    }
    catalogue = data.get("catalogue")
    foreign = data.keys() - {"catalogue", "corrections", "date", "defaults", "models", "source"}
    told.extend(f"{where} has {name!r}, which means nothing there" for name in sorted(foreign))
    return Facts(
        Table(entries, aliases, default), Table(corrections), catalogue if isinstance(catalogue, str) else None, told
    )


def facts_of_mapping(models: Mapping[str, Mapping[str, Any]], where: str) -> Facts:
    """What a plugin says that gives its facts as they are: a profile for each name or pattern."""
    told: list[str] = []
    source = Source("plugin", where)
    entries = {name: _entry(name, facts, source, told) for name, facts in models.items()}
    return Facts(Table(entries), Table({}), None, told)


def read_user_facts(text: str, where: str) -> tuple[dict[str, Table], list[str]]:
    """What a user's file says: a table for each provider, and what is wrong and was left out."""
    told: list[str] = []
    entries: dict[str, dict[str, Entry]] = {}
    aliases: dict[str, dict[str, str]] = {}
    for name, facts in _parsed(text, where, told).items():
        provider, colon, model = name.partition(":")
        if not is_object(facts) or not colon or not model:
            told.append(f'{where} has {name!r}; a table is named ["provider:model"]')
            continue
        provider = provider.strip().lower().replace("-", "_")
        base = _source(facts, Source("user", where), told)
        entries.setdefault(provider, {})[model] = _entry(model, facts, base, told)
        aliases.setdefault(provider, {}).update((alias, model) for alias in _aliases(name, facts, told))
    return {name: Table(found, aliases[name]) for name, found in entries.items()}, told


def _parsed(text: str, where: str, told: list[str]) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        told.append(f"{where} is no TOML: {error}")
        return {}


def _tables(data: Mapping[str, Any], name: str, where: str, told: list[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for key, value in _table(data, name, where, told).items():
        if is_object(value):
            found[key] = value
        else:
            told.append(f"{where}: {name}.{key} is no table")
    return found


def _table(data: Mapping[str, Any], name: str, where: str, told: list[str]) -> dict[str, Any]:
    value = data.get(name, {})
    if is_object(value):
        return value
    told.append(f"{where}: {name} is no table")
    return {}


def _aliases(name: str, facts: Mapping[str, Any], told: list[str]) -> list[str]:
    value = facts.get("aliases", [])
    if is_array(value) and all(isinstance(alias, str) for alias in value):
        return value
    told.append(f"{name}: aliases is no list of names")
    return []


def _entry(name: str, facts: Mapping[str, Any], base: Source, told: list[str]) -> Entry:
    """What a table says about a model; what is wrong in it is left out."""
    if not isinstance(facts, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # a plugin's own mapping
        told.append(f"{base.where}: {name} is {type(facts).__name__}, not a profile")
        return Entry(name, {}, base)
    source = _source(facts, base, told)
    profile = {key: _plain(value) for key, value in facts.items() if key not in _NOT_FACTS}
    for key, sentence in list(faults(profile)):
        told.append(f"{base.where}: {name}: {key} {sentence}")
        del profile[key]
    said = facts.get("sources", {})
    more = {key: _source(_described(value), source, told) for key, value in said.items()} if is_object(said) else {}
    return Entry(name, cast("ModelProfile", profile), source, more)


def _described(value: object) -> dict[str, Any]:
    return value if is_object(value) else {"source": value}


def _source(facts: Mapping[str, Any], base: Source, told: list[str]) -> Source:
    where, when = facts.get("source", base.where), _plain(facts.get("date", base.date))
    if isinstance(where, str) and (when is None or isinstance(when, str)):
        return base if (where, when) == (base.where, base.date) else Source(base.layer, where, when)
    told.append(f"{base.where}: a source is a text, and its date a date")
    return base


def _plain(value: object) -> object:
    """A value of TOML as JSON has it."""
    return value.isoformat() if isinstance(value, (date, datetime)) else value
