"""The command `chatplug` itself: its subcommands, and how it tells what went wrong."""

from __future__ import annotations

import traceback
import warnings
from typing import TextIO

import click

from chatplug import __version__
from chatplug.cli.interrupt import EXIT_CODE, was_pressed
from chatplug.cli.listing import models, plugins
from chatplug.cli.options import debug_option, is_debugging
from chatplug.cli.output import ClosedOutputError, one_line
from chatplug.cli.run import run

__all__ = ["app"]

# How a shell reports a command that a closed pipe ended: 128 and the number of SIGPIPE.
_CLOSED_PIPE = 141
_EXAMPLE = """\b
Example:
  chatplug run echo:n3 "Meow!"
"""


class _Application(click.Group):
    """The subcommands; whatever fails in one of them becomes one line and an exit code."""

    def invoke(self, ctx: click.Context) -> object:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            try:
                return super().invoke(ctx)
            except (click.ClickException, click.exceptions.Exit):
                raise
            except (KeyboardInterrupt, click.Abort):
                ctx.exit(EXIT_CODE)
            except ClosedOutputError:
                ctx.exit(_CLOSED_PIPE)
            except (Exception, SystemExit) as error:  # noqa: BLE001  # nobody else is left to tell the user
                if was_pressed():
                    ctx.exit(EXIT_CODE)
                if is_debugging(ctx):
                    click.echo(traceback.format_exc(), err=True, nl=False)
                click.echo(f"Error: {_told(error)}", err=True)
                ctx.exit(1)


def _told(error: BaseException) -> str:
    """What happened and what to do, in one line."""
    from chatplug.errors import ChatplugError

    if isinstance(error, ChatplugError):
        return one_line(str(error))
    text = one_line(str(error))
    name = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return f"{name.rstrip('.')}. This is a fault of chatplug or of a plugin; --debug shows where."


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Show a warning without the line of the source that it came from."""
    del category, filename, lineno, file, line
    click.echo(f"Warning: {one_line(str(message))}", err=True)


@click.group(cls=_Application, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EXAMPLE)
@click.version_option(__version__, message="chatplug %(version)s")
@debug_option
def app() -> None:
    """Talk to chat models. Each provider comes from a plugin that is installed."""


for _command in (run, plugins, models):
    app.add_command(_command)
