"""`chatplug run`: what goes in, what comes out, and when."""

from __future__ import annotations

import json
import socket
import subprocess
from typing import Any

import pytest
from click.testing import CliRunner

from chatplug.cli.app import app
from chatplug.messages import AIMessage
from tests.cli.child import Start


def told(cli: CliRunner, *arguments: str, stdin: str | None = None) -> dict[str, Any]:
    """What a model was told: the messages and the settings."""
    result = cli.invoke(app, ["run", "scripted:tell", *arguments], input=stdin)
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def test_the_answer_is_printed_and_ends_with_a_newline(cli: CliRunner) -> None:
    result = cli.invoke(app, ["run", "echo:n3", "Meow!"])

    assert (result.exit_code, result.stdout, result.stderr) == (0, "Meo\n", "")


def test_an_answer_that_ends_with_a_newline_gets_no_second_one(cli: CliRunner) -> None:
    result = cli.invoke(app, ["run", "echo:n3", "ab\ncd"])

    assert result.stdout == "ab\n"


@pytest.mark.parametrize("flag", ["--no-stream", "--json"])
def test_the_whole_answer_is_the_streamed_one(cli: CliRunner, flag: str) -> None:
    result = cli.invoke(app, ["run", "echo:n3", "Meow!", flag])

    assert result.exit_code == 0
    assert (json.loads(result.stdout)["content"] if flag == "--json" else result.stdout.removesuffix("\n")) == "Meo"


def test_json_is_the_message_and_can_be_read_back(cli: CliRunner) -> None:
    result = cli.invoke(app, ["run", "scripted:usage", "hello", "--json"])

    message = AIMessage.model_validate(json.loads(result.stdout))
    assert result.stdout.count("\n") == 1
    assert message.text == "Meo"
    assert message.usage_metadata == {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}


def test_the_prompt_comes_from_standard_input_when_none_is_given(cli: CliRunner) -> None:
    assert told(cli, stdin="two\nlines\n")["said"] == [["human", "two\nlines"]]


def test_a_dash_stands_for_standard_input(cli: CliRunner) -> None:
    assert told(cli, "-", stdin="hello")["said"] == [["human", "hello"]]


def test_a_prompt_that_begins_with_a_dash_goes_behind_two_dashes(cli: CliRunner) -> None:
    assert told(cli, "--", "-5 + 3")["said"] == [["human", "-5 + 3"]]


def test_a_system_text_goes_before_the_prompt(cli: CliRunner) -> None:
    assert told(cli, "hello", "--system", "Be brief.")["said"] == [["system", "Be brief."], ["human", "hello"]]


def test_empty_standard_input_is_a_usage_error(cli: CliRunner) -> None:
    result = cli.invoke(app, ["run", "echo:n3"], input="")

    assert result.exit_code == 2
    assert "standard input is empty" in result.stderr


def test_bytes_that_are_no_text_are_a_usage_error(cli: CliRunner) -> None:
    result = cli.invoke(app, ["run", "echo:n3"], input=b"\xff\xfe")

    assert result.exit_code == 2
    assert "Standard input is no utf-8 text" in result.stderr


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("3", 3),
        ("-0.5", -0.5),
        ("1e3", 1000.0),
        ("true", True),
        ('["a","b"]', ["a", "b"]),
        ('{"a": [1, null]}', {"a": [1, None]}),
        ("text", "text"),
        ("", ""),
        ("a=b", "a=b"),
        ("http://localhost:8080/v1?a=b", "http://localhost:8080/v1?a=b"),
        ("True", "True"),
        ("NaN", "NaN"),
        ('"3"', "3"),
        ("[" * 5000, "[" * 5000),
    ],
)
def test_the_value_of_a_setting_is_json_or_else_text(cli: CliRunner, written: str, meant: object) -> None:
    assert told(cli, "hello", "-o", f"it={written}")["given"] == {"it": meant}


def test_a_setting_that_is_null_is_not_given(cli: CliRunner) -> None:
    assert told(cli, "hello", "-o", "it=null")["given"] == {}


def test_settings_can_be_repeated_and_the_last_of_a_name_counts(cli: CliRunner) -> None:
    assert told(cli, "hello", "-o", "a=1", "-o", "b=2", "-o", "a=3")["given"] == {"a": 3, "b": 2}


@pytest.mark.parametrize("written", ["sk-secret", "=sk-secret", "  =sk-secret", "", "model=sk-secret", "plugins=1"])
def test_a_malformed_setting_is_a_usage_error_that_does_not_repeat_it(cli: CliRunner, written: str) -> None:
    result = cli.invoke(app, ["run", "echo:n3", "hello", "-o", written])

    assert result.exit_code == 2
    assert "Invalid value for '-o'" in result.stderr
    assert "sk-secret" not in result.output


def test_usage_goes_to_standard_error(cli: CliRunner) -> None:
    for flags in ([], ["--no-stream"], ["--json"]):
        result = cli.invoke(app, ["run", "scripted:usage", "hello", "-u", *flags])

        assert result.stderr == "Tokens: 3 in, 4 out, 7 in all.\n"


def test_usage_that_the_provider_does_not_tell_is_not_zero(cli: CliRunner) -> None:
    result = cli.invoke(app, ["run", "echo:n3", "hello", "--usage"])

    assert result.stderr == "Tokens: the provider did not say.\n"


def test_half_a_surrogate_pair_does_not_end_the_answer(cli: CliRunner) -> None:
    result = cli.invoke(app, ["run", "scripted:half", "hello"])

    assert (result.exit_code, result.stdout) == (0, "\\ud83d\n")


def test_text_is_there_before_the_model_has_finished(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        child = start("run", "scripted:wait", "hello", "-o", f"port={server.getsockname()[1]}")
        line, _ = server.accept()
        arrived = child.read(len("first"))
        with line:
            line.sendall(b".")

        code, rest, said = child.end()

    assert arrived == "first"
    assert (code, rest, said) == (0, " second\n", "")


def test_standard_input_that_never_ends_is_not_read_when_there_is_a_prompt(start: Start) -> None:
    child = start("run", "echo:n3", "Meow!", stdin=subprocess.PIPE)

    assert child.read(4) == "Meo\n"
    assert child.process.wait(30) == 0
