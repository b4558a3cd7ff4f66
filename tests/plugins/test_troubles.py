"""What handlers went through is kept for the doctor: names and numbers, in one file that may be in any state."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from chatplug.plugins import Declaration
from chatplug.plugins.troubles import Troubled, Troubles
from tests.architecture.sources import ROOT
from tests.cli.test_doctor import chatplug
from tests.dists.writing import GOOD as PROVIDES
from tests.dists.writing import Site

SECONDS = 60
FAILED = Troubled("", "", "", "here.Handler", 10, 2, 1, "OSError", 0)

LISTENS = """
    from chatplug import hookimpl
    from chatplug.callbacks import BaseCallbackHandler

    class Watch(BaseCallbackHandler):
        def on_run_end(self, run):
            raise OSError("sk-secret", run.inputs)

    @hookimpl
    def chatplug_callback_handlers():
        return [Watch()]
"""
GIVES = """
    from chatplug import hookimpl
    from chatplug.callbacks import BaseCallbackHandler

    class Watch(BaseCallbackHandler):
        policy = {policy!r}

    @hookimpl
    def chatplug_callback_handlers():
        {does}
"""
EXTENSION = "[chatplug.extensions]\n{name} = {name}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "handlers.json"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")


def declared(distribution: str, version: str) -> Declaration:
    return Declaration(distribution, "module", distribution, version)


def test_what_happened_is_added_to_what_is_known(file: Path) -> None:
    Troubles(str(file), clock=lambda: 1.0).add(FAILED)
    Troubles(str(file), clock=lambda: 2.0).add(FAILED._replace(failed=1, aside=0, error=""))

    (known,) = Troubles(str(file)).known(())

    assert known == FAILED._replace(environment=sys.prefix, failed=11, dropped=4, when=2.0)


def test_the_file_is_for_its_user_alone(file: Path) -> None:
    Troubles(str(file)).add(FAILED)

    if os.name == "posix":
        assert [path.stat().st_mode & 0o077 for path in (file, file.parent)] == [0, 0]


def test_a_trouble_is_forgotten_with_the_version_that_had_it(file: Path) -> None:
    troubles = Troubles(str(file))
    troubles.add(FAILED._replace(distribution="watch", version="1"))

    shown = [len(troubles.known(installed)) for installed in ([declared("watch", "1")], [declared("watch", "2")], [])]

    assert shown == [1, 0, 0]


def test_each_environment_knows_and_forgets_its_own(file: Path) -> None:
    here, there = Troubles(str(file), "/here"), Troubles(str(file), "/there")
    here.add(FAILED)
    there.add(FAILED)

    assert here.forget()
    assert (len(here.known(())), len(there.known(()))) == (0, 1)


def test_only_the_latest_are_kept(file: Path) -> None:
    troubles = Troubles(str(file))

    for number in range(60):
        troubles.add(FAILED._replace(handler=f"handler{number}"))

    assert [one.handler for one in troubles.known(())] == [f"handler{number}" for number in range(10, 60)]
    assert file.stat().st_size < 1 << 17


GOOD = {"environment": sys.prefix, **FAILED._asdict(), "when": 1.0} | {"environment": sys.prefix}
HOSTILE: dict[str, Any] = {
    "nothing": b"",
    "torn": json.dumps({"version": 1, "troubles": [GOOD]}).encode()[:-10],
    "no text": b"\xff\x00\xfe",
    "deep": b"[" * 100_000,
    "too large": json.dumps({"version": 1, "troubles": [GOOD], "x": "x" * 200_000}).encode(),
    "of another version": {"version": 2, "troubles": [GOOD]},
    "a list": [GOOD],
    "no list": {"version": 1, "troubles": GOOD},
    "no objects": {"version": 1, "troubles": [1, None, "x", [GOOD]]},
    "wrong types": {"version": 1, "troubles": [GOOD | {"failed": "10"}, GOOD | {"when": None}, GOOD | {"aside": True}]},
    "wrong numbers": {"version": 1, "troubles": [GOOD | {"failed": -1}, GOOD | {"when": 1e300}, GOOD | {"when": 1e14}]},
    "a terminal's orders": {"version": 1, "troubles": [GOOD | {"handler": "\x1b[2J"}, GOOD | {"error": "a\nb"}]},
    "long": {"version": 1, "troubles": [GOOD | {"handler": "x" * 1000}]},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_none_of_ours_is_ignored_and_written_anew(name: str, file: Path) -> None:
    contents = HOSTILE[name]
    file.parent.mkdir()
    file.write_bytes(contents if isinstance(contents, bytes) else json.dumps(contents).encode())
    troubles = Troubles(str(file))

    before = troubles.known(())
    troubles.add(FAILED)

    assert before == []
    assert [one.handler for one in troubles.known(())] == ["here.Handler"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with a name")
def test_a_pipe_in_its_place_is_not_waited_for(file: Path) -> None:
    file.parent.mkdir()
    os.mkfifo(file)
    os.mkfifo(f"{file}.lock")

    troubles = Troubles(str(file))
    troubles.add(FAILED)

    assert len(troubles.known(())) <= 1


@pytest.mark.parametrize("in_the_way", ["state", "state/handlers.json/x", "state/handlers.json.lock/x"])
def test_nothing_is_said_where_the_file_cannot_be_written(in_the_way: str, file: Path) -> None:
    path = file.parent.parent / in_the_way
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("", encoding="utf-8")
    troubles = Troubles(str(file))

    troubles.add(FAILED)

    assert troubles.known(()) == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="nothing is closed to this user")
def test_nothing_is_said_where_the_folder_is_read_only(file: Path) -> None:
    file.parent.mkdir(mode=0o500)

    Troubles(str(file)).add(FAILED)

    assert list(file.parent.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="the lock is another one")
def test_a_lock_that_is_never_given_back_is_not_waited_for_for_ever(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    from chatplug.plugins import troubles

    monkeypatch.setattr(troubles, "_PAUSE", 0.001)
    file.parent.mkdir()
    with open(f"{file}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        Troubles(str(file)).add(FAILED)

    assert not file.exists()


def test_processes_that_write_at_once_lose_nothing_of_each_other(file: Path) -> None:
    program = f"""
        import sys
        sys.path.insert(0, {str(ROOT)!r})
        from chatplug.plugins.troubles import Troubles
        from tests.plugins.test_troubles import FAILED
        for number in range(20):
            Troubles(sys.argv[1]).add(FAILED._replace(handler=f"handler{{number % 3}}", failed=1))
    """
    children = [subprocess.Popen([sys.executable, "-c", dedent(program), str(file)]) for _ in range(4)]

    assert [child.wait(SECONDS) for child in children] == [0] * 4
    known = Troubles(str(file)).known(())
    assert sum(one.failed for one in known) == 80
    assert sum(one.dropped for one in known) == 160
    assert sorted(path.name for path in file.parent.iterdir()) == ["handlers.json", "handlers.json.lock"]


# ---- as the doctor shows it


def doctor(site: Site, *arguments: str) -> tuple[dict[str, Any], str]:
    """What the doctor says of each distribution, and beside."""
    done = chatplug(site.folder, "doctor", "--json", *arguments)
    return {row["distribution"]: row for row in json.loads(done.stdout)}, done.stderr


def install(site: Site, name: str, code: str, version: str = "1.2.3") -> None:
    """A distribution with an extension, and with a provider as each of these has."""
    both = dedent(PROVIDES) + dedent(code)
    site.add(name, both, version=version, entry_points=EXTENSION.format(name=name))


def listen(site: Site, version: str = "1.2.3") -> None:
    install(site, "watch", LISTENS, version)


OWN = """
    import logging
    from chatplug.callbacks import BaseCallbackHandler

    logging.disable()

    class Own(BaseCallbackHandler):
        def on_llm_end(self, *args, **kwargs):
            raise LookupError("no such table")

    own = Own()
    for _ in range({times}):
        chatplug.init("echo:n3").invoke("Meow!", {{"callbacks": [own]}})
