"""Group `discovery`: a first answer of the echo model in environments of many sizes, and what a hook costs.

An environment is the benchmarks' own with distributions added, a tenth of them plugins, each with a provider of its
own and a module that imports nothing but the marker of hooks. `warm` finds the index, `cold` makes it; pluggy's own
loader imports every plugin and asks them all.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.measure import Case, Group, Measured, Sample, Target, interleaved, sample_of, worker

SIZES = (1, 50, 500, 1000)
_PLUGIN = """
from chatplug import hookimpl
@hookimpl
def chatplug_create_model(provider, model, settings):
    return None
"""
_FIRST = """
import sys
sys.path.append({folder!r})
import chatplug
assert chatplug.init("echo:n3").invoke("Meow!").text == "Meo"
assert not [name for name in sys.modules if name.startswith("bench_plugin")]
"""
_PLUGGY = """
import sys
sys.path.append({folder!r})
import pluggy
from chatplug.plugins import ChatplugSpecs
manager = pluggy.PluginManager("chatplug")
manager.add_hookspecs(ChatplugSpecs)
# A group of its own: pluggy refuses a module that declares two providers.
manager.load_setuptools_entrypoints("bench.plugins")
import chatplug_echo.plugin
manager.register(chatplug_echo.plugin)
model = manager.hook.chatplug_create_model(provider="echo", model="n3", settings={{}})
assert model.invoke("Meow!").text == "Meo"
"""
CASES = [
    Case(
        "warm",
        "a first answer, warm index",
        tuple(
            Target(f"{size} installed", "1 installed", at_most_more=0.015 if size == 500 else None)
            for size in SIZES[1:]
        ),
    ),
    Case("cold", "a first answer, no index yet"),
    Case("pluggy", "the same with pluggy's own loader"),
]
HOOKS = [
    Case(
        "hook",
        "1,000 calls of a hook that makes a message",
        (Target("manager", "direct", 3), Target("pluggy", "direct")),
    ),
    Case(
        "hook_without_answer",
        "1,000 calls of a hook that answers nothing",
        (Target("manager", "direct"), Target("pluggy", "direct")),
    ),
]
_TIMES = 20_000


def run(rounds: int) -> Group:
    """Measure the group."""
    results: list[Measured] = []
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        folders = {size: _installed(Path(place) / str(size), size) for size in SIZES}
        time.sleep(3)  # until what was written is old enough to be trusted
        for case in CASES:
            samples = {f"{size} installed": _sample(case.name, folders[size]) for size in SIZES}
            results.append(interleaved(case, samples, rounds))
        outcomes: dict[str, Any] = {}
        numbers = {case.name: (_TIMES, 1) for case in HOOKS}
        ways = {
            way: _thousand(sample_of(stack.enter_context(worker("hooks_of", way)), numbers, outcomes))
            for way in ("direct", "manager", "pluggy")
        }
        results += [interleaved(case, ways, rounds) for case in HOOKS]
    about = (
        "CPU of a whole fresh process with so many distributions, a tenth of them plugins; a thousand calls of a hook."
    )
    return Group("discovery", about, "ms", 1e3, results)


def _thousand(sample: Sample) -> Sample:
    return lambda case: 1000 * sample(case)


def _installed(folder: Path, size: int) -> Path:
    """A folder with so many distributions, the first of each ten a plugin, another one with a script."""
    for number in range(size):
        kind = "plugin" if number % 10 == 0 and size > 1 else "other"
        name = f"bench_{kind}_{number}"
        where = folder / f"{name}-1.0.dist-info"
        where.mkdir(parents=True)
        (where / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n\n{'Words. ' * 500}\n")
        (where / "RECORD").write_text("")
        if kind == "plugin":
            (where / "entry_points.txt").write_text(
                f"[chatplug.providers]\n{name} = {name}\n[bench.plugins]\n{name} = {name}\n"
            )
            (folder / f"{name}.py").write_text(_PLUGIN)
        elif number % 3 == 0:
            (where / "entry_points.txt").write_text(f"[console_scripts]\n{name} = {name}:main\n")
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(folder)], check=True)
    return folder


def _sample(kind: str, folder: Path) -> Sample:
    code = (_PLUGGY if kind == "pluggy" else _FIRST).format(folder=str(folder))
    command = [sys.executable, "-I", "-c", code]
    cache = folder.parent / f"cache-{folder.name}"

    def sample(_: str) -> float:
        if kind == "cold":
            for file in cache.glob("chatplug/*"):
                file.unlink()
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "XDG_CACHE_HOME": str(cache)}
        process = subprocess.Popen(command, cwd=folder.parent, env=environment)
        status, usage = os.wait4(process.pid, 0)[1:]
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"An interpreter failed: {code}")
        return usage.ru_utime + usage.ru_stime

    return sample
