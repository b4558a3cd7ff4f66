"""The directory of plugins, docs/directory.md, from score files: `python -m tools.directory` writes the page.

A score file is what `chatplug conformance --save` writes, and lies in `docs/directory` with its badge, both named after
the distribution. What else is told of a plugin comes from its pyproject.toml where it is one of `plugins/`, and from a
TOML file beside the score where it is not. `--score` runs the kit against the plugins of this repository first;
`--check` writes nothing, and its exit code is 1 where the page is not what the files say.
"""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chatplug.testing.conformance.score import Score

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "directory.md"
SCORES = ROOT / "docs" / "directory"
GROUPS = {
    "chatplug.providers": "provider",
    "chatplug.extensions": "extension",
    "chatplug.commands": "command",
}
"""The entry points that are told, and what one is called."""
SHOWN = 8
"""How many names of one kind are told before the rest is counted."""
HEAD = """\
# Plugins

What is known to work with chatplug: what each plugin provides, how to install it, and how it does in the conformance
kit. The scores are files that `chatplug conformance` wrote.
"""
FOOT = """\
## Add yours

A plugin by anybody may stand here. Run the kit against it, with your own test file where it needs a server:

```sh
chatplug conformance acme --suite tests/test_conformance.py --save chatplug-acme.json --badge chatplug-acme.svg
```

and open a pull request that puts into `docs/directory`:

- `chatplug-acme.json` and `chatplug-acme.svg`, as they were written, named after the distribution;
- `chatplug-acme.toml`, which says what it is:

```toml
description = "The models of Acme."
homepage = "https://example.com/chatplug-acme"

[provides]
provider = ["acme"]
```

Then run `python -m tools.directory`, which writes this page anew. An expected failure is no shame: it stands here with
its reason. [Test a plugin](how-to/test-a-plugin.md) says how the kit is used; the badge of your own README is the same.

<!-- Written by `python -m tools.directory`; a test compares. -->
"""


@dataclass(slots=True)
class Plugin:
    """What the page tells of a plugin."""

    distribution: str
    description: str
    provides: Mapping[str, list[str]]
    """By kind: providers, extensions, commands."""
    version: str = ""
    """Its version in this repository; empty where it lives elsewhere."""
    homepage: str = ""
    score: Score | None = None
    faults: list[str] = field(default_factory=list[str])
    """What is wrong with the files."""


def own_plugins() -> Iterator[tuple[Path, dict[str, Any]]]:
    """The plugins of this repository, with what their pyproject.toml says of the project."""
    for path in sorted(ROOT.glob("plugins/*/pyproject.toml")):
        yield path.parent, tomllib.loads(path.read_text(encoding="utf-8"))["project"]


def plugins(folder: Path = SCORES) -> list[Plugin]:
    """Everything that the page tells, from the files of a folder and the plugins of this repository."""
    found: dict[str, Plugin] = {}
    for _, project in own_plugins():
        points = project.get("entry-points", {})
        provides = {kind: sorted(points[group]) for group, kind in GROUPS.items() if group in points}
        found[project["name"]] = Plugin(project["name"], project["description"], provides, project["version"])
    for path in sorted(folder.glob("*.toml")):
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        found[path.stem] = Plugin(path.stem, told["description"], told["provides"], homepage=told.get("homepage", ""))
    for path in sorted(folder.glob("*.json")):
        score = Score.from_dict(json.loads(path.read_text(encoding="utf-8")))
        if path.stem not in found:
            raise SystemExit(f"{path.name} has no {path.stem}.toml beside it that says what the plugin is.")
        found[path.stem].score = score
    for plugin in found.values():
        plugin.faults = list(_faults(plugin, folder))
    return [found[name] for name in sorted(found)]


def _faults(plugin: Plugin, folder: Path) -> Iterator[str]:
    if plugin.score is None:
        if "provider" in plugin.provides:
            yield f"{plugin.distribution} has no score."
        return
    name, _, version = plugin.score.distribution.partition(" ")
    if name != plugin.distribution:
        yield f"{plugin.distribution}.json is the score of {name or 'no installed distribution'}."
    if plugin.version and version != plugin.version:
        yield f"{plugin.distribution} is at {plugin.version}, its score of {version}."
    if not (folder / f"{plugin.distribution}.svg").exists():
        yield f"{plugin.distribution} has no badge."


