"""The index answers as importlib_metadata does, whatever happens to what is installed and to its own file."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatplug.plugins import folder, index
from chatplug.plugins.declaration import PROVIDERS
from chatplug.plugins.index import Index, Installed
from chatplug.plugins.roster import Roster
from tests.plugins.installing import Answer, SitePackages, expected, later, next_tick, pack, told

REAL_PATH = list(sys.path)
NOBODY = 65534


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which `sys.path` is only what a test puts there."""
    monkeypatch.setattr(sys, "path", [])
    return tmp_path


def providers(installed: Installed) -> list[str]:
    return sorted(installed.groups[PROVIDERS])


def fresh(place: Path) -> Index:
    """An index as another process would have it: what it knows is in its file."""
    return Index(str(place / "cache" / "index.txt"), later)


@contextlib.contextmanager
def as_somebody() -> Generator[None]:
    """As a user for whom there are read-only directories, which for root there are not."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


def count_readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that are read from now on."""
    read: list[str] = []

    def reading(path: str, now: int) -> Any:
        read.append(path)
        return folder.read_folder(path, now)

    monkeypatch.setattr(index, "read_folder", reading)
    return read


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


# The index's own file.


def test_a_directory_that_cannot_be_made_or_written_is_no_failure(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = SitePackages(place / "site")
    site.install("one", entry_points="one")
    sys.path.append(str(site.folder))
    (place / "file").write_bytes(b"")
    read = count_readings(monkeypatch)

    for file in (place / "file" / "index.txt", place / "site", place / ("x" * 300), place / "\0"):
        assert providers(Index(str(file), later).installed()) == ["one"]

    assert len(read) == 4


@pytest.mark.usefixtures("place")
def test_a_read_only_directory_is_no_failure() -> None:
    with tempfile.TemporaryDirectory() as made:
        everybodys = Path(made)
        everybodys.chmod(0o755)  # pytest's own folders let nobody else in
        site = SitePackages(everybodys / "site")
        site.install("one", entry_points="one")
        sys.path.append(str(site.folder))
        (everybodys / "cache").mkdir(mode=0o555)

        with as_somebody():
            found = providers(fresh(everybodys).installed())

        assert found == ["one"]
        assert not list((everybodys / "cache").iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_full_disk_is_no_failure_and_leaves_nothing_behind(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = SitePackages(place / "site")
    site.install("one", entry_points="one")
    sys.path.append(str(site.folder))
    opened = os.open

    def open_full(path: Any, flags: int, mode: int = 0o777, **kwargs: Any) -> int:
        if str(path).endswith(".tmp"):
            os.close(opened(path, flags, mode, **kwargs))  # the name is there, and no room for what is in it
            return opened("/dev/full", os.O_WRONLY)
        return opened(path, flags, mode, **kwargs)

    monkeypatch.setattr(os, "open", open_full)

    assert providers(fresh(place).installed()) == ["one"]
    assert not list((place / "cache").iterdir())


def written(place: Path) -> tuple[Path, bytes]:
    """An index file that is right."""
    site = SitePackages(place / "site")
    site.install("one", entry_points="one")
    site.install("odd", entry_points="[chatplug.providers]\n = x\n[chatplug.models]\nm- = one:one\n")
    sys.path[:] = [str(site.folder)]
    fresh(place).installed()
    file = place / "cache" / "index.txt"
    return file, file.read_bytes()


def sealed(body: bytes) -> bytes:
    from binascii import crc32

    return b"chatplug installed 1 %08x\n%s" % (crc32(body), body)


def test_a_file_of_another_interpreter_or_user_or_kind_is_ignored(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, data = written(place)
    body = data.partition(b"\n")[2]
    others = {
        "another interpreter": sealed(body.replace(sys.implementation.cache_tag.encode(), b"cpython-399", 1)),
        "another version": data.replace(b"installed 1", b"installed 2", 1),
        "no text": sealed(body + b"\n\xff"),
        "a declaration from elsewhere": sealed(body.replace(str(place / "site" / "one").encode(), b"/elsewhere/one")),
        "too few fields": sealed(body.replace(b"\tone_module", b"")),
        "a group of others": sealed(body.replace(b"chatplug.models", b"console_scripts")),
        "no number": sealed(body.replace(b"F\t", b"F\tx\tx")),
        "a huge number": sealed(body.replace(b"F\t", b"F\tx\t" + b"9" * 9999 + b"\t")),
        "empty": b"",
        "a pickle": b"cos\nsystem\n(S'exit 1'\ntR.",
    }
    read = count_readings(monkeypatch)

    for content in others.values():
        file.write_bytes(content)
        assert providers(fresh(place).installed()) == ["one"]

    assert len(read) == len(others)
    assert file.read_bytes() == data


def test_a_pipe_in_the_place_of_the_file_keeps_nobody_waiting(place: Path) -> None:
    file, _ = written(place)
    file.unlink()
    os.mkfifo(file)

    assert providers(fresh(place).installed()) == ["one"]


@pytest.mark.skipif(os.name != "posix", reason="other systems have other permissions")
def test_a_file_that_others_may_write_is_ignored(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, _ = written(place)
    file.chmod(0o666)
    read = count_readings(monkeypatch)

    assert providers(fresh(place).installed()) == ["one"]
    assert len(read) == 1


@pytest.mark.parametrize("kept", range(0, 100, 7))
def test_a_torn_file_is_ignored(kept: int, place: Path) -> None:
    file, data = written(place)

    file.write_bytes(data[: len(data) * kept // 100])

    assert providers(fresh(place).installed()) == ["one"]


def test_what_was_left_behind_by_a_killed_process_is_removed(place: Path) -> None:
    old, young = place / "cache" / "index.txt.0a.tmp", place / "cache" / "index.txt.0b.tmp"
    old.parent.mkdir()
    old.write_bytes(b"")
    young.write_bytes(b"")
    os.utime(old, (1, 1))

    written(place)

    assert (old.exists(), young.exists()) == (False, True)


@given(data=st.data())
def test_arbitrary_bytes_in_the_file_never_give_a_wrong_answer(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.getbasetemp() / "fuzz"
    before = sys.path
    try:
        if place.exists():
            sys.path = [str(place / "site")]
            file, good = place / "cache" / "index.txt", (place / "good.txt").read_bytes()
        else:
            sys.path = []
            file, good = written(place)
            (place / "good.txt").write_bytes(good)
        cut = st.integers(0, len(good))
        start, end = sorted((data.draw(cut), data.draw(cut)))
        piece = data.draw(st.binary(max_size=200))
        file.write_bytes(data.draw(st.sampled_from([piece, good[:start] + piece + good[end:], good[:start] + good])))

        assert providers(fresh(place).installed()) == ["one"]
    finally:
        sys.path = before


def test_random_changes_are_answered_as_importlib_metadata_answers(place: Path) -> None:
    for right, answers in asked_after_changes(place, 150, seed=20260301):
        assert answers == [right, right, right]


def asked_after_changes(place: Path, times: int, seed: int) -> Iterator[tuple[Answer, list[Answer]]]:
    """What importlib_metadata says after each change, and what an index that runs on and new ones say."""
    chance = random.Random(seed)
    sites = [SitePackages(place / name) for name in ("a", "b", "c")]
    for site in sites:
        site.folder.mkdir()
    running = fresh(place)
    for _ in range(times):
        for _ in range(chance.randint(1, 3)):
            change_at_random(chance, chance.choice(sites))
        sys.path[:] = [str(site.folder) for site in chance.sample(sites, chance.randint(1, 3))]
        next_tick(place)
        yield expected(sys.path), [told(one.installed()) for one in (running, fresh(place), fresh(place))]


def change_at_random(chance: random.Random, site: SitePackages) -> None:
    """Do to a folder what installers, editors and accidents do."""
    name = chance.choice(["one", "two", "Two", "th-ree", "plain", "th_ree"])
    version = chance.choice(["1.0", "2.0"])
    texts: list[str | bytes | None] = [None, "", "x", "x y", "y x", b"\xff", "[chatplug.models]\nm- = a:x\nn-=b\n"]
    texts += ["[console_scripts]\nx = y:z\n", "[chatplug.providers]\nx\n", "[chatplug.extensions]\nx = a\nX = b\n"]
    choice = chance.randrange(10)
    where = site.folder / f"{name}-{version}.dist-info"
    if choice < 4:
        site.install(name, version, chance.choice(texts), kind=chance.choice(["dist-info", "dist-info", "egg-info"]))
    elif choice < 6:
        site.uninstall(name)
    elif choice == 6:
        (where / "METADATA").unlink(missing_ok=True)
    elif choice == 7:
        (where / "entry_points.txt").unlink(missing_ok=True)
    elif choice == 8 and where.exists():
        text = chance.choice(texts)
        (where / "entry_points.txt").write_bytes(text.encode() if isinstance(text, str) else text or b"")
    else:
        where.mkdir(exist_ok=True)


def test_a_made_up_file_cannot_invent_a_plugin(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, data = written(place)
    made_up = data.partition(b"\n")[2].replace(b"\tone_module\t", b"\tevil_module\t")
    file.write_bytes(sealed(made_up))
    monkeypatch.setattr(index, "_default", fresh(place))
    roster = Roster()

    claimed = roster.claimant("one")
    confirmed = roster.confirmed(claimed)

    assert (claimed.value, confirmed.value) == ("evil_module", "one_module")
    assert roster.confirmed(confirmed) is confirmed
