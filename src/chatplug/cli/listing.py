"""`chatplug plugins` and `chatplug models`: what is there."""

from __future__ import annotations

from typing import Any

import click

from chatplug.cli.options import debug_option, json_option, settings_option
from chatplug.cli.output import Output, one_line, print_json

__all__ = ["models", "plugins"]

_PLUGINS_EXAMPLES = """\b
Examples:
  chatplug plugins
  chatplug plugins --json
  chatplug plugins lock
"""
_LOCK_EXAMPLES = """\b
Examples:
  chatplug plugins lock
  chatplug plugins lock --check
"""
_MODELS_EXAMPLES = """\b
Examples:
  chatplug models
  chatplug models openai_compat -o base_url=http://localhost:8080/v1
  chatplug models echo --settings
"""


@click.group(short_help="List the installed providers.", epilog=_PLUGINS_EXAMPLES, invoke_without_command=True)
@json_option
@debug_option
@click.pass_context
def plugins(context: click.Context, /, *, as_json: bool) -> None:
    """List the installed providers, and the distributions that they come from.

    No plugin is imported for it, so one that is broken is listed too; `chatplug doctor` imports them.
    """
    if context.invoked_subcommand is not None:
        return
    from chatplug.plugins.declaration import PROVIDERS
    from chatplug.plugins.index import default_index
    from chatplug.plugins.trust import trust

    held = trust()
    providers = sorted(default_index().installed().groups[PROVIDERS].items())
    found = [declaration for _, declared in providers for declaration in declared]
    reasons = [one_line(held.refusal(one)[0]) or None for one in found]
    rows = [(one.name, one.distribution, one.version, one.value) for one in found]
    if as_json:
        fields = ("provider", "distribution", "version", "entry_point", "kept_out")
        print_json([dict(zip(fields, (*row, why), strict=True)) for row, why in zip(rows, reasons, strict=True)])
    elif rows:
        head: tuple[str, ...] = ("Provider", "Distribution", "Version", "Entry point")
        table: list[tuple[str, ...]] = list(rows)
        if any(reasons):
            head = (*head, "Kept out")
            table = [(*row, why or "") for row, why in zip(rows, reasons, strict=True)]
        with Output() as output:
            output.table(head, table)
    else:
        _say_that_nothing_is_installed()


@plugins.command(short_help="Let in only what is installed now.", epilog=_LOCK_EXAMPLES)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a lock would be another one.")
@click.option("--remove", is_flag=True, help="Remove the lock; every plugin may run again.")
@debug_option
@click.pass_context
def lock(context: click.Context, /, *, check: bool, remove: bool) -> None:
    """Write the lock: name, version and RECORD hash of every plugin that is installed and let in.

    From then on nothing else is imported. The lock is the file that CHATPLUG_PLUGINS_LOCK or plugins.toml names,
    or plugins.lock in chatplug's configuration folder.
    """
    import os

    from chatplug.plugins.index import default_index
    from chatplug.plugins.lock import is_editable, lock_of, read_lock, write_lock
    from chatplug.plugins.trust import lock_file, trust

    file = lock_file()
    if remove:
        if os.path.lexists(file):
            os.unlink(file)
        return
    held = trust()._replace(lock=None, fault="")
    groups = default_index().installed().groups.values()
    own = held.those_let_in(one for names in groups for found in names.values() for one in found)
    locked, without = lock_of(own)
    for name in without:
        click.echo(f"Warning: {name} has no RECORD of its files, so it cannot be locked.", err=True)
    for name in sorted({one.distribution for one in own if is_editable(one)}):
        click.echo(f"Warning: {name} is an editable install; its code may change under the lock.", err=True)
    if not check:
        write_lock(file, locked)
        click.echo(f"{len(locked)} plugins are locked in {file}.", err=True)
        return
    now, then = {one.name: one for one in locked}, {one.name: one for one in read_lock(file).plugins.values()}
    told = [name for name in sorted({*now, *then}) if now.get(name) != then.get(name)]
    for name in told:
        was, is_now = (f"{one.version}" if one else "absent" for one in (then.get(name), now.get(name)))
        click.echo(f"{name}: locked {was}, installed {is_now}.")
    context.exit(1 if told else 0)


@click.command(short_help="List the models that providers offer.", epilog=_MODELS_EXAMPLES)
@click.argument("provider", required=False)
@settings_option
@click.option("--settings", "wants_settings", is_flag=True, help="Print what can be set, instead of the models.")
@json_option
@debug_option
def models(*, provider: str | None, settings: dict[str, Any], wants_settings: bool, as_json: bool) -> None:
    """List the models that PROVIDER offers now, or those of every installed provider and of your own names.

    The names are written as `chatplug run` takes them. Of all providers, one that fails is listed with its error.
    """
    from chatplug.errors import ChatplugError
    from chatplug.factory import split_name
    from chatplug.plugins import default_manager
    from chatplug.plugins.aliases import alias_names

    manager = default_manager()
    if wants_settings:
        if provider is None:
            raise click.UsageError("Whose settings? Write the provider's name behind `chatplug models`.")
        from chatplug.cli.settings import show_settings

        show_settings(split_name("any", provider)[0], as_json=as_json)
        return
    if provider is None:
        if settings:
            # A key must not go to every provider that happens to be installed.
            raise click.UsageError("Settings are for one provider: write its name behind `chatplug models`.")
        names = sorted({*manager.providers(), *alias_names()})
    else:
        # Any model will do: the name of the provider is read as `chatplug run` reads it.
        names = [split_name("any", provider)[0]]
    found: list[tuple[str, list[str], str | None]] = []
    for name in names:
        try:
            found.append((name, manager.list_models(name, settings), None))
        except ChatplugError as error:
            if provider is not None:
                raise
            found.append((name, [], one_line(str(error))))
    if as_json:
        print_json([{"provider": name, "models": offered, "error": error} for name, offered, error in found])
    elif found:
        with Output() as output:
            output.table(("Provider", "Model"), [row for one in found for row in _rows(*one)])
    else:
        _say_that_nothing_is_installed()


def _rows(provider: str, offered: list[str], error: str | None) -> list[tuple[str, str]]:
    if error is not None:
        return [(provider, f"Error: {error}")]
    return [(provider, f"{provider}:{one_line(model)}") for model in offered] or [(provider, "lists no models")]


def _say_that_nothing_is_installed() -> None:
    click.echo("No provider is installed. Install one with: pip install chatplug-<provider>", err=True)
