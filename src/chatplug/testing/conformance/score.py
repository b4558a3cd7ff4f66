"""What came of the kit: counted by group, as JSON, and as a badge."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from chatplug import __version__

if TYPE_CHECKING:
    import pytest

__all__ = ["Group", "Outcome", "Score", "ScoreKeeper", "badge"]

Outcome = Literal["passed", "failed", "expected", "skipped"]
"""What came of a test; `expected` is a failure that was declared, with its reason."""

_ORDER = (
    *("invoke", "stream", "usage", "stop", "tools", "structured", "inputs", "callbacks", "config", "settings"),
    *("errors", "wire", "faults", "secrets", "copies", "concurrency", "cancellation", "hooks", "packaging"),
)


@dataclass(slots=True)
class Checked:
    """One test of the kit."""

    group: str
    suite: str
    """The class that the author wrote."""
    name: str
    outcome: Outcome
    message: str = ""
    """What is wrong and what to do; of a test that was skipped or expected to fail, the reason."""


@dataclass(slots=True)
class Group:
    """The tests of one group, counted."""

    name: str
    passed: int = 0
    failed: int = 0
    expected: int = 0
    skipped: int = 0


@dataclass(slots=True)
class Score:
    """How a provider did."""

    models: list[str] = field(default_factory=list[str])
    """The models that were tested, as `provider:model`."""
    distribution: str = ""
    """Who declares the provider, with its version; empty where no installed distribution does."""
    tests: list[Checked] = field(default_factory=list[Checked])
    date: str = ""
    """When, in UTC, as ISO 8601."""
    chatplug: str = __version__
    python: str = platform.python_version()

    @property
    def groups(self) -> list[Group]:
        """The tests by group, from what every author writes to what few do; groups of the author's own come last."""
        found = {name: Group(name) for name in _ORDER}
        for test in self.tests:
            group = found.setdefault(test.group, Group(test.group))
            setattr(group, test.outcome, getattr(group, test.outcome) + 1)
        return [group for group in found.values() if group.passed or group.failed or group.expected or group.skipped]

    @property
    def passed(self) -> int:
        """How many tests passed."""
        return sum(group.passed for group in self.groups)

    @property
    def total(self) -> int:
        """How many tests there were, but for those that were skipped."""
        return sum(group.passed + group.failed + group.expected for group in self.groups)

    @property
    def failures(self) -> list[Checked]:
        """The tests that failed."""
        return [test for test in self.tests if test.outcome == "failed"]

    def as_dict(self) -> dict[str, Any]:
        """The score as plain data; `Score.from_dict` reads it."""
        return {
            "format": 1,
            "models": self.models,
            "distribution": self.distribution,
            "chatplug": self.chatplug,
            "python": self.python,
            "date": self.date,
            "passed": self.passed,
            "total": self.total,
            "groups": [asdict(group) for group in self.groups],
            "tests": [asdict(test) for test in self.tests],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Score:
        """The score that `as_dict` gave."""
        tests = [Checked(**test) for test in data["tests"]]
        return cls(data["models"], data["distribution"], tests, data["date"], data["chatplug"], data["python"])


class ScoreKeeper:
    """A plugin of pytest that counts the tests of the kit, and writes the score when the run has ended."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._score = Score()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what came of a test."""
        facts: dict[str, Any] = dict(report.user_properties)
        group = facts.get("chatplug_group")
        if group is None or (report.when != "call" and report.passed):
            return
        if report.when == "teardown":  # of the test that was kept last, whatever came of it
            self._score.tests[-1].outcome, self._score.tests[-1].message = _outcome(report)
            return
        model = facts.get("chatplug_model")
        if model is not None and model not in self._score.models:
            self._score.models.append(model)
        _, _, where = report.nodeid.partition("::")
        suite, _, name = where.partition("::")
        self._score.tests.append(Checked(group, suite, name, *_outcome(report)))

    def pytest_sessionfinish(self) -> None:
        """Write the score."""
        score = self._score
        score.date = datetime.now(UTC).isoformat(timespec="seconds")
        if score.models:
            from chatplug.plugins import default_manager

            declared = default_manager().providers().get(score.models[0].partition(":")[0], [])
            score.distribution = f"{declared[0].distribution} {declared[0].version}" if declared else ""
        self._path.write_text(json.dumps(score.as_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _outcome(report: pytest.TestReport) -> tuple[Outcome, str]:
    reason = getattr(report, "wasxfail", None)
    if reason is not None and report.skipped:
        return "expected", str(reason)
    if report.skipped:
        place = report.longrepr
        return "skipped", str(place[2] if isinstance(place, tuple) else place).removeprefix("Skipped: ")
    if report.passed:
        return "passed", ""
    crash = getattr(report.longrepr, "reprcrash", None)
    # A fault of the kit's has no traceback: then all that there is to read is its text.
    return "failed", str(crash.message if crash is not None else report.longrepr).strip()


def badge(score: Score, label: str = "chatplug conformance") -> str:
    """The score as a badge, in SVG."""
    value = f"{score.passed} of {score.total}"
    colour = "#2e7d32" if score.passed == score.total else "#b26a00" if not score.failures else "#b3261e"
    left, right = 7 * len(label) + 12, 7 * len(value) + 14
    width = left + right
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" '
        f'aria-label="{label}: {value}"><title>{label}: {value}</title>'
        f'<clipPath id="r"><rect width="{width}" height="20" rx="3"/></clipPath><g clip-path="url(#r)">'
        f'<rect width="{left}" height="20" fill="#444"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{colour}"/></g>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="{left / 2:g}" y="14" textLength="{left - 12}">{label}</text>'
        f'<text x="{left + right / 2:g}" y="14" textLength="{right - 14}">{value}</text></g></svg>\n'
    )
