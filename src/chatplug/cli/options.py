"""Options that several commands take."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import click

__all__ = ["debug_option", "is_debugging", "json_option", "read_setting", "settings_option"]

_DEBUG = "chatplug.debug"
# Parameters of `chatplug.init` that are no settings.
_RESERVED = frozenset({"config_prefix", "configurable_fields", "model", "model_provider", "plugins"})


def read_setting(text: str) -> tuple[str, Any]:
    """The name and the value of `name=value`; the value is JSON if it can be read as JSON, else text.

    Raises:
        click.BadParameter: If there is no name or no `=`.

    >>> read_setting("temperature=0.5")
    ('temperature', 0.5)
    >>> read_setting('stop=["a", "b"]')
    ('stop', ['a', 'b'])
    >>> read_setting("base_url=http://localhost:8080/v1")
    ('base_url', 'http://localhost:8080/v1')
    >>> read_setting('user="42"')
    ('user', '42')
    """
    name, equals, value = text.partition("=")
    name = name.strip()
    if not equals or not name:
        # It is not repeated: it may be a key.
        raise click.BadParameter("A setting is written name=value.")
    if name in _RESERVED:
        raise click.BadParameter(f"{name!r} is no setting of a model; the argument MODEL names provider and model.")
    try:
        return name, json.loads(value, parse_constant=_not_json)
    except (ValueError, RecursionError):
        return name, value


def _not_json(constant: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(constant)


def _read_settings(_: click.Context, __: click.Parameter, texts: tuple[str, ...]) -> dict[str, Any]:
    return dict(map(read_setting, texts))


settings_option = click.option(
    "-o",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    callback=_read_settings,
    help="A setting of the model; may be repeated. A value is JSON (0.5, true, null, [..]) or else text.",
)
"""`-o name=value`, as a dict `settings`; of two with one name the last one counts."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
"""`--json`, as `as_json`."""


def _set_debug(context: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001  # click calls it
    if wanted:
        context.meta[_DEBUG] = True


debug_option = click.option(
    "--debug", is_flag=True, expose_value=False, callback=_set_debug, help="Show the traceback of an error."
)
"""`--debug`, before or after the command's name; see `is_debugging`."""


def is_debugging(context: click.Context) -> bool:
    """Whether `--debug` was given."""
    return bool(context.meta.get(_DEBUG))
