"""The models.dev catalogue: what is read of it, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic_core import to_json

from chatplug.errors import ProfileDataError
from chatplug.profiles.catalogue import LARGEST, read_catalogue
from tests.profiles.catalogues import catalogue, large, model


def read(described: dict[str, Any]) -> Any:
    found, told = read_catalogue(to_json(catalogue(cats={"cat-4": described})), "here")
    assert not told
    return found["cats"]["cat-4"]


def test_a_model_of_the_catalogue_becomes_a_profile() -> None:
    assert read(model()) == {
        "name": "Cat 4",
        "release_date": "2026-01-31",
        "last_updated": "2026-02-01",
        "knowledge_date": "2025-12",
        "attachment": True,
        "reasoning_output": True,
        "structured_output": True,
        "temperature": False,
        "open_weights": False,
        "tool_calling": True,
        "context_window": 400_000,
        "max_input_tokens": 272_000,
        "max_output_tokens": 128_000,
        "text_inputs": True,
        "image_inputs": True,
        "audio_inputs": False,
        "video_inputs": False,
        "pdf_inputs": True,
        "text_outputs": True,
        "image_outputs": False,
        "audio_outputs": False,
        "video_outputs": False,
        "input_price": 2.0,
        "output_price": 8.0,
        "cache_read_price": 0.5,
    }


def test_what_the_catalogue_does_not_say_stays_unknown() -> None:
    bare = read({"id": "cat-4", "name": "Cat 4", "limit": {"context": 0, "output": 0}, "modalities": {"input": []}})

    assert bare == {"name": "Cat 4"}


def test_a_context_window_without_a_limit_of_its_own_for_input_is_that_limit() -> None:
    assert read(model(limit={"context": 100, "output": 10}))["max_input_tokens"] == 100


def test_newer_forms_of_the_catalogue_are_read_too() -> None:
    profile = read(
        model(
            tool_call={"supported": True, "streaming": False, "parallel": True, "coerces_types": False},
            reasoning_options=[{"type": "toggle"}, {"type": "effort", "values": ["low", "high", None]}],
            cost={"input": 1, "output": 2, "tiers": [{"tier": {"size": 272_000, "type": "context"}, "input": 3}]},
            something_new={"deep": [1, 2]},
        )
    )

    assert (profile["tool_calling"], profile["tool_call_streaming"], profile["parallel_tool_calls"]) == (
        True,
        False,
        True,
    )
    assert profile["reasoning_effort_levels"] == ["low", "high"]
    assert profile["price_tiers"] == [{"above_input_tokens": 272_000, "input_price": 3}]
    older = read(model(cost={"input": 1, "output": 2, "context_over_200k": {"input": 3, "output": 4}}))
    assert older["price_tiers"] == [{"above_input_tokens": 200_000, "input_price": 3, "output_price": 4}]


WRONG: list[Any] = [
    3,
    {"name": 5},
    {"limit": 5},
    {"limit": {"context": "many"}},
    {"limit": {"context": 10**40}},
    {"cost": {"input": -1}},
    {"cost": {"input": 1e300}},
    {"cost": {"tiers": [5]}},
    {"modalities": {"input": 7}},
    {"modalities": []},
    {"tool_call": "yes"},
    {"reasoning_options": 5},
    {"reasoning_options": [5]},
    {"name": "x" * 100_000},
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: str(wrong)[:40])
def test_one_wrong_model_among_many_is_left_out_and_told(wrong: Any) -> None:
    models: dict[str, Any] = {f"cat-{number}": model() for number in range(200)}

    found, told = read_catalogue(to_json(catalogue(cats={**models, "odd": wrong})), "here")

    assert set(found["cats"]) == set(models)
    assert len(told) == 1
    assert told[0].startswith("cats:odd: ")


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: str(wrong)[:40])
def test_a_catalogue_in_which_much_is_wrong_is_refused(wrong: Any) -> None:
    with pytest.raises(ProfileDataError, match="faulty"):
        read_catalogue(to_json(catalogue(cats={"cat-4": model(), "odd": wrong})), "here")


def test_a_large_catalogue_is_read() -> None:
    data = large()

    assert len(data) > 5_000_000
    assert len(read_catalogue(data, "here")[0]["cats"]) == 5_000


def test_a_catalogue_cut_short_anywhere_is_refused() -> None:
    data = large(models=200)

    for end in range(0, len(data), 997):
        with pytest.raises(ProfileDataError, match="stays in force"):
            read_catalogue(data[:end], "here")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"cats": 3}',
        b'{"cats": {"models": []}}',
        b'{"cats": {"models": {}}}',
        b"<html>Bad gateway</html>",
        b"\xff\xfe",
        b'{"cats": {"models": {"cat": {"limit": {"context": NaN}}}}}',
        b"[" * 1_000_000,
        b'{"cats": {"models": {"cat": ' + b'{"a":' * 500_000 + b"1" + b"}" * 500_000 + b"}}}",
        b'{"cats": {"models": {"cat": {"limit": {"context": ' + b"9" * 1_000_000 + b"}}}}}",
    ],
    ids=lambda data: repr(data[:40]),
)
def test_what_is_no_catalogue_is_refused(data: bytes) -> None:
    with pytest.raises(ProfileDataError, match="here"):
        read_catalogue(data, "here")


def test_a_catalogue_without_end_is_refused() -> None:
    with pytest.raises(ProfileDataError, match="MiB"):
        read_catalogue(b" " * (LARGEST + 1), "here")
