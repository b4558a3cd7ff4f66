"""A user's own names for providers: `providers.toml`, read for every provider alike."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chatplug
from chatplug.errors import (
    ChatplugError,
    CredentialsError,
    ProviderConflictError,
    ProviderNotFoundError,
    SettingsError,
)
from chatplug.plugins import default_manager
from chatplug.plugins.alias_text import with_alias, without_alias
from chatplug.plugins.aliases import Alias, parsed


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the aliases are; nothing is there yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = tmp_path / "chatplug" / "providers.toml"
    path.parent.mkdir()
    return path


def test_an_alias_is_a_provider_with_settings_of_its_own_which_the_callers_override(file: Path) -> None:
    file.write_text('[Loud-Echo]\nprovider = "echo"\n[Loud-Echo.settings]\nname = "loud"\ntags = ["a"]\n')

    model = chatplug.init("loud_echo:n3")
    other = chatplug.init("loud-echo:n3", name="other")

    assert model.invoke("Meow!").text == "Meo"
    assert (model.provider, model.model_id, model.name, model.tags) == ("loud_echo", "n3", "loud", ["a"])
    assert (other.name, other.tags) == ("other", ["a"])
    assert default_manager().list_models("loud_echo", {}) == default_manager().list_models("echo", {})


def test_the_key_comes_from_the_variable_that_the_alias_names(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('[work]\nprovider = "groq"\nkey = "WORK_KEY"\n')
    monkeypatch.setenv("GROQ_API_KEY", "gsk-private")
    monkeypatch.delenv("WORK_KEY", raising=False)

    with pytest.raises(CredentialsError, match=r"'work' takes its key from WORK_KEY, which is not set"):
        chatplug.init("work:m")
    monkeypatch.setenv("WORK_KEY", "gsk-work")
    made: Any = chatplug.init("work:m")
    given_: Any = chatplug.init("work:m", api_key="gsk-given")

    assert made.common.headers["authorization"] == "Bearer gsk-work"
    assert given_.common.headers["authorization"] == "Bearer gsk-given"


def test_a_conversation_keeps_its_maker_when_it_is_asked_for_under_another_name(file: Path) -> None:
    file.write_text('[work]\nprovider = "groq"\n')

    model: Any = chatplug.init("work:m", api_key="k")

    assert model.common.gateway.name == "groq"


def test_an_alias_hides_an_installed_provider_only_if_it_says_so(file: Path) -> None:
    file.write_text('[echo]\nprovider = "groq"\n')
    with pytest.raises(ProviderConflictError, match=r"'echo' is an alias in .*providers\.toml.*replaces = true"):
        chatplug.init("echo:n3")
    assert chatplug.init("groq:m", api_key="k").provider == "groq"

    file.write_text('[echo]\nprovider = "echo"\nreplaces = true\n[echo.settings]\nname = "mine"\n')
    assert chatplug.init("echo:n3").name == "mine"


BROKEN = {
    "no TOML": ("[work\n", "no TOML.*line 1"),
    "two spellings": ('[my-work]\nprovider = "echo"\n[My_Work]\nprovider = "echo"\n', "one name in two ways"),
    "no table": ("work = 1\n", "is no table"),
    "no provider": ("[work]\n", "does not say which provider"),
    "a misspelt field": ('[work]\nprovidr = "echo"\n', "Did you mean 'provider'"),
    "a setting in the wrong place": ('[work]\nprovider = "echo"\nbase_url = "x"\n', r"no 'base_url'.*\.settings"),
    "a key": ('[work]\nprovider = "echo"\nkey = "sk-1234"\n', "no name of a variable"),
    "a key as a setting": ('[work]\nprovider = "echo"\n[work.settings]\napi_key = "sk-1234"\n', "not for files"),
    "a word for a truth": ('[work]\nprovider = "echo"\nreplaces = "yes"\n', "neither true nor false"),
    "settings that are a text": ('[work]\nprovider = "echo"\nsettings = "x"\n', "settings that are no table"),
    "no text": ("\ufffe", "cannot be read"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_is_wrong_is_named_with_what_is_wrong_and_no_key_is_shown(file: Path, case: str) -> None:
    text, words = BROKEN[case]
    file.write_bytes(b"\xff\xfe" if case == "no text" else text.encode())

    with pytest.raises(SettingsError, match=words) as caught:
        chatplug.init("work:n3")

    assert "providers.toml" in str(caught.value)
    assert "sk-1234" not in str(caught.value)


def test_one_wrong_alias_stops_nobody_who_does_not_ask_for_it(file: Path) -> None:
    file.write_text('[wrong]\n[right]\nprovider = "echo"\n')

    assert chatplug.init("right:n1").invoke("Meow").text == "M"
    assert chatplug.init("echo:n1").invoke("Meow").text == "M"


def test_a_misspelt_alias_is_answered_with_the_nearest_and_one_for_nobody_names_who_is_missing(file: Path) -> None:
    file.write_text('[production]\nprovider = "ecko"\n')

    with pytest.raises(ProviderNotFoundError, match="Did you mean 'production'"):
        chatplug.init("prodution:n3")
    with pytest.raises(ProviderNotFoundError, match=r"No plugin provides 'ecko'\. Did you mean 'echo'"):
        chatplug.init("production:n3")


def test_a_change_of_the_file_is_seen_at_once(file: Path) -> None:
    file.write_text('[a]\nprovider = "echo"\n')
    assert chatplug.init("a:n1").provider == "a"

    file.write_text('[b]\nprovider = "echo"\n')
    assert chatplug.init("b:n1").provider == "b"
    with pytest.raises(ProviderNotFoundError):
        chatplug.init("a:n1")

    file.unlink()
    with pytest.raises(ProviderNotFoundError):
        chatplug.init("b:n1")


def test_without_a_file_nothing_is_opened_and_nothing_imported_for_it(tmp_path: Path) -> None:
    code = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(args[0]) if event == "open" else None)
import chatplug
chatplug.init("echo:n3")
assert not [path for path in opened if "providers.toml" in str(path)], opened
assert "tomllib" not in sys.modules
assert "platformdirs" not in sys.modules or sys.platform != "linux"
"""
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}

    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


