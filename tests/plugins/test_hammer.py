"""Two processes install and uninstall in the same folders, and ask; each knows what it did itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HAMMER = """
    import sys, time
    from pathlib import Path

    sys.path[:0] = [{root!r}]
    from chatplug.plugins.declaration import PROVIDERS
    from chatplug.plugins.index import Index
    from tests.plugins.installing import SitePackages

    own, place, times = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    asked = Index(str(place / "cache" / "index.txt"))
    sites = [SitePackages(place / name) for name in "abcdefgh"]
    sys.path[:0] = [str(site.folder) for site in sites]
    wrong = read = 0
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(times):
        # One folder at a time, so that the others come to rest and are answered from the index.
        site = sites[number * len(sites) // times]
        name = f"{{own}}{{number % 7}}"
        if number % 3:
            site.install(name, f"{{number % 2}}.0", name)
        else:
            site.uninstall(name)
        right = {{path.name.partition("-")[0] for one in sites for path in one.folder.glob(f"{{own}}*")}}
        for index in (asked, Index(str(place / "cache" / "index.txt"))):
            found = {{found for found in index.installed().groups[PROVIDERS] if found.startswith(own)}}
            wrong += found != right
    print(wrong, sum(1 for path in sys.path[:8] if path in asked._known), flush=True)
"""


def hammer(place: Path, times: int) -> list[list[int]]:
    """What each of two processes says at its end: wrong answers, and folders that it has a proof of."""
    from textwrap import dedent

    root = str(Path(__file__).resolve().parents[2])
    for name in "abcdefgh":
        (place / name).mkdir()
    command = [sys.executable, "-c", dedent(HAMMER.format(root=root))]
    with (
        subprocess.Popen([*command, "left", str(place), str(times)], stdin=-1, stdout=-1, text=True) as first,
        subprocess.Popen([*command, "right", str(place), str(times)], stdin=-1, stdout=-1, text=True) as second,
    ):
        both = (first, second)
        for process in both:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in both:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        return [list(map(int, process.communicate(timeout=100 + times)[0].split())) for process in both]


def test_two_processes_that_install_and_ask_a_thousand_times_never_get_a_wrong_answer(tmp_path: Path) -> None:
    said = hammer(tmp_path, 500)

    assert [wrong for wrong, _ in said] == [0, 0]
    assert all(proven for _, proven in said), "the index was never used"
