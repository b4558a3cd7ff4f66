"""`chatplug hooks`, `chatplug plugins lock`, and commands of plugins."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.dists.writing import GOOD, Site

PURR = """
    import click
    from chatplug import hookimpl

    @hookimpl
    def chatplug_register_commands(cli):
        @cli.command(short_help="Purr.")
        def purr():
            click.echo("Purr!")

        @cli.command()
        def run():
            click.echo("stolen")
"""
COMMANDS = "[chatplug.commands]\n{name} = {name}\n"


def chatplug(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command, with what is installed in a folder besides; its modules do not say that they are imported."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", **variables}
    return subprocess.run(
        [sys.executable, "-m", "chatplug", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")


def test_hooks_shows_who_answers_and_what_was_not_asked(site: Site) -> None:
    site.add(
        "ears",
        GOOD.replace("chatplug_create_model(provider, model, settings)", "chatplug_callback_handlers()").replace(
            "return Model(**settings)", "return []"
        ),
        provider="x",
        entry_points="[chatplug.extensions]\nears = ears\n",
    )

    shown = chatplug(site.folder, "hooks", "echo:n3")
    rows = json.loads(chatplug(site.folder, "hooks", "echo:n3", "--json").stdout)

    lines = [line.split() for line in shown.stdout.splitlines()]
    assert lines[0] == ["Hook", "Plugin", "Version", "Entry", "point", "Took"]
    calls = {(row["hook"], row["plugin"]): row["calls"] for row in rows}
    assert calls[None, "chatplug-echo"] == calls[None, "ears"] == 1
    assert calls["chatplug_create_model", "chatplug-echo"] == calls["chatplug_callback_handlers", "ears"] == 1
    assert calls["chatplug_list_models", "chatplug-echo"] == 0
    assert ("chatplug_create_model", "ears") not in calls
    assert all(row["seconds"] > 0 for row in rows if row["calls"])


def test_the_doctor_does_not_wait_for_what_a_plugin_has_started(site: Site, tmp_path: Path) -> None:
    helper = tmp_path / "pid"
    starts = f"""
    import subprocess, sys
    server = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    open({str(helper)!r}, "w").write(str(server.pid))
    """
    site.add("starter", dedent(starts) + dedent(GOOD), provider="starter")
    try:
        reports = json.loads(chatplug(site.folder, "doctor", "--json").stdout)
    finally:
        os.kill(int(helper.read_text()), signal.SIGKILL)

    [report] = [report for report in reports if report["distribution"] == "starter"]
    assert (report["state"], report["error"]) == ("works", "")


def test_plugins_are_listed_without_pluggy_and_pydantic(site: Site) -> None:
    site.add("good")
    script = """
        import sys
        from click.testing import CliRunner
        from chatplug.cli.app import app
        shown = CliRunner().invoke(app, ["plugins"]).stdout
        heavy = ("pluggy", "pydantic", "importlib_metadata", "good")
        print("good" in shown, [name for name in heavy if name in sys.modules])
    """
    done = subprocess.run(
        [sys.executable, "-c", dedent(script)],
        env={**os.environ, "PYTHONPATH": str(site.folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert done.stdout == "True []\n"


def test_plugins_says_who_is_kept_out_and_why(site: Site) -> None:
    site.add("good")
    blocked = {"CHATPLUG_DISABLE_PLUGINS": "good"}

    shown = chatplug(site.folder, "plugins", **blocked).stdout.splitlines()
    rows = {row["provider"]: row for row in json.loads(chatplug(site.folder, "plugins", "--json", **blocked).stdout)}

    assert shown[0].endswith("Kept out")
    assert any(line.startswith("good ") and line.endswith("CHATPLUG_DISABLE_PLUGINS blocks it.") for line in shown)
    assert rows["good"]["kept_out"] == "CHATPLUG_DISABLE_PLUGINS blocks it."
    assert rows["echo"]["kept_out"] is None


def test_a_lock_is_written_compared_and_removed(site: Site, tmp_path: Path) -> None:
    site.add("good")
    where = {"CHATPLUG_PLUGINS_LOCK": str(tmp_path / "new" / "plugins.lock")}

    written = chatplug(site.folder, "plugins", "lock", **where)
    same = chatplug(site.folder, "plugins", "lock", "--check", **where)
    site.add("later")
    kept_out = chatplug(site.folder, "run", "later:m", "Meow!", **where)
    let_in = chatplug(site.folder, "run", "good:m", "Meow!", **where)
    other = chatplug(site.folder, "plugins", "lock", "--check", **where)
    removed = chatplug(site.folder, "plugins", "lock", "--remove", **where)
    missing = chatplug(site.folder, "run", "good:m", "Meow!", **where)

    assert written.returncode == 0
    assert "plugins are locked in " in written.stderr
    assert "chatplug-echo is an editable install; its code may change under the lock." in written.stderr
    assert (same.returncode, same.stdout) == (0, "")
    assert kept_out.returncode == 1
    assert "later 1.2.3 is kept out: the lock" in kept_out.stderr
    assert "imported later" not in kept_out.stderr
    assert let_in.stdout == "!woeM\n"
    assert (other.returncode, other.stdout) == (1, "later: locked absent, installed 1.2.3.\n")
    assert removed.returncode == 0
    assert not (tmp_path / "new" / "plugins.lock").exists()
    assert missing.returncode == 1
    assert "cannot be read" in missing.stderr


def test_a_plugin_without_a_list_of_its_files_cannot_be_locked(site: Site, tmp_path: Path) -> None:
    site.add("good")
    (site.folder / "good-1.2.3.dist-info" / "RECORD").unlink()

    done = chatplug(site.folder, "plugins", "lock", CHATPLUG_PLUGINS_LOCK=str(tmp_path / "plugins.lock"))

    assert "Warning: good has no RECORD of its files, so it cannot be locked." in done.stderr


def test_commands_of_plugins_are_there_and_take_none_of_chatplug_s(site: Site) -> None:
    site.add("purring", PURR, entry_points=COMMANDS.format(name="purring"))
    site.add("broken", "raise SystemExit(3)", entry_points=COMMANDS.format(name="broken"))

    listed = chatplug(site.folder, "--help")
    purred = chatplug(site.folder, "purr")
    ran = chatplug(site.folder, "run", "echo:n3", "Meow!")
    unknown = chatplug(site.folder, "pur")

    assert "  purr " in listed.stdout
    assert purred.stdout == "Purr!\n"
    assert "The command 'run' of purring 1.2.3 is left out: chatplug has one of this name." in purred.stderr
    assert "The command broken 1.2.3 is left out" in purred.stderr
    assert ran.stdout == "Meo\n"
    assert "imported purring" not in ran.stderr
    assert unknown.returncode == 2
