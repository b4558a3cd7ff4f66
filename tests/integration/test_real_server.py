"""The whole way, to a real llama.cpp server on loopback and back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest

import chatplug
from chatplug.errors import BadRequestError, ContextLengthError, NotFoundError, StreamBrokenError
from chatplug.language_models import BaseChatModel
from chatplug.messages import AIMessage
from tests.integration.asking import both, invoke, stream

pytestmark = pytest.mark.integration


@pytest.fixture
def make(real_server: str) -> Any:
    def made(**settings: Any) -> BaseChatModel:
        return chatplug.init("openai_compat:tiny", base_url=f"{real_server}/v1", temperature=0, **settings)

    return made


@both
def test_a_question_is_answered_with_text_usage_and_a_finish_reason(make: Any, how: str) -> None:
    answer = invoke(make(), how, "Hello")

    assert answer.text
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["input_tokens"] > 0
    assert answer.usage_metadata["output_tokens"] > 0
    assert answer.response_metadata["finish_reason"] == "stop"
    assert answer.response_metadata["model_provider"] == "openai_compat"


@both
def test_a_stream_adds_up_to_the_whole_answer_and_counts_its_tokens(make: Any, how: str) -> None:
    model = make()

    whole = invoke(model, how, "Tell me more", max_tokens=12)
    chunks = stream(model, how, "Tell me more", max_tokens=12)

    total: Any = sum(chunks[1:], chunks[0])
    assert total.text == whole.text
    assert len(chunks) > 3
    assert len({chunk.id for chunk in chunks}) == 1
    assert [chunk.chunk_position for chunk in chunks][-1] == "last"
    assert total.usage_metadata is not None
    assert whole.usage_metadata is not None
    assert total.usage_metadata["output_tokens"] == whole.usage_metadata["output_tokens"]
    assert total.response_metadata["finish_reason"] == whole.response_metadata["finish_reason"]


@both
def test_max_tokens_ends_an_answer_and_the_finish_reason_says_so(make: Any, how: str) -> None:
    answer = invoke(make(max_tokens=3), how, "Hello")

    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_tokens"] == 3
    assert answer.response_metadata["finish_reason"] == "length"


@both
def test_a_stop_text_ends_an_answer(make: Any, how: str) -> None:
    model = make()
    whole = invoke(model, how, "Hello").text
    stop = whole[len(whole) // 2 :][:3]

    answer = invoke(model, how, "Hello", stop=[stop])

    assert answer.text == whole[: whole.index(stop)]
    assert invoke(make(stop=stop), how, "Hello").text == answer.text


def test_the_settings_of_one_call_hold_for_that_call_alone(make: Any) -> None:
    model = make()

    short = model.invoke("Hello", max_tokens=2)
    long = model.invoke("Hello")

    assert len(short.text) < len(long.text)


@both
def test_a_conversation_with_every_kind_of_message_is_understood(make: Any, how: str) -> None:
    conversation = [
        {"role": "system", "content": "Be brief."},
        ("user", "What is the weather in Bern?"),
        AIMessage("", tool_calls=[{"name": "weather", "args": {"city": "Bern"}, "id": "call_1"}]),
        {"role": "tool", "tool_call_id": "call_1", "content": "12 degrees"},
        ("user", [{"type": "text", "text": "Thank you"}]),
    ]

    assert invoke(make(), how, conversation).text


def test_sixteen_requests_at_once_from_threads_and_from_tasks_each_get_their_own_answer(make: Any) -> None:
    # Each prompt has another number of tokens, which its answer repeats. How many an answer has depends on its prompt
    # and on its limit.
    model = make()
    prompts = ["again " * i + "?" for i in range(1, 17)]
    limits = [2 + i % 3 for i in range(16)]

    def usage(answer: AIMessage) -> tuple[int, int]:
        assert answer.usage_metadata is not None
        return answer.usage_metadata["input_tokens"], answer.usage_metadata["output_tokens"]

    def ask(prompt: str, limit: int) -> AIMessage:
        answer: AIMessage = model.invoke(prompt, max_tokens=limit)
        return answer

    alone = [usage(ask(prompt, limit)) for prompt, limit in zip(prompts, limits, strict=True)]

    with ThreadPoolExecutor(16) as pool:
        threads = [usage(answer) for answer in pool.map(ask, prompts, limits)]

    async def tasks() -> list[tuple[int, int]]:
        asked = [model.ainvoke(prompt, max_tokens=limit) for prompt, limit in zip(prompts, limits, strict=True)]
        return [usage(answer) for answer in await asyncio.gather(*asked)]

    assert len({tokens for tokens, _ in alone}) == 16
    assert threads == alone
    assert asyncio.run(tasks()) == alone


def test_twenty_streams_one_after_another_survive_a_server_that_closes_its_connections(make: Any) -> None:
    model = make(max_tokens=4)

    answers = ["".join(chunk.text for chunk in model.stream("Hello")) for _ in range(20)]

    assert len(set(answers)) == 1


@both
def test_a_prompt_over_the_context_is_an_error_of_its_own(make: Any, how: str) -> None:
    with pytest.raises(ContextLengthError, match=r"openai_compat:tiny: .*answered 400") as caught:
        invoke(make(), how, "word " * 60_000)

    assert caught.value.status == 400
    assert caught.value.code == "exceed_context_size_error"


@both
def test_a_request_that_the_server_refuses_is_an_error_with_its_words(make: Any, how: str) -> None:
    conversation = [
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}
    ]

    with pytest.raises(BadRequestError) as caught:
        stream(make(), how, conversation)

    assert caught.value.status == 400
    assert "image" in str(caught.value)


@both
def test_an_address_without_the_endpoint_is_an_error_that_points_at_base_url(real_server: str, how: str) -> None:
    model = chatplug.init("openai_compat:tiny", base_url=f"{real_server}/nowhere")

    with pytest.raises(NotFoundError, match="Check the model's name, and base_url"):
        invoke(model, how, "Hello")


def test_the_models_of_the_server_are_listed(real_server: str) -> None:
    from chatplug.plugins import default_manager

    assert default_manager().list_models("openai_compat", {"base_url": f"{real_server}/v1"}) == ["tiny-chat"]


class Endless(httpx.HTTPTransport):
    """Asks llama.cpp never to end its answer, so that there is a middle to be interrupted in."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = json.dumps({**json.loads(request.content), "ignore_eos": True}).encode()
        headers = {**request.headers, "content-length": str(len(body))}
        return super().handle_request(httpx.Request(request.method, request.url, headers=headers, content=body))


