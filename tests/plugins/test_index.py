"""The index answers as importlib_metadata does, whatever happens to what is installed."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chatplug.plugins.index import Index
from tests.plugins.indexing import count_readings, fresh, providers
from tests.plugins.installing import SitePackages, expected, next_tick, told
from tests.plugins.random_changes import asked_after_changes


def test_what_did_not_change_is_not_read_again_by_another_process(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = SitePackages(place / "site")
    site.install("one", entry_points="one other")
    site.install("plain", entry_points=None)
    sys.path.append(str(site.folder))
    read = count_readings(monkeypatch)

    first, again = fresh(place), fresh(place)

    assert providers(first.installed()) == providers(again.installed()) == ["one", "other"]
    assert read == [str(site.folder)]
    assert again.installed() is again.installed()


def add(site: SitePackages) -> None:
    site.install("new", entry_points="new")


def remove(site: SitePackages) -> None:
    site.uninstall("one")


def upgrade(site: SitePackages) -> None:
    site.uninstall("one")
    site.install("one", "2.0", "one two")


def upgrade_in_place(site: SitePackages) -> None:
    site.install("one", entry_points="uno")  # as long as before


def edit_and_set_the_time_back(site: SitePackages) -> None:
    path = site.folder / "one-1.0.dist-info" / "entry_points.txt"
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b"one", b"uno"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def add_entry_points_to_one_that_had_none(site: SitePackages) -> None:
    site.install("plain", entry_points="plain")


def fill_empty_entry_points(site: SitePackages) -> None:
    site.install("empty", entry_points="empty")


def remove_entry_points(site: SitePackages) -> None:
    (site.folder / "one-1.0.dist-info" / "entry_points.txt").unlink()


def remove_metadata(site: SitePackages) -> None:
    (site.folder / "one-1.0.dist-info" / "METADATA").unlink()


def rename_in_the_metadata(site: SitePackages) -> None:
    path = site.folder / "one-1.0.dist-info" / "METADATA"
    path.write_text(path.read_text("utf-8").replace("Name: one", "Name: One"), encoding="utf-8")


def garble(site: SitePackages) -> None:
    site.install("one", entry_points=b"[chatplug.providers]\n\xff = \xfe\n")


def develop(site: SitePackages) -> None:
    site.install("developed", entry_points="developed", kind="egg-info")


def delete_everything(site: SitePackages) -> None:
    shutil.rmtree(site.folder)


def put_another_in_its_place(site: SitePackages) -> None:
    site.folder.rename(site.folder.with_name("old"))
    site.install("one", entry_points="uno")


CHANGES = [
    add,
    remove,
    upgrade,
    upgrade_in_place,
    edit_and_set_the_time_back,
    add_entry_points_to_one_that_had_none,
    fill_empty_entry_points,
    remove_entry_points,
    remove_metadata,
    rename_in_the_metadata,
    garble,
    develop,
    delete_everything,
    put_another_in_its_place,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_change_is_seen_by_the_process_that_asks_again_and_by_the_next(
    change: Callable[[SitePackages], None], place: Path
) -> None:
    site = SitePackages(place / "site")
    site.install("one", entry_points="one")
    site.install("plain", entry_points=None)
    site.install("empty", entry_points="")
    sys.path.append(str(site.folder))
    running = fresh(place)
    before = told(running.installed())
    assert told(fresh(place).installed()) == before == expected(sys.path)
    next_tick(place)

    change(site)

    after = told(running.installed())
    assert after == told(fresh(place).installed()) == expected(sys.path)
    assert after != before


def test_two_changes_within_one_tick_of_the_clock_are_both_seen(place: Path) -> None:
    site = SitePackages(place / "site")
    sys.path.append(str(site.folder))
    asked = 0
    # With the real clock: what was written a moment ago proves nothing yet.
    for number in range(200):
        site.install("one", entry_points="one" if number % 2 else "uno")
        found = Index(str(place / "index.txt")).installed()
        asked += providers(found) == ["one" if number % 2 else "uno"]

    assert asked == 200
    assert not (place / "index.txt").exists()


def test_random_changes_are_answered_as_importlib_metadata_answers(place: Path) -> None:
    for right, answers in asked_after_changes(place, 150, seed=20260301):
        assert answers == [right, right, right]
