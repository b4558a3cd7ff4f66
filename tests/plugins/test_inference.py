"""A model that is named alone finds its provider by how its name begins; a missing plugin is answered with its name."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

import chatplug
from chatplug.errors import ModelNameError, ProviderNotFoundError
from chatplug.factory import split_name
from chatplug.plugins import Declaration, PluginManager
from chatplug.plugins.declaration import MODELS, PROVIDERS
from chatplug.plugins.known import distribution_for, provider_for
from tests.architecture.sources import ROOT
from tests.dists.writing import Site


def manager(*claimed: tuple[str, str, str]) -> PluginManager:
    """A manager in which each distribution has the provider of its own name, and claims beginnings."""
    providers: dict[str, list[Declaration]] = {}
    models: dict[str, list[Declaration]] = {}
    for distribution, beginning, value in claimed:
        providers[distribution] = [Declaration(distribution, f"{distribution}.plugin", distribution, "1.0")]
        models.setdefault(beginning, []).append(Declaration(beginning, value, distribution, "1.0", MODELS))
    return PluginManager(providers, models=models)


def test_a_model_that_is_named_alone_finds_its_provider_and_imports_no_other_plugin(tmp_path: Path) -> None:
    site = Site(tmp_path)
    for name in ("tiny-a", "tiny-b", "tiny-c"):
        module = name.replace("-", "_")
        site.add(name, entry_points=f"[chatplug.models]\n{name[-1]}model- = {module}:{module}\n")

    shown, imported = site.run(
        """
        model = chatplug.init("bmodel-4.1")
        show([model.provider, model.model_id, model.invoke("abc").text])
        """
    )

    assert shown == [["tiny_b", "bmodel-4.1", "cba"]]
    assert imported == ["tiny_b"]


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("gpt-4.1", "one"),
        ("GPT-4.1", "one"),
        ("gpt-oss-20b", "two"),
        ("gpt-oss:20b", "two"),
        (" gpt-4.1 ", "one"),
        ("claude-x", "three"),
    ],
)
def test_the_longest_beginning_decides(model: str, provider: str) -> None:
    plugins = manager(
        ("one", "gpt-", "one.plugin:one"), ("two", "gpt-oss", "two.plugin"), ("three", "Claude-", "three.plugin [x]")
    )

    assert plugins.provider_of(model.strip()) == provider


def test_a_tie_is_an_error_that_shows_both_ways_to_write_it() -> None:
    plugins = manager(("one", "gpt-", "one.plugin:one"), ("two", "gpt-", "two.plugin:two"))

    with pytest.raises(ModelNameError) as caught:
        split_name("gpt-4.1", plugins=plugins)

    assert str(caught.value) == (
        "'gpt-4.1' may be a model of 'one' (one 1.0) or 'two' (two 1.0). Write 'one:gpt-4.1' or 'two:gpt-4.1'."
    )


def test_two_beginnings_of_one_provider_are_no_tie() -> None:
    plugins = manager(("one", "gpt-", "one.plugin:one"), ("one", "GPT-", "one.plugin:one"))

    assert split_name("gpt-4.1", plugins=plugins) == ("one", "gpt-4.1")


@pytest.mark.parametrize("value", ["one.plugin:two", "other.module", "one.plugin:nobody"])
def test_nobody_claims_models_for_a_provider_that_is_not_his_own(value: str) -> None:
    plugins = manager(("one", "gpt-", value), ("two", "claude-", "two.plugin:two"))

    assert plugins.provider_of("gpt-4.1") is None


def test_a_name_with_a_colon_is_a_model_alone_where_no_such_provider_is_there() -> None:
    plugins: Any = manager(("one", "qwen", "one.plugin:one"))
    asked: list[tuple[str, str]] = []
    create = plugins.create_model

    def record(provider: str, model: str, settings: Any) -> Any:
        asked.append((provider, model))
        return None if provider == "one" else create(provider, model, settings)

    plugins.create_model = record

    chatplug.init("qwen3:8b", plugins=plugins)
    with pytest.raises(ProviderNotFoundError, match="No plugin provides 'other'"):
        chatplug.init("other:8b", plugins=plugins)
    with pytest.raises(ProviderNotFoundError, match="No plugin provides 'other'"):
        chatplug.init("qwen3:8b", model_provider="other", plugins=plugins)

    assert asked == [
        ("qwen3", "qwen3:8b".partition(":")[2]),
        ("one", "qwen3:8b"),
        ("other", "8b"),
        ("other", "qwen3:8b"),
    ]


def test_a_known_provider_that_is_missing_is_answered_with_what_to_install() -> None:
    plugins = manager(("one", "one-", "one.plugin:one"))

    with pytest.raises(ProviderNotFoundError) as missing:
        plugins.create_model("groq", "x", {})
    with pytest.raises(ProviderNotFoundError) as misspelt:
        plugins.create_model("deepsek", "x", {})
    with pytest.raises(ModelNameError) as alone:
        split_name("gpt-4.1", plugins=plugins)
    with pytest.raises(ModelNameError) as unknown:
        split_name("nothing-4.1", plugins=plugins)

    assert str(missing.value) == (
        "No plugin provides 'groq'. Install it with: pip install chatplug-openai-compat. Installed: one."
    )
    assert str(misspelt.value) == (
        "No plugin provides 'deepsek'. Did you mean 'deepseek'? It comes with: pip install chatplug-openai-compat. "
        "Installed: one."
    )
    assert "It may be a model of 'openai', which comes with: pip install chatplug-openai-compat." in str(alone.value)
    assert "Write 'provider:model'. Installed providers: one." in str(unknown.value)


@pytest.mark.parametrize("project", sorted(ROOT.glob("plugins/*/pyproject.toml")), ids=lambda path: path.parent.name)
def test_the_table_of_known_providers_is_what_the_plugins_declare(project: Path) -> None:
    found = tomllib.loads(project.read_text("utf-8"))["project"]
    groups = found.get("entry-points", {})

    assert {distribution_for(provider) for provider in groups.get(PROVIDERS, {})} <= {found["name"]}
    for beginning, value in groups.get(MODELS, {}).items():
        assert provider_for(beginning) == value.partition(":")[2]
