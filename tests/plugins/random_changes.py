"""What installers, editors and accidents do to folders, at random; and what is answered after it."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.plugins.indexing import fresh
from tests.plugins.installing import Answer, SitePackages, expected, next_tick, told


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
