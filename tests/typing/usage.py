"""The public API as a typed program writes it. Type checkers read this file; nothing runs it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, assert_type
from uuid import UUID

from pydantic import SecretStr

import chatplug
from chatplug.callbacks import (
    AsyncCallbackManagerForLLMRun,
    BaseCallbackHandler,
    CallbackManagerForLLMRun,
    get_cost_callback,
)
from chatplug.errors import ProviderError, RateLimitError
from chatplug.language_models import BaseChatModel, LanguageModelInput, SimpleChatModel
from chatplug.language_models.configurable import ConfigurableModel
from chatplug.messages import (
    AIMessage,
    AIMessageChunk,
    AnyMessage,
    BaseMessage,
    Content,
    HumanMessage,
    HumanMessageChunk,
    InvalidToolCall,
    SystemMessage,
    ToolCall,
    ToolCallChunk,
    ToolMessage,
    UsageMetadata,
    add_usage,
    convert_to_messages,
)
from chatplug.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from chatplug.plugins import PluginManager
from chatplug.profiles import Cost, ModelProfile
from chatplug.runnables import Runnable, RunnableConfig, RunnableLambda, RunnableSequence, chain
from chatplug.wire import ServerSentEvent, SSEDecoder, iter_events


def making_models() -> None:
    assert_type(chatplug.init("echo:n3"), BaseChatModel)
    assert_type(chatplug.init("n3", model_provider="echo", temperature=0, max_tokens=5, stop="."), BaseChatModel)
    chatplug.init("echo:n3", stop=["a", "b"], timeout=1.5, tags=["x"], metadata={"y": 1}, name="mine")
    chatplug.init("echo:n3", api_key=SecretStr("k"), base_url="http://localhost", on_unsupported="raise")
    chatplug.init("echo:n3", api_key="k", callbacks=[Listening()], own_setting=3, plugins=PluginManager({}))
    chatplug.init("echo:n3", temperature="hot")  # type: ignore[call-overload]  # a number
    chatplug.init("echo:n3", on_unsupported="shout")  # type: ignore[call-overload]  # one of three words
    chatplug.init(3)  # type: ignore[call-overload]  # a name


def asking(model: BaseChatModel) -> None:
    config: RunnableConfig = {"tags": ["a"], "callbacks": [Listening()], "run_id": UUID(int=1)}
    assert_type(model.invoke("hello"), AIMessage)
    assert_type(model.invoke(HumanMessage("hello"), config, stop=["."], temperature=0), AIMessage)
    model.invoke([("system", "Be brief."), {"role": "user", "content": "hello"}, AIMessage("hi"), "and you?"])
    model.invoke([HumanMessage("hello")])
    model.invoke(3)  # type: ignore[arg-type]  # nothing that messages are made of
    model.invoke("hello", {"tag": []})  # type: ignore[arg-type]  # `tags`
    assert_type(model.stream("hello"), Iterator[AIMessageChunk])
    for chunk in model.stream("hello", stop="."):
        assert_type(chunk, AIMessageChunk)
        assert_type(chunk.text, str)
    assert_type(model.provider, str)
    assert_type(model.model_id, str | None)
    assert_type(model.unsupported_settings, list[str])


async def asking_asynchronously(model: BaseChatModel) -> None:
    assert_type(await model.ainvoke("hello"), AIMessage)
    assert_type(model.astream("hello"), AsyncIterator[AIMessageChunk])
    async for chunk in model.astream("hello"):
        assert_type(chunk, AIMessageChunk)


def shout(text: str) -> str:
    return text.upper()


def loud(message: AIMessage) -> str:
    return message.text.upper()


async def count(text: str) -> int:
    return len(text)


def texts(chunks: Iterator[AIMessage]) -> Iterator[str]:
    for chunk in chunks:
        yield chunk.text


def combining(model: BaseChatModel) -> None:
    assert_type((model | loud).invoke("hello"), str)
    assert_type(model | texts | count, RunnableSequence[LanguageModelInput, int])
    assert_type((shout | model).invoke("hello"), AIMessage)
    assert_type(({"a": shout} | RunnableLambda(count)).invoke("hello"), int)
    assert_type((model | {"a": texts, "b": model}).invoke("hello"), dict[str, Any])
    assert_type(chain(marked), Runnable[str, str])
    assert_type(model | marked_answer | RunnableLambda(count), RunnableSequence[LanguageModelInput, int])
    assert_type(marked | RunnableLambda(count), RunnableSequence[str, int])
    assert_type(RunnableLambda(shout), RunnableLambda[str, str])
    assert_type(RunnableLambda(shout) | model, RunnableSequence[str, AIMessage])
    assert_type(model.bind(stop=["."]).with_config(tags=["a"]).invoke("hello"), AIMessage)
    assert_type(model.bind(stop=["."]).bind_tools([]).stream("hello"), Iterator[AIMessageChunk])
    assert_type(model.with_config(tags=["a"]).with_structured_output(Custom).invoke("hello"), Custom)
    runnable: Runnable[str, str] = RunnableLambda(shout)
    assert_type(runnable.batch(["a"]), list[str])
    assert_type(runnable.batch(["a"], return_exceptions=True), list[str | Exception])
    for number, answer in model.batch_as_completed(["a", "b"], {"max_concurrency": 2}):
        assert_type(number, int)
        assert_type(answer, AIMessage)


def reading_answers(answer: AIMessage) -> None:
    assert_type(answer.content, Content)
    assert_type(answer.text, str)
    assert_type(answer.id, str | None)
    assert_type(answer.tool_calls, list[ToolCall])
    assert_type(answer.invalid_tool_calls, list[InvalidToolCall])
    assert_type(answer.usage_metadata, UsageMetadata | None)
    assert_type(answer.response_metadata, dict[str, Any])
    assert_type(answer.model_dump(), dict[str, Any])
    assert_type(answer.model_copy(update={"content": "x"}), AIMessage)
    assert_type(AIMessage.model_validate({"content": "x"}), AIMessage)
    for call in answer.tool_calls:
        assert_type(call["args"], dict[str, Any])
        assert_type(call["name"], str)
        ToolMessage("4", tool_call_id=call["id"])
    match answer:
        case AIMessage(content=str()):
            pass
        case _:
            pass


def making_messages() -> None:
    assert_type(convert_to_messages("hello"), list[BaseMessage])
    message: AnyMessage = SystemMessage([{"type": "text", "text": "a"}, "b"])
    AIMessage("a", tool_calls=[{"name": "look", "args": {}, "id": None}])
    AIMessage("a", usage_metadata={"input_tokens": 1, "output_tokens": 1, "total_tokens": 2})
    ToolMessage("a", "call_1", status="error")
    HumanMessage(3)  # type: ignore[arg-type]  # text or blocks
    ToolMessage("a", "call_1", status="odd")  # type: ignore[arg-type]  # one of two words
    assert_type(message.text, str)
    assert_type(add_usage(None, None), UsageMetadata)


def adding_chunks(chunks: list[AIMessageChunk]) -> None:
    total = chunks[0] + chunks[1]
    assert_type(total, AIMessageChunk)
    assert_type(total.tool_calls, list[ToolCall])
    assert_type(total.tool_call_chunks, list[ToolCallChunk])
    assert_type(HumanMessageChunk("a") + HumanMessageChunk("b"), HumanMessageChunk)
    chunks[0] + HumanMessageChunk("b")  # type: ignore[operator]  # of another role
    piece = ChatGenerationChunk(message=total)
    assert_type(piece + piece, ChatGenerationChunk)


def catching_errors(model: BaseChatModel) -> None:
    try:
        model.invoke("hello")
    except RateLimitError as error:
        assert_type(error.retry_after, float | None)
    except ProviderError as error:
        assert_type(error.status, int | None)
        assert_type(error.partial, AIMessageChunk | None)
        assert_type(error.about("a", "b"), ProviderError)
    except chatplug.ChatplugError as error:
        assert_type(error.hint, str | None)
        assert_type(error.message, str)


def reading_a_wire(source: list[bytes]) -> None:
    assert_type(SSEDecoder().feed(b""), list[ServerSentEvent])
    for event in iter_events(source):
        assert_type(event.data, bytes)


class Listening(BaseCallbackHandler):
    """Some methods, of both kinds."""

    async def on_llm_new_token(
        self, token: str, *, chunk: ChatGenerationChunk | None = None, run_id: UUID, **kwargs: Any
    ) -> None:
        assert_type(token, str)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        assert_type(run_id, UUID)


class Custom(BaseChatModel):
    """A model as its author writes it, with all four methods."""

    n: int = 3

    @property
    def _llm_type(self) -> str:
        return "custom"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(messages[-1].content))])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        return AIMessage("a")

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        chunk = ChatGenerationChunk(message=AIMessageChunk("a"))
        if run_manager:
            run_manager.on_llm_new_token("a", chunk=chunk)
        yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[AIMessageChunk]:
        yield AIMessageChunk("a")


def marked(text: str, config: RunnableConfig) -> str:
    return f"{text} {config.get('tags')}"


def marked_answer(message: AIMessage, config: RunnableConfig) -> str:
    return message.text


def knowing_what_a_model_can_do(model: BaseChatModel, usage: UsageMetadata) -> None:
    assert_type(model.profile, ModelProfile)
    assert_type(model.profile.get("max_input_tokens"), int | None)
    assert_type(model.cost_of(usage), Cost | None)
    assert_type(model.estimate("Meow").tokens, int)
    chatplug.init("echo:n3", profile={"max_input_tokens": 100})
    with get_cost_callback() as spent:
        assert_type(spent.total_cost, Cost | None)


def choosing_a_model_with_each_call(schema: type[Custom]) -> None:
    model = chatplug.init(temperature=0)
    assert_type(model, ConfigurableModel[AIMessage])
    assert_type(model.bind_tools([]).invoke("Hi", {"configurable": {"model": "echo:n3"}}), AIMessage)
    assert_type(model.with_structured_output(schema).invoke("Hi"), Custom)
    assert_type(chatplug.init("echo:n3", configurable_fields="any", config_prefix="first"), BaseChatModel)
    settings: dict[str, Any] = {}
    assert_type(chatplug.init("echo:n3", **settings), BaseChatModel)


class Simple(SimpleChatModel):
    """One method, a text."""

    @property
    def _llm_type(self) -> str:
        return "simple"

    def _call(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> str:
        return messages[-1].text


def using_own_models() -> None:
    assert_type(Custom(n=3).invoke("a"), AIMessage)
    assert_type(Simple(stop=["."], tags=["a"]).stream("a"), Iterator[AIMessageChunk])


@chatplug.hookimpl
def chatplug_create_model(provider: str, model: str, settings: dict[str, Any]) -> BaseChatModel:
    """A hook keeps its own type."""
    return Custom(**settings)


assert_type(chatplug_create_model("a", "b", {}), BaseChatModel)
