"""The doctor's other end: a process that imports one distribution's plugins and writes down how it went.

It writes each step before it takes it, so that whoever reads knows what was going on when the process was ended, by
the plugin or by the doctor. Run by `doctor`; it is no place for anything else.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

# The host as it is when it loads a plugin, so that the plugin pays for itself alone.
import chatplug.plugins.manager  # noqa: F401  # pyright: ignore[reportUnusedImport]
from chatplug.errors import ChatplugError, PluginError
from chatplug.plugins.border import Border
from chatplug.plugins.declaration import EXTENSIONS, Declaration, printable, remedy, who
from chatplug.plugins.handlers import HANDLERS, HANDLERS_KIND, is_handler
from chatplug.plugins.loading import load
from chatplug.wire.shape import is_array

if TYPE_CHECKING:
    from collections.abc import Callable

    from chatplug.callbacks.handler import BaseCallbackHandler

__all__ = ["main"]


def main(file: str, declarations: list[list[str]]) -> None:
    """Load each plugin, and write lines of JSON to a file."""
    with open(file, "w", encoding="utf-8") as report:

        def say(**facts: object) -> None:
            report.write(json.dumps(facts) + "\n")
            report.flush()

        for fields in declarations:
            declaration = Declaration(*fields)
            say(value=declaration.value, doing="was imported")
            try:
                plugin = load(declaration, declaration.group)
            except PluginError as error:
                say(error=error.message, fix=error.hint)
                continue
            say(seconds=plugin.seconds)
            if declaration.group == EXTENSIONS and (ask := plugin.hook(HANDLERS)) is not None:
                say(value=declaration.value, doing="was asked for its handlers")
                say(**_handlers(declaration, ask))
        sys.stdout.flush()
        say(done=True)


def _handlers(declaration: Declaration, ask: Callable[..., object]) -> dict[str, object]:
    """The handlers that an extension gives, each by class and policy; or what is wrong with them."""
    try:
        with Border(declaration, HANDLERS, declaration.name):
            given = ask()
            if given is None:
                return {"handlers": []}
            if is_array(given) and all(is_handler(one) for one in given):
                return {"handlers": [_facts(one) for one in given]}
    except ChatplugError as error:
        return {"error": error.message, "fix": error.hint}
    told = f"{HANDLERS} of {who(declaration)} gave {type(given).__name__}, which is no {HANDLERS_KIND}."
    return {"error": told, "fix": remedy(declaration)}


def _facts(handler: BaseCallbackHandler) -> dict[str, str]:
    kind = type(handler)
    is_required = handler.raise_error or handler.policy == "required"
    return {
        "handler": printable(f"{kind.__module__}.{kind.__qualname__}"),
        "policy": "required" if is_required else "observe",
    }
