"""Providers that are known and may be missing: what to install for them, from a table."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from chatplug.errors import nearest

__all__ = ["advice", "distribution_for", "provider_for"]


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


def advice(provider: str, *, is_near: bool = False) -> str:
    """What to install for a provider, or for one with a name near to it; empty where none is known."""
    if not is_near:
        distribution = distribution_for(provider)
        return f"Install it with: pip install {distribution}." if distribution else ""
    for distribution, providers in _table()["providers"].items():
        near = nearest(provider, providers)
        if near:
            return f"{near} It comes with: pip install {distribution}."
    return ""


@cache
def _table() -> dict[str, Any]:
    # Read only where something is missing.
    from tomllib import loads

    return loads(files("chatplug.plugins").joinpath("known.toml").read_text("utf-8"))
