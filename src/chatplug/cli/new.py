"""`chatplug new`: a plugin to begin with."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chatplug.cli.options import debug_option
from chatplug.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatplug.cli.scaffold import Kind, Names

__all__ = ["new"]

_EXAMPLES = """\b
Examples:
  chatplug new provider acme
  chatplug new provider acme --small
  chatplug new callbacks acme_log --into plugins
"""

_into = click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    default=".",
    help="The folder in which the new one is made; this one unless told otherwise.",
)


@click.group(short_help="Write a plugin to begin with.", epilog=_EXAMPLES)
@debug_option
def new() -> None:
    """Write a distribution that installs, passes its tests and answers."""


@new.command(short_help="Write a plugin for a provider.", epilog=_EXAMPLES)
@click.argument("name")
@click.option("--small", is_flag=True, help="One module with one method to fill in, for a model without a server.")
@_into
@debug_option
def provider(*, name: str, small: bool, into: Path) -> None:
    """Write a plugin for the provider NAME.

    It has a module for each task: settings, encode, decode, transport, errors. Until your server is there, a stand-in
    answers.
    """
    names = _write("small" if small else "provider", name, into)
    _say(names, into, f'chatplug run {names.name}:x "hi"')


@new.command(short_help="Write a plugin that hears every run.", epilog=_EXAMPLES)
@click.argument("name")
@_into
@debug_option
def callbacks(*, name: str, into: Path) -> None:
    """Write a plugin with a handler that hears every run, whichever provider answers."""
    _say(_write("callbacks", name, into), into)


@new.command(short_help="Write a plugin for a format of messages.", epilog=_EXAMPLES)
@click.argument("name")
@_into
@debug_option
def converter(*, name: str, into: Path) -> None:
    """Write a plugin that converts conversations from and to a format of its own."""
    _say(_write("converter", name, into), into)


def _write(kind: Kind, name: str, into: Path) -> Names:
    from chatplug.cli.scaffold import names_of, written

    names = names_of(kind, name)
    folder = into / names.distribution
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise click.UsageError(f"{folder} is there already. Take another name, or --into another folder.")
    for warning in _taken(names):
        click.echo(f"Warning: {warning}", err=True)
    for path, text in written(kind, names).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return names


def _taken(names: Names) -> Iterator[str]:
    """Who has the name already, and what to do about it."""
    from chatplug.errors import SettingsError
    from chatplug.plugins.aliases import alias_file, alias_names
    from chatplug.plugins.declaration import PROVIDERS, distribution_key, who
    from chatplug.plugins.index import default_index
    from chatplug.plugins.known import distribution_for

    groups = default_index().installed().groups
    declared = [one for found in groups.values() for those in found.values() for one in those]
    mine = distribution_key(names.distribution)
    same = sorted({who(one) for one in declared if distribution_key(one.distribution) == mine})
    if same:
        yield f"{same[0]} is installed; this one will be installed in its place. Take another name to keep it."
    if names.group != "providers":
        return
    rest = f"{names.name!r} already. Take another name, or have only one of them where it is used."
    others = {who(one) for one in groups[PROVIDERS].get(names.name, []) if distribution_key(one.distribution) != mine}
    known = distribution_for(names.name)
    if others:
        yield f"{' and '.join(sorted(others))} provides {rest}"
    elif known is not None and known != names.distribution:
        yield f"{known}, which is published, provides {rest} Perhaps it does what you want: pip install {known}"
    own: list[str] = []
    with contextlib.suppress(SettingsError):  # what is wrong with that file is told by whoever needs it
        own = alias_names()
    if names.name in own:
        yield f"{names.name!r} is a name of your own in {alias_file()}, which will be refused beside a provider of it."


def _say(names: Names, into: Path, *more: str) -> None:
    folder = into / names.distribution
    steps = [f"cd {folder}", 'python -m pip install -e ".[test]"', *more, "python -m pytest"]
    with Output() as output:
        output.write(f"{folder} is written. Go on with:\n\n" + "".join(f"  {step}\n" for step in steps))