# ---- the text of the file

NAMES = st.text(st.sampled_from("ab_-.Z9 é\"'[]#"), min_size=1, max_size=6).filter(
    lambda name: bool(name.strip()) and name.strip() == name
)
VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(st.characters(codec="utf-8"))),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text("ab c", max_size=3), inner)),
    max_leaves=5,
)


@given(st.lists(st.tuples(NAMES, st.dictionaries(NAMES, VALUES, max_size=3)), max_size=4))
def test_what_is_added_can_be_read_and_removing_it_leaves_what_was_there(
    wanted: list[tuple[str, dict[str, Any]]],
) -> None:
    text = '# mine\n[first]  # kept\nprovider = "echo"\n'
    for name, settings in wanted:
        plain = name.lower().replace("-", "_")
        if plain in parsed(text):
            continue
        alias = Alias(plain, "echo", settings, "KEY", replaces=True)
        try:
            added = with_alias(text, alias)
        except SettingsError:
            continue

        table = tomllib.loads(added)[plain]
        assert table == {
            "provider": "echo",
            "key": "KEY",
            "replaces": True,
            **({"settings": settings} if settings else {}),
        }
        assert without_alias(added, plain) == (text if text.endswith("\n\n") else text + "\n")
        text = added
    assert text.startswith("# mine\n[first]  # kept\n")


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("", "a", "no alias 'a'. There are none"),
        ('[b]\nprovider = "echo"\n', "a", "There are b"),
        ('a = {provider = "echo"}\n', "a", "not written as a table"),
    ],
)
def test_what_cannot_be_removed_is_left_as_it_is(text: str, name: str, words: str) -> None:
    with pytest.raises(ChatplugError, match=words):
        without_alias(text, name)


def test_a_table_in_pieces_is_removed_whole_and_its_neighbours_stay() -> None:
    text = (
        '[a]\nprovider = "echo"\n\n[b]\nprovider = "echo"\n[a.settings]\nname = "x"\n# of b\n[b.settings]\nname = "y"\n'
    )

    assert tomllib.loads(without_alias(text, "a")) == {"b": {"provider": "echo", "settings": {"name": "y"}}}


def test_a_value_that_toml_does_not_have_is_refused() -> None:
    with pytest.raises(SettingsError, match="no null"):
        with_alias("", Alias("a", "echo", {"seed": None}, None, replaces=False))


def test_an_alias_of_an_alias_is_named_as_such_and_a_key_in_the_file_is_told_where_it_belongs(file: Path) -> None:
    file.write_text('[a]\nprovider = "a"\n[b]\nprovider = "echo"\napi_key = "sk-not-to-be-seen"\n', encoding="utf-8")

    with pytest.raises(ProviderNotFoundError, match="It is an alias itself, and an alias uses an installed provider"):
        chatplug.init("a:n3")
    with pytest.raises(SettingsError, match='Name the variable that holds the key: key = "VARIABLE"') as caught:
        chatplug.init("b:n3")

    assert "sk-not" not in str(caught.value)
