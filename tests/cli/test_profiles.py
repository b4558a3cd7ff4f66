"""`chatplug profiles`, with a catalogue in models.dev's shape that is served on loopback."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pydantic_core import to_json

from chatplug.cli.app import app
from chatplug.profiles import default_registry
from chatplug.testing.http_server import Exchange, LoopbackServer
from tests.profiles.catalogues import catalogue, large, model


class Served:
    """A catalogue on loopback that a test may change."""

    def __init__(self) -> None:
        self.body: bytes = to_json(catalogue(echo={"n3": model(name="Three"), "n4": model()}, cats={"cat-4": model()}))
        self.status = 200
        self.length: int | None = None

    def __call__(self, exchange: Exchange) -> None:
        if self.length is None:
            exchange.answer(self.body, status=self.status)
        else:
            exchange.send(f"HTTP/1.1 200 OK\r\nContent-Length: {self.length}\r\n\r\n".encode() + self.body)
            exchange.hang_up()


@pytest.fixture
def served() -> Served:
    return Served()


@pytest.fixture
def url(served: Served) -> Iterator[str]:
    with LoopbackServer(served) as server:
        yield f"{server.url}/api.json"


@pytest.fixture
def store(nobodys_files: Path) -> Path:
    return nobodys_files / "data" / "chatplug" / "profiles.jsonl"


def run(*arguments: str) -> Result:
    default_registry().forget()
    return CliRunner().invoke(app, ["profiles", *arguments])


def shown(name: str) -> dict[str, Any]:
    return json.loads(run("show", name, "--json").stdout)  # type: ignore[no-any-return]


# ---- show and list


def test_show_prints_what_is_known_and_nothing_that_is_not() -> None:
    result = run("show", "echo:n3")

    lines = dict(line.split(None, 1) for line in result.stdout.splitlines())
    assert result.exit_code == 0
    assert (lines["tool_calling"], lines["input_price"], lines["name"]) == ("no", "0", "Echo")
    assert "max_input_tokens" not in lines


def test_show_says_where_each_fact_comes_from() -> None:
    result = run("show", "echo:n3", "--provenance")

    (line,) = [line.split() for line in result.stdout.splitlines() if line.startswith("tool_calling")]
    assert line == ["tool_calling", "no", "plugin", "chatplug_echo/model.py,", "2026-11-24"]
    described = json.loads(run("show", "echo:n3", "--provenance", "--json").stdout)
    assert described["tool_calling"] == {
        "value": False,
        "layer": "plugin",
        "source": "chatplug_echo/model.py",
        "date": "2026-11-24",
    }


def test_show_needs_no_key_and_no_model() -> None:
    assert shown("openai:gpt-4.1")["successor"] == "gpt-6-luna"


def test_show_of_an_unknown_model_says_so() -> None:
    result = run("show", "echo:whale")

    assert (result.exit_code, result.stdout) == (0, "")
    assert "Nothing is known of echo:whale." in result.stderr


def test_list_has_the_models_that_somebody_describes_by_name() -> None:
    listed = json.loads(run("list", "openai", "--json").stdout)

    names = {one["model"]: one for one in listed}
    assert names["openai:gpt-4.1"]["known_from"] == "plugin"
    assert names["openai:gpt-4.1"]["max_output_tokens"] == 32_768
    assert "openai:gpt-4.1" in run("list").stdout


# ---- refresh


def test_refresh_downloads_the_catalogue_and_uses_it_from_then_on(url: str, store: Path) -> None:
    result = run("refresh", "--url", url, "--force")

    assert result.exit_code == 0, result.output
    assert result.stdout == f"3 models of 2 providers: 3 new, 0 changed, 0 gone. Kept in {store}\n"
    assert shown("echo:n3")["name"] == "Three"
    assert shown("echo:n3")["max_input_tokens"] == 272_000
    source = json.loads(run("show", "echo:n3", "--provenance", "--json").stdout)["name"]
    assert (source["layer"], source["source"]) == ("refreshed", url)


def test_refresh_says_what_is_new_changed_and_gone(url: str, served: Served) -> None:
    run("refresh", "--url", url, "--force")
    served.body = to_json(catalogue(echo={"n3": model(name="Drei"), "n5": model()}, cats={"cat-4": model()}))

    result = run("refresh", "--url", url)

    assert "3 models of 2 providers: 1 new, 1 changed, 1 gone" in result.stdout


def test_refresh_works_from_a_file(tmp_path: Path, served: Served) -> None:
    file = tmp_path / "api.json"
    file.write_bytes(served.body)

    assert run("refresh", "--file", str(file), "--force").exit_code == 0
    assert shown("echo:n3")["name"] == "Three"


BAD: list[tuple[str, bytes | None, int, int | None, str]] = [
    ("cut short on the way", None, 200, 10**7, "cannot be downloaded"),
    ("cut short", large(200)[:-5], 200, None, "is no JSON"),
    ("another page", b"<html></html>", 200, None, "is no JSON"),
    ("not there", b"{}", 404, None, "status 404"),
    ("wrong types", to_json(catalogue(echo={"n3": model(limit="x"), "n4": model(cost=[])})), 200, None, "faulty"),
    ("huge numbers", to_json(catalogue(echo={"n3": model(limit={"context": 10**30})})), 200, None, "faulty"),
    ("deep", b'{"a":' * 200_000, 200, None, "is no JSON"),
    ("fewer than half", to_json(catalogue(echo={"n3": model()})), 200, None, "does not know 2 of the 3"),
]


@pytest.mark.parametrize(("body", "status", "length", "said"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_a_bad_catalogue_is_refused_and_the_last_good_one_stays(  # each of the ways to be bad
    url: str, served: Served, store: Path, body: bytes | None, status: int, length: int | None, said: str
) -> None:
    run("refresh", "--url", url, "--force")
    before = store.read_bytes()
    served.body, served.status, served.length = body or served.body, status, length

    result = run("refresh", "--url", url)

    assert result.exit_code == 1
    assert said in result.stderr
    assert store.read_bytes() == before
    assert [path.name for path in store.parent.iterdir()] == [store.name]
    assert shown("echo:n3")["name"] == "Three"


def test_a_catalogue_of_five_megabytes_is_taken_and_a_torn_one_refused(url: str, served: Served, store: Path) -> None:
    served.body = large()
    assert len(served.body) > 5_000_000

    assert run("refresh", "--url", url, "--force").exit_code == 0
    assert run("refresh", "--url", url).stdout.startswith("5000 models of 1 providers: 0 new")
    served.body = served.body[:5_000_000]
    assert run("refresh", "--url", url).exit_code == 1
    assert len(default_registry().store.profiles("cats")) == 5_000  # type: ignore[union-attr]


def test_the_first_catalogue_has_to_know_what_the_plugins_know(url: str, served: Served, store: Path) -> None:
    served.body = to_json(catalogue(nobody={"x": model()}))

    result = run("refresh", "--url", url)

    assert result.exit_code == 1
    assert "--force" in result.stderr
    assert not store.exists()
    assert run("refresh", "--url", url, "--force").exit_code == 0


def test_one_faulty_model_among_many_is_left_out_and_told(url: str, served: Served) -> None:
    models: dict[str, Any] = {f"n{number}": model() for number in range(150)}
    served.body = to_json(catalogue(echo={**models, "odd\x1b[31m": model(name=7)}))

    result = run("refresh", "--url", url, "--force")

    assert result.exit_code == 0
    assert "Left out: echo:odd[31m: name is 7, not a text" in result.stderr


def test_on_a_terminal_a_bar_shows_how_far_the_download_is(url: str, served: Served, nobodys_files: Path) -> None:
    served.body = large()
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "chatplug", "profiles", "refresh", "--url", url, "--force"]

    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=follower, env={**os.environ, "TERM": "xterm"}
    ) as child:
        os.close(follower)
        drawn = b""
        try:
            while piece := os.read(leader, 65536):
                drawn += piece
        except OSError:  # how Linux says that the other side is closed
            pass
        finally:
            os.close(leader)
        out = child.stdout.read() if child.stdout else b""

    assert b"5000 models" in out
    assert "MB" in drawn.decode() or "bytes" in drawn.decode()


# ---- diff and check


def test_diff_shows_where_the_catalogue_says_otherwise(url: str, served: Served) -> None:
    served.body = to_json(catalogue(openai={"gpt-4.1": model(name="GPT-4.1", tool_call=False, status="beta")}))

    result = run("diff", "openai", "--url", url, "--json")

    found = {(one["model"], one["field"]): (one["plugin"], one["catalogue"]) for one in json.loads(result.stdout)}
    assert found["openai:gpt-4.1", "tool_calling"] == (True, False)
    assert ("openai:gpt-4.1", "name") not in found
    assert ("openai:gpt-4.1", "last_updated") not in found
    assert "last_updated" in run("diff", "openai", "--url", url, "--all").stdout


def test_diff_without_a_catalogue_says_how_to_get_one() -> None:
    result = run("diff")

    assert result.exit_code == 2
    assert "chatplug profiles refresh" in result.stderr


def test_check_fails_for_a_model_that_ends_and_for_one_that_nobody_knows() -> None:
    result = run("check", "openai:gpt-4.1", "openai:gpt-6-sol", "echo:whale")

    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "openai:gpt-4.1 is deprecated, ends on 2027-01-14, see gpt-6-luna.",
        "echo:whale is unknown.",
    ]


def test_check_of_everything_lists_what_ends_and_fails_for_faults_alone(nobodys_files: Path) -> None:
    good = run("check")
    assert good.exit_code == 0
    assert "groq:llama-3.3-70b-versatile is retired" in good.stdout
    assert good.stdout.endswith("Nothing is wrong.\n")

    folder = nobodys_files / "config" / "chatplug"
    folder.mkdir(parents=True)
    (folder / "profiles.toml").write_text('["echo:n3"]\ntool_caling = true\n')
    bad = run("check")
    assert bad.exit_code == 1
    assert "tool_caling is no field; did you mean 'tool_calling'?" in bad.stdout


def test_check_shows_what_changed_and_fails_for_it_if_it_is_strict(url: str, served: Served) -> None:
    served.body = to_json(catalogue(openai={"gpt-6-sol": model(name="GPT-6 Sol", tool_call=False)}))

    loose = run("check", "openai:gpt-6-sol", "--url", url)
    strict = run("check", "openai:gpt-6-sol", "--url", url, "--strict")

    line = "openai:gpt-6-sol: tool_calling is yes, and no in the catalogue."
    assert line in loose.stdout
    assert line in strict.stdout
    assert (loose.exit_code, strict.exit_code) == (0, 1)


def test_a_url_and_a_file_at_once_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("{}")

    assert run("refresh", "--url", "http://127.0.0.1:9", "--file", str(tmp_path / "x")).exit_code == 2


# ---- settings


def test_the_settings_of_a_provider_are_shown_with_types_defaults_and_docs() -> None:
    result = CliRunner().invoke(app, ["models", "echo", "--settings", "--json"])

    rows = {row["setting"]: row for row in json.loads(result.stdout)}
    assert rows["n"] == {
        "setting": "n",
        "type": "int",
        "default": "required",
        "doc": "How many characters are echoed.",
    }
    assert rows["stop"]["type"] == "list[str] | None"
    assert rows["on_loss"]["default"] == "'warn'"
    assert rows["profile"]["doc"].startswith("What is known of the model")
    assert all(row["doc"] for row in rows.values())


def test_what_is_said_to_pydantic_is_left_out_of_a_type() -> None:
    result = CliRunner().invoke(app, ["models", "openai", "--settings", "--json"])

    rows = {row["setting"]: row for row in json.loads(result.stdout)}
    assert rows["temperature"]["type"] == "float | None"
    assert rows["api_key"]["type"] == "SecretStr | None"


def test_settings_of_nobody_and_of_a_plugin_that_does_not_tell(cli: CliRunner) -> None:
    assert cli.invoke(app, ["models", "--settings"]).exit_code == 2

    result = cli.invoke(app, ["models", "scripted", "--settings"])

    assert result.exit_code == 1
    assert "does not say what can be set" in result.stderr
