"""What is known of a model, from everybody who says something about it.

Five layers say something, and of each fact the highest that knows it counts: the plugin's own facts, what was refreshed
from a catalogue, the plugin's corrections of that, the user's `profiles.toml`, and what the model was made with.
Nothing is read before the first question, and of each file only what the question needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from chatplug.errors import SettingsError
from chatplug.profiles.facts_file import Facts, facts_of_mapping, read_facts, read_user_facts
from chatplug.profiles.model_profile import faults
from chatplug.profiles.table import Entry, Source, Table

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from chatplug.profiles.facts_file import FactsOf
    from chatplug.profiles.model_profile import ModelProfile
    from chatplug.profiles.store import Store

__all__ = ["Known", "ProfileRegistry", "given_entry"]

_MOST_KEPT = 4096
_NOTHING = Facts(Table({}), Table({}))


@dataclass(slots=True, frozen=True)
class Known:
    """What is known of a model, and who says so."""

    entries: tuple[Entry, ...] = ()
    """What each layer says, the lowest first."""

    def profile(self) -> ModelProfile:
        """The facts, as a dict of one's own."""
        merged: dict[str, Any] = {}
        for entry in self.entries:
            merged.update(entry.profile)
        return cast(
            "ModelProfile",
            {
                # None, which only a user can give, takes a fact away; lists are the only values that can be changed.
                name: [*value] if isinstance(value, list) else value
                for name, value in merged.items()
                if value is not None
            },
        )

    def source_of(self, field: str) -> Source | None:
        """Who says the fact that counts; None where nobody does."""
        for entry in reversed(self.entries):
            if field in entry.profile:
                return entry.source_of(field)
        return None

    def with_given(self, profile: Mapping[str, Any]) -> Known:
        """The same, with what a model was made with on top."""
        return Known((*self.entries, given_entry(profile)))


def given_entry(profile: Mapping[str, Any]) -> Entry:
    """What a model was made with, as a layer.

    Raises:
        SettingsError: If a fact is not of its kind, or is misspelt.
    """
    if not isinstance(profile, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without types
        raise SettingsError(f"The setting 'profile' is {type(profile).__name__}.", hint="Give a dict of facts.")
    for name, sentence in faults(profile, own_keys=True):
        stop = "" if sentence.endswith("?") else "."
        raise SettingsError(f"The setting 'profile' is wrong: {name} {sentence}{stop}")
    return Entry("given", cast("ModelProfile", dict(profile)), Source("init", "profile="))


class ProfileRegistry:
    """What is known of the models of every provider.

    Args:
        facts_of: What a provider's plugin says.
        store: Where refreshed profiles are; None for nowhere.
        user_file: The user's `profiles.toml`; None for none.
    """

    def __init__(
        self,
        facts_of: FactsOf,
        store: Callable[[], Store | None] = lambda: None,
        user_file: Callable[[], Path | None] = lambda: None,
    ) -> None:
        self._facts_of = facts_of
        self._make_store = store
        self._user_file = user_file
        self.forget()

    def forget(self) -> None:
        """Read everything anew when it is asked for next."""
        self._facts: dict[str, Facts] = {}
        self._known: dict[tuple[str, str], Known] = {}
        self._user: dict[str, Table] | None = None
        self._store: Store | None = None
        self._has_store = False
        self.user_faults: list[str] = []
        """What is wrong with the user's file, after it was read."""

    def lookup(self, provider: str, model: str) -> Known:
        """What is known of a model; nothing at all where nobody says anything."""
        known = self._known.get((provider, model))
        if known is None:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            known = self._known[provider, model] = Known(tuple(self._entries(provider, model)))
        return known

    def _entries(self, provider: str, model: str) -> Iterator[Entry]:
        facts = self.facts(provider)
        refreshed = self.store.table(facts.catalogue or provider) if self.store else None
        tables = (facts.table, refreshed, facts.corrections, self.user_tables().get(provider))
        for table in tables:
            if table is None:
                continue
            if table.default is not None:
                yield table.default
            entry = table.find(model)
            if entry is not None:
                yield entry

    def facts(self, provider: str) -> Facts:
        """What the provider's plugin says."""
        facts = self._facts.get(provider)
        if facts is None:
            facts = self._facts[provider] = _read(self._facts_of(provider), provider)
        return facts

    @property
    def store(self) -> Store | None:
        """Where refreshed profiles are."""
        if not self._has_store:
            self._store, self._has_store = self._make_store(), True
        return self._store

    def user_tables(self) -> Mapping[str, Table]:
        """What the user's file says, for each provider."""
        if self._user is None:
            tables, told = _read_user(self._user_file())
            self._user, self.user_faults = tables, told
            for fault in told:
                _warn(fault)
        return self._user


def _read(said: Mapping[str, Mapping[str, Any]] | os.PathLike[str] | None, provider: str) -> Facts:
    if said is None:
        return _NOTHING
    if isinstance(said, Mapping):
        facts = facts_of_mapping(said, f"the plugin of {provider}")
    else:
        path = Path(said)
        try:
            facts = read_facts(path.read_text(encoding="utf-8"), path.name)
        except (OSError, ValueError) as error:
            facts = Facts(Table({}), Table({}), None, [f"{path} cannot be read: {error}"])
    for fault in facts.faults:
        _warn(f"The facts about {provider}: {fault}")
    return facts


def _read_user(path: Path | None) -> tuple[dict[str, Table], list[str]]:
    if path is None:
        return {}, []
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}, []
    except (OSError, ValueError) as error:
        return {}, [f"{path} cannot be read: {error}"]
    return read_user_facts(text, str(path))


def _warn(fault: str) -> None:
    """Say what was left out of a file; a wrong fact stops no call."""
    import logging

    logging.getLogger("chatplug.profiles").warning("%s. It is left out.", fault)
