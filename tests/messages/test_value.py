"""Messages behave as pydantic values: fields of models, JSON, schemas."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, TypeAdapter, ValidationError

from chatplug.errors import MessageError
from chatplug.messages import (
    AIMessage,
    AIMessageChunk,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    ToolMessage,
    is_data_content_block,
)


class Conversation(BaseModel):
    """As a FastAPI body would have it."""

    last: BaseMessage
    messages: list[AnyMessage] = []
    question: HumanMessage | None = None


CALL = {"name": "weather", "args": {"city": "Bern"}, "id": "call_1", "type": "tool_call"}
WHOLE = Conversation(
    last=AIMessage(
        "Wait.", tool_calls=[CALL], usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    ),
    messages=[HumanMessage("Hello"), ToolMessage("12", tool_call_id="call_1"), AIMessageChunk("He", id="run-1")],
    question=HumanMessage([{"type": "text", "text": "Hello"}]),
)


def test_a_field_takes_messages_and_what_they_were_dumped_to() -> None:
    assert Conversation.model_validate(WHOLE.model_dump()) == WHOLE
    assert Conversation.model_validate_json(WHOLE.model_dump_json()) == WHOLE
    assert [type(message) for message in Conversation.model_validate(WHOLE.model_dump()).messages] == [
        HumanMessage,
        ToolMessage,
        AIMessageChunk,
    ]


@pytest.mark.parametrize(
    "last",
    [5, "Hello", {"type": "nobody", "content": "x"}, {"type": "human", "content": 5}, {"type": "human", "contnt": "x"}],
)
def test_a_field_refuses_what_is_no_message_in_python_and_in_json(last: object) -> None:
    with pytest.raises(ValidationError):
        Conversation.model_validate({"last": last})
    with pytest.raises(ValidationError):
        Conversation.model_validate_json(json.dumps({"last": last}))


def test_a_field_of_one_role_refuses_the_others() -> None:
    with pytest.raises(ValidationError, match="is no HumanMessage"):
        Conversation.model_validate({"last": HumanMessage("x"), "question": AIMessage("x")})


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_the_json_schema_describes_what_is_dumped(mode: str) -> None:
    schema = Conversation.model_json_schema(mode=mode)  # type: ignore[arg-type]  # one of the two

    Draft202012Validator(schema).validate(WHOLE.model_dump(mode="json"))
    assert not Draft202012Validator(schema).is_valid({"last": {"type": "human", "content": 5}})


def test_each_class_tells_its_schema_and_reads_its_json() -> None:
    message = AIMessage("Hello", tool_calls=[CALL])

    Draft202012Validator(AIMessage.model_json_schema()).validate(json.loads(message.model_dump_json()))
    assert AIMessage.model_validate_json(message.model_dump_json()) == message
    with pytest.raises(MessageError, match="Give JSON text"):
        AIMessage.model_validate_json("{")


def test_base_message_reads_every_kind_by_its_type() -> None:
    for message in (HumanMessage("x"), ToolMessage("x", tool_call_id="1"), AIMessageChunk("x")):
        assert BaseMessage.model_validate(message.model_dump()) == message


def test_a_dump_can_be_cut_down() -> None:
    message = HumanMessage("Hello", id="m1")

    assert message.model_dump(include={"type", "content"}) == {"type": "human", "content": "Hello"}
    assert "id" not in message.model_dump(exclude={"id"})
    assert "name" not in message.model_dump(exclude_none=True)


def test_a_type_adapter_reads_lists_of_messages() -> None:
    adapter = TypeAdapter(list[AnyMessage])

    assert adapter.validate_python([{"type": "human", "content": "Hello"}]) == [HumanMessage("Hello")]


def test_what_a_provider_added_is_not_lost_where_a_field_is_read_from_json() -> None:
    call: Any = {**CALL, "thought_signature": "Ab=="}
    usage: Any = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "input_token_details": {"text": 1}}
    body = Conversation(last=AIMessage("Wait.", tool_calls=[call], usage_metadata=usage))

    assert Conversation.model_validate_json(body.model_dump_json()) == body


@pytest.mark.parametrize(
    ("block", "is_data"),
    [
        ({"type": "image", "url": "https://example.org/cat.png"}, True),
        ({"type": "audio", "base64": "AAAA", "mime_type": "audio/wav"}, True),
        ({"type": "file", "file_id": "file_1"}, True),
        ({"type": "text-plain", "text": "Meow!"}, True),
        ({"type": "image", "source_type": "base64", "data": "AAAA"}, True),
        ({"type": "file", "source_type": "id", "id": "file_1"}, True),
        ({"type": "image"}, False),
        ({"type": "image", "data": "AAAA"}, False),
        ({"type": "text", "text": "Meow!"}, False),
        ({"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}}, False),
        ({}, False),
    ],
)
def test_a_block_of_data_is_told_from_others(block: dict[str, Any], is_data: bool) -> None:
    assert is_data_content_block(block) is is_data
