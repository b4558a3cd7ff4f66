"""What one source says about the models of one provider, and how a model is found in it.

A name is looked for as it is written, then among the aliases, then without the date at its end, then among the
patterns, of which the longest that fits counts. Upper and lower case are the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chatplug.profiles.model_profile import ModelProfile

__all__ = ["Entry", "Source", "Table"]


@dataclass(slots=True, frozen=True)
class Source:
    """Where a fact comes from."""

    layer: str
    """`plugin`, `refreshed`, `correction`, `user` or `init`; a higher one wins."""
    where: str
    """An address, a file, or how it was given."""
    date: str | None = None
    """When it was so, as far as it is known."""

    def __str__(self) -> str:
        return f"{self.where}, {self.date}" if self.date else self.where


@dataclass(slots=True, frozen=True)
class Entry:
    """What one source says about a model."""

    name: str
    """The name or pattern under which it says so."""
    profile: ModelProfile
    """The facts."""
    source: Source
    """Where they come from."""
    more: Mapping[str, Source] = field(default_factory=dict[str, Source])
    """Where some of them come from, if it is another place."""

    def source_of(self, name: str) -> Source:
        """Where one fact comes from."""
        return self.more.get(name, self.source)


class Table:
    """What one source says about the models of one provider.

    Args:
        entries: What is said, by name or pattern; a pattern has `*` in it, which stands for any text.
        aliases: Other names, each with the name under which the model stands in `entries`.
        default: What holds for every model of the provider, unless its entry says otherwise.
    """

    def __init__(
        self, entries: Mapping[str, Entry], aliases: Mapping[str, str] | None = None, default: Entry | None = None
    ) -> None:
        self.entries = entries
        self.default = default
        self._exact = {name.casefold(): entry for name, entry in entries.items() if "*" not in name}
        for alias, name in (aliases or {}).items():
            self._exact.setdefault(alias.casefold(), entries[name])
        patterns = [(name.casefold(), entry) for name, entry in entries.items() if "*" in name]
        # Most patterns are the beginning of a name, and are found without trying each of them.
        self._beginnings = {name[:-1]: entry for name, entry in patterns if name.index("*") == len(name) - 1}
        others = [(name, entry) for name, entry in patterns if name.index("*") != len(name) - 1]
        self._patterns = [
            (len(name), re.compile(".*".join(map(re.escape, name.split("*"))), re.DOTALL), entry)
            for name, entry in sorted(others, key=lambda item: -len(item[0]))
        ]

    def find(self, name: str) -> Entry | None:
        """What is said about a model; None where nothing is, besides what holds for every one of them.

        >>> source = Source("user", "profiles.toml")
        >>> table = Table({"cat-4": Entry("cat-4", {}, source), "cat-*": Entry("cat-*", {}, source)})
        >>> [
        ...     found.name if (found := table.find(name)) else None
        ...     for name in ("Cat-4", "cat-4-2026-01-31", "cat-5", "dog")
        ... ]
        ['cat-4', 'cat-4', 'cat-*', None]
        """
        key = name.casefold()
        found = self._exact.get(key)
        if found is None:
            family = _DATE.sub("", key)
            found = self._exact.get(family) if family != key else None
        return found or self._longest(key)

    def _longest(self, key: str) -> Entry | None:
        """The entry of the longest pattern that fits a name."""
        length, found = -1, None
        if self._beginnings:
            for end in range(len(key), -1, -1):
                found = self._beginnings.get(key[:end])
                if found is not None:
                    length = end + 1
                    break
        for size, pattern, entry in self._patterns:
            if size <= length:
                break
            if pattern.fullmatch(key):
                return entry
        return found


# `gpt-4.1-2025-04-14`, `claude-3-5-haiku-20241022`, `claude-3-5-haiku@20241022`; before `:free` and its like.
_DATE = re.compile(r"[-@](?:20\d\d-\d\d-\d\d|20\d{6})(?=$|[-:])")
