"""The benchmarks: tables on standard output, JSON in a file. `python -m benchmarks --help` lists what can be chosen."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from benchmarks import callbacks, cold, discovery, environment, messages, peers, process, report, runnables, tools, wire
from benchmarks.measure import Group

GROUPS = {
    "wire": wire.run,
    "import": cold.run,
    "discovery": discovery.run,
    "process": process.run,
    "messages": messages.run,
    "tools": tools.run,
    "callbacks": callbacks.run,
    "runnables": runnables.run,
}
PEERS = "peers"
"""The group that wants an environment for each peer, and so is run only where it is named."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "groups",
        nargs="*",
        metavar="GROUP",
        help=f"some of {', '.join([*GROUPS, PEERS])}; all but the last if none is named",
    )
    parser.add_argument("--rounds", type=int, default=15, help="how often each case is measured; 15")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample here")
    parser.add_argument(
        "--make-environment", action="store_true", help="make .venv-benchmarks, or bring it up to date, and run in it"
    )
    chosen = parser.parse_args()
    unknown = [name for name in chosen.groups if name not in (*GROUPS, PEERS)]
    if unknown:
        parser.error(f"There is no group {unknown[0]!r}; there are {', '.join([*GROUPS, PEERS])}.")
    if chosen.rounds < 1:
        parser.error("There is at least one round.")
    return chosen


def main() -> int:
    """Run what was asked for; 1 where a target is missed."""
    chosen = _arguments()
    if chosen.make_environment:
        if PEERS in chosen.groups:
            environment.make_peers()
        rest = [word for word in sys.argv[1:] if word != "--make-environment"]
        return subprocess.run([environment.make(), "-m", "benchmarks", *rest], check=False).returncode
    groups: list[Group] = []
    print(", ".join(f"{name} {value}" for name, value in report.circumstances().items()), "\n")
    for name in chosen.groups or GROUPS:
        found = peers.run(chosen.rounds) if name == PEERS else [GROUPS[name](chosen.rounds)]
        for group in found:
            print(report.table(group), flush=True)
        groups += found
    if chosen.json:
        chosen.json.write_text(json.dumps(report.as_json(groups, chosen.rounds), indent=1) + "\n", encoding="utf-8")
    verdicts = [verdict for group in groups for measured in group.results for verdict in measured.verdicts()]
    verdicts = [verdict for verdict in verdicts if verdict.is_promised]
    missed = sum(not verdict.passes for verdict in verdicts)
    if verdicts:
        print(f"{len(verdicts) - missed} of {len(verdicts)} targets met.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
