"""Measuring: interleaved rounds, so that what disturbs one subject disturbs all; then medians.

A ratio is the median of the rounds' own ratios, and so may differ a little from that of the two medians beside it.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import environment

ROOT = Path(__file__).resolve().parent.parent

Sample = Callable[[str], float]
"""Measures one case once: CPU seconds for each unit of work."""


@dataclass(frozen=True, slots=True)
class Target:
    """How one subject ought to stand to another."""

    subject: str
    floor: str
    at_most: float | None = None
    """The ratio; None where it is shown, and nothing is promised."""
    at_most_more: float | None = None
    """How many seconds more it may be; None where nothing is promised of that."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that all subjects of a group do."""

    name: str
    about: str
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """A ratio that was measured, and the target if there is one."""

    subject: str
    floor: str
    ratio: float
    at_most: float | None
    more: float = 0.0
    """How many seconds more the one is."""
    at_most_more: float | None = None

    @property
    def is_promised(self) -> bool:
        """Whether there is a target."""
        return self.at_most is not None or self.at_most_more is not None

    @property
    def passes(self) -> bool:
        """Whether the target is met; what has none meets it."""
        return (self.at_most is None or self.ratio <= self.at_most) and (
            self.at_most_more is None or self.more <= self.at_most_more
        )


@dataclass(slots=True)
class Measured:
    """What one case cost each subject, round by round, in seconds for each unit of work."""

    case: Case
    samples: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def median(self, subject: str) -> float:
        """A subject's median."""
        return statistics.median(self.samples[subject])

    def ratio(self, subject: str, floor: str) -> float:
        """How many times the one is the other."""
        return statistics.median(
            mine / other for mine, other in zip(self.samples[subject], self.samples[floor], strict=True)
        )

    def more(self, subject: str, floor: str) -> float:
        """How many seconds more the one is."""
        return statistics.median(
            mine - other for mine, other in zip(self.samples[subject], self.samples[floor], strict=True)
        )

    def verdicts(self) -> list[Verdict]:
        """The case's targets, beside what was measured."""
        return [
            Verdict(
                target.subject,
                target.floor,
                self.ratio(target.subject, target.floor),
                target.at_most,
                self.more(target.subject, target.floor),
                target.at_most_more,
            )
            for target in self.case.targets
            if target.subject in self.samples and target.floor in self.samples
        ]


@dataclass(slots=True)
class Group:
    """The results of one group of benchmarks."""

    name: str
    about: str
    unit: str
    scale: float
    """How many units a second has."""
    results: list[Measured]
    measure: str = "seconds"
    """What the samples are."""


def interleaved(case: Case, subjects: Mapping[str, Sample], rounds: int) -> Measured:
    """Measure a case: each round all subjects, each round another one first; one round before them warms up."""
    names = list(subjects)
    measured = Measured(case, {name: [] for name in names})
    for name in names:
        subjects[name](case.name)
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            measured.samples[name].append(subjects[name](case.name))
    return measured


class Worker:
    """A process that measures one subject; `benchmarks.worker` is its other end."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.cases: list[str] = json.loads(self._read())

    def run(self, case: str, number: int) -> tuple[float, Any]:
        """The CPU seconds of doing a case so often, and what came out."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{case} {number}\n")
        self._process.stdin.flush()
        answer = json.loads(self._read())
        return answer["cpu"], answer["outcome"]

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("A worker has ended; what went wrong is above.")
        return line


@contextlib.contextmanager
def worker(subject: str, *arguments: str, python: str = sys.executable) -> Iterator[Worker]:
    """A worker that runs while the block does."""
    command = [python, "-m", "benchmarks.worker", subject, *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Worker(process)
        assert process.stdin is not None
        process.stdin.close()


def sample_of(subject: Worker, numbers: Mapping[str, tuple[int, int]], outcomes: dict[str, Any]) -> Sample:
    """A sample taken by a worker.

    Args:
        subject: The worker.
        numbers: For each case how often it is done for one sample, and how many units of work each time has.
        outcomes: For each case what came out of it; all subjects have to agree.
    """

    def sample(case: str) -> float:
        times, units = numbers[case]
        cpu, outcome = subject.run(case, times)
        if outcomes.setdefault(case, outcome) != outcome:
            raise SystemExit(f"{case}: the subjects do not agree on what came out.")
        return cpu / (times * units)

    return sample


def beside_langchain(
    stack: contextlib.ExitStack,
    subject: str,
    modules: tuple[str, str],
    numbers: Mapping[str, tuple[int, int]],
    outcomes: dict[str, Any],
) -> dict[str, Sample]:
    """The samples of a subject with our module, and with langchain-core's where its environment has been made.

    Args:
        stack: What ends the workers.
        subject: The module of `benchmarks.subjects`.
        modules: What each of the two imports, ours first.
        numbers: As `sample_of` takes them.
        outcomes: As `sample_of` takes them.
    """
    ours, theirs = modules
    samples = {"chatplug": sample_of(stack.enter_context(worker(subject, ours)), numbers, outcomes)}
    python = environment.langchain()
    if python is None:
        print("langchain-core is left out: --make-environment makes the environment for it.", file=sys.stderr)
    else:
        other = stack.enter_context(worker(subject, theirs, python=python))
        samples["langchain-core"] = sample_of(other, numbers, outcomes)
    return samples


def by_size(sample: Sample, sizes: Sequence[int]) -> dict[str, Sample]:
    """One subject as several, by the size of what it works on, which stands before a case's name."""

    def of(size: int) -> Sample:
        return lambda case: sample(f"{size}_{case}")

    return {f"{size:,}": of(size) for size in sizes}


def names_of(results: Sequence[Measured]) -> list[str]:
    """The subjects of some results, in their order."""
    return list(dict.fromkeys(name for measured in results for name in measured.samples))
