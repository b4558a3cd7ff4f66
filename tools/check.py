"""Everything that has to hold before a change is merged, in one command.

`./check` makes its own environment in `.venv`, installs the host, every folder under `plugins/` and the tools at the
versions of constraints.txt, and runs the steps below. The steps that only read the sources share one lane, the tests of
the host another, those of plugins, of the kit and of what is published a third: most of what they do is to wait, for
servers that are slow on purpose and for processes. A stamp in the
environment says what it was made from; while that holds, nothing is installed again.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
import tomllib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
CONSTRAINTS = ROOT / "constraints.txt"
REALSERVER = Path(os.environ.get("CHATPLUG_SHARED", ROOT.parent / "shared")) / "realserver"
LIMIT = 2700.0
"""Seconds after which a step has hung: on a machine with nothing else to do the longest takes five minutes."""
HOST_EXTRAS = "cli,http,prices,testing"


@dataclass(frozen=True, slots=True)
class Step:
    """One check: what it is called, what it runs, and in which lane."""

    name: str
    about: str
    lane: str
    command: Callable[[], list[str]]
    extra_environment: Callable[[], dict[str, str]] = dict[str, str]


@dataclass(slots=True)
class Result:
    """How one step ended."""

    name: str
    code: int
    seconds: float
    output: str = ""


@dataclass(slots=True)
class Report:
    """What is said on standard output, one voice at a time."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    results: list[Result] = field(default_factory=list[Result])

    def add(self, result: Result) -> None:
        """Print how a step ended, with what it said when that is worth reading."""
        with self.lock:
            self.results.append(result)
            print(f"{'ok' if result.code == 0 else 'FAILED':<7} {result.name:<13} {result.seconds:6.1f} s", flush=True)
            if result.code != 0 and result.output:
                print(textwrap.indent(result.output.rstrip(), "    "), flush=True)
            elif result.name in ("pytest", "plugins") and result.output:
                print(closing_lines(result.output), flush=True)


def plugin_folders() -> list[Path]:
    """Every folder under plugins/ that is a distribution."""
    return sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))


def python_folders(*patterns: str) -> list[str]:
    """The folders that match and hold Python, relative to the root."""
    found = (path for pattern in patterns for path in sorted(ROOT.glob(pattern)))
    return [str(path.relative_to(ROOT)) for path in found if path.suffix == ".py" or any(path.rglob("*.py"))]


def source_folders() -> list[str]:
    """Where the importable packages are: the host's and every plugin's."""
    return ["src", *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("plugins/*/src")))]


def test_folders() -> list[str]:
    """Where the tests are: the host's and every plugin's."""
    return python_folders("tests", "plugins/*/tests")


def waiting_tests() -> list[str]:
    """Those of the tests that wait most of their time: for processes, and for servers that are slow on purpose."""
    return python_folders("tests/cli", "tests/published", "tests/testing", "plugins/*/tests")


def host_tests() -> list[str]:
    """The other tests: every folder and module of `tests/` that does not wait."""
    waiting = {Path(folder) for folder in waiting_tests()}
    found = [path.relative_to(ROOT) for path in sorted((ROOT / "tests").iterdir()) if path.name != "__pycache__"]
    holding = {Path(folder) for folder in python_folders("tests/*")} | {path for path in found if path.suffix == ".py"}
    return [str(path) for path in found if path in holding and path not in waiting]


def documents() -> list[str]:
    """What holds examples: the Markdown that users read, and the docstrings of the sources."""
    pages = (path for pattern in ("*.md", "docs", "plugins/*/README.md") for path in sorted(ROOT.glob(pattern)))
    return [*(str(path.relative_to(ROOT)) for path in pages), *python_folders("src", "plugins/*/src")]


def import_contracts() -> list[str]:
    """The command for import-linter, after the plugins found by glob are written into its contracts."""
    packages = [path.name for path in sorted(ROOT.glob("plugins/*/src/*")) if (path / "__init__.py").exists()]
    by_distribution: dict[str, str] = {}
    needs: dict[str, list[str]] = {}
    for folder in plugin_folders():
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        for package in packages:
            if (folder / "src" / package).is_dir():
                by_distribution[project["name"]] = package
                needs[package] = project.get("dependencies", [])
    declared = [
        f"{package}.** -> {other}.**"
        for package, requirements in needs.items()
        for distribution, other in by_distribution.items()
        if other != package and distribution in map(distribution_name, requirements)
    ]
    text = (ROOT / "tools" / "importlinter.ini").read_text(encoding="utf-8")
    if len(packages) < 2:
        text = text.partition("[importlinter:contract:plugins]")[0]
    if not packages:
        text = text.partition("[importlinter:contract:host]")[0]
    text = text.replace("{plugins}", "\n    ".join(packages)).replace("{declared}", "\n    ".join(declared))
    CACHE.mkdir(exist_ok=True)
    config = CACHE / "importlinter.ini"
    config.write_text(text, encoding="utf-8")
    # Its cache of a file does not notice when a module that the file imports comes to be.
    return ["lint-imports", "--config", str(config), "--no-cache"]


