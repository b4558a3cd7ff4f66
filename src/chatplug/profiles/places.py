"""The registry of this process, and where the files of the user are.

The facts of plugins, and the user's folders, come from somebody above who knows them; see `provide_facts`. Nothing of
what reads facts is imported before the first fact is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from chatplug.profiles.facts_file import FactsOf
    from chatplug.profiles.registry import ProfileRegistry

__all__ = [
    "default_registry",
    "facts_of",
    "may_end",
    "provide_facts",
    "registry_for",
    "speaks_of_an_end",
    "store_file",
    "user_file",
]

_FILLED_BY = "chatplug.plugins.manager"


_provided: tuple[FactsOf, Callable[[], str], Callable[[], str]] | None = None


def provide_facts(source: FactsOf, config_folder: Callable[[], str], data_folder: Callable[[], str]) -> None:
    """Leave here what gives the facts of plugins, and says where the user's files are."""
    global _provided  # one for each process
    _provided = source, config_folder, data_folder


def _given() -> tuple[FactsOf, Callable[[], str], Callable[[], str]]:
    if _provided is None:
        import_module(_FILLED_BY)
    if _provided is None:
        raise RuntimeError(f"{_FILLED_BY} has left nothing here")
    return _provided


def facts_of(provider: str) -> Mapping[str, Mapping[str, Any]] | os.PathLike[str] | None:
    """What the installed plugin of a provider says of its models."""
    return _given()[0](provider)


def registry_for(source: FactsOf) -> ProfileRegistry:
    """A registry with this user's files, and with the facts of other plugins than the installed ones."""
    from chatplug.profiles.registry import ProfileRegistry
    from chatplug.profiles.store import Store

    return ProfileRegistry(source, lambda: Store(store_file()), user_file)


@cache
def default_registry() -> ProfileRegistry:
    """The registry of this process."""
    return registry_for(facts_of)


def user_file() -> Path:
    """The user's own facts: `profiles.toml` in the configuration directory."""
    from pathlib import Path

    return Path(_given()[1](), "profiles.toml")


def store_file() -> Path:
    """Where refreshed profiles are kept, in the data directory."""
    from pathlib import Path

    return Path(_given()[2](), "profiles.jsonl")


_ENDS = (b"status", b"retirement_date")
_ending: dict[str, bool] = {}


def may_end(provider: str) -> bool:
    """Whether the plugin says of any model of this provider that it ends; its facts are not read for it."""
    found = _ending.get(provider)
    if found is None:
        found = _ending[provider] = speaks_of_an_end(facts_of(provider))
    return found


def speaks_of_an_end(said: Mapping[str, Mapping[str, Any]] | os.PathLike[str] | None) -> bool:
    """Whether any fact is about the end of a model."""
    if said is None:
        return False
    if isinstance(said, Mapping):
        return any(name.decode() in profile for profile in said.values() for name in _ENDS)
    try:
        with open(said, "rb") as file:
            text = file.read()
    except OSError:
        return False
    return any(name in text for name in _ENDS)
