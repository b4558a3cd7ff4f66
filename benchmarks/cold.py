"""Group `import`: CPU of a fresh interpreter, all byte-compiled before."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from benchmarks.measure import Case, Group, Measured, Sample, Target, interleaved

_PYDANTIC = """
from pydantic import BaseModel
class Model(BaseModel):
    n: int = 0
Model()
"""
_STATEMENTS = {
    "import": {"bare interpreter": "pass", "import chatplug": "import chatplug"},
    "cold": {
        "pydantic and one model": _PYDANTIC,
        "chatplug, an echo": "import chatplug\nassert chatplug.init('echo:n3').invoke('Meow!').text == 'Meo'",
    },
}
CASES = [
    Case(
        "import",
        "`import chatplug`, over the bare interpreter",
        (Target("import chatplug", "bare interpreter", 1.15),),
    ),
    Case(
        "cold",
        "`init('echo:n3').invoke(...)`, over importing pydantic and making one model",
        (Target("chatplug, an echo", "pydantic and one model", 1.3),),
    ),
]
_TIMES = 4
"""How many interpreters are started for one sample."""


def _sample(statements: str) -> Sample:
    # Isolated, so that neither variables nor the user's own packages have a part in it.
    command = [sys.executable, "-I", "-c", statements]

    def sample(_: str) -> float:
        return sum(_cpu_of(command) for _ in range(_TIMES)) / _TIMES

    return sample


def _cpu_of(command: list[str]) -> float:
    """The CPU seconds of a process, in a folder that holds nothing to import."""
    process = subprocess.Popen(command, cwd=tempfile.gettempdir(), env={**os.environ, "LC_ALL": "C.UTF-8"})
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"An interpreter failed: {command[-1]}")
    return usage.ru_utime + usage.ru_stime


def _compile() -> None:
    for statements in _STATEMENTS.values():
        for code in statements.values():
            # What is imported is compiled and kept; -I ignores a PYTHONDONTWRITEBYTECODE.
            subprocess.run([sys.executable, "-I", "-c", code], check=True, cwd=tempfile.gettempdir())


def run(rounds: int) -> Group:
    """Measure the group."""
    _compile()
    results: list[Measured] = []
    for case in CASES:
        samples = {name: _sample(code) for name, code in _STATEMENTS[case.name].items()}
        results.append(interleaved(case, samples, rounds * 2))
    return Group("import", "CPU of a whole fresh process; its packages are byte-compiled.", "ms", 1e3, results)
