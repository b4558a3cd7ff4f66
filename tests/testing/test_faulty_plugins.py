"""Plugins with one fault each: the kit fails each of them, with a message that names the fault."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from textwrap import dedent, indent
from typing import Any

import pytest

from tests.testing.faulty_plugins import FAULTS, HEAD, TOOL_FAULTS
from tests.testing.faulty_wires import HTTP, HTTP_FAULTS

pytestmark = pytest.mark.timeout(600)  # some three thousand tests in one run
ALL = {**FAULTS, **HTTP_FAULTS, **TOOL_FAULTS}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What the kit says of each plugin, by the plugin's name; one run for all of them."""
    folder = tmp_path_factory.mktemp("faulty")
    parts = [dedent(HEAD), dedent(HTTP)]
    for base, kit, faults in (
        ("Sound", "Kit", {"NoFault": ("", "", ""), **FAULTS}),
        ("HttpSound", "HttpKit", {"NoFaultOfAWire": ("", "", ""), **HTTP_FAULTS}),
        ("SoundTools", "ToolKit", {"NoFaultOfTools": ("", "", ""), **TOOL_FAULTS}),
    ):
        for name, (code, _, _) in faults.items():
            parts.append(f"class {name}({base}):\n    '''Has one fault.'''\n{indent(dedent(code), '    ')}")
            parts.append(f"class Test{name}({kit}):\n    model_class = {name}\n")
    (folder / "test_all.py").write_text("\n\n".join(parts), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    report = folder / "score.json"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--conformance-json", str(report)]
    done = subprocess.run([*command, str(folder)], cwd=folder, capture_output=True, text=True, timeout=500, check=False)
    assert report.exists(), done.stdout + done.stderr
    found: dict[str, list[dict[str, Any]]] = {}
    for test in json.loads(report.read_text(encoding="utf-8"))["tests"]:
        found.setdefault(test["suite"].removeprefix("Test"), []).append(test)
    return found


def failed(tests: list[dict[str, Any]]) -> dict[str, str]:
    """The message of each test that failed, in one way or the other."""
    found: dict[str, str] = {}
    for test in tests:
        if test["outcome"] == "failed":
            name = test["name"].partition("[")[0]
            found[name] = f"{found.get(name, '')}{test['message']}\n"
    return found


@pytest.mark.parametrize("name", ["NoFault", "NoFaultOfAWire", "NoFaultOfTools"])
def test_a_plugin_without_a_fault_passes(name: str, results: dict[str, list[dict[str, Any]]]) -> None:
    skipped = {test["group"] for test in results[name] if test["outcome"] == "skipped"}

    assert failed(results[name]) == {}
    assert skipped <= {"hooks", "packaging"}  # no distribution has these models


@pytest.mark.parametrize("name", ALL)
def test_each_fault_is_found_and_named(name: str, results: dict[str, list[dict[str, Any]]]) -> None:
    _, test, message = ALL[name]

    found = failed(results[name])

    assert test in found, f"{name} failed {sorted(found)}"
    assert re.search(message, found[test]), found[test]


# Where a piece is taken for an event the network decides where that shows.
@pytest.mark.parametrize("name", [name for name in ALL if name != "TakesAPieceForAnEvent"])
def test_one_fault_is_not_found_everywhere(name: str, results: dict[str, list[dict[str, Any]]]) -> None:
    assert len(failed(results[name])) <= 4, failed(results[name])
