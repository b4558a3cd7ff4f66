"""Results as tables for people, and as JSON."""

from __future__ import annotations

import datetime as dt
import platform
import statistics
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from benchmarks.measure import Group, Measured, Verdict, names_of

_PACKAGES = ("aiohttp", "openai", "pydantic", "pydantic-core")


def circumstances() -> dict[str, str]:
    """What the results depend on."""
    found = {
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": f"{platform.system()} {platform.machine()}",
    }
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def table(group: Group) -> str:
    """A group's results in Markdown: what each subject costs, then the ratios beside their targets."""
    lines = [f"## {group.name}", "", f"{group.about} Medians, in {group.unit}.", ""]
    for subjects in _alike(group.results):
        names = names_of(subjects)
        costs = [
            [measured.case.about, *(f"{measured.median(name) * group.scale:,.2f}" for name in names)]
            for measured in subjects
        ]
        lines += [*_markdown(["", *names], costs), ""]
    verdicts = [
        [
            measured.case.about,
            f"{verdict.subject} / {verdict.floor}",
            f"{verdict.ratio:.3g}, {verdict.more * group.scale:+.3g} {group.unit}",
            _bound(verdict, group),
            "" if not verdict.is_promised else "pass" if verdict.passes else "**missed**",
        ]
        for measured in group.results
        for verdict in measured.verdicts()
    ]
    if verdicts:
        lines += [*_markdown(["", "ratio of", "measured", "at most", ""], verdicts), ""]
    return "\n".join(lines)


def _bound(verdict: Verdict, group: Group) -> str:
    if verdict.at_most_more is not None:
        return f"{verdict.at_most_more * group.scale:+g} {group.unit}"
    return "" if verdict.at_most is None else f"{verdict.at_most:g}"


def as_json(groups: Iterable[Group], rounds: int) -> dict[str, Any]:
    """All results, with each round's sample in seconds for each unit of work."""
    return {
        "circumstances": circumstances(),
        "rounds": rounds,
        "groups": [
            {
                "name": group.name,
                "about": group.about,
                "results": [_result(group, measured) for measured in group.results],
            }
            for group in groups
        ],
    }


def _result(group: Group, measured: Measured) -> dict[str, Any]:
    return {
        "case": measured.case.name,
        "about": measured.case.about,
        group.measure: {
            name: {"median": statistics.median(values), "samples": values} for name, values in measured.samples.items()
        },
        "ratios": [
            {
                "of": v.subject,
                "over": v.floor,
                "ratio": v.ratio,
                "at_most": v.at_most,
                "more": v.more,
                "at_most_more": v.at_most_more,
                "passes": v.passes,
            }
            for v in measured.verdicts()
        ],
    }


def _alike(results: Sequence[Measured]) -> list[list[Measured]]:
    """Neighbours with the same subjects, which share a table."""
    tables: list[list[Measured]] = []
    for measured in results:
        if tables and names_of(tables[-1]) == names_of([measured]):
            tables[-1].append(measured)
        else:
            tables.append([measured])
    return tables


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    ruler = ["---", *("---:" for _ in head[1:])]
    return [f"| {' | '.join(row)} |" for row in (head, ruler, *rows)]