def test_a_server_that_is_killed_in_mid_stream_leaves_an_error_with_what_had_arrived(
    start_real_server: Callable[[], AbstractContextManager[tuple[str, Callable[[], None]]]],
) -> None:
    with start_real_server() as (url, kill), httpx.Client(transport=Endless()) as client:
        model = chatplug.init(
            "openai_compat:tiny", base_url=f"{url}/v1", temperature=0, max_retries=0, http_client=client
        )
        arrived: list[str] = []

        def read_and_kill() -> None:
            for chunk in model.stream("Hello"):
                arrived.append(chunk.text)
                if len(arrived) == 3:
                    kill()

        with pytest.raises(StreamBrokenError, match="openai_compat:tiny: ") as caught:
            read_and_kill()

    assert caught.value.partial is not None
    assert caught.value.partial.text == "".join(arrived)
    assert len(arrived) >= 3


@both
def test_sixty_four_requests_at_once_are_all_answered(make: Any, how: str) -> None:
    model = make(max_tokens=8)
    asked = [f"Tell me about the number {number}" for number in range(64)]

    async def all_at_once() -> list[AIMessage]:
        return list(await asyncio.gather(*(model.ainvoke(question) for question in asked)))

    if how == "async":
        answers = asyncio.run(all_at_once())
    else:
        with ThreadPoolExecutor(64) as pool:
            answers = list(pool.map(model.invoke, asked))

    assert all(answer.text for answer in answers)
    assert all(answer.usage_metadata and answer.usage_metadata["output_tokens"] for answer in answers)


@both
def test_a_server_that_was_started_again_answers_and_its_old_connections_are_not_missed(
    start_real_server: Callable[..., AbstractContextManager[tuple[str, Callable[[], None]]]], how: str
) -> None:
    with start_real_server() as (url, kill):
        model = chatplug.init(
            "openai_compat:tiny", base_url=f"{url}/v1", temperature=0, extra_body={"ignore_eos": True}
        )
        stream(model, how, "Hello", max_tokens=3)
        pieces = model.stream("Hello")
        next(pieces)
        kill()
        with pytest.raises(StreamBrokenError) as caught:
            list(pieces)
        assert caught.value.partial is not None

        with start_real_server("--port", url.rpartition(":")[2]):
            assert invoke(model, how, "Hello", max_tokens=3).usage_metadata is not None
