"""`./check` finds what it has to run by itself."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT
from tools import check


def test_every_plugin_folder_is_installed_checked_and_tested() -> None:
    folders = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))

    assert check.plugin_folders() == folders
    assert {f"plugins/{folder.name}/src" for folder in folders} <= set(check.source_folders())


@pytest.mark.parametrize(
    "requirement", ["chatplug-a", "chatplug-a>=0.1,<0.2", "chatplug_a[x] >= 1", "Chatplug-A; python_version>'3'"]
)
def test_a_requirement_is_of_the_distribution_whose_whole_name_it_has(requirement: str) -> None:
    assert check.distribution_name(requirement) == "chatplug-a"
    assert check.distribution_name("chatplug-ab>=1") == "chatplug-ab"


def test_the_closing_line_of_pytest_is_kept_with_the_reasons_for_skips() -> None:
    output = "...s\n====== short test summary info ======\nSKIPPED [1] here: no server\n== 3 passed, 1 skipped ==\n"

    assert check.closing_lines(output).splitlines()[-2:] == ["SKIPPED [1] here: no server", "== 3 passed, 1 skipped =="]
    assert check.closing_lines("....\n== 4 passed in 0.1s ==\n") == "== 4 passed in 0.1s =="


def test_an_unknown_step_is_answered_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        check.parse_arguments(["rufff"])

    said = capsys.readouterr().err
    assert "rufff" in said
    assert all(step.name in said for step in check.STEPS)


def test_help_names_every_step() -> None:
    done = subprocess.run(
        [sys.executable, "tools/check.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert all(f"  {step.name} " in done.stdout for step in check.STEPS)


def test_arguments_after_the_dashes_go_to_the_one_step() -> None:
    options, rest = check.parse_arguments(["pytest", "--", "-k", "wire"])

    assert options.steps == ["pytest"]
    assert rest == ["-k", "wire"]


def test_paths_given_to_a_step_stand_instead_of_its_own() -> None:
    command = ["pytest", "-q", "tests", "plugins"]

    assert check.with_arguments(command, ["-x"]) == ["pytest", "-q", "tests", "plugins", "-x"]
    assert check.with_arguments(command, ["-x", "tests/architecture"]) == ["pytest", "-q", "-x", "tests/architecture"]


HANGS = "import threading; print('on my way', flush=True); threading.Event().wait()"


def test_a_command_that_hangs_is_ended_and_what_it_said_is_kept() -> None:
    result = check.run([sys.executable, "-c", HANGS], limit=1)

    assert result.code != 0
    assert "on my way" in result.output
    assert result.output.endswith("It had not ended after 1 s.")


def test_a_command_that_hears_no_signal_is_killed() -> None:
    code = f"import signal; signal.signal(signal.SIGABRT, signal.SIG_IGN)\n{HANGS}"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()

        check.ended(child, patience=0.2)

    assert child.returncode < 0


def test_a_test_that_hangs_where_no_exception_reaches_it_ends_the_run(tmp_path: Path) -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    (tmp_path / "test_hangs.py").write_text(
        "import asyncio, threading\n"
        "def test_hangs():\n"
        "    async def wait():\n"
        "        await asyncio.to_thread(threading.Event().wait)\n"
        "    asyncio.run(wait())\n"
    )
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\ntimeout = 0.5\nfaulthandler_timeout = 2\n"
        f"faulthandler_exit_on_timeout = {settings['faulthandler_exit_on_timeout']}\n"
    )

    result = check.run(["pytest", "-p", "no:cacheprovider", "-p", "no:chatplug", str(tmp_path)], limit=60)

    assert settings["faulthandler_timeout"] > settings["timeout"]
    assert result.code == 1
    assert "Timeout (0:00:02)!" in result.output


def test_every_test_is_in_exactly_one_lane() -> None:
    waiting, others = check.waiting_tests(), check.host_tests()
    modules = [path for folder in check.test_folders() for path in (ROOT / folder).rglob("test_*.py")]

    for module in modules:
        homes = [place for place in (*waiting, *others) if module.is_relative_to(ROOT / place)]
        assert len(homes) == 1, module
