"""`chatplug new`: a plugin to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from chatplug.cli.options import debug_option
from chatplug.cli.output import Output

if TYPE_CHECKING:
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
    from chatplug.plugins import default_manager

    names = names_of(kind, name)
    folder = into / names.distribution
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise click.UsageError(f"{folder} is there already. Take another name, or --into another folder.")
    if names.group == "providers":
        others = {one.distribution for one in default_manager().providers().get(names.name, [])}
        if others - {names.distribution}:
            raise click.UsageError(
                f"{' and '.join(sorted(others))} provides {names.name!r} already; nobody could ask for a second one."
            )
    for path, text in written(kind, names).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return names


def _say(names: Names, into: Path, *more: str) -> None:
    folder = into / names.distribution
    steps = [f"cd {folder}", 'python -m pip install -e ".[test]"', *more, "python -m pytest"]
    with Output() as output:
        output.write(f"{folder} is written. Go on with:\n\n" + "".join(f"  {step}\n" for step in steps))
