"""Providers that are known and may be missing: what to install for them, from a table."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["distribution_for", "known_providers", "provider_for"]


def distribution_for(provider: str) -> str | None:
    """The distribution that provides a name; None where none is known."""
    for distribution, providers in _table()["providers"].items():
        if provider in providers:
            return str(distribution)
    return None


def provider_for(model: str) -> str | None:
    """The provider whose models have names that begin like this; None where none is known."""
    beginnings = _table()["models"]
    fitting = [beginning for beginning in beginnings if model.lower().startswith(beginning)]
    return str(beginnings[max(fitting, key=len)]) if fitting else None


def known_providers() -> Iterable[str]:
    """Every name in the table."""
    return [provider for providers in _table()["providers"].values() for provider in providers]


@cache
def _table() -> dict[str, Any]:
    # Read only where something is missing.
    from tomllib import loads

    return loads(files("chatplug.plugins").joinpath("known.toml").read_text("utf-8"))
