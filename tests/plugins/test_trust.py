"""Who may run is decided before anything is imported: allow-list, block-list, lock."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import platformdirs
import pytest

from chatplug.errors import PluginRefusedError
from chatplug.plugins import directories
from chatplug.plugins.lock import read_lock
from tests.dists.writing import GOOD, Site

ASK = """
    for name in ("tiny_a", "tiny_b", "echo"):
        attempt(lambda: chatplug.init(name + ":n3").invoke("Meow!").text)
"""
LOCK = """
    from chatplug.plugins.index import default_index
    from chatplug.plugins.lock import lock_of, write_lock
    from chatplug.plugins.trust import lock_file
    groups = default_index().installed().groups
    found = [one for group in groups.values() for names in group.values() for one in names]
    write_lock(lock_file(), lock_of(found)[0])
"""
HERE = pytest.mark.skipif(sys.platform != "linux", reason="other systems have other folders")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path / "site")
    made.add("tiny-a")
    made.add("tiny-b")
    return made


def config(tmp_path: Path, text: str) -> dict[str, str]:
    """The variables of a process whose user wrote a configuration."""
    folder = tmp_path / "config" / "chatplug"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plugins.toml").write_text(text, encoding="utf-8")
    return {"XDG_CONFIG_HOME": str(tmp_path / "config")}


def test_the_variable_with_the_allow_list_keeps_everybody_else_out(site: Site) -> None:
    shown, imported = site.run(ASK, CHATPLUG_PLUGINS="Tiny_A, chatplug-echo,")

    assert shown[0::2] == ["!woeM", "Meo"]
    assert shown[1] == [
        "PluginRefusedError",
        (
            "The plugin tiny-b 1.2.3 is kept out: CHATPLUG_PLUGINS allows Tiny_A, chatplug-echo only. "
            "Add tiny-b to it to let it in."
        ),
    ]
    assert imported == ["tiny_a"]


def test_the_variable_with_the_block_list_keeps_out_whom_it_names(site: Site) -> None:
    shown, imported = site.run(ASK, CHATPLUG_DISABLE_PLUGINS="tiny-a")

    assert shown[0] == [
        "PluginRefusedError",
        "The plugin tiny-a 1.2.3 is kept out: CHATPLUG_DISABLE_PLUGINS blocks it. Take tiny-a out of it to let it in.",
    ]
    assert shown[1:] == ["!woeM", "Meo"]
    assert imported == ["tiny_b"]


@HERE
def test_lists_in_the_configuration_hold_besides_the_variables(site: Site, tmp_path: Path) -> None:
    variables = config(tmp_path, 'allow = ["tiny-a", "tiny-b"]\nblock = ["tiny-b"]\n')

    shown, imported = site.run(ASK, **variables, CHATPLUG_PLUGINS="tiny-a,tiny-b,chatplug-echo")

    assert shown[0] == "!woeM"
    assert "plugins.toml blocks it." in shown[1][1]
    assert "plugins.toml allows tiny-a, tiny-b only." in shown[2][1]
    assert imported == ["tiny_a"]


@HERE
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("allow = [", "cannot be read"),
        ('allow = "tiny-a"', "has 'allow', which is not allow or block"),
        ('alow = ["tiny-a"]', "has 'alow', which is not allow or block"),
        ('lock = "nowhere.lock"', "nowhere.lock cannot be read"),
    ],
)
def test_a_configuration_that_cannot_be_read_lets_nobody_in(text: str, said: str, site: Site, tmp_path: Path) -> None:
    shown, imported = site.run(ASK, **config(tmp_path, text))

    assert [kind for kind, _ in shown] == ["PluginRefusedError"] * 3
    assert all(said in told and told.endswith("until then no plugin is let in.") for _, told in shown)
    assert imported == []


def test_a_plugin_that_is_kept_out_claims_nothing_and_is_heard_by_nobody(site: Site) -> None:
    site.add("tiny-c", provider="tiny_a", entry_points="[chatplug.models]\nx- = tiny_c:tiny_a\n")
    script = """
        show(chatplug.init("tiny_a:m").invoke("abc").text)
        attempt(chatplug.init, "x-large")
    """

    shown, imported = site.run(script, CHATPLUG_DISABLE_PLUGINS="tiny-c")

    assert shown[0] == "cba"
    assert shown[1][0] == "ModelNameError"
    assert imported == ["tiny_a"]


def test_an_extension_that_is_not_allowed_is_not_imported_and_said_to_be_kept_out(site: Site) -> None:
    site.add("ears", entry_points="[chatplug.extensions]\nears = ears\n")
    script = """
        import logging
        said = []
        logging.getLogger("chatplug.plugins").addHandler(type("Keep", (logging.Handler,), {
            "emit": lambda self, record: said.append(record.getMessage())})())
        chatplug.init("tiny_a:m")
        show(said)
    """

    shown, imported = site.run(script, CHATPLUG_PLUGINS="tiny-a")
    blocked, _ = site.run(script, CHATPLUG_DISABLE_PLUGINS="ears")

    assert imported == ["tiny_a"]
    assert shown == [
        ["The extension ears 1.2.3 is kept out: CHATPLUG_PLUGINS allows tiny-a only. Add ears to it to let it in."]
    ]
    assert blocked == [[]]


def test_with_a_lock_only_what_it_names_is_let_in(site: Site, tmp_path: Path) -> None:
    lock = tmp_path / "plugins.lock"
    write = {"CHATPLUG_PLUGINS_LOCK": str(lock)}
    lock.write_text('{"version": 1, "plugins": []}', encoding="utf-8")
    site.run(LOCK, **write)
    locked = json.loads(lock.read_text("utf-8"))["plugins"]
    site.add("tiny-c")

    shown, imported = site.run(ASK + "    attempt(chatplug.init, 'tiny_c:m')\n", **write)

    assert {"tiny-a", "tiny-b", "chatplug-echo"} <= {one["name"] for one in locked}
    assert shown[:3] == ["!woeM", "!woeM", "Meo"]
    assert shown[3][0] == "PluginRefusedError"
    assert f"tiny-c 1.2.3 is kept out: the lock {lock} does not name it." in shown[3][1]
    assert sorted(imported) == ["tiny_a", "tiny_b"]


def test_a_plugin_that_changed_since_it_was_locked_is_refused_before_import(site: Site, tmp_path: Path) -> None:
    lock = tmp_path / "plugins.lock"
    write = {"CHATPLUG_PLUGINS_LOCK": str(lock)}
    lock.write_text('{"version": 1, "plugins": []}', encoding="utf-8")
    for name in ("upgraded", "edited", "rebuilt", "same"):
        site.add(name)
    site.run(LOCK, **write)
    for path in site.folder.glob("upgraded-1.2.3.dist-info/*"):
        path.unlink()
    site.folder.joinpath("upgraded-1.2.3.dist-info").rmdir()
    site.add("upgraded", version="1.3")
    site.write("edited.py", "evil = True\n" + GOOD)
    site.add("rebuilt", GOOD + "    evil = True\n")

    shown, imported = site.run(
        """
        for name in ("upgraded", "edited", "rebuilt", "same"):
            attempt(lambda: chatplug.init(name + ":m").invoke("abc").text)
        """,
        **write,
    )

    assert [one[0] for one in shown[:3]] == ["PluginRefusedError"] * 3
    assert f"upgraded 1.3 is kept out: the lock {lock} has version 1.2.3." in shown[0][1]
    assert "edited 1.2.3 is kept out: its file edited.py is not what its RECORD says." in shown[1][1]
    assert f"rebuilt 1.2.3 is kept out: its RECORD is not the one that the lock {lock} has." in shown[2][1]
    assert shown[3] == "cba"
    assert imported == ["same"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"version": 2, "plugins": []}', '{"version": 1, "plugins": [{"name": 1}]}']
)
def test_a_lock_that_is_none_lets_nobody_in(text: str, tmp_path: Path) -> None:
    file = tmp_path / "plugins.lock"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(PluginRefusedError, match=r"plugins\.lock"):
        read_lock(str(file))


def test_what_an_installer_adds_on_one_machine_is_no_part_of_the_lock(site: Site) -> None:
    from chatplug.plugins.lock import digest_of

    folder = site.folder / "tiny_a-1.2.3.dist-info"
    before = digest_of(str(folder))
    with (folder / "RECORD").open("a", encoding="utf-8") as record:
        record.write("../../../bin/tiny,sha256=abc,3\ntiny_a-1.2.3.dist-info/INSTALLER,sha256=abc,4\n")
        record.write("tiny_a-1.2.3.dist-info/REQUESTED,sha256=abc,0\n__pycache__/tiny_a.cpython-399.pyc,,\n")

    assert digest_of(str(folder)) == before
    assert before.startswith("sha256:")
    assert digest_of(str(folder.parent)) == digest_of("") == ""


@HERE
@pytest.mark.parametrize("value", [None, "", "/somewhere", "/some where/", "relative", " /blank"])
def test_the_folders_are_those_of_platformdirs(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        if value is None:
            monkeypatch.delenv(variable, raising=False)
        else:
            monkeypatch.setenv(variable, value)

    assert Path(directories.cache_folder()) == Path(platformdirs.user_cache_dir("chatplug", appauthor=False))
    assert Path(directories.config_folder()) == Path(platformdirs.user_config_dir("chatplug", appauthor=False))
