"""What real clients sent, taken in and given out again to the same provider: nothing of it may change."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chatplug.messages import AIMessage, ToolMessage, convert_to_messages, export_messages, import_messages
from chatplug.wire import is_array, is_object

pytestmark = pytest.mark.recordings

ABSENT = "absent"


@pytest.fixture(scope="module")
def load(recordings: Path) -> Any:
    spec = importlib.util.spec_from_file_location("replay_of_requests", recordings / "replay.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.load


def differences(recorded: Any, sent: Any, at: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two JSON values differ."""
    if is_object(recorded) and is_object(sent):
        for key in {**recorded, **sent}:
            yield from differences(recorded.get(key, ABSENT), sent.get(key, ABSENT), f"{at}.{key}")
    elif is_array(recorded) and is_array(sent) and len(recorded) == len(sent):
        for index, (one, other) in enumerate(zip(recorded, sent, strict=True)):
            yield from differences(one, other, f"{at}[{index}]")
    elif recorded != sent or isinstance(recorded, bool) != isinstance(sent, bool):
        yield at, recorded, sent


def same_json(recorded: Any, sent: Any) -> bool:
    return bool(json.loads(recorded or "{}") == json.loads(sent))


# Each difference that is right, with its reason: the place, and a test of both values.
RIGHT: list[tuple[str, str, Callable[[Any, Any], bool]]] = [
    (
        "beside tool calls an empty content is null; clients also write '' or [], or leave it out",
        r"\[\d+\]\.content",
        lambda recorded, sent: sent is None and recorded in ("", [], ABSENT),
    ),
    (
        "arguments are the same JSON, written without spaces",
        r"\[\d+\]\.tool_calls\[\d+\]\.function\.arguments",
        same_json,
    ),
    (
        "a field that is null, and an empty list of calls, say what their absence says",
        r"\[\d+\]\.\w+",
        lambda recorded, sent: sent is ABSENT and recorded in (None, []),
    ),
]


def explained(difference: tuple[str, Any, Any]) -> str | None:
    at, recorded, sent = difference
    return next((why for why, place, is_right in RIGHT if re.fullmatch(place, at) and is_right(recorded, sent)), None)


def test_every_recorded_chat_request_goes_out_as_it_came_in(load: Any) -> None:
    requests = [rec for rec in load(where={"endpoint": "chat"}).values() if rec.request]
    reasons: Counter[str] = Counter()
    exact = 0

    for rec in requests:
        messages = import_messages(rec.request["messages"], "openai", provider=rec.provider)
        exported = export_messages(messages, "openai", provider=rec.provider)

        found = list(differences(rec.request["messages"], exported.value))
        unexplained = [difference for difference in found if explained(difference) is None]
        assert not unexplained, rec.id
        assert exported.losses == [], rec.id
        reasons.update(filter(None, map(explained, found)))
        exact += not found
    assert len(requests) >= 550
    assert exact >= 464
    assert set(reasons) == {why for why, _, _ in RIGHT}, "a reason that no recording needs any more"


def test_every_recorded_anthropic_request_goes_out_as_it_came_in(load: Any) -> None:
    requests = [rec for rec in load(where={"endpoint": "messages"}).values() if rec.request]
    changed: list[str] = []

    for rec in requests:
        conversation = {name: rec.request[name] for name in ("system", "messages") if name in rec.request}
        messages = import_messages(conversation, "anthropic", provider=rec.provider)
        exported = export_messages(messages, "anthropic", provider=rec.provider)

        if exported.value != conversation:
            changed.append(rec.id)
            assert merged(conversation["messages"]) == merged(exported.value["messages"]), rec.id
        assert exported.losses == [], rec.id
    assert len(requests) >= 222
    # Here the user speaks in a turn of its own behind the results of tools; to Anthropic, turns of one role in a row
    # are one turn.
    assert changed == ["anthropic.messages-plain.testanthropicnativetoolcalling-test-anthropic-parallel-n.1.18060ce4"]


def merged(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for turn in turns:
        content = turn["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if made and made[-1]["role"] == turn["role"]:
            made[-1]["content"] = made[-1]["content"] + blocks
        else:
            made.append({**turn, "content": blocks})
    return made


def blocks_of(turn: dict[str, Any]) -> list[dict[str, Any]]:
    return turn["content"] if is_array(turn["content"]) else []


def test_signatures_and_sealed_reasoning_go_back_byte_for_byte(load: Any) -> None:
    seen: Counter[str] = Counter()

    for rec in load(where={"endpoint": "messages"}).values():
        turns: list[Any] = rec.request["messages"] if rec.request else []
        sealed: list[dict[str, Any]] = [
            block for turn in turns for block in blocks_of(turn) if block["type"] in ("thinking", "redacted_thinking")
        ]
        if not sealed:
            continue
        wire = json.dumps(export_messages(import_messages(turns, "anthropic"), "anthropic").value)
        for block in sealed:
            assert json.dumps(block) in wire, rec.id
            seen[block["type"]] += 1
    assert set(seen) == {"thinking", "redacted_thinking"}


def test_every_recorded_conversation_is_read_without_saying_its_format(load: Any) -> None:
    for rec in load(where={"endpoint": ["chat", "messages"]}).values():
        turns: list[Any] = rec.request["messages"] if rec.request else []

        messages = convert_to_messages(turns)

        asked = {call["id"] for message in messages if isinstance(message, AIMessage) for call in message.tool_calls}
        answered = {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}
        wire = json.dumps(turns)
        assert len(messages) >= len(turns), rec.id
        assert all(f'"{identity}"' in wire for identity in asked | answered if identity), rec.id


def test_every_recorded_conversation_can_move_to_the_other_format_and_back(load: Any) -> None:
    """The move itself changes nothing: what comes back to its maker is what was there."""
    moved = 0
    for rec in load(where={"endpoint": ["chat", "messages"]}).values():
        if not rec.request:
            continue
        home, abroad = ("openai", "anthropic") if rec.endpoint == "chat" else ("anthropic", "openai")
        conversation = {name: rec.request[name] for name in ("system", "messages") if name in rec.request}
        messages = import_messages(conversation, home, provider=rec.provider)
        before = export_messages(messages, home, provider=rec.provider)

        export_messages(messages, abroad, provider="elsewhere")

        assert export_messages(messages, home, provider=rec.provider) == before, rec.id
        moved += 1
    assert moved >= 772
