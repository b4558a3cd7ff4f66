"""Where refreshed profiles are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chatplug.profiles.store import Store

ONE: Any = {"cats": {"cat-4": {"name": "Cat 4"}}, "dogs": {"dog-1": {"name": "Dog"}}}
TWO: Any = {"cats": {"cat-5": {"name": "Cat 5"}}}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data" / "profiles.jsonl")


def names(store: Store, provider: str = "cats") -> list[str]:
    return list(Store(store.path).profiles(provider))


def test_what_is_written_is_read_with_its_source(store: Store) -> None:
    store.write(ONE, "https://example.com/api.json", "2026-11-24")

    table = Store(store.path).table("cats")
    assert table is not None
    entry = table.find("cat-4")
    assert entry is not None
    assert entry.profile == {"name": "Cat 4"}
    assert (entry.source.layer, str(entry.source)) == ("refreshed", "https://example.com/api.json, 2026-11-24")
    assert Store(store.path).providers() == ["cats", "dogs"]
    assert store.table("birds") is None


def test_without_a_file_nothing_is_known_and_nothing_is_wrong(store: Store) -> None:
    assert (store.source, store.providers(), store.table("cats"), store.faults) == (None, [], None, [])


def test_only_the_line_of_the_provider_that_is_asked_for_is_read(store: Store) -> None:
    store.write(ONE, "here", "2026-11-24")
    text = store.path.read_bytes()
    store.path.write_bytes(text.replace(b'"dog-1"', b'"dog-1}'))

    damaged = Store(store.path)
    assert list(damaged.profiles("cats")) == ["cat-4"]
    assert damaged.profiles("dogs") == {}
    assert "is not whole (dogs)" in damaged.faults[0]


def test_what_was_held_before_is_kept_once(store: Store) -> None:
    store.write(ONE, "here", "2026-11-23")
    store.write(TWO, "here", "2026-11-24")

    assert names(store) == ["cat-5"]
    assert list(store.before().profiles("cats")) == ["cat-4"]
    assert sorted(path.name for path in store.path.parent.iterdir()) == ["profiles.jsonl", "profiles.jsonl.before"]


@pytest.mark.parametrize(
    "damage", [b"", b"{}", b"\x00" * 100, b'{"format": 2}\n', b'{"format": 1, "providers": [], "size": 0}\n', None]
)
def test_where_the_newest_cannot_be_read_the_one_before_holds(store: Store, damage: bytes | None) -> None:
    store.write(ONE, "here", "2026-11-23")
    store.write(TWO, "here", "2026-11-24")
    store.path.write_bytes(store.path.read_bytes()[:-3] if damage is None else damage)

    again = Store(store.path)
    assert list(again.profiles("cats")) == ["cat-4"]
    assert again.source is not None
    assert again.source.date == "2026-11-23"
    assert again.faults


def test_a_file_that_cannot_be_written_leaves_the_old_one(store: Store, tmp_path: Path) -> None:
    store.write(ONE, "here", "2026-11-23")
    unwritable: Any = {"cats": {"cat-5": {"name": object()}}}

    with pytest.raises(Exception, match="serialize"):
        store.write(unwritable, "here", "2026-11-24")

    assert names(store) == ["cat-4"]
    assert [path.name for path in store.path.parent.iterdir()] == ["profiles.jsonl"]


def test_whoever_reads_while_it_is_replaced_sees_the_new_one(store: Store) -> None:
    store.write(ONE, "here", "2026-11-23")
    open_before = Store(store.path)
    assert open_before.providers() == ["cats", "dogs"]

    store.write(TWO, "here", "2026-11-24")

    assert list(open_before.profiles("cats")) == ["cat-5"]
    assert not open_before.faults