def page(found: Iterable[Plugin]) -> str:
    """The page: all plugins in a table, then each by itself."""
    found = list(found)
    rows = [f"| [{one.distribution}](#{one.distribution}) | {_provided(one)} | {_badge(one)} |" for one in found]
    table = "\n".join(["| plugin | provides | score |", "| --- | --- | --- |", *rows])
    return "\n".join([HEAD, table, "", *(section(plugin) for plugin in found), FOOT])


def _provided(plugin: Plugin) -> str:
    return "; ".join(_named(kind, names) for kind, names in plugin.provides.items())


def _badge(plugin: Plugin) -> str:
    score = plugin.score
    if score is None:
        return ""
    return f"![{score.passed} of {score.total} passed](directory/{plugin.distribution}.svg)"


def section(plugin: Plugin) -> str:
    """What the page says of one plugin."""
    home = f" [Its home]({plugin.homepage})." if plugin.homepage else ""
    parts = [
        f"## {plugin.distribution}",
        f"{plugin.description}{home}",
        f"Provides: {_provided(plugin)}.",
        f"```sh\npip install {plugin.distribution}\n```",
        *(_scored(plugin.score) if plugin.score else ["The kit is for chat models, so it has no score."]),
    ]
    return "\n\n".join(_wrapped(part) for part in parts) + "\n"


def _named(kind: str, names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:SHOWN])
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{kind if len(names) == 1 else f'{kind}s'} {shown}{more}"


def _scored(score: Score) -> Iterator[str]:
    tested = ", ".join(f"`{model}`" for model in score.models)
    yield (
        f"{score.passed} of {score.total} tests passed: {tested} of {score.distribution}, with chatplug "
        f"{score.chatplug} and Python {score.python}, on {score.date[:10]}."
    )
    # A column that is empty in all rows says nothing.
    columns = [
        column
        for column in ("passed", "failed", "expected", "skipped")
        if any(getattr(group, column) for group in score.groups)
    ]
    yield "\n".join(
        [
            f"| group | {' | '.join(columns)} |",
            f"| --- |{' ---: |' * len(columns)}",
            *(
                f"| {' | '.join([group.name, *(str(getattr(group, column) or '') for column in columns)])} |"
                for group in score.groups
            ),
        ]
    )
    if columns == ["passed"]:
        yield "Nothing failed, nothing was expected to, and nothing was left out."
    for outcome, title in (("failed", "Failed"), ("expected", "Expected to fail"), ("skipped", "Not tested")):
        reasons = Counter(
            (test.group, test.message.partition("\n")[0]) for test in score.tests if test.outcome == outcome
        )
        if reasons:
            told = [
                f"- {group}{f' ({count} tests)' if count > 1 else ''}: {reason}"
                for (group, reason), count in reasons.items()
            ]
            yield f"{title}:\n\n" + "\n".join(told)


def _wrapped(part: str) -> str:
    if part.startswith(("```", "#", "|", "!")):
        return part
    return "\n".join(
        textwrap.fill(line, 120, break_long_words=False, break_on_hyphens=False, subsequent_indent="  ")
        if line.startswith("- ")
        else textwrap.fill(line, 120, break_long_words=False, break_on_hyphens=False)
        for line in part.splitlines()
    )


def write_scores() -> None:
    """Run the kit against each provider of this repository, by its own test file."""
    SCORES.mkdir(exist_ok=True)
    for folder, project in own_plugins():
        suite = folder / "tests" / "test_conformance.py"
        if suite.exists():
            provider = min(project["entry-points"]["chatplug.providers"])
            files = [f"--save={SCORES / project['name']}.json", f"--badge={SCORES / project['name']}.svg"]
            command = [sys.executable, "-m", "chatplug", "conformance", provider, f"--suite={suite}", *files]
            subprocess.run(command, cwd=ROOT, check=False)  # what failed stands in the score


def main() -> int:
    """Write the page, or say what is out of date."""
    if "--score" in sys.argv[1:]:
        write_scores()
    found = plugins()
    faults = [fault for plugin in found for fault in plugin.faults]
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page(found), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page(found):
        faults.append(f"{PAGE.relative_to(ROOT)} is not what the files say: python -m tools.directory writes it anew.")
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