"""


def ask(site: Site, times: int = 12) -> None:
    """A program in which a handler fails each time."""
    site.run(OWN.format(times=times))


def test_the_doctor_shows_the_handlers_that_an_extension_gives(site: Site) -> None:
    install(site, "watch", GIVES.format(policy="required", does="return [Watch()]"))

    reports, _ = doctor(site)
    shown = chatplug(site.folder, "doctor").stdout

    assert reports["watch"]["handlers"] == [{"handler": "watch.Watch", "policy": "required"}]
    assert reports["chatplug-echo"]["handlers"] == []
    assert ["watch.Watch", "watch", "required"] in [line.split() for line in shown.splitlines()]


def test_the_doctor_says_what_is_wrong_with_the_handlers_of_an_extension(site: Site) -> None:
    wrong = {
        "raises": ("raise LookupError('gone')", "observe", "raised LookupError"),
        "leaves": ("raise SystemExit(3)", "observe", "raised SystemExit"),
        "number": ("return 3", "observe", "gave int, which is no list of handlers"),
        "classes": ("return [Watch]", "observe", "gave list, which is no list of handlers"),
        "policy": ("return [Watch()]", "obey", "policy 'observe' or 'required'"),
        "ends": ("import os; os._exit(3)", "observe", "While ends was asked for its handlers the process ended with "),
    }
    for name, (does, policy, _) in wrong.items():
        install(site, name, GIVES.format(policy=policy, does=does))

    reports, _ = doctor(site)

    for name, (_, _, said) in wrong.items():
        assert reports[name]["state"] == "broken"
        assert said in reports[name]["error"]
        assert reports[name]["fix"]
    assert reports["chatplug-echo"]["state"] == "works"


def test_an_extension_whose_handlers_have_no_policy_stops_no_call(site: Site) -> None:
    install(site, "watch", GIVES.format(policy="obey", does="return [Watch()]"))
    fails = "Watch.policy = property(lambda self: 1 / 0); return [Watch()]"
    install(site, "odd", GIVES.format(policy="observe", does=fails))

    shown, _ = site.run("""
        import logging
        logging.disable()
        show(chatplug.init("echo:n3").invoke("Meow!").text)
    """)

    assert shown == ["Meo"]


def test_the_doctor_shows_what_handlers_went_through_until_it_is_forgotten(site: Site) -> None:
    listen(site)
    ask(site)

    reports, beside = doctor(site)
    shown = chatplug(site.folder, "doctor").stdout
    forgotten = chatplug(site.folder, "doctor", "--forget")
    after, beside_after = doctor(site)

    (trouble,) = reports["watch"]["troubles"]
    assert trouble.pop("when") > 0
    assert trouble == {"handler": "watch.Watch", "failed": 10, "dropped": 2, "aside": 1, "error": "OSError"}
    assert "put aside once; failed 10 times, at last with OSError; missed 2 events" in shown
    assert "Upgrade watch, or tell its author" in shown
    assert "Warning: __main__.Own, a handler of a program of yours: put aside once; failed 10 times" in beside
    assert (forgotten.returncode, forgotten.stdout, forgotten.stderr) == (0, "", "")
    assert after["watch"]["troubles"] == []
    assert "Own" not in beside_after


def test_what_handlers_went_through_goes_with_an_upgrade(site: Site) -> None:
    listen(site)
    ask(site)
    for path in (site.folder / "watch-1.2.3.dist-info").iterdir():
        path.unlink()
    (site.folder / "watch-1.2.3.dist-info").rmdir()
    listen(site, "1.2.4")

    reports, _ = doctor(site)

    assert reports["watch"]["version"] == "1.2.4"
    assert reports["watch"]["troubles"] == []


def test_nothing_of_a_run_and_of_an_error_is_kept(site: Site, nobodys_files: Path) -> None:
    listen(site)
    ask(site)

    kept = (nobodys_files / "state" / "chatplug" / "handlers.json").read_text(encoding="utf-8")

    assert "OSError" in kept
    assert not [word for word in ("sk-secret", "Meow", "table") if word in kept]


def test_a_program_in_which_handlers_do_well_or_fail_now_and_then_keeps_nothing(
    site: Site, nobodys_files: Path
) -> None:
    ask(site, times=3)

    assert not (nobodys_files / "state").exists()


def test_a_program_goes_on_where_nothing_can_be_kept(site: Site, nobodys_files: Path) -> None:
    (nobodys_files / "state").write_text("", encoding="utf-8")
    listen(site)

    ask(site)

    assert doctor(site)[0]["watch"]["troubles"] == []
