"""The programs of LangChain's pages "Custom chat model" and "Streaming", names read as chatplug's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chatplug.callbacks import CallbackManagerForLLMRun
from chatplug.language_models import BaseChatModel
from chatplug.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    FunctionMessage,
    FunctionMessageChunk,
    HumanMessage,
    HumanMessageChunk,
    SystemMessage,
    SystemMessageChunk,
    ToolMessage,
    ToolMessageChunk,
)
from chatplug.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from tests.language_models.models import Driver, both


class FirstLetters(BaseChatModel):
    """Answers with the first `n` letters of the last message."""

    model_name: str
    n: int

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        message = AIMessage(
            content=messages[-1].content[: self.n], additional_kwargs={}, response_metadata={"time_in_seconds": 3}
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        token = ""
        for token in messages[-1].text[: self.n]:
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=token))
            if run_manager:
                run_manager.on_llm_new_token(token, chunk=chunk)
            yield chunk
        chunk = ChatGenerationChunk(message=AIMessageChunk(content="", response_metadata={"time_in_sec": 3}))
        if run_manager:
            run_manager.on_llm_new_token(token, chunk=chunk)
        yield chunk

    @property
    def _llm_type(self) -> str:
        return "first-letters"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name}


MODEL = FirstLetters(n=3, model_name="my_custom_model")


def test_the_page_s_messages_are_there_and_add_up() -> None:
    chunks = [FunctionMessageChunk, HumanMessageChunk, SystemMessageChunk, ToolMessageChunk]
    whole = [FunctionMessage, HumanMessage, SystemMessage, ToolMessage]

    assert [issubclass(chunk, message) for chunk, message in zip(chunks, whole, strict=True)] == [True] * 4
    assert (AIMessageChunk(content="Hello") + AIMessageChunk(content=" World!")).content == "Hello World!"


@both
def test_the_custom_model_of_the_pages_works_as_printed(driver: Driver) -> None:
    answer = driver.invoke(
        MODEL, [HumanMessage(content="hello!"), AIMessage(content="Hi there human!"), HumanMessage(content="Meow!")]
    )
    chunks = driver.stream(MODEL, "cat")

    assert answer.content == "Meo"
    assert answer.response_metadata == {"time_in_seconds": 3}
    assert driver.invoke(MODEL, "hello").content == "hel"
    assert "".join(f"{chunk.content}|" for chunk in chunks) == "c|a|t||"
    assert chunks[-1].response_metadata == {"time_in_sec": 3}


def test_the_model_answers_a_conversation_and_a_text() -> None:
    conversation = [HumanMessage(content="hello!"), AIMessage(content="Hi there human!"), HumanMessage(content="Meow!")]

    answers = [MODEL.invoke(conversation), MODEL.invoke("hello")]

    assert [answer.content for answer in answers] == ["Meo", "hel"]
    assert all(answer.response_metadata == {"time_in_seconds": 3} for answer in answers)
    assert all(str(answer.id).startswith("run-") and str(answer.id).endswith("-0") for answer in answers)


def test_the_model_answers_a_batch() -> None:
    assert [answer.content for answer in MODEL.batch(["hello", "goodbye"])] == ["hel", "goo"]


async def test_the_model_streams_both_ways() -> None:
    assert "".join(f"{chunk.content}|" for chunk in MODEL.stream("cat")) == "c|a|t||"
    assert "".join([f"{chunk.content}|" async for chunk in MODEL.astream("cat")]) == "c|a|t||"


async def test_the_events_are_those_of_the_page() -> None:
    events = [event async for event in MODEL.astream_events("cat", version="v1")]

    assert [event["event"] for event in events] == [
        "on_chat_model_start",
        *["on_chat_model_stream"] * 4,
        "on_chat_model_end",
    ]
    run_id = events[0]["run_id"]
    for event in events:
        assert set(event) == {"event", "run_id", "name", "tags", "metadata", "data"}
        assert (event["run_id"], event["name"], event["tags"], event["metadata"]) == (run_id, "FirstLetters", [], {})
    assert events[0]["data"] == {"input": "cat"}
    chunks = [event["data"]["chunk"] for event in events[1:-1]]
    assert [chunk.content for chunk in chunks] == ["c", "a", "t", ""]
    assert {chunk.id for chunk in chunks} == {f"run-{run_id}"}
    assert chunks[-1].response_metadata == {"time_in_sec": 3}
    (output,) = events[-1]["data"].values()
    assert list(events[-1]["data"]) == ["output"]
    assert (type(output), output.content, output.response_metadata) == (AIMessageChunk, "cat", {"time_in_sec": 3})


async def test_a_loop_over_events_may_be_left() -> None:
    seen: list[str] = []

    stream = MODEL.astream_events("Write me a verse", version="v1")
    async for event in stream:
        if len(seen) == 4:
            break
        seen.append(event["event"])
    await stream.aclose()  # type: ignore[attr-defined]  # a generator

    assert seen == ["on_chat_model_start", *["on_chat_model_stream"] * 3]
