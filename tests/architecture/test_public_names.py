"""What is public is said once, in `__all__`, and plugins use nothing else."""

import ast
import importlib
import subprocess
import sys

import pytest

from tests.architecture.sources import Module, dotted_uses, modules, public_names

HOST_MODULES = {module.name: module for module in modules() if module.is_host}
WITH_NAMES = [module for module in modules() if public_names(module) is not None]
PLUGIN_MODULES = [module for module in modules() if not module.is_host]


def is_public(module: str, name: str) -> bool:
    """Whether a name stands in the `__all__` of a module of the host; a room without `__all__` offers its modules."""
    found = HOST_MODULES.get(module)
    if found is None:
        return False
    names = public_names(found)
    if names is None:
        names = list(getattr(importlib.import_module(module), "__all__", []))
    return name in names


def test_every_public_name_of_the_host_can_be_imported() -> None:
    chatplug = importlib.import_module("chatplug")

    missing = [name for name in chatplug.__all__ if not hasattr(chatplug, name)]

    assert not missing


def test_every_public_name_is_listed_by_dir_before_its_first_use() -> None:
    statement = "import chatplug; print(sorted(set(chatplug.__all__) - set(dir(chatplug))))"

    done = subprocess.run([sys.executable, "-c", statement], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("module", WITH_NAMES, ids=lambda module: module.name)
def test_every_name_in_all_exists(module: Module) -> None:
    loaded = importlib.import_module(module.name)

    missing = [name for name in loaded.__all__ if not hasattr(loaded, name)]

    assert not missing


@pytest.mark.parametrize("module", PLUGIN_MODULES, ids=lambda module: module.name)
def test_a_plugin_uses_only_public_names_of_the_host(module: Module) -> None:
    found: list[str] = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "chatplug":
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                if not is_public(str(node.module), alias.name) and submodule not in HOST_MODULES:
                    found.append(f"{module.where}:{node.lineno}: from {node.module} import {alias.name}")
    for path, line in dotted_uses(module.tree):
        parts = path.split(".")
        # The longest prefix that is a module of the host; the name after it has to be public there.
        known = [size for size in range(1, len(parts)) if ".".join(parts[:size]) in HOST_MODULES]
        if parts[0] == "chatplug" and known and ".".join(parts) not in HOST_MODULES:
            size = known[-1]
            if not is_public(".".join(parts[:size]), parts[size]):
                found.append(f"{module.where}:{line}: {path}")

    assert not found, "\n".join(found)


def test_the_host_names_no_plugin() -> None:
    found = [
        f"{module.where}:{node.lineno}"
        for module in HOST_MODULES.values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and any(
            name.startswith("chatplug_")
            for name in (
                [str(node.module)] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            )
        )
    ]

    assert not found
