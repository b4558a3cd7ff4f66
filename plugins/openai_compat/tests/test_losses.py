"""A conversation that comes from elsewhere: what goes to the server, and what the answer says was left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from chatplug_openai_compat.encode import encode
from chatplug_openai_compat.gateway import gateway_of

import chatplug
from chatplug.errors import LossError
from chatplug.language_models import BaseChatModel, ChatRequest
from chatplug.messages import AIMessage, HumanMessage, LossWarning, ToolMessage, convert_to_messages
from tests.language_models.models import DRIVERS, Driver

BODY = b'{"id":"c1","model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"content":"Hi"}}]}'
EVENTS = (
    b'data: {"id":"c1","model":"m","choices":[{"index":0,"delta":{"content":"H"}}]}\n\n'
    b'data: {"id":"c1","model":"m2","choices":[{"index":0,"delta":{"content":"i"},"finish_reason":"stop"}]}\n\n'
    b"data: [DONE]\n\n"
)
THINKING = {"type": "thinking", "thinking": "Hm.", "signature": "Ab=="}
CONVERSATION: Any = [
    {"role": "user", "content": "Look."},
    {"role": "assistant", "content": [THINKING, {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "A cat."}]},
]
LOST = [("messages[1].content[0]", "reasoning"), ("messages[1].content[0].extras.signature", "signature")]


def http(body: bytes, kind: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def asking(server: Any, **settings: Any) -> BaseChatModel:
    return chatplug.init("openai_compat:m", base_url=server.base_url, **settings)


def lost(message: Any) -> list[tuple[str, str]]:
    return [(loss["path"], loss["kind"]) for loss in message.response_metadata["losses"]]


@pytest.mark.parametrize("driver", DRIVERS, ids=repr)
def test_losses_are_on_the_answer_and_on_the_sum_of_a_stream(canned: Callable[[bytes], Any], driver: Driver) -> None:
    plain, streaming = canned(http(BODY, "application/json")), canned(http(EVENTS, "text/event-stream"))

    answer = driver.invoke(asking(plain, on_loss="allow"), CONVERSATION)
    chunks = driver.stream(asking(streaming, on_loss="allow"), CONVERSATION)

    assert lost(answer) == LOST
    assert lost(sum(chunks[1:], chunks[0])) == LOST
    assert b"Ab==" not in plain.requests[0] + streaming.requests[0]
    sent = json.loads(plain.requests[0].partition(b"\r\n\r\n")[2])["messages"]
    assert [turn["role"] for turn in sent] == ["user", "assistant", "tool"]
    assert sent[1]["tool_calls"][0]["id"] == sent[2]["tool_call_id"] == "toolu_1"


@pytest.mark.parametrize("driver", DRIVERS, ids=repr)
@pytest.mark.parametrize("is_stream", [False, True])
def test_nothing_is_sent_where_a_loss_is_forbidden(
    canned: Callable[[bytes], Any], is_stream: bool, driver: Driver
) -> None:
    server = canned(http(BODY, "application/json"))

    with pytest.raises(LossError, match=r"openai_compat:m: messages\[1\]"):
        (driver.stream if is_stream else driver.invoke)(asking(server, on_loss="raise"), CONVERSATION)

    assert server.requests == []


def test_a_loss_is_a_warning_unless_told_otherwise(
    canned: Callable[[bytes], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatplug.messages.loss._warned", set[str]())

    with pytest.warns(LossWarning, match="left out"):
        asking(canned(http(BODY, "application/json"))).invoke(CONVERSATION)


def test_reasoning_goes_back_to_the_provider_that_sent_it_and_to_no_other() -> None:
    answer = AIMessage(
        "Hi", additional_kwargs={"reasoning_content": "Hm."}, response_metadata={"model_provider": "openai_compat"}
    )
    request = ChatRequest(model="m", messages=[HumanMessage("Hello"), answer])

    own, nothing = encode(request, gateway_of("openai_compat"))
    others, losses = encode(request, gateway_of("groq"))

    assert json.loads(own)["messages"][1] == {"role": "assistant", "content": "Hi", "reasoning_content": "Hm."}
    assert nothing == []
    assert json.loads(others)["messages"][1] == {"role": "assistant", "content": "Hi"}
    assert [loss.kind for loss in losses] == ["reasoning"]


def test_ids_that_are_too_long_for_the_wire_are_mapped_alike_in_call_and_result() -> None:
    identity = "x" * 41
    messages = [AIMessage("", tool_calls=[{"name": "look", "args": {}, "id": identity}]), ToolMessage("a", identity)]

    sent = json.loads(encode(ChatRequest(model="m", messages=messages), gateway_of("openai_compat"))[0])["messages"]

    assert sent[0]["tool_calls"][0]["id"] == sent[1]["tool_call_id"] != identity
    assert len(sent[1]["tool_call_id"]) <= 40


def test_what_a_server_puts_beside_a_call_goes_back_to_it(canned: Callable[[bytes], Any]) -> None:
    extra = {"google": {"thought_signature": "Ab=="}}
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}, "extra_content": extra}
    body = json.dumps({"choices": [{"message": {"content": None, "tool_calls": [call]}}]}).encode()
    model = asking(canned(http(body, "application/json")))

    answer = model.invoke("Hello")

    sent = json.loads(encode(ChatRequest(model="m", messages=[answer]), gateway_of("openai_compat"))[0])["messages"]
    assert sent[0]["tool_calls"] == [call]


def test_dicts_of_the_wire_go_out_as_they_were_written() -> None:
    turns: Any = [
        {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]},
        {"role": "assistant", "content": "b", "refusal": "c"},
    ]

    body, losses = encode(ChatRequest(model="m", messages=convert_to_messages(turns)), gateway_of("openai_compat"))

    assert json.loads(body)["messages"] == turns
    assert losses == []


CALL = {"name": "look", "args": {"x": 1}, "id": None, "type": "tool_call"}
CUSTOM = {"id": "c", "type": "custom", "custom": {"name": "look", "input": "x"}}


@pytest.mark.parametrize(
    ("message", "sent", "lost"),
    [
        (AIMessage([{**CALL, "id": "a"}]), ["look"], []),
        (AIMessage([CALL], tool_calls=[{**CALL, "name": "f"}]), ["f", "look"], []),
        (AIMessage([CALL], tool_calls=[CALL]), ["look"], []),
        (AIMessage([{**CALL, "type": "tool_call_chunk", "args": "{"}]), [], ["messages[0].content[0]"]),
        (AIMessage("", invalid_tool_calls=[{**CALL, "name": None, "args": "{"}]), [None], []),  # type: ignore[typeddict-item]
        (AIMessage("", additional_kwargs={"tool_calls": [CUSTOM]}), [], ["messages[0].additional_kwargs.tool_calls"]),
    ],
)
def test_a_call_is_sent_or_said_to_be_lost_wherever_it_stands(
    message: AIMessage, sent: list[str | None], lost: list[str]
) -> None:
    data, losses = encode(
        ChatRequest(model="m", messages=[message], stop=(), stream=False, settings={}), gateway_of("openai_compat")
    )

    calls = json.loads(data)["messages"][0].get("tool_calls", [])
    assert [call["function"]["name"] for call in calls] == sent
    assert [loss.path for loss in losses] == lost


def test_a_call_of_another_kind_goes_back_to_who_made_it() -> None:
    message = AIMessage(
        "", additional_kwargs={"tool_calls": [CUSTOM]}, response_metadata={"model_provider": "openai_compat"}
    )

    data, losses = encode(
        ChatRequest(model="m", messages=[message], stop=(), stream=False, settings={}), gateway_of("openai_compat")
    )

    assert json.loads(data)["messages"][0]["tool_calls"] == [CUSTOM]
    assert losses == []
