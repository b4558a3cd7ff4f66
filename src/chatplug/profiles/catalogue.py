"""The models.dev catalogue, read into profiles; pure.

The catalogue is JSON: an object of providers, each with an object `models` (https://models.dev/api.json; its schema is
in `packages/core/src/schema.ts` of the repository anomalyco/models.dev, read 2026-11). Fields that are not known here
are passed over, so that the catalogue may grow. What is not of the kind that it should be makes a model faulty, and a
catalogue with more than a few faulty models is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pydantic_core import from_json

from chatplug.errors import ProfileDataError
from chatplug.profiles.model_profile import faults
from chatplug.wire.shape import is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chatplug.profiles.model_profile import ModelProfile

__all__ = ["LARGEST", "Catalogue", "read_catalogue"]

LARGEST = 64 * 1024 * 1024
"""The most bytes of a catalogue that are read; it had 3 million in 2026."""
_FAULTY = 0.01
"""The part of the models that may be faulty."""

Catalogue = dict[str, dict[str, "ModelProfile"]]
"""The profiles of a catalogue, by provider and model, under the names that the catalogue has for them."""


def read_catalogue(data: bytes, where: str) -> tuple[Catalogue, list[str]]:
    """The profiles of a catalogue, and the faults of models that were left out.

    Args:
        data: The catalogue's text.
        where: Where it is from, for the error.

    Raises:
        ProfileDataError: If it is no catalogue, or one in which too much is wrong.
    """
    if len(data) > LARGEST:
        raise ProfileDataError(f"The catalogue {where} has more than {LARGEST // 1024 // 1024} MiB.", hint=_KEPT)
    try:
        providers = from_json(data, allow_inf_nan=False)
    except ValueError as error:
        raise ProfileDataError(f"The catalogue {where} is no JSON: {error}.", hint=_KEPT) from None
    if not is_object(providers):
        raise ProfileDataError(f"The catalogue {where} is no JSON object of providers.", hint=_KEPT)
    catalogue: Catalogue = {}
    told: list[str] = []
    count = 0
    for provider, described in providers.items():
        models = described.get("models") if is_object(described) else None
        if not is_object(models):
            raise ProfileDataError(f"The catalogue {where} has a provider {provider!r:.60} without models.", hint=_KEPT)
        found = catalogue.setdefault(provider, {})
        count += len(models)
        for name, model in models.items():
            profile = _profile(model)
            wrong = next(faults(profile), None) if profile is not None else ("it", "is no description of a model")
            if wrong is None:
                found[name] = cast("ModelProfile", profile)
            else:
                told.append(f"{provider}:{name}: {' '.join(wrong)}")
    if not count:
        raise ProfileDataError(f"The catalogue {where} has no models.", hint=_KEPT)
    if len(told) > count * _FAULTY:
        raise ProfileDataError(
            f"The catalogue {where} is faulty: {len(told)} of {count} models are wrong, such as {told[0]:.200}.",
            hint=_KEPT,
        )
    return catalogue, told


_KEPT = "What was known before stays in force."

_TEXTS = {
    "name": "name",
    "status": "status",
    "release_date": "release_date",
    "last_updated": "last_updated",
    "knowledge": "knowledge_date",
}
_FLAGS = {
    "attachment": "attachment",
    "reasoning": "reasoning_output",
    "structured_output": "structured_output",
    "temperature": "temperature",
    "open_weights": "open_weights",
}
_PRICES = {
    "input": "input_price",
    "output": "output_price",
    "reasoning": "reasoning_price",
    "cache_read": "cache_read_price",
    "cache_write": "cache_write_price",
    "input_audio": "audio_input_price",
    "output_audio": "audio_output_price",
}
_KINDS = ("text", "image", "audio", "video")


def _profile(model: object) -> dict[str, Any] | None:
    """The profile of one model of the catalogue, not yet checked; None where it is no description of one."""
    if not is_object(model):
        return None
    profile = {ours: model[theirs] for theirs, ours in (_TEXTS | _FLAGS).items() if model.get(theirs) is not None}
    try:
        profile.update(_tools(model.get("tool_call")))
        profile.update(_limits(model.get("limit", {})))
        profile.update(_modalities(model.get("modalities", {})))
        profile.update(_prices(model.get("cost", {})))
        profile.update(_reasoning(model.get("reasoning_options", [])))
    except (AttributeError, TypeError):
        return None
    return profile


def _tools(tool_call: object) -> dict[str, Any]:
    if is_object(tool_call):
        names = (
            ("supported", "tool_calling"),
            ("streaming", "tool_call_streaming"),
            ("parallel", "parallel_tool_calls"),
        )
        return {ours: tool_call[theirs] for theirs, ours in names if theirs in tool_call}
    return {} if tool_call is None else {"tool_calling": tool_call}


def _limits(limit: Mapping[str, Any]) -> dict[str, Any]:
    """What fits in; a catalogue that does not know says 0."""
    context, most, answer = limit.get("context"), limit.get("input"), limit.get("output")
    read = {
        "context_window": context,
        "max_input_tokens": most or context,
        "max_output_tokens": answer,
    }
    return {name: value for name, value in read.items() if value}


def _modalities(modalities: Mapping[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    takes, gives = modalities.get("input"), modalities.get("output")
    if takes:
        read.update((f"{kind}_inputs", kind in takes) for kind in (*_KINDS, "pdf"))
    if gives:
        read.update((f"{kind}_outputs", kind in gives) for kind in _KINDS)
    return read


def _prices(cost: Mapping[str, Any]) -> dict[str, Any]:
    read = _prices_of(cost)
    tiers = [
        {"above_input_tokens": tier["tier"]["size"], **_prices_of(tier)}
        for tier in cost.get("tiers", ())
        if is_object(tier.get("tier")) and "size" in tier["tier"]
    ]
    over = cost.get("context_over_200k")
    if not tiers and over:
        tiers = [{"above_input_tokens": 200_000, **_prices_of(over)}]
    return {**read, "price_tiers": tiers} if tiers else read


def _prices_of(cost: Mapping[str, Any]) -> dict[str, Any]:
    return {ours: cost[theirs] for theirs, ours in _PRICES.items() if cost.get(theirs) is not None}


def _reasoning(options: object) -> dict[str, Any]:
    if not is_array(options):
        raise TypeError("reasoning_options is no list")
    for option in options:
        if option.get("type") == "effort" and "values" in option:
            return {"reasoning_effort_levels": [value for value in option["values"] if value is not None]}
    return {}
