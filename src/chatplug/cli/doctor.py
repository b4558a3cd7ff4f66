"""`chatplug doctor` and `chatplug hooks`: what works, and who answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from chatplug.cli.options import debug_option, json_option, settings_option
from chatplug.cli.output import Output, one_line, print_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chatplug.plugins import Declaration
    from chatplug.plugins.doctor import Report

__all__ = ["doctor", "hooks"]

_DOCTOR_EXAMPLES = """\b
Examples:
  chatplug doctor
  chatplug doctor --json
"""
_HOOKS_EXAMPLES = """\b
Examples:
  chatplug hooks echo:n3
  chatplug hooks openai_compat:any -o base_url=http://localhost:8080/v1
"""


@click.command(short_help="Show what works and what does not.", epilog=_DOCTOR_EXAMPLES)
@click.option("--limit", default=30.0, show_default=True, help="Seconds that one distribution may take to be imported.")
@click.option("--forget", is_flag=True, help="Forget what handlers went through so far, and do nothing else.")
@json_option
@debug_option
@click.pass_context
def doctor(context: click.Context, /, *, limit: float, forget: bool, as_json: bool) -> None:
    """Import every plugin, each distribution in a process of its own, and show how it went.

    The handlers that hear every run are shown, too, with what they went through in any process: failures for which they
    were put aside, events that they missed. That is forgotten when their distribution is upgraded, or with --forget.

    The exit code is 1 if something is broken. A plugin that an allow-list, a block-list or a lock keeps out is not
    imported, and not broken.
    """
    from chatplug.plugins import default_manager
    from chatplug.plugins.aliases import alias_faults
    from chatplug.plugins.doctor import BROKEN, examine, homeless, strangers
    from chatplug.plugins.troubles import default_troubles

    if forget:
        if not default_troubles().forget():
            raise click.ClickException("The file with what handlers went through cannot be written.")
        return
    reports = examine(limit)
    if as_json:
        print_json([report._asdict() | {"troubles": [one.facts() for one in report.troubles]} for report in reports])
    elif reports:
        head = ("Plugin", "Version", "State", "Declares", "Import", "What is wrong, and what to do")
        rows = [
            (
                report.distribution,
                report.version,
                report.state,
                ", ".join(f"{group}: {_shortened(names)}" for group, names in report.groups.items()),
                "" if report.seconds is None else _milliseconds(report.seconds),
                one_line(f"{report.error} {report.fix}".strip()),
            )
            for report in reports
        ]
        with Output() as output:
            output.table(head, rows)
            handlers = list(_handlers(reports))
            if handlers:
                output.write("\n")
                output.table(("Handler", "Plugin", "Policy", "What it went through, and what to do"), handlers)
    else:
        click.echo("No plugin is installed. Install one with: pip install chatplug-<provider>", err=True)
    for troubled in homeless():
        told = f"{troubled.handler}, a handler of a program of yours: {troubled.told()}"
        click.echo(f"Warning: {one_line(told)}", err=True)
    for told in strangers():
        click.echo(f"Warning: {told}", err=True)
    faults = alias_faults(default_manager().providers())
    for told in faults:
        click.echo(f"Broken: {one_line(told)}", err=True)
    if faults or any(report.state == BROKEN for report in reports):
        context.exit(1)


@click.command(short_help="Show which plugin answers for a model.", epilog=_HOOKS_EXAMPLES)
@click.argument("model")
@settings_option
@json_option
@debug_option
def hooks(*, model: str, settings: dict[str, Any], as_json: bool) -> None:
    """Make MODEL, and show which plugin answers which hook for it, and how long each took.

    Hooks that are asked on other occasions (an unknown message, a list of models) are listed without a time.
    """
    import chatplug
    from chatplug.plugins import PluginManager

    manager = PluginManager()
    heard: list[tuple[Declaration, str, float]] = []
    manager.listen(lambda declaration, hook, seconds: heard.append((declaration, hook, seconds)))
    chatplug.init(model, plugins=manager, **settings)
    manager.callback_handlers()
    rows: list[dict[str, Any]] = []
    for plugin in manager.loaded():
        own = plugin.declaration
        for hook in ("", *plugin.hooks()):
            took = [seconds for declaration, name, seconds in heard if declaration is own and name == hook]
            rows.append(
                {
                    "hook": hook or None,
                    "plugin": own.distribution,
                    "version": own.version,
                    "entry_point": own.value,
                    "calls": len(took),
                    "seconds": sum(took) if took else None,
                }
            )
    if as_json:
        print_json(rows)
        return
    head = ("Hook", "Plugin", "Version", "Entry point", "Took")
    with Output() as output:
        output.table(
            head,
            [
                (
                    row["hook"] or "(import)",
                    row["plugin"],
                    row["version"],
                    row["entry_point"],
                    "not asked" if row["seconds"] is None else _milliseconds(row["seconds"]),
                )
                for row in rows
            ],
        )


def _handlers(reports: Iterable[Report]) -> Iterator[tuple[str, ...]]:
    """The rows of the table of handlers: those that are given now, and others that were in trouble."""
    for report in reports:
        told = {one.handler: one_line(one.told()) for one in report.troubles}
        for one in report.handlers:
            yield one["handler"], report.distribution, one["policy"], told.pop(one["handler"], "")
        for handler, text in told.items():
            yield handler, report.distribution, "", text


def _shortened(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"
