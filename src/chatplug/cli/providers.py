"""`chatplug providers`: the user's own names for providers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from chatplug.cli.options import debug_option, json_option, settings_option
from chatplug.cli.output import Output, one_line, print_json

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["providers"]

_EXAMPLES = """\b
Examples:
  chatplug providers add work azure_openai --key WORK_OPENAI_KEY \\
      -o base_url=https://work.openai.azure.com
  chatplug run work:my-gpt "Hello"
  chatplug providers list
  chatplug providers remove work
"""


@click.group(short_help="Your own names for providers.", epilog=_EXAMPLES)
def providers() -> None:
    """Keep names of your own for providers, each with its settings.

    They are in the file providers.toml in chatplug's configuration folder, which may as well be edited by hand.
    A key is never in it, only the name of the variable that holds the key.
    """


@providers.command(short_help="Add a name.")
@click.argument("name")
@click.argument("provider")
@settings_option
@click.option("--key", metavar="VARIABLE", help="The variable that holds the key.")
@click.option("--replace-installed", "replaces", is_flag=True, help="The name may be that of an installed provider.")
@debug_option
def add(*, name: str, provider: str, settings: dict[str, Any], key: str | None, replaces: bool) -> None:
    """Add NAME for the installed PROVIDER, with settings."""
    from chatplug.errors import ProviderConflictError, ProviderNotFoundError, SettingsError, nearest
    from chatplug.plugins import default_manager
    from chatplug.plugins.alias_text import with_alias
    from chatplug.plugins.aliases import Alias, checked_name, checked_settings
    from chatplug.plugins.declaration import plain_name

    installed = default_manager().providers()
    alias = Alias(checked_name(name), plain_name(provider), settings, key, replaces)
    if alias.provider not in installed:
        hint = nearest(alias.provider, installed) or f"Installed: {', '.join(installed) or 'none'}."
        raise ProviderNotFoundError(f"No plugin provides {provider!r}.", hint=hint)
    if alias.name in installed and not replaces:
        raise ProviderConflictError(
            f"{alias.name!r} is an installed provider.", hint="Choose another name, or say --replace-installed."
        )
    if key is not None and not key.isidentifier():
        # It is not repeated: it may be the key itself.
        raise SettingsError("--key wants the name of a variable.", hint="The key itself is not for files.")
    checked_settings(settings, "The command")
    _change(lambda text: with_alias(text, alias))


@providers.command(short_help="Remove a name.")
@click.argument("name")
@debug_option
def remove(*, name: str) -> None:
    """Remove NAME."""
    from chatplug.plugins.alias_text import without_alias
    from chatplug.plugins.declaration import plain_name

    _change(lambda text: without_alias(text, plain_name(name)))


@providers.command("list", short_help="List the names.")
@json_option
@debug_option
def list_(*, as_json: bool) -> None:
    """List the names, what each stands for, and what is wrong with it, such as a key that is not set."""
    from chatplug.plugins.aliases import alias_file, alias_names

    found = [_seen(name) for name in alias_names()]
    if as_json:
        print_json({"file": alias_file(), "aliases": found})
    elif found:
        with Output() as output:
            output.table(("Name", "Provider", "Settings", "Key", "What is wrong"), [_row(one) for one in found])
    else:
        click.echo(f"There are none; {alias_file()} is where they would be.", err=True)


def _seen(name: str) -> dict[str, Any]:
    """One name as it stands in the file, and what is wrong with it."""
    from chatplug.credentials import read_variable, shown
    from chatplug.errors import ChatplugError
    from chatplug.plugins import default_manager
    from chatplug.plugins.aliases import alias_of

    installed = default_manager().providers()
    seen: dict[str, Any] = {"name": name, "provider": "", "settings": {}, "key": None, "replaces": False, "wrong": None}
    try:
        alias = alias_of(name, lambda: installed)
    except ChatplugError as error:
        return {**seen, "wrong": one_line(str(error))}
    assert alias is not None
    seen |= {**alias._asdict(), "settings": shown(dict(alias.settings))}
    if alias.provider not in installed:
        seen["wrong"] = f"No plugin provides {alias.provider!r}."
    elif alias.key and read_variable(alias.key) is None:
        seen["wrong"] = f"{alias.key} is not set."
    return seen


def _row(seen: dict[str, Any]) -> tuple[str, str, str, str, str]:
    settings = ", ".join(f"{name}={value}" for name, value in seen["settings"].items())
    return seen["name"], seen["provider"], settings, seen["key"] or "", seen["wrong"] or ""


def _change(change: Callable[[str], str]) -> None:
    """Write the file anew, whole or not at all."""
    import tempfile
    from pathlib import Path

    from chatplug.plugins.aliases import alias_file

    # Where the file is a link, for example into a folder that is kept elsewhere, the link stays.
    path = Path(os.path.realpath(alias_file()))
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = ""
    made = change(text)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=".providers-", suffix=".toml", delete=False
        ) as file:
            file.write(made)
        if path.exists():
            os.chmod(file.name, path.stat().st_mode & 0o777)
        os.replace(file.name, path)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}.") from error
