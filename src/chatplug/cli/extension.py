"""Commands that plugins bring, from the entry-point group `chatplug.commands`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["plugin_command", "plugin_commands"]


def plugin_command(name: str, taken: Collection[str]) -> click.Command | None:
    """The command of that name, of a plugin; those whose entry point has the same name are asked first."""
    return plugin_commands(taken, name).get(name) or plugin_commands(taken).get(name)


def plugin_commands(taken: Collection[str], only: str | None = None) -> dict[str, click.Command]:
    """The commands of plugins, by name; where two bring one name the first counts, and the other is told.

    Args:
        taken: The names of chatplug's own commands, which stay its own.
        only: The name of one entry point; None for all of them.
    """
    from chatplug.plugins.declaration import COMMANDS
    from chatplug.plugins.index import default_index

    if not default_index().installed().groups[COMMANDS]:
        return {}  # most of the time, and then neither pluggy nor pydantic is imported
    from chatplug.plugins import default_manager

    found: dict[str, click.Command] = {}
    for declaration, group in default_manager().commands(click.Group, only):
        for name, command in group.commands.items():
            if name in taken or name in found:
                owner = "chatplug" if name in taken else "another plugin"
                told = f"The command {name!r} of {declaration.distribution} {declaration.version} is left out"
                click.echo(f"Warning: {told}: {owner} has one of this name.", err=True)
            elif isinstance(command, click.Command):
                found[name] = command
    return found
