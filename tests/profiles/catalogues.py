"""Catalogues in the shape of models.dev's, made for tests."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json


def model(**changes: Any) -> dict[str, Any]:
    """One model, as the catalogue describes it."""
    described: dict[str, Any] = {
        "id": "cat-4",
        "name": "Cat 4",
        "family": "cat",
        "attachment": True,
        "reasoning": True,
        "tool_call": True,
        "structured_output": True,
        "temperature": False,
        "knowledge": "2025-12",
        "release_date": "2026-01-31",
        "last_updated": "2026-02-01",
        "modalities": {"input": ["text", "image", "pdf"], "output": ["text"]},
        "open_weights": False,
        "limit": {"context": 400_000, "input": 272_000, "output": 128_000},
        "cost": {"input": 2.0, "output": 8.0, "cache_read": 0.5},
    }
    return described | changes


def catalogue(**providers: dict[str, Any]) -> dict[str, Any]:
    """The catalogue of some providers, each with its models."""
    return {
        name.replace("_", "-"): {"id": name, "env": ["KEY"], "npm": "@x/y", "name": name, "doc": "d", "models": models}
        for name, models in providers.items()
    }


def large(models: int = 5_000, padding: int = 700) -> bytes:
    """A catalogue of some megabytes."""
    many = {f"cat-{number}": model(id=f"cat-{number}", notes="x" * padding) for number in range(models)}
    return to_json(catalogue(cats=many))
