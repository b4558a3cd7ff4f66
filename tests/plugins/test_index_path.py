"""What is on the path: folders, zip files, eggs, and what is none of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.indexing import fresh, providers
from tests.plugins.installing import SitePackages, expected, next_tick, pack, told

REAL_PATH = list(sys.path)


def test_sys_path_may_change_while_the_program_runs(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = SitePackages(place / "first"), SitePackages(place / "second")
    first.install("one", "2.0", "new")
    second.install("One", "1.0", "old")
    second.install("two", "1.0", "two")
    asked = fresh(place)
    answers: list[list[str]] = []

    for path in ([first], [first, second], [second, first], [second], []):
        sys.path[:] = [str(site.folder) for site in path]
        answers.append(providers(asked.installed()))
        assert told(asked.installed()) == told(fresh(place).installed()) == expected(sys.path)

    assert answers == [["new"], ["new", "two"], ["old", "two"], ["old", "two"], []]


def test_an_empty_entry_is_the_folder_that_the_program_is_in(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SitePackages(place / "a").install("one", entry_points="one")
    SitePackages(place / "b" / "c").install("two", entry_points="two")
    sys.path[:] = ["", "c"]
    asked = fresh(place)
    answers: list[list[str]] = []

    for name in ("a", "b", "a"):
        monkeypatch.chdir(place / name)
        answers.append(providers(asked.installed()))

    assert answers == [["one"], ["two"], ["one"]]


def test_what_cannot_be_on_the_path_is_passed_over(place: Path) -> None:
    site = SitePackages(place / "site")
    site.install("one", entry_points="one")
    (place / "file.txt").write_text("no archive", encoding="utf-8")
    odd: list[Any] = [
        3,
        None,
        b"site",
        "\0",
        str(place / "absent"),
        str(place / "file.txt"),
        "x" * 5000,
        str(site.folder),
    ]
    sys.path[:] = [*odd, *odd]

    assert providers(fresh(place).installed()) == ["one"]


def test_plugins_in_a_zip_file_are_found_and_its_changes_seen(place: Path) -> None:
    site, archive = SitePackages(place / "site"), place / "all.zip"
    site.install("one", entry_points="one")
    pack(site.folder, archive)
    sys.path[:] = [str(archive), *REAL_PATH]  # reading an archive imports what it needs
    before = providers(fresh(place).installed())
    next_tick(place)
    site.install("two", entry_points="two")

    pack(site.folder, archive)

    assert {"one", "two"} & {*before} == {"one"}
    assert {"one", "two"} <= {*providers(fresh(place).installed())}


def test_an_egg_is_read_each_time(place: Path) -> None:
    egg = place / "old-1.0.egg" / "EGG-INFO"
    egg.mkdir(parents=True)
    (egg / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: old\nVersion: 1.0\n", encoding="utf-8")
    sys.path.append(str(egg.parent))
    answers: list[list[str]] = []

    for name in ("one", "uno"):
        (egg / "entry_points.txt").write_text(f"[chatplug.providers]\n{name} = module\n", encoding="utf-8")
        answers.append(providers(fresh(place).installed()))

    assert answers == [["one"], ["uno"]]


def test_who_finds_distributions_in_a_way_of_his_own_is_asked(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib_metadata

    site = SitePackages(place / "site")
    site.install("one", entry_points="one")

    class Finder:
        def find_spec(self, *_: Any) -> None:
            return None

        def find_distributions(self, context: Any = None) -> Any:
            return [importlib_metadata.PathDistribution(place / "site" / "one-1.0.dist-info")]

    asked = fresh(place)
    before = providers(asked.installed())

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])

    assert before == []
    assert providers(asked.installed()) == ["one"]


def test_the_first_of_two_that_have_one_name_counts_and_a_hollow_one_hides_nobody(place: Path) -> None:
    first, second = SitePackages(place / "first"), SitePackages(place / "second")
    (first.folder / "one-2.0.dist-info").mkdir(parents=True)
    first.install("two", "2.0", b"no = [equals\n\xff")
    first.install("three", "2.0", None)
    for name in ("one", "two", "three"):
        second.install(name, entry_points=name)
    sys.path[:] = [str(first.folder), str(second.folder)]

    found = fresh(place).installed()

    assert providers(found) == ["one", "two"]
    assert told(found) == expected(sys.path)
    assert [(fault.distribution, fault.version) for fault in found.faults] == [("two", "2.0")]


def test_a_file_that_points_nowhere_yet_is_looked_for_again(place: Path) -> None:
    site = SitePackages(place / "site")
    where = site.install("one", entry_points=None)
    (where / "entry_points.txt").symlink_to(place / "later.txt")
    sys.path.append(str(site.folder))
    before = providers(fresh(place).installed())

    (place / "later.txt").write_text("[chatplug.providers]\none = one\n", encoding="utf-8")

    assert (before, providers(fresh(place).installed())) == ([], ["one"])
