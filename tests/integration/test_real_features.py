"""What chat completions have besides text, at a real llama.cpp server: tools, JSON, likelihoods, reasoning."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

import chatplug
from chatplug.language_models import BaseChatModel
from chatplug.messages import AIMessage, ToolMessage, message_chunk_to_message

pytestmark = pytest.mark.integration

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "enum": ["Paris", "Rome"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
TIME = {
    "type": "function",
    "function": {
        "name": "get_time",
        "description": "The time in a city.",
        "parameters": {
            "type": "object",
            "properties": {"zone": {"type": "integer"}},
            "required": ["zone"],
            "additionalProperties": False,
        },
    },
}
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


@pytest.fixture
def model(real_server: str) -> BaseChatModel:
    return chatplug.init("llamacpp:tiny", base_url=real_server, temperature=0, seed=1)


def asked(model: BaseChatModel, how: str, value: Any, **call: Any) -> AIMessage:
    """The answer, in one of three ways."""
    if how == "invoke":
        return model.invoke(value, **call)
    if how == "ainvoke":
        return asyncio.run(model.ainvoke(value, **call))
    chunks = list(model.stream(value, **call))
    message = message_chunk_to_message(sum(chunks[1:], chunks[0]))
    assert isinstance(message, AIMessage)
    return message


every_way = pytest.mark.parametrize("how", ["invoke", "ainvoke", "stream"])


def test_an_address_without_a_path_is_that_of_the_servers_own_api(model: Any, real_server: str) -> None:
    assert model.common.url == f"{real_server}/v1/chat/completions"


@every_way
def test_a_tool_is_called_with_arguments_of_its_schema_and_its_result_is_answered(
    model: BaseChatModel, how: str
) -> None:
    answer = asked(model, how, "The weather?", tools=[WEATHER], tool_choice="any")

    assert answer.tool_calls
    assert {call["name"] for call in answer.tool_calls} == {"get_weather"}
    assert all(call["args"]["city"] in ("Paris", "Rome") for call in answer.tool_calls)
    assert answer.response_metadata["finish_reason"] == "tool_calls"
    results = [ToolMessage("sunny", call["id"]) for call in answer.tool_calls]
    closing = asked(model, how, [("user", "The weather?"), answer, *results], tools=[WEATHER])
    assert closing.text
    assert not closing.tool_calls


@every_way
@pytest.mark.parametrize("name", ["get_weather", "get_time"])
def test_a_tool_that_is_named_is_the_one_that_is_called(model: BaseChatModel, how: str, name: str) -> None:
    answer = asked(model, how, "Hello", tools=[WEATHER, TIME], tool_choice=name)

    assert {call["name"] for call in answer.tool_calls} == {name}
    assert "unsupported_settings" not in answer.response_metadata


@every_way
def test_an_answer_in_a_json_schema_is_of_that_schema(model: BaseChatModel, how: str) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA, "strict": True}}

    answer = json.loads(asked(model, how, "Who?", response_format=form).text)

    assert set(answer) == {"name", "age"}
    assert isinstance(answer["age"], int)


@every_way
def test_each_token_has_its_likelihood(model: BaseChatModel, how: str) -> None:
    answer = asked(model, how, "Hello", logprobs=True, top_logprobs=2, max_tokens=5)

    told = answer.response_metadata["logprobs"]["content"]
    assert len(told) == 5
    assert all(one["logprob"] <= 0 and len(one["top_logprobs"]) == 2 for one in told)
    assert "".join(one["token"] for one in told).strip().startswith(answer.text.strip()[:3])


@every_way
def test_reasoning_is_a_block_before_the_text(model: BaseChatModel, how: str) -> None:
    answer = asked(model, how, "Hello", reasoning_effort="low")

    kinds = [block["type"] for block in answer.content_blocks]
    assert kinds == ["reasoning", "text"]
    assert answer.additional_kwargs["reasoning_content"]


def test_the_same_seed_gives_the_same_answer(model: BaseChatModel) -> None:
    answers = {model.invoke("Hello", temperature=1, seed=seed).text for seed in (7, 7, 7)}

    assert len(answers) == 1
