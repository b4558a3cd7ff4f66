"""Facts about models; a fact that is absent is unknown, not no."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatplug.profiles.cost import Cost, cost_by_profile, cost_of
    from chatplug.profiles.estimate import Estimate
    from chatplug.profiles.model_profile import ModelProfile, PriceTier
    from chatplug.profiles.places import default_registry
    from chatplug.profiles.registry import Known, ProfileRegistry
    from chatplug.profiles.table import Entry, Source

__all__ = [
    "Cost",
    "Entry",
    "Estimate",
    "Known",
    "ModelProfile",
    "PriceTier",
    "ProfileRegistry",
    "Source",
    "cost_by_profile",
    "cost_of",
    "default_registry",
]

_HOMES = {
    "Cost": "cost",
    "Entry": "table",
    "Estimate": "estimate",
    "Known": "registry",
    "ModelProfile": "model_profile",
    "PriceTier": "model_profile",
    "ProfileRegistry": "registry",
    "Source": "table",
    "cost_by_profile": "cost",
    "cost_of": "cost",
    "default_registry": "places",
}


def __getattr__(name: str) -> object:
    # Most calls need no fact: what reads facts is imported when one is asked for.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
