"""The file of the index: where it cannot be written, and where it is not to be believed."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatplug.plugins import index
from chatplug.plugins.index import Index
from chatplug.plugins.roster import Roster
from tests.plugins.indexing import count_readings, fresh, providers
from tests.plugins.installing import SitePackages, later

NOBODY = 65534


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
