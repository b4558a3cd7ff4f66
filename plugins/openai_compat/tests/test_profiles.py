"""The facts about the models of the gateways: all of them can be read, and each has its source."""

from __future__ import annotations

import tomllib
from pathlib import Path

import chatplug_openai_compat
import pytest

import chatplug
from chatplug.plugins import default_manager
from chatplug.profiles.facts_file import read_facts

PACKAGE = Path(chatplug_openai_compat.__file__).parent
FILES = sorted((PACKAGE / "profiles").glob("*.toml"))
GATEWAYS = set(tomllib.loads((PACKAGE / "gateways.toml").read_text("utf-8")))
# What these serve is up to whoever has started them.
OWN_MODELS = {"litellm", "llamacpp", "openai_compat", "vllm"}


def test_every_gateway_with_models_of_its_own_has_facts_about_them() -> None:
    assert {file.stem for file in FILES} == GATEWAYS - OWN_MODELS


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_of_facts_has_no_faults_and_a_source_with_a_date_for_each_fact(file: Path) -> None:
    facts = read_facts(file.read_text("utf-8"), file.name)

    assert not facts.faults
    assert facts.catalogue
    assert len(facts.table.entries) >= 2
    for entry in facts.table.entries.values():
        sources = [entry.source_of(field) for field in entry.profile]
        assert all(source.date and source.where != file.name for source in sources), entry.name


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_model_is_deprecated_without_a_date_or_retired_without_one(file: Path) -> None:
    facts = read_facts(file.read_text("utf-8"), file.name)

    ending = {name for name, entry in facts.table.entries.items() if entry.profile.get("status") == "retired"}
    dated = {name for name, entry in facts.table.entries.items() if "retirement_date" in entry.profile}
    assert ending <= dated


def test_the_facts_are_found_by_the_providers_name() -> None:
    model = chatplug.init("openai:gpt-4.1-2025-04-14", api_key="unused")

    assert model.profile.get("tool_calling") is True
    assert model.profile.get("successor") == "gpt-6-luna"
    assert "deprecations" in str(model.known().source_of("successor"))


def test_a_server_of_ones_own_is_unknown() -> None:
    assert chatplug.init("vllm:llama", base_url="http://127.0.0.1:9/v1").profile == {}
    assert default_manager().model_profiles("vllm") is None


def test_a_copy_keeps_what_its_model_was_given() -> None:
    model = chatplug.init("openai:gpt-4.1", api_key="unused", profile={"max_input_tokens": 7})
    model.profile["image_inputs"] = False

    copied = model.model_copy(update={"temperature": 0.5})
    other = model.model_copy(update={"model": "gpt-6-sol"})

    assert (copied.profile.get("max_input_tokens"), copied.profile.get("image_inputs")) == (7, False)
    assert (other.profile.get("max_input_tokens"), other.profile.get("name")) == (7, "GPT-6 Sol")
    assert model.model_copy(update={"profile": {"max_input_tokens": 8}}).profile.get("max_input_tokens") == 8
