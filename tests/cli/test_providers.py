"""`chatplug providers add`, `remove` and `list`."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chatplug.cli.app import app


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "chatplug" / "providers.toml"


def test_a_name_that_is_added_is_listed_and_can_be_run_until_it_is_removed(cli: CliRunner, file: Path) -> None:
    added = cli.invoke(app, ["providers", "add", "Mine", "echo", "-o", 'tags=["a"]'])
    run = cli.invoke(app, ["run", "mine:n3", "Meow!"])
    models = cli.invoke(app, ["models"])
    listed = cli.invoke(app, ["providers", "list"])
    removed = cli.invoke(app, ["providers", "remove", "mine"])
    empty = cli.invoke(app, ["providers", "list"])

    assert (added.exit_code, run.stdout, removed.exit_code) == (0, "Meo\n", 0)
    assert ["mine", "mine:n3"] in [line.split() for line in models.stdout.splitlines()]
    assert ["mine", "echo", "tags=['a']"] in [line.split() for line in listed.stdout.splitlines()]
    assert empty.stdout == ""
    assert str(file) in empty.stderr


def test_the_list_says_whether_the_key_is_set_and_never_what_it_is(
    cli: CliRunner, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SET_KEY", "sk-not-to-be-seen")
    monkeypatch.delenv("UNSET_KEY", raising=False)
    for name in ("SET_KEY", "UNSET_KEY"):
        assert cli.invoke(app, ["providers", "add", name, "groq", "--key", name]).exit_code == 0

    listed = cli.invoke(app, ["providers", "list"])
    as_json = cli.invoke(app, ["providers", "list", "--json"])

    assert "UNSET_KEY is not set." in listed.stdout
    found = {one["name"]: one["wrong"] for one in json.loads(as_json.stdout)["aliases"]}
    assert found == {"set_key": None, "unset_key": "UNSET_KEY is not set."}
    assert "sk-not-to-be-seen" not in listed.output + as_json.output
    assert "sk-not-to-be-seen" not in file.read_text()


def test_one_name_that_is_wrong_is_listed_with_what_is_wrong_and_hides_no_other(cli: CliRunner, file: Path) -> None:
    file.parent.mkdir()
    file.write_text('[a]\n[b]\nprovider = "nobody"\n[echo]\nprovider = "groq"\n[fine]\nprovider = "echo"\n')

    found = json.loads(cli.invoke(app, ["providers", "list", "--json"]).stdout)["aliases"]

    wrong = {one["name"]: one["wrong"] for one in found}
    assert "does not say which provider" in wrong["a"]
    assert wrong["b"] == "No plugin provides 'nobody'."
    assert "replaces = true" in wrong["echo"]
    assert wrong["fine"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a", "ecko"], "Did you mean 'echo'?"),
        (["echo", "groq"], "--replace-installed"),
        (["a:b", "echo"], "no name for a provider"),
        (["a", "groq", "-o", "api_key=sk-1234"], "a key is not for files"),
        (["a", "groq", "--key", "sk-1234"], "name of a variable"),
        (["a", "echo", "-o", "seed=null"], "TOML has no null"),
        (["there", "echo"], "There is an alias 'there' already"),
    ],
)
def test_what_cannot_be_added_is_refused_and_the_file_stays_as_it_was(
    cli: CliRunner, file: Path, arguments: list[str], words: str
) -> None:
    cli.invoke(app, ["providers", "add", "there", "echo"])
    before = file.read_bytes()

    result = cli.invoke(app, ["providers", "add", *arguments])

    assert result.exit_code == 1
    assert words in result.stderr
    assert "sk-1234" not in result.output
    assert file.read_bytes() == before


def test_the_file_keeps_its_comments_its_mode_and_the_link_to_it(cli: CliRunner, file: Path, tmp_path: Path) -> None:
    real = tmp_path / "kept" / "mine.toml"
    real.parent.mkdir()
    real.write_text('# by hand\n[old]\nprovider = "echo"\n')
    real.chmod(0o600)
    file.parent.mkdir()
    file.symlink_to(real)

    cli.invoke(app, ["providers", "add", "new", "echo"])
    cli.invoke(app, ["providers", "remove", "old"])

    assert file.is_symlink()
    assert stat.S_IMODE(os.stat(real).st_mode) == 0o600
    assert real.read_text() == '# by hand\n[new]\nprovider = "echo"\n'


def test_a_folder_that_cannot_be_written_is_an_error_with_its_name(cli: CliRunner, file: Path, tmp_path: Path) -> None:
    (tmp_path / "chatplug").write_text("a file in the way")

    result = cli.invoke(app, ["providers", "add", "a", "echo"])

    assert result.exit_code == 1
    assert "providers.toml" in result.stderr


def test_the_doctor_names_what_is_wrong_with_aliases(cli: CliRunner, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    said: dict[str, Result] = {}
    for text in ('[mine]\nprovider = "echo"\n', "x = ", '[mine]\nprovider = "nobody"\n', "[mine]\n"):
        file.write_text(text, encoding="utf-8")
        said[text] = cli.invoke(app, ["doctor"])

    complaints = [result.stderr.rpartition("Broken: ")[2] for result in said.values()]
    assert [result.exit_code for result in said.values()][1:] == [1, 1, 1]
    assert complaints[0] == ""
    assert "is no TOML" in complaints[1]
    assert "uses 'nobody', which no plugin provides" in complaints[2]
    assert "does not say which provider it uses" in complaints[3]
