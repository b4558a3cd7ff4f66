"""The distribution: what it declares, what it imports, what it brings."""

# ruff: noqa: D102  # A test's name is its documentation.
from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import importlib_metadata
import pytest

from chatplug.errors import ChatplugError, ModelNameError, PluginError
from chatplug.language_models import BaseChatModel
from chatplug.plugins import Declaration, default_manager
from chatplug.testing.conformance.part import Part, fault

__all__ = ["Hooks", "Packaging", "declaration_of"]

# What the host has imported by the time it imports a plugin.
_THERE = {
    "annotated_types",
    "chatplug",
    "importlib_metadata",
    "platformdirs",
    "pluggy",
    "pydantic",
    "pydantic_core",
    "typing_extensions",
    "typing_inspection",
    "zipp",
}
_IMPORT = """
import importlib, json, sys
import chatplug, chatplug.plugins
before = set(sys.modules)
importlib.import_module(sys.argv[1])
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before} - sys.stdlib_module_names)))
"""


def declaration_of(model: BaseChatModel) -> Declaration:
    """How an installed distribution declares the model's provider."""
    found = default_manager().providers().get(model.provider, [])
    if not found:
        pytest.skip(
            f"No installed distribution declares the provider {model.provider!r}: packaging is tested of a model that "
            "chatplug.init makes."
        )
    return found[0]


class Hooks(Part):
    """What the plugin answers to the host."""

    group: ClassVar[str] = "hooks"

    def test_the_plugin_is_asked_for_by_its_name(self, model: BaseChatModel) -> None:
        declared = declaration_of(model)

        if model.provider.isupper() or not re.fullmatch(r"[a-z][a-z0-9_]*", declared.name.replace("-", "_")):
            fault(
                f"The provider is declared as {declared.name!r}.",
                "Name it in lower case, letters, digits and underscores: it is what users write before the colon.",
            )

    def test_a_model_s_name_that_cannot_be_is_the_caller_s_error(self, model: BaseChatModel) -> None:
        declaration_of(model)
        for name in ("no such model \N{SNOWMAN}", "..", "-"):
            try:
                default_manager().create_model(model.provider, name, {})
            except PluginError as error:
                fault(
                    f"chatplug_create_model failed for the model {name!r}: {error.message}",
                    f"Raise {ModelNameError.__name__} for a name that cannot be read, with an example in its hint.",
                )
            except ChatplugError:
                pass  # refused as it should be, or not for the name

    def test_listed_models_are_names(self, model: BaseChatModel) -> None:
        declaration_of(model)
        try:
            names = default_manager().list_models(model.provider, {})
        except PluginError as error:
            fault(f"chatplug_list_models failed: {error.message}", "Give a list of names, or leave the hook out.")
        except ChatplugError:
            return  # it needs a server or a key that is not given here
        if any(name.startswith(f"{model.provider}:") for name in names):
            fault(
                f"chatplug_list_models gives {names[:3]}.", "Give the names without the provider: the host writes it."
            )


class Packaging(Part):
    """What is in the distribution, and what its import costs."""

    group: ClassVar[str] = "packaging"

    def test_finding_the_plugin_imports_no_sdk(self, model: BaseChatModel) -> None:
        module = declaration_of(model).value.partition(":")[0]

        done = subprocess.run(
            [sys.executable, "-c", _IMPORT, module], capture_output=True, text=True, timeout=60, check=False
        )

        if done.returncode:
            fault(f"{module} cannot be imported alone: {done.stderr.strip().splitlines()[-1]}", "Mend its imports.")
        own = module.partition(".")[0]
        foreign = [name for name in json.loads(done.stdout) if name not in _THERE and name != own]
        foreign = [name for name in foreign if not name.startswith(("__editable__", "_sysconfigdata_"))]
        if foreign:
            fault(
                f"Importing {module} imports {', '.join(foreign)}.",
                "Import the SDK inside chatplug_create_model, so that `chatplug plugins` does not wait for it.",
            )

    def test_it_says_which_versions_of_chatplug_it_is_made_for(self, model: BaseChatModel) -> None:
        distribution = importlib_metadata.distribution(declaration_of(model).distribution)

        needs = [need for need in distribution.requires or () if re.match(r"chatplug\b(?!-)", need)]
        if not any("<" in need for need in needs):
            fault(
                f"{declaration_of(model).distribution} asks for {needs or 'no chatplug at all'}.",
                'Pin the minor version in pyproject.toml: dependencies = ["chatplug>=0.1,<0.2"]',
            )

    def test_its_types_can_be_used(self, model: BaseChatModel) -> None:
        package = declaration_of(model).value.partition(":")[0].partition(".")[0]
        spec = find_spec(package)

        folders = [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec is not None else []
        if folders and not any((folder / "py.typed").exists() for folder in folders):
            fault(
                f"{package} has no py.typed, so that type checkers look away.", "Put an empty file py.typed beside it."
            )