def distribution_name(requirement: str) -> str:
    """The name in a requirement: `chatplug-a` of `chatplug-a[x]>=1`."""
    return re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0].lower().replace("_", "-")


def mypy_environment() -> dict[str, str]:
    """Where mypy finds the packages; its own configuration cannot hold a glob."""
    return {"MYPYPATH": os.pathsep.join(str(ROOT / folder) for folder in source_folders())}


STEPS = (
    Step("format", "ruff format --check", "read", lambda: ["ruff", "format", "--check", "."]),
    Step("ruff", "ruff check", "read", lambda: ["ruff", "check", "."]),
    Step(
        "mypy",
        "mypy --strict over sources, tests, tools and benchmarks",
        "read",
        lambda: [
            "mypy",
            *python_folders("src/*", "plugins/*/src/*"),
            *test_folders(),
            "tools",
            "benchmarks",
            "conftest.py",
        ],
        mypy_environment,
    ),
    Step("pyright", "pyright, strict, over the same without the benchmarks", "read", lambda: ["pyright"]),
    Step("lint-imports", "who may import whom", "read", import_contracts),
    Step("pytest", "the tests of the host", "run", lambda: ["pytest", *host_tests()]),
    Step(
        "plugins",
        "the tests of every plugin, of the command, of the kit for authors and of what is published",
        "wait",
        lambda: ["pytest", "-p", "no:cacheprovider", *waiting_tests()],
    ),
    Step(
        "examples",
        "every block of README and docs, every example in a docstring",
        "run",
        lambda: ["pytest", "-p", "no:cacheprovider", *documents()],
    ),
    Step(
        "sphinx",
        "the documentation, warnings as errors",
        "read",
        lambda: [
            *("sphinx-build", "-W", "--keep-going", "-q", "-b", "html"),
            *("-d", str(CACHE / "doctrees"), "docs", "docs/_build/html"),
        ],
    ),
)


def closing_lines(output: str) -> str:
    """What pytest says at the end: why tests were skipped, and its closing line."""
    lines = output.rstrip().splitlines()
    starts = [index for index, line in enumerate(lines) if "short test summary info" in line]
    return "\n".join(lines[starts[-1] :] if starts else lines[-1:])


