"""What is known of a model, from everybody who says something about it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from chatplug.errors import SettingsError
from chatplug.profiles import ProfileRegistry
from chatplug.profiles.places import speaks_of_an_end
from chatplug.profiles.store import Store

PLUGINS = """
catalogue = "cats-inc"
source = "docs"
date = 2026-01-01
[defaults]
tool_choice = true
[models."cat-4"]
name = "plugin"
status = "plugin"
successor = "plugin"
knowledge_date = "plugin"
release_date = "plugin"
reasoning_effort_levels = ["low"]
[corrections."cat-*"]
successor = "correction"
knowledge_date = "correction"
release_date = "correction"
"""
USERS = """
["cats:cat-4"]
knowledge_date = "user"
release_date = "user"
"""


@pytest.fixture
def registry(tmp_path: Path) -> ProfileRegistry:
    (tmp_path / "cats.toml").write_text(PLUGINS)
    (tmp_path / "user.toml").write_text(USERS)
    store = Store(tmp_path / "store")
    refreshed: Any = {"status": "r", "successor": "r", "knowledge_date": "r", "release_date": "r"}
    store.write({"cats-inc": {"cat-4": refreshed}}, "https://example.com/api.json", "2026-02-02")
    return ProfileRegistry(
        lambda provider: tmp_path / "cats.toml" if provider == "cats" else None,
        lambda: store,
        lambda: tmp_path / "user.toml",
    )


def test_each_layer_stands_above_the_one_before(registry: ProfileRegistry) -> None:
    known = registry.lookup("cats", "cat-4").with_given({"release_date": "init"})

    assert known.profile() == {
        "tool_choice": True,
        "name": "plugin",
        "status": "r",
        "successor": "correction",
        "knowledge_date": "user",
        "release_date": "init",
        "reasoning_effort_levels": ["low"],
    }


def test_each_fact_knows_who_says_it(registry: ProfileRegistry) -> None:
    known = registry.lookup("cats", "cat-4").with_given({"release_date": "init"})

    layers = {name: str(known.source_of(name)) for name in ("name", "status", "successor", "release_date")}
    assert layers == {
        "name": "docs, 2026-01-01",
        "status": "https://example.com/api.json, 2026-02-02",
        "successor": "docs, 2026-01-01",
        "release_date": "profile=",
    }
    assert "user.toml" in str(known.source_of("knowledge_date"))
    assert known.source_of("input_price") is None


def test_of_a_model_that_nobody_knows_only_the_providers_defaults_are_known(registry: ProfileRegistry) -> None:
    assert registry.lookup("cats", "dog").profile() == {"tool_choice": True}
    assert registry.lookup("dogs", "dog").profile() == {}


def test_a_profile_that_was_handed_out_can_be_changed_without_changing_another(registry: ProfileRegistry) -> None:
    mine: Any = registry.lookup("cats", "cat-4").profile()
    mine["name"] = "mine"
    mine["reasoning_effort_levels"].append("high")

    again: Any = registry.lookup("cats", "cat-4").profile()
    assert (again["name"], again["reasoning_effort_levels"]) == ("plugin", ["low"])


def test_none_takes_a_fact_away(registry: ProfileRegistry) -> None:
    known = registry.lookup("cats", "cat-4").with_given({"name": None})

    assert "name" not in known.profile()


def test_what_is_known_is_looked_up_once_and_does_not_grow_without_end() -> None:
    asked: list[str] = []
    registry = ProfileRegistry(lambda provider: asked.append(provider) or {"*": {"tool_calling": True}})  # type: ignore[func-returns-value]

    for number in range(10_000):
        registry.lookup("cats", f"cat-{number % 9_000}")

    assert asked == ["cats"]
    assert len(registry._known) <= 4096


def test_nothing_is_read_before_it_is_asked_for() -> None:
    def fail(*_: object) -> Any:
        raise AssertionError("read")

    ProfileRegistry(fail, fail, fail)


def test_a_missing_or_unreadable_file_of_the_user_is_no_failure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    absent = ProfileRegistry(lambda _: None, lambda: None, lambda: tmp_path / "absent.toml")
    folder = ProfileRegistry(lambda _: None, lambda: None, lambda: tmp_path)

    with caplog.at_level(logging.WARNING):
        assert absent.lookup("cats", "cat-4").profile() == {}
        assert not caplog.records
        assert folder.lookup("cats", "cat-4").profile() == {}

    assert "cannot be read" in caplog.text


def test_a_plugins_file_that_is_gone_is_logged_and_nothing_is_known(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    registry = ProfileRegistry(lambda _: tmp_path / "gone.toml")

    assert registry.lookup("cats", "cat-4").profile() == {}
    assert "gone.toml" in caplog.text


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"max_input_tokens": "many"}, "max_input_tokens is 'many', not a number of tokens"),
        ({"max_input_token": 1}, "did you mean 'max_input_tokens'?"),
        ([("a", 1)], "is list"),
    ],
)
def test_what_a_model_is_made_with_is_checked(registry: ProfileRegistry, given: Any, complaint: str) -> None:
    with pytest.raises(SettingsError, match="'profile'") as caught:
        registry.lookup("cats", "cat-4").with_given(given)

    assert complaint in str(caught.value)
    assert not str(caught.value).endswith("?.")


def test_whether_a_model_may_end_is_told_without_reading_the_facts(tmp_path: Path) -> None:
    ends, stays = tmp_path / "ends.toml", tmp_path / "stays.toml"
    ends.write_text('[models.cat]\nstatus = "deprecated"\n')
    stays.write_text("[models.cat]\ntool_calling = true\n")

    assert speaks_of_an_end(ends)
    assert speaks_of_an_end({"cat": {"retirement_date": "2026-01-01"}})
    assert not speaks_of_an_end(stays)
    assert not speaks_of_an_end({"cat": {}})
    assert not speaks_of_an_end(tmp_path / "absent")
    assert not speaks_of_an_end(None)
