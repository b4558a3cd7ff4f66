"""`chatplug conformance`: how a provider does in the kit."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chatplug.cli.options import debug_option, json_option, settings_option
from chatplug.cli.output import Output, printable

if TYPE_CHECKING:
    from chatplug.testing.conformance.score import Score

__all__ = ["conformance"]

_EXAMPLES = """\b
Examples:
  chatplug conformance echo
  chatplug conformance openai_compat:tiny -o base_url=http://localhost:8080/v1
  chatplug conformance acme --suite tests/test_conformance.py --badge conformance.svg
"""


@click.command(short_help="Hold a provider to the conformance kit.", epilog=_EXAMPLES)
@click.argument("provider")
@settings_option
@click.option(
    "--suite",
    type=click.Path(exists=True, path_type=Path),
    help="The author's own test file, which brings the server that the provider needs.",
)
@click.option("--badge", "badge_file", type=click.Path(dir_okay=False, path_type=Path), help="Write an SVG badge.")
@click.option("--save", type=click.Path(dir_okay=False, path_type=Path), help="Write the score as JSON.")
@json_option
@debug_option
@click.pass_context
def conformance(  # noqa: PLR0913  # click gives each option as an argument
    context: click.Context,
    *,
    provider: str,
    settings: dict[str, Any],
    suite: Path | None,
    badge_file: Path | None,
    save: Path | None,
    as_json: bool,
) -> None:
    """Run the conformance kit against PROVIDER and print its score, by group.

    PROVIDER is a provider's name, or provider:model. Without a model, the first that the provider lists is tested. The
    exit code is 1 if a test failed. It needs the extra `testing`.
    """
    if find_spec("pytest") is None:
        raise click.ClickException("The kit needs pytest. Install it with: pip install 'chatplug[testing]'")
    from chatplug.cli.conformance_run import scored

    score = scored(provider, settings, suite)
    with Output() as output:  # before files are written, which may fail
        if as_json:
            output.write(_as_json(score))
        else:
            _print(score, output)
    if save is not None:
        save.write_text(_as_json(score), encoding="utf-8")
    if badge_file is not None:
        from chatplug.testing.conformance.score import badge

        badge_file.write_text(badge(score), encoding="utf-8")
    context.exit(1 if score.failures else 0)


def _as_json(score: Score) -> str:
    return json.dumps(score.as_dict(), indent=2, ensure_ascii=False) + "\n"


def _print(score: Score, output: Output) -> None:
    rows = [
        (group.name, *(str(count or "-") for count in (group.passed, group.failed, group.expected, group.skipped)))
        for group in score.groups
    ]
    output.table(("Group", "Passed", "Failed", "Expected", "Skipped"), rows)
    output.write(f"\n{', '.join(score.models)} ({score.distribution or 'not installed'}): ")
    output.write(f"{score.passed} of {score.total} passed.\n")
    for test in score.failures:
        text = "\n  ".join(printable(test.message).splitlines())
        output.write(f"\n{test.group}: {test.name}\n  {text}\n")
