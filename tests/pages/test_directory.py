"""The directory of plugins is what the score files say, and has a score for every provider of this repository."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chatplug.testing.conformance.score import Checked, Score, badge
from tools.directory import PAGE, page, plugins


def put(folder: Path, score: Score, told: str) -> None:
    """What an author adds to the directory."""
    (folder / "chatplug-acme.json").write_text(json.dumps(score.as_dict()), encoding="utf-8")
    (folder / "chatplug-acme.svg").write_text(badge(score), encoding="utf-8")
    (folder / "chatplug-acme.toml").write_text(told, encoding="utf-8")


TOLD = """
description = "The models of Acme."
homepage = "https://example.com/acme"
[provides]
provider = ["acme"]
"""


def score(distribution: str = "chatplug-acme 0.3.1") -> Score:
    tests = [
        Checked("invoke", "TestAcme", "test_one", "passed"),
        Checked("stop", "TestAcme", "test_two", "expected", "Acme has no stop words.\nMore."),
        Checked("stop", "TestAcme", "test_three", "expected", "Acme has no stop words."),
        Checked("tools", "TestAcme", "test_four", "skipped", "The profile says that it has no tools."),
    ]
    return Score(["acme:x"], distribution, tests, "2026-11-24T12:00:00+00:00", "0.1.0", "3.12.1")


def test_the_page_is_what_the_files_say() -> None:
    found = plugins()

    assert not [fault for plugin in found for fault in plugin.faults]
    assert PAGE.read_text(encoding="utf-8") == page(found), "python -m tools.directory writes it anew"


def test_every_provider_of_the_repository_has_a_score_without_failures() -> None:
    scores = {plugin.distribution: plugin.score for plugin in plugins() if "provider" in plugin.provides}

    assert {"chatplug-echo", "chatplug-openai-compat"} <= set(scores)
    for name, found in scores.items():
        assert found is not None, name
        assert found.passed == found.total > 90, name


def test_a_plugin_from_elsewhere_stands_there_with_its_reasons(tmp_path: Path) -> None:
    put(tmp_path, score(), TOLD)

    text = page(plugin for plugin in plugins(tmp_path) if plugin.distribution == "chatplug-acme")

    assert "The models of Acme. [Its home](https://example.com/acme)." in text
    assert "![1 of 3 passed](directory/chatplug-acme.svg)" in text
    assert (
        "1 of 3 tests passed: `acme:x` of chatplug-acme 0.3.1, with chatplug 0.1.0 and Python 3.12.1, on 2026-11-24."
        in text
    )
    assert "| group | passed | expected | skipped |" in text
    assert "| stop |  | 2 |  |" in text
    assert "Expected to fail:\n\n- stop (2 tests): Acme has no stop words.\n" in text
    assert "Not tested:\n\n- tools: The profile says that it has no tools.\n" in text


def test_files_that_do_not_fit_together_are_faults(tmp_path: Path) -> None:
    put(tmp_path, score("chatplug-echo 0.1.0"), TOLD)
    (tmp_path / "chatplug-acme.svg").unlink()
    (tmp_path / "chatplug-other.toml").write_text(TOLD, encoding="utf-8")

    faults = [fault for plugin in plugins(tmp_path) for fault in plugin.faults]

    assert "chatplug-acme.json is the score of chatplug-echo." in faults
    assert "chatplug-acme has no badge." in faults
    assert "chatplug-other has no score." in faults


def test_a_score_of_which_nothing_else_is_known_is_refused(tmp_path: Path) -> None:
    put(tmp_path, score(), TOLD)
    (tmp_path / "chatplug-acme.toml").unlink()

    with pytest.raises(SystemExit, match=r"has no chatplug-acme\.toml beside it"):
        plugins(tmp_path)
