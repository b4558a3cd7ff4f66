"""A model by its name."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import chatplug
from chatplug.errors import ModelNameError, ProviderNotFoundError, SettingsError
from chatplug.factory import split_name
from chatplug.language_models import UnsupportedSettingWarning
from chatplug.plugins import PluginManager


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("echo:n3",), ("echo", "n3")),
        (("n3", "echo"), ("echo", "n3")),
        (("echo:n3", "echo"), ("echo", "n3")),
        (("Open-AI-Compat:n3",), ("open_ai_compat", "n3")),
        (("openai-compat:qwen3:8b", "openai_compat"), ("openai_compat", "qwen3:8b")),
        (("openai_compat:qwen3:8b",), ("openai_compat", "qwen3:8b")),
        (("qwen3:8b", "openai-compat"), ("openai_compat", "qwen3:8b")),
        (("other:n3", "echo"), ("echo", "other:n3")),
        ((" echo : n3 ",), ("echo", "n3")),
        (("openai_compat:org/Name-1.5:free",), ("openai_compat", "org/Name-1.5:free")),
    ],
)
def test_a_name_is_a_provider_and_a_model(args: tuple[str, ...], expected: tuple[str, str]) -> None:
    assert split_name(*args) == expected


@pytest.mark.parametrize(
    "args", [("",), (":",), ("echo",), ("echo:",), (":n3",), ("  :n3",), ("", "echo"), ("echo:", "echo")]
)
def test_a_name_without_a_provider_or_a_model_is_refused_with_what_is_installed(args: tuple[str, ...]) -> None:
    with pytest.raises(ModelNameError, match=r"Write 'provider:model'\. Installed .*echo"):
        split_name(*args)


@pytest.mark.parametrize("args", [(3,), (None,), (["echo:n3"],), ("n3", 3)])
def test_a_name_that_is_no_text_is_refused(args: tuple[Any, ...]) -> None:
    with pytest.raises(ModelNameError, match="The model's name is"):
        split_name(*args)


def test_a_name_with_another_installed_provider_in_front_is_refused() -> None:
    complaint = (
        r"'echo:n3' names the provider 'echo', and model_provider is 'openai-compat'\. .*'openai_compat:echo:n3'"
    )

    with pytest.raises(ModelNameError, match=complaint):
        chatplug.init("echo:n3", model_provider="openai-compat")
    assert split_name("echo:n3", "openai_compat", plugins=PluginManager({})) == ("openai_compat", "echo:n3")


def test_the_providers_that_a_complaint_names_are_those_of_the_given_plugins() -> None:
    with pytest.raises(ModelNameError, match="Installed providers: none"):
        chatplug.init("n3", plugins=PluginManager({}))


def test_a_model_is_made_by_the_plugin_of_its_provider() -> None:
    for model in (chatplug.init("echo:n3"), chatplug.init("n3", model_provider="echo"), chatplug.init("Echo:n3")):
        assert model.invoke("Meow!").text == "Meo"
        assert (model.provider, model.model_id) == ("echo", "n3")


def test_what_init_is_told_reaches_the_model() -> None:
    model = chatplug.init(
        "echo:n9", stop=".", name="mine", tags=["a"], metadata={"b": 1}, on_unsupported="allow", seed=1
    )

    assert (model.stop, model.name, model.tags, model.metadata) == (["."], "mine", ["a"], {"b": 1})
    assert model.unsupported_settings == ["seed"]
    assert model.invoke("a.b").text == "a."


def test_a_timeout_may_name_its_limits() -> None:
    limits = {"connect": 1.0, "read": None}

    model = chatplug.init("openai_compat:tiny", base_url="http://127.0.0.1:9/v1", timeout=limits)

    assert model.model_dump()["timeout"] == limits


def test_a_temperature_of_zero_is_a_setting_and_none_is_not() -> None:
    with pytest.warns(UnsupportedSettingWarning, match="temperature"):
        assert chatplug.init("echo:n3", temperature=0).unsupported_settings == ["temperature"]
    assert chatplug.init("echo:n3", temperature=None, timeout=None, api_key=None).unsupported_settings == []


def test_a_setting_that_nobody_knows_is_answered_with_the_nearest() -> None:
    with pytest.raises(SettingsError, match=r"^echo:n3: There is no setting 'tgas'. Did you mean 'tags'\?$"):
        chatplug.init("echo:n3", tgas=["a"])


def test_a_key_given_to_the_wrong_setting_is_not_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        chatplug.init("echo:n3", api_key="sk-secret")

    assert "secret" not in f"{caught.value} {caught.value.__cause__} {caught.value.__dict__}"


def test_plugins_may_come_from_elsewhere() -> None:
    with pytest.raises(ProviderNotFoundError, match="Installed: none"):
        chatplug.init("echo:n3", plugins=PluginManager({}))


def test_importing_chatplug_imports_nothing_else_of_it() -> None:
    statement = (
        "import sys, chatplug; print(*sorted(name for name in sys.modules if name.startswith(('chatplug', 'pyd'))))"
    )

    done = subprocess.run([sys.executable, "-c", statement], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.strip() == "chatplug"


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    missing = "inti"

    with pytest.raises(AttributeError, match="no attribute 'inti'"):
        getattr(chatplug, missing)
    assert set(chatplug.__all__) <= set(dir(chatplug))
