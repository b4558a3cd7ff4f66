"""The user's own names for providers: a table each in `providers.toml`, in the folder of their configuration.

    [work]
    provider = "azure_openai"
    key = "WORK_OPENAI_KEY"       # the variable that holds the key; the key itself is never in the file
    replaces = false              # whether it may stand before an installed provider of the same name
    [work.settings]
    base_url = "https://work.openai.azure.com"

They hold for every provider alike: the host puts the settings before those of the caller, and the plugin never knows.
Where there is no file, one look at the folder is all that it costs.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from chatplug.credentials import is_secret_name, read_secret
from chatplug.errors import ChatplugError, CredentialsError, ProviderConflictError, SettingsError, nearest
from chatplug.plugins.declaration import plain_name
from chatplug.plugins.directories import config_folder
from chatplug.wire.shape import is_object

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

__all__ = [
    "Alias",
    "alias_faults",
    "alias_file",
    "alias_names",
    "alias_of",
    "checked_name",
    "checked_settings",
    "parsed",
]

_FACTS = ("key", "provider", "replaces", "settings")


class Alias(NamedTuple):
    """One of the user's own names."""

    name: str
    """The name."""
    provider: str
    """The installed provider that it uses."""
    settings: Mapping[str, Any]
    """Settings for its models, before those of the caller."""
    key: str | None
    """The variable that holds the key; None for the provider's own."""
    replaces: bool
    """Whether it may stand before an installed provider of the same name."""

    def with_settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All settings of a model: the alias's, then the caller's, and the key.

        Raises:
            CredentialsError: If the variable that holds the key is not set, and the caller gave none.
        """
        merged = {**self.settings, **given}
        if self.key and "api_key" not in merged:
            secret = read_secret(self.key)
            if secret is None:
                raise CredentialsError(
                    f"The alias {self.name!r} takes its key from {self.key}, which is not set.",
                    hint=f"Set {self.key}, or give api_key.",
                )
            merged["api_key"] = secret
        return merged


def alias_file() -> str:
    """Where the user's aliases are, or would be."""
    return os.path.join(config_folder(), "providers.toml")


def alias_of(provider: str, installed: Callable[[], Collection[str]]) -> Alias | None:
    """The alias of that name; None where there is none.

    Args:
        provider: The name.
        installed: Gives the names of the installed providers; asked only where there is such an alias.

    Raises:
        ProviderConflictError: If it would hide an installed provider and does not say so.
        SettingsError: If the file cannot be read, or the alias is not what an alias is.
    """
    table = _tables().get(provider)
    if table is None:
        return None
    alias = _read(provider, table)
    if not alias.replaces and provider in installed():
        raise ProviderConflictError(
            f"{provider!r} is an alias in {alias_file()}, and an installed provider.",
            hint="Give the alias another name, or say `replaces = true` in its table.",
        )
    return alias


def alias_names() -> list[str]:
    """The names alone, whatever is wrong with their tables."""
    return sorted(_tables())


def alias_faults(providers: Collection[str]) -> list[str]:
    """What is wrong with the file and the aliases in it, a sentence or two for each.

    Args:
        providers: The installed providers.
    """
    found: list[str] = []
    try:
        names = alias_names()
    except SettingsError as error:
        return [str(error)]
    for name in names:
        try:
            alias = alias_of(name, lambda: providers)
        except ChatplugError as error:
            found.append(str(error))
            continue
        if alias is not None and alias.provider not in providers:
            found.append(f"The alias {name!r} in {alias_file()} uses {alias.provider!r}, which no plugin provides.")
    return found


_known: tuple[object, dict[str, Any]] = (None, {})


def _tables() -> dict[str, Any]:
    """The file, read again only when it is another one."""
    global _known  # one file for each process
    path = alias_file()
    try:
        status = os.stat(path)
    except OSError:
        return {}
    signature = (path, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size)
    if _known[0] != signature:
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except (OSError, UnicodeError) as error:
            raise SettingsError(f"{path} cannot be read: {error}.", hint="Mend it, or remove it.") from None
        _known = (signature, parsed(text))
    return _known[1]


def parsed(text: str) -> dict[str, Any]:
    """The tables of a file, by the plain names of the aliases.

    Raises:
        SettingsError: If it is no TOML, or two names mean the same.
    """
    import tomllib

    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{alias_file()} is no TOML: {error}.", hint="Mend that line.") from None
    plain = {plain_name(name): table for name, table in tables.items()}
    if len(plain) < len(tables):
        raise SettingsError(f"{alias_file()} has one name in two ways.", hint="'-' and '_', 'A' and 'a' are the same.")
    return plain


def _read(name: str, table: object) -> Alias:
    where = f"The alias {name!r} in {alias_file()}"
    if not is_object(table):
        raise SettingsError(f"{where} is no table.", hint=f'Write [{name}], and below it provider = "...".')
    unknown = sorted(table.keys() - set(_FACTS))
    if unknown:
        hint = nearest(unknown[0], _FACTS) or "Settings of the model stand below [NAME.settings]."
        if is_secret_name(unknown[0]):
            hint = 'Name the variable that holds the key: key = "VARIABLE". The key itself is not for files.'
        raise SettingsError(f"{where} has no {unknown[0]!r}.", hint=hint)
    provider, key, settings = table.get("provider"), table.get("key"), table.get("settings", {})
    if not isinstance(provider, str) or not plain_name(provider):
        raise SettingsError(f"{where} does not say which provider it uses.", hint='Write provider = "...".')
    if key is not None and (not isinstance(key, str) or not key.isidentifier()):
        raise SettingsError(
            f"{where} has a key that is no name of a variable.", hint="The key itself is not for files."
        )
    if not isinstance(table.get("replaces", False), bool):
        raise SettingsError(f"{where} says neither true nor false to `replaces`.")
    if not is_object(settings):
        raise SettingsError(f"{where} has settings that are no table.", hint=f"Write [{name}.settings].")
    checked_settings(settings, where)
    return Alias(name, plain_name(provider), settings, key, table.get("replaces", False))


def checked_settings(settings: Mapping[str, Any], where: str) -> None:
    """Refuse settings that hold a secret.

    Raises:
        SettingsError: If one is there; its value is not shown.
    """
    for name in settings:
        if is_secret_name(name):
            raise SettingsError(
                f"{where} has the setting {name!r}, and a key is not for files.",
                hint='Name the variable that holds it: key = "VARIABLE".',
            )


def checked_name(name: str) -> str:
    """A name as an alias can have it, in the one way that counts.

    Raises:
        SettingsError: If nobody could ask for it.
    """
    plain = plain_name(name)
    if not plain or ":" in plain or not plain.isprintable():
        raise SettingsError(f"{name!r} is no name for a provider.", hint="It is what stands before the colon.")
    return plain
