"""Group `peers`: the same server asked by chatplug and by others, each in an environment of its own.

Every environment has what a user installs to ask an OpenAI-compatible server, and nothing more; the subjects are
`subjects/peer_*.py`, which say how each is called. A fresh process runs `IMPORT` or `COLD` of a subject.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from benchmarks import canned, environment, server
from benchmarks.measure import Case, Group, Measured, Sample, Target, interleaved, sample_of, worker

SUBJECTS = {
    "chatplug": "peer_chatplug",
    "openai": "peer_openai",
    "langchain-openai": "peer_langchain",
    "llm": "peer_llm",
    "litellm": "peer_litellm",
    "pydantic-ai-slim": "peer_pydantic_ai",
}
OTHERS = [name for name in SUBJECTS if name != "chatplug"]
FLOOR = "bare interpreter"
_OVER_FLOOR = tuple(Target(name, FLOOR) for name in SUBJECTS)
_BESIDE = tuple(Target(name, "chatplug") for name in OTHERS)
FRESH = [Case("import", "imported", _OVER_FLOOR), Case("cold", "a first answer", _BESIDE)]
CALLS = [
    Case("call", "a call, sync", _BESIDE),
    Case("acall", "a call, async", _BESIDE),
    Case("burst", "a streamed chunk, summed up, sync", _BESIDE),
    Case("aburst", "a streamed chunk, summed up, async", _BESIDE),
]
_NUMBERS = {"call": (50, 1), "acall": (50, 1), "burst": (1, server.BURST), "aburst": (1, server.BURST)}
_AFTER = "\nassert text == EXPECTED, text\n"
_INSTALLED = """
import json
from importlib.metadata import distributions, version
found = [one for one in distributions() if one.name not in ("pip", "setuptools", "wheel")]
files = [one.locate_file(file) for one in found for file in one.files or () if file.suffix != ".pyc"]
sizes = {str(path): path.stat().st_size for path in files if path.exists()}
print(json.dumps([version(NAME), len(found), sum(sizes.values())]))
"""


@dataclass(frozen=True, slots=True)
class Installed:
    """What a peer's environment holds, without pip and compiled modules."""

    version: str
    distributions: int
    size: int
    """In bytes."""


def run(rounds: int) -> list[Group]:
    """Measure the groups; peers whose environment was not made are left out."""
    pythons = environment.peers()
    if missing := [name for name in SUBJECTS if name not in pythons]:
        print(f"Left out: {', '.join(missing)}; --make-environment makes their environments.", file=sys.stderr)
    held = {name: installed(name, python) for name, python in pythons.items()}
    with server.running() as url:
        return [_fresh(pythons, url, rounds), *_memory(pythons, url), _calls(pythons, url, rounds), *_disk(held)]


def installed(name: str, python: str) -> Installed:
    """What is installed in a peer's environment."""
    done = subprocess.run([python, "-I", "-c", f"NAME = {name!r}\n{_INSTALLED}"], check=True, stdout=subprocess.PIPE)
    return Installed(*json.loads(done.stdout))


def _fresh(pythons: Mapping[str, str], url: str, rounds: int) -> Group:
    results: list[Measured] = []
    for case in FRESH:
        samples = {name: _process(name, python, url) for name, python in pythons.items()}
        if case.name == "import":
            samples = {FLOOR: _process(None, _any_of(pythons), url), **samples}
        results.append(interleaved(case, samples, rounds))
    about = "CPU of a whole fresh process, byte-compiled; a first answer is that of a server on loopback."
    return Group("peers: a fresh process", about, "ms", 1e3, results)


def _any_of(pythons: Mapping[str, str]) -> str:
    """An interpreter as bare as the peers': what runs this may have to look for more at its start."""
    return next(iter(pythons.values()))


def _memory(pythons: Mapping[str, str], url: str) -> list[Group]:
    results: list[Measured] = []
    for case in FRESH:
        peaks = {name: _process(name, python, url, of="memory") for name, python in pythons.items()}
        if case.name == "import":
            peaks = {FLOOR: _process(None, _any_of(pythons), url, of="memory"), **peaks}
        results.append(interleaved(Case(case.name, case.about), peaks, 3))
    about = "The most memory that a fresh process had resident."
    return [Group("peers: memory", about, "MB", 1, results, measure="megabytes")]


def _calls(pythons: Mapping[str, str], url: str, rounds: int) -> Group:
    outcomes: dict[str, Any] = {}
    with ExitStack() as stack:
        samples: dict[str, Sample] = {}
        for name, python in pythons.items():
            process = stack.enter_context(worker(SUBJECTS[name], url, python=python))
            samples[name] = sample_of(process, _NUMBERS, outcomes)
        results = [interleaved(case, samples, rounds) for case in CALLS]
    about = f"The client's CPU over loopback; a stream has {server.BURST} chunks, sent as fast as the client reads."
    return Group("peers: on the wire", about, "us", 1e6, results)


def _disk(held: Mapping[str, Installed]) -> list[Group]:
    versions = ", ".join(f"{name} {one.version}" for name, one in held.items())
    count = Measured(Case("count", "distributions"), {name: [one.distributions] for name, one in held.items()})
    size = Measured(Case("disk", "MB on disk"), {name: [one.size / 1e6] for name, one in held.items()})
    about = f"A minimal install, with what it depends on, without pip and compiled modules: {versions}."
    return [Group("peers: installed", about, "distributions and MB", 1, [count, size], measure="amounts")]


def _process(name: str | None, python: str, url: str, *, of: str = "cpu") -> Sample:
    """Samples of a fresh process that runs a peer's code, or none."""
    subject = importlib.import_module(f"benchmarks.subjects.{SUBJECTS[name]}") if name else None
    more = getattr(subject, "ENVIRONMENT", {})
    given = f"URL = {url + '/call/v1'!r}\nQUESTION = 'What did the cat do?'\nEXPECTED = {canned.text(60)!r}\n"
    codes = {
        "import": subject.IMPORT if subject else "pass",
        "cold": given + subject.COLD + _AFTER if subject else "pass",
    }

    def sample(case: str) -> float:
        # Isolated, so that neither variables of Python nor the user's own packages have a part in it.
        process = subprocess.Popen(
            [python, "-I", "-c", codes[case]],
            cwd=tempfile.gettempdir(),
            env={**{key: value for key, value in os.environ.items() if "PROXY" not in key.upper()}, **more},
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"An interpreter failed: {codes[case]}")
        return usage.ru_utime + usage.ru_stime if of == "cpu" else usage.ru_maxrss * 1024 / 1e6

    return sample