def environment(venv: Path = ROOT / ".venv") -> dict[str, str]:
    """The variables of a child process, with the environment's programs first."""
    variables = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME"}}
    path = os.pathsep.join([str(binaries(venv)), os.environ.get("PATH", os.defpath)])
    return {**variables, "PATH": path, "VIRTUAL_ENV": str(venv), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def binaries(venv: Path) -> Path:
    """Where an environment keeps its programs."""
    return venv / ("Scripts" if os.name == "nt" else "bin")


def run(
    command: Sequence[str], *, extra: dict[str, str] | None = None, show: bool = False, limit: float | None = None
) -> Result:
    """Run one command in the root, without standard input; its output is kept unless it is shown.

    Args:
        command: The command.
        extra: Variables of its own.
        show: Whether its output is shown as it comes.
        limit: Seconds after which it is ended; None for none.
    """
    started = time.monotonic()
    variables = environment() | (extra or {})
    program = shutil.which(command[0], path=variables["PATH"]) or command[0]
    with subprocess.Popen(
        [program, *command[1:]],
        cwd=ROOT,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=None if show else subprocess.PIPE,
        stderr=None if show else subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as child:
        try:
            output = child.communicate(timeout=limit)[0] or ""
        except subprocess.TimeoutExpired:
            output = f"{ended(child)}\nIt had not ended after {limit:.0f} s."
        except BaseException:
            child.kill()
            raise
    return Result(command[0], child.returncode, time.monotonic() - started, output)


def ended(child: subprocess.Popen[str], patience: float = 10.0) -> str:
    """End a child that does not end by itself; what it has said, and pytest then says what each thread is at."""
    child.send_signal(signal.SIGABRT if os.name == "posix" else signal.SIGTERM)
    try:
        return child.communicate(timeout=patience)[0] or ""
    except subprocess.TimeoutExpired as error:  # or a child of its own keeps its output open
        child.kill()
        said: bytes | str = error.output or ""
        return said if isinstance(said, str) else said.decode(errors="replace")


def must(command: Sequence[str]) -> str:
    """Run a command of the installation, or end here with what it said."""
    result = run(command)
    if result.code != 0:
        sys.exit(f"Could not prepare the environment: {' '.join(command)}\n{result.output}")
    return result.output


@contextlib.contextmanager
def alone(name: str) -> Generator[None]:
    """Hold off a second `./check` in the same checkout while an environment is made."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as file:
        try:
            import fcntl
        except ModuleNotFoundError:  # Windows
            yield
        else:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def digest(*parts: str | Path) -> str:
    """A short name for the contents of files and the texts given with them."""
    found = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) and part.exists() else str(part).encode()
        found.update(len(data).to_bytes(8) + data)
    return found.hexdigest()


def make_venv(venv: Path, python: str) -> str:
    """Make an empty environment with the newest pip; return its interpreter."""
    # Debian leaves ensurepip out of Python; the pip beside the interpreter then does its work.
    if run([python, "-m", "venv", "--clear", str(venv)]).code != 0:
        must([python, "-m", "venv", "--clear", "--without-pip", str(venv)])
        must([python, "-m", "pip", "--python", str(venv), "install", "-q", "pip"])
    inside = str(binaries(venv) / "python")
    must([inside, "-m", "pip", "install", "-q", "--upgrade", "pip"])
    return inside


def install_everything(python: str) -> None:
    """Install the host, every plugin and the tools into the environment of this interpreter."""
    limits = ["-c", str(CONSTRAINTS)] if CONSTRAINTS.exists() else []
    pip = [python, "-m", "pip", "install", "-q", "--no-input", *limits]
    editables = [argument for folder in plugin_folders() for argument in ("-e", str(folder))]
    must([*pip, "hatchling", "editables"])
    must([*pip, "--no-build-isolation", "--group", "dev", "-e", f".[{HOST_EXTRAS}]", *editables])


def base_python() -> str:
    """The interpreter to make environments with, also when this one lives in an environment."""
    return str(getattr(sys, "_base_executable", None) or sys.executable)


def prepare() -> None:
    """Make `.venv` what the sources ask for; do nothing when it already is."""
    venv = ROOT / ".venv"
    stamp = venv / "chatplug-stamp"
    place = digest(str(ROOT), sys.version)
    projects = [ROOT / "pyproject.toml", *(folder / "pyproject.toml" for folder in plugin_folders())]
    wanted = f"{place} {digest(*projects, *map(str, projects), CONSTRAINTS, Path(__file__))}"
    with alone("venv"):
        current = stamp.read_text() if stamp.exists() else ""
        if current == wanted:
            return
        print("Installing into .venv ...", flush=True)
        started = time.monotonic()
        keep = current.startswith(place) and (binaries(venv) / "python").exists()
        stamp.unlink(missing_ok=True)
        python = str(binaries(venv) / "python") if keep else make_venv(venv, base_python())
        install_everything(python)
        stamp.write_text(wanted)
        print(f"ok      install       {time.monotonic() - started:6.1f} s", flush=True)


def prepare_realserver() -> None:
    """Make `.venv-realserver` when the server's folder is beside the checkout; the tests say what is missing."""
    requirements = REALSERVER / "requirements.txt"
    if not requirements.exists():
        return
    venv = ROOT / ".venv-realserver"
    stamp = venv / "chatplug-stamp"
    # Its wheels are built for CPython 3.11.
    python = base_python() if sys.version_info[:2] == (3, 11) else shutil.which("python3.11") or base_python()
    wanted = digest(str(ROOT), python, requirements)
    with alone("realserver"):
        if stamp.exists() and stamp.read_text() == wanted:
            return
        started = time.monotonic()
        if run([python, "-m", "venv", "--clear", str(venv)]).code != 0:
            must([python, "-m", "venv", "--clear", "--without-pip", str(venv)])
        inside = binaries(venv) / "python"
        pip = [python, "-m", "pip", "--python", str(inside), "install", "-q", "--no-input", "--only-binary", ":all:"]
        result = run([*pip, "-r", str(requirements)])
        if result.code == 0:
            stamp.write_text(wanted)
            print(f"ok      real server   {time.monotonic() - started:6.1f} s", flush=True)
        else:
            shutil.rmtree(venv, ignore_errors=True)
            print(f"No real server here, tests/integration cannot run:\n{textwrap.indent(result.output, '    ')}")


def project_name(folder: Path) -> str:
    """The name of the distribution in a folder."""
    return str(tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"])


def requirements() -> list[str]:
    """What the distributions, their extras and the tools ask for, without each other."""
    wanted: list[str] = []
    for folder in (ROOT, *plugin_folders()):
        file = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        wanted += file["project"].get("dependencies", [])
        wanted += [need for extra in file["project"].get("optional-dependencies", {}).values() for need in extra]
        groups = file.get("dependency-groups", {}).values()
        wanted += [need for group in groups for need in group if isinstance(need, str)]
    own = {distribution_name(project_name(folder)) for folder in (ROOT, *plugin_folders())}
    return sorted({need for need in wanted if distribution_name(need) not in own})


def update_constraints() -> None:
    """Write to constraints.txt the newest versions that fit together and run on the oldest Python we support."""
    prepare()
    report = CACHE / "newest.json"
    # A package may ask for 3.11.5 while a distribution of Linux is at 3.11.2; so pip resolves for 3.11.0.
    resolve = ["--dry-run", "--ignore-installed", "--only-binary", ":all:", "--python-version", "3.11.0"]
    place = ["--target", str(CACHE / "nowhere"), "--report", str(report)]
    must(["python", "-m", "pip", "install", "-q", *resolve, *place, *requirements()])
    found = json.loads(report.read_text(encoding="utf-8"))["install"]
    pins = sorted((f"{item['metadata']['name']}=={item['metadata']['version']}" for item in found), key=str.lower)
    head = "# The exact versions `./check` installs; `./check --update-constraints` writes this file."
    CONSTRAINTS.write_text("\n".join([head, *pins, ""]), encoding="utf-8")
    print(f"constraints.txt: {len(pins)} versions")


def run_lanes(steps: Sequence[Step], report: Report) -> None:
    """Run the lanes beside each other, the steps of each lane one after another."""

    def drive(lane: Sequence[Step]) -> None:
        for step in lane:
            if stop.is_set():
                return
            result = run(step.command(), extra=step.extra_environment(), limit=LIMIT)
            report.add(Result(step.name, result.code, result.seconds, result.output))

    stop = threading.Event()
    lanes = [[step for step in steps if step.lane == name] for name in ("read", "run", "wait")]
    threads = [threading.Thread(target=drive, args=(lane,)) for lane in lanes if lane]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        stop.set()
        for thread in threads:
            thread.join()
        sys.exit(130)


def parse_arguments(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """The options, and what stands behind `--` for the one step that is run."""
    rest: list[str] = []
    own = list(arguments)
    if "--" in own:
        index = own.index("--")
        own, rest = own[:index], own[index + 1 :]
    steps = "\n".join(f"  {step.name:<13} {step.about}" for step in STEPS)
    parser = argparse.ArgumentParser(
        prog="./check",
        description="Run every check, or those that are named.",
        epilog=f"steps, in this order:\n{steps}\n\none step takes more arguments: ./check pytest -- -k streaming",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("steps", nargs="*", metavar="step", help="the steps to run (default: all)")
    parser.add_argument("--fix", action="store_true", help="let ruff mend and format the sources first")
    parser.add_argument(
        "--update-constraints", action="store_true", help="write the newest versions to constraints.txt"
    )
    options = parser.parse_args(own)
    unknown = sorted(set(options.steps) - {step.name for step in STEPS})
    if unknown:
        parser.error(f"no step is called {', '.join(unknown)}; there are: {', '.join(step.name for step in STEPS)}")
    if rest and len(options.steps) != 1:
        parser.error("arguments after -- need exactly one step")
    return options, rest


def with_arguments(command: Sequence[str], rest: Sequence[str]) -> list[str]:
    """A command with more arguments; paths among them stand instead of its own."""
    if any((ROOT / word.partition("::")[0]).exists() for word in rest if not word.startswith("-")):
        command = [word for word in command if not (ROOT / word).exists()]
    return [*command, *rest]


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for; the exit code says whether all of it held."""
    options, rest = parse_arguments(arguments)
    if options.update_constraints:
        update_constraints()
        return 0
    started = time.monotonic()
    chosen = [step for step in STEPS if not options.steps or step.name in options.steps]
    prepare()
    if any(step.lane != "read" for step in chosen):
        prepare_realserver()
    if options.fix:
        fixed = [run(["ruff", "check", "--fix", "-q", "."], show=True), run(["ruff", "format", "."], show=True)]
        if not options.steps:
            return max(result.code for result in fixed)
    report = Report()
    if len(chosen) == 1:
        step = chosen[0]
        result = run(with_arguments(step.command(), rest), extra=step.extra_environment(), show=True, limit=LIMIT)
        report.add(Result(step.name, result.code, result.seconds))
    else:
        run_lanes(chosen, report)
    failed = [step.name for step in chosen if any(r.name == step.name and r.code != 0 for r in report.results)]
    seconds = time.monotonic() - started
    if failed:
        print(f"\n{len(failed)} of {len(chosen)} failed in {seconds:.0f} s: {', '.join(failed)}")
        return 1
    print(f"\nAll {len(chosen)} held in {seconds:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
