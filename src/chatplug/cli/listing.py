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
"""
_MODELS_EXAMPLES = """\b
Examples:
  chatplug models
  chatplug models openai_compat -o base_url=http://localhost:8080/v1
"""


@click.command(short_help="List the installed providers.", epilog=_PLUGINS_EXAMPLES)
@json_option
@debug_option
def plugins(*, as_json: bool) -> None:
    """List the installed providers, and the distributions that they come from.

    No plugin is imported for it, so one that is broken is listed too.
    """
    from chatplug.plugins import default_manager

    found = [declaration for declared in default_manager().providers().values() for declaration in declared]
    rows = [(one.name, one.distribution, one.version, one.value) for one in found]
    fields = ("provider", "distribution", "version", "entry_point")
    if as_json:
        print_json([dict(zip(fields, row, strict=True)) for row in rows])
    elif rows:
        with Output() as output:
            output.table(("Provider", "Distribution", "Version", "Entry point"), rows)
    else:
        _say_that_nothing_is_installed()


@click.command(short_help="List the models that providers offer.", epilog=_MODELS_EXAMPLES)
@click.argument("provider", required=False)
@settings_option
@json_option
@debug_option
def models(*, provider: str | None, settings: dict[str, Any], as_json: bool) -> None:
    """List the models that PROVIDER offers now, or those of every installed provider.

    The names are written as `chatplug run` takes them. Of all providers, one that fails is listed with its error.
    """
    from chatplug.errors import ChatplugError
    from chatplug.factory import split_name
    from chatplug.plugins import default_manager

    manager = default_manager()
    if provider is None:
        if settings:
            # A key must not go to every provider that happens to be installed.
            raise click.UsageError("Settings are for one provider: write its name behind `chatplug models`.")
        names = list(manager.providers())
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
