"""The index of what is installed, tried for longer than the tests have time for: `python -m benchmarks.soak`.

It has no number to beat. It counts answers and wrong answers, of random changes against importlib_metadata and of two
processes that install, uninstall and ask at the same time; the exit code is 1 if one was wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.plugins.random_changes import asked_after_changes
from tests.plugins.test_hammer import hammer


def main() -> int:
    """Run it; 1 if an answer was wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--changes", type=int, default=10_000, help="rounds of random changes; 10,000")
    parser.add_argument("--hammer", type=int, default=10_000, help="changes by each of two processes; 10,000")
    parser.add_argument("--seed", type=int, default=1, help="of the random changes; 1")
    chosen = parser.parse_args()
    asked = wrong = 0
    before = sys.path
    with tempfile.TemporaryDirectory() as folder:
        sys.path = list(before)
        for right, answers in asked_after_changes(Path(folder), chosen.changes, chosen.seed):
            asked += len(answers)
            wrong += sum(answer != right for answer in answers)
        sys.path = before
    print(f"Random changes: {asked} answers, {wrong} wrong.", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        said = hammer(Path(folder), chosen.hammer)
    wrong_there = sum(number for number, _ in said)
    print(f"Two processes: {4 * chosen.hammer} answers, {wrong_there} wrong.")
    return 1 if wrong or wrong_there else 0


if __name__ == "__main__":
    sys.exit(main())
