"""The command `chatplug` itself: its subcommands, and how it tells what went wrong."""

from __future__ import annotations

import sys
import traceback
import warnings
from typing import Any, TextIO

import click

from chatplug import __version__
from chatplug.cli.conformance import conformance
from chatplug.cli.doctor import doctor, hooks
from chatplug.cli.extension import plugin_command, plugin_commands
from chatplug.cli.interrupt import EXIT_CODE, was_pressed
from chatplug.cli.listing import models, plugins
from chatplug.cli.new import new
from chatplug.cli.options import debug_option, is_debugging
from chatplug.cli.output import ClosedOutputError, is_output_failure, one_line, shortened
from chatplug.cli.profiles import profiles
from chatplug.cli.providers import providers
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

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run it; help and version, which are written while the command line is read, may fail to be."""
        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            if not is_output_failure(error):
                raise
            sys.exit(f"Error: {_unwritable(error)}")

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, those of plugins too."""
        own = super().list_commands(ctx)
        return [*own, *sorted(plugin_commands(own))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command; a plugin is imported only where there is no such one of chatplug itself."""
        return super().get_command(ctx, cmd_name) or plugin_command(cmd_name, super().list_commands(ctx))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line; what is no text is refused before a model gets it."""
        try:
            for text in args:
                text.encode()
        except UnicodeEncodeError:
            raise click.UsageError(f"An argument has bytes that are no {sys.getfilesystemencoding()} text.") from None
        try:
            return super().parse_args(ctx, args)
        except click.ClickException as error:
            _shorten(error)
            raise

    def invoke(self, ctx: click.Context) -> object:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            try:
                return super().invoke(ctx)
            except click.ClickException as error:
                _shorten(error)
                raise
            except click.exceptions.Exit:
                raise
            except (KeyboardInterrupt, click.Abort):
                ctx.exit(EXIT_CODE)
            except ClosedOutputError:
                ctx.exit(_CLOSED_PIPE)
            except (Exception, SystemExit) as error:  # nobody else is left to tell the user
                if was_pressed():
                    ctx.exit(EXIT_CODE)
                if is_output_failure(error):
                    if isinstance(error, BrokenPipeError):
                        ctx.exit(_CLOSED_PIPE)
                    raise click.ClickException(_unwritable(error)) from error
                if is_debugging(ctx):
                    click.echo(traceback.format_exc(), err=True, nl=False)
                click.echo(f"Error: {_told(error)}", err=True)
                ctx.exit(1)


def _shorten(error: click.ClickException) -> None:
    """Leave out the middle of what repeats a long argument."""
    vars(error)["message"] = shortened(error.message)  # click declares it final, and has no other place for it


def _unwritable(error: BaseException) -> str:
    return f"Standard output cannot be written: {getattr(error, 'strerror', None) or error}."


def _told(error: BaseException) -> str:
    """What happened and what to do, in one line."""
    from chatplug.errors import ChatplugError

    text = shortened(one_line(str(error)))
    if isinstance(error, ChatplugError):
        return text
    if isinstance(error, OSError) and error.strerror and error.filename:
        return shortened(one_line(f"{error.filename}: {error.strerror}."))
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
    click.echo(f"Warning: {shortened(one_line(str(message)))}", err=True)


@click.group(cls=_Application, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EXAMPLE)
@click.version_option(__version__, message="chatplug %(version)s")
@debug_option
def app() -> None:
    """Talk to chat models. Each provider comes from a plugin that is installed."""


for _command in (run, plugins, models, profiles, providers, doctor, hooks, conformance, new):
    app.add_command(_command)
