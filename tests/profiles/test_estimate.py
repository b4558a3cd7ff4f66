"""How many tokens a request takes, before anybody has counted them; measured on what providers counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chatplug.errors import ChatplugError
from chatplug.messages import AIMessage, HumanMessage, import_messages
from chatplug.profiles.estimate import estimate_length


def test_english_takes_about_a_token_for_four_letters() -> None:
    length = estimate_length([HumanMessage("How are you today? " * 100)])

    assert length.low() <= length.tokens() <= length.high()
    assert 450 <= length.tokens() <= 500


def test_letters_that_are_not_ascii_count_by_their_bytes() -> None:
    length = estimate_length([HumanMessage("雪" * 100 + "\ud83d")])

    assert length.others == 303
    assert 80 <= length.tokens() <= 100
    assert length.high() >= 300


def test_tool_calls_and_tools_and_schemas_count_too() -> None:
    call = AIMessage("", tool_calls=[{"name": "look", "args": {"where": "x" * 400}, "id": "1", "type": "tool_call"}])
    tools = [{"type": "function", "function": {"name": "look", "description": "y" * 400}}]

    assert estimate_length([call]).tokens() > 100
    assert estimate_length([HumanMessage("")], tools).tokens() > 100
    assert estimate_length([], [estimate_length]).tools > 0


def test_media_are_not_counted_and_that_is_said() -> None:
    length = estimate_length(
        [HumanMessage([{"type": "text", "text": "abcd"}, {"type": "image", "base64": "x" * 9999}, {"type": "audio"}])]
    )

    assert length.plain == 4
    assert length.uncounted == ("image", "audio")


def counted_requests(folder: Path) -> list[tuple[int, list[Any], list[Any]]]:
    """Recorded requests of texts and tools alone: what the provider counted, the messages, and what is beside them."""
    found: list[tuple[int, list[Any], list[Any]]] = []
    for path in sorted(folder.glob("*/*.json")):
        recorded = json.loads(path.read_text("utf-8"))
        body = recorded["request"].get("body")
        counted = _prompt_tokens(recorded["response"])
        if recorded["endpoint"] != "chat" or not body or counted is None:
            continue
        # A search that the provider itself makes adds what it finds.
        if any(name in body for name in ("plugins", "web_search_options", "thinking", "reasoning")):
            continue
        beside = [body.get("tools"), body.get("response_format"), body.get("functions")]
        try:
            found.append((counted, import_messages(body["messages"], "openai"), beside))
        except ChatplugError:
            continue
    return found


def _prompt_tokens(response: Any) -> int | None:
    events = [json.loads(line[5:]) for line in response.get("sse", "").splitlines() if line.startswith("data: {")]
    bodies = [response["body"]] if isinstance(response.get("body"), dict) else events
    usages: list[Any] = [body["usage"] for body in bodies if isinstance(body, dict) and body.get("usage")]
    return usages[-1].get("prompt_tokens") if usages else None


@pytest.mark.recordings
def test_what_providers_counted_lies_within_the_error_bar(recordings: Path) -> None:
    lengths = [(counted, estimate_length(said, *beside)) for counted, said, beside in counted_requests(recordings)]
    whole = [(counted, length) for counted, length in lengths if not length.uncounted]

    inside = sum(length.low() <= counted <= length.high() for counted, length in whole)

    assert len(whole) > 300
    assert inside / len(whole) > 0.97
