"""The sections invoke, stream, batch and configuration of LangChain's page "Models", and that about models which each
call chooses, names read as chatplug's."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, Field

import chatplug
from chatplug import hookimpl
from chatplug.messages import AIMessage, AIMessageChunk
from chatplug.plugins import PluginManager
from tests.language_models.models import Whole
from tests.language_models.plugins import installed
from tests.runnables.chains import Ends

MODEL = chatplug.init("echo:n100")
QUESTIONS = ["Why do parrots have colours?", "How do planes fly?", "What is a qubit?"]


def test_a_conversation_is_dicts() -> None:
    conversation = [
        {"role": "system", "content": "You translate."},
        {"role": "user", "content": "Translate: I love programming."},
        {"role": "assistant", "content": "J'adore la programmation."},
        {"role": "user", "content": "Translate: I love building applications."},
    ]

    assert MODEL.invoke(conversation).text == "Translate: I love building applications."


def test_chunks_add_up_while_they_come() -> None:
    full: AIMessageChunk | None = None
    texts: list[str] = []
    for chunk in MODEL.stream("What colour is the sky?"):
        full = chunk if full is None else full + chunk
        texts.append(full.text)

    assert texts[:3] == ["W", "Wh", "Wha"]
    assert full is not None
    assert full.content_blocks == [{"type": "text", "text": "What colour is the sky?"}]


def test_chunks_are_read_by_their_blocks() -> None:
    found = [block for chunk in MODEL.stream("sky") for block in chunk.content_blocks]

    assert [block["type"] for block in found] == ["text"] * 3


async def test_a_model_tells_what_happens() -> None:
    told: list[str] = []
    async for event in MODEL.astream_events("Hi!"):
        if event["event"] == "on_chat_model_start":
            told.append(f"Input: {event['data']['input']}")
        elif event["event"] == "on_chat_model_stream":
            told.append(f"Token: {event['data']['chunk'].text}")
        elif event["event"] == "on_chat_model_end":
            told.append(f"Full message: {event['data']['output'].text}")

    assert told == ["Input: Hi!", "Token: H", "Token: i", "Token: !", "Token: ", "Full message: Hi!"]


def test_a_batch_gives_all_or_each_as_it_comes() -> None:
    whole = [response.text for response in MODEL.batch(QUESTIONS)]
    as_they_came = dict(MODEL.batch_as_completed(QUESTIONS))
    five = MODEL.batch(QUESTIONS * 4, config={"max_concurrency": 5})

    assert whole == QUESTIONS
    assert [as_they_came[number].text for number in range(3)] == QUESTIONS
    assert [response.text for response in five] == QUESTIONS * 4


def test_a_call_is_configured() -> None:
    my_callback_handler = Ends()

    MODEL.invoke(
        "Tell me a joke",
        config={
            "run_name": "joke_generation",
            "tags": ["humor", "demo"],
            "metadata": {"user_id": "123"},
            "callbacks": [my_callback_handler],
        },
    )

    run = my_callback_handler.named("joke_generation")
    assert (run.tags, run.metadata) == (["humor", "demo"], {"user_id": "123"})


@pytest.mark.parametrize("key", ["run_name", "tags", "metadata", "max_concurrency", "callbacks", "recursion_limit"])
def test_the_page_s_keys_are_known(key: str) -> None:
    values: dict[str, Any] = {"run_name": "a", "tags": ["a"], "metadata": {}, "callbacks": []}
    config: Any = {key: values.get(key, 5)}

    assert MODEL.invoke("a", config).text == "a"


# ---- a model that each call chooses


class Hosted(Whole):
    """A model of one of the page's two providers; with tools it asks for two populations."""

    temperature: float | None = None
    max_tokens: int | None = None

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> AIMessage:
        names = [tool["function"]["name"] for tool in kwargs.get("tools", [])]
        places = ("Los Angeles, CA", "New York, NY") if "GetPopulation" in names else ()
        calls: list[Any] = [
            {"name": "GetPopulation", "args": {"location": place}, "id": f"{self.provider}_{number}"}
            for number, place in enumerate(places)
        ]
        return AIMessage(f"{self.provider}:{self.model_name} {self.temperature} {self.max_tokens}", tool_calls=calls)


class Provider:
    """A plugin of hosted models."""

    @hookimpl
    def chatplug_create_model(self, model: str, settings: Any) -> Any:
        return Hosted(model_name=model, **settings)


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> PluginManager:
    """The page's two providers, each with how the names of its models begin."""
    return installed(monkeypatch, {"gpt-": "openai", "claude-": "anthropic"}, openai=Provider(), anthropic=Provider())


class GetWeather(BaseModel):
    """The weather in a place now."""

    location: str = Field(..., description="City and state, such as San Francisco, CA")


class GetPopulation(BaseModel):
    """The population of a place now."""

    location: str = Field(..., description="City and state, such as San Francisco, CA")


NANO, SONNET = "gpt-5-nano", "claude-sonnet-4-5-20250929"


def test_a_call_chooses_the_model_by_its_name_alone(plugins: PluginManager) -> None:
    configurable_model = chatplug.init(temperature=0, plugins=plugins)

    nano = configurable_model.invoke("what's your name", config={"configurable": {"model": NANO}})
    sonnet = configurable_model.invoke("what's your name", config={"configurable": {"model": SONNET}})

    assert [nano.text, sonnet.text] == [f"openai:{NANO} 0.0 None", f"anthropic:{SONNET} 0.0 None"]


def test_a_configurable_model_has_defaults_and_a_prefix(plugins: PluginManager) -> None:
    first_model = chatplug.init(
        model="gpt-4.1-mini",
        temperature=0,
        configurable_fields=("model", "model_provider", "temperature", "max_tokens"),
        config_prefix="first",
        plugins=plugins,
    )
    said: Any = {"configurable": {"first_model": SONNET, "first_temperature": 0.5, "first_max_tokens": 100}}

    assert first_model.invoke("what's your name").text == "openai:gpt-4.1-mini 0.0 None"
    assert first_model.invoke("what's your name", config=said).text == f"anthropic:{SONNET} 0.5 100"


@pytest.mark.parametrize(("model", "provider"), [("gpt-4.1-mini", "openai"), (SONNET, "anthropic")])
def test_a_configurable_model_is_used_declaratively(plugins: PluginManager, model: str, provider: str) -> None:
    model_with_tools = chatplug.init(temperature=0, plugins=plugins).bind_tools([GetWeather, GetPopulation])

    calls = model_with_tools.invoke(
        "what's bigger in 2024 LA or NYC", config={"configurable": {"model": model}}
    ).tool_calls

    assert calls == [
        {"name": "GetPopulation", "args": {"location": place}, "id": f"{provider}_{number}", "type": "tool_call"}
        for number, place in enumerate(("Los Angeles, CA", "New York, NY"))
    ]
