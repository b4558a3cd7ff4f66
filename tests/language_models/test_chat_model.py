"""What callers get from a model, whichever of its methods its author has written."""

from __future__ import annotations

import asyncio
import copy
import pickle
import sys
import threading
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, cast

import pytest
from pydantic import Field, SecretStr

import chatplug
from chatplug.errors import (
    ChatplugError,
    ConfigError,
    InvalidRequestError,
    MessageError,
    PluginHookError,
    ProviderError,
    SettingsError,
    StreamBrokenError,
)
from chatplug.language_models import BaseChatModel, SimpleChatModel, UnsupportedSettingWarning
from chatplug.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from chatplug.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from chatplug.plugins import Declaration, PluginManager
from tests.language_models.models import (
    DRIVERS,
    Driver,
    Gives,
    GivesNative,
    GivesPieces,
    GivesPiecesNative,
    Pieces,
    PiecesNative,
    Whole,
    WholeNative,
)

both = pytest.mark.parametrize("driver", DRIVERS, ids=repr)
KINDS: list[type[Whole]] = [Whole, WholeNative, Pieces, PiecesNative]
STREAMING: list[type[Pieces]] = [Pieces, PiecesNative]

# ---- the rules of falling back


@both
@pytest.mark.parametrize("kind", KINDS)
def test_every_model_answers_and_streams_whatever_its_author_wrote(kind: type[Whole], driver: Driver) -> None:
    model = kind()

    answer = driver.invoke(model, "cat")
    chunks = driver.stream(model, "cat")

    assert answer.text == "cat"
    assert type(answer) is AIMessage
    assert "".join(chunk.text for chunk in chunks) == "cat"
    assert all(type(chunk) is AIMessageChunk for chunk in chunks)


@both
@pytest.mark.parametrize("kind", [Whole, WholeNative])
def test_a_model_that_cannot_stream_gives_the_whole_message_once(kind: type[Whole], driver: Driver) -> None:
    (chunk,) = driver.stream(kind(), "cat")

    assert chunk.text == "cat"
    assert chunk.chunk_position == "last"


@both
@pytest.mark.parametrize("kind", STREAMING)
def test_a_stream_comes_in_the_pieces_that_the_model_gives(kind: type[Pieces], driver: Driver) -> None:
    assert [chunk.content for chunk in driver.stream(kind(), "cat")] == ["c", "a", "t", ""]


@both
@pytest.mark.parametrize("kind", KINDS)
def test_the_chunks_of_a_stream_have_one_id_and_the_last_says_that_it_is_the_last(
    kind: type[Whole], driver: Driver
) -> None:
    chunks = driver.stream(kind(), "cat")

    assert len({chunk.id for chunk in chunks}) == 1
    assert (chunks[0].id or "").startswith("run-")
    assert [chunk.chunk_position for chunk in chunks] == [None] * (len(chunks) - 1) + ["last"]


@both
def test_an_answer_has_an_id_unless_the_provider_gave_one(driver: Driver) -> None:
    first, second = (driver.invoke(Whole(), "cat").id for _ in range(2))

    assert first != second
    assert (first or "").startswith("run-")
    assert driver.invoke(Gives(given=lambda: AIMessage("a", id="msg_1")), "cat").id == "msg_1"


@both
def test_the_id_of_the_provider_is_the_id_of_all_chunks(driver: Driver) -> None:
    model = GivesPieces(given=lambda: iter([AIMessageChunk("a", id="msg_1"), AIMessageChunk("b")]))

    assert {chunk.id for chunk in driver.stream(model, "cat")} == {"msg_1"}


def test_native_methods_are_preferred_by_asynchronous_calls() -> None:
    model = WholeNative()

    asyncio.run(model.ainvoke("cat"))
    DRIVERS[1].stream(model, "cat")
    model.invoke("cat")

    assert model.heard == ["native", "native", (None, {})]


def test_a_synchronous_method_is_waited_for_in_a_worker_thread_that_sees_the_context() -> None:
    where: ContextVar[str] = ContextVar("where", default="nowhere")
    seen: list[tuple[bool, str]] = []

    class Looks(Pieces):
        def pieces(self, text: str) -> Iterator[Any]:
            for character in text:
                seen.append((threading.current_thread() is threading.main_thread(), where.get()))
                where.set(character)
                yield AIMessageChunk(character)

    async def call() -> None:
        where.set("outside")
        await Looks().ainvoke("x")
        async for _ in Looks().astream("cat"):
            assert where.get() == "outside"

    asyncio.run(call())

    assert seen == [(False, "outside"), (False, "c"), (False, "a")]


def test_the_event_loop_runs_on_while_a_synchronous_method_works() -> None:
    began, go_on = threading.Event(), threading.Event()

    class Slow(Whole):
        def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            began.set()
            assert go_on.wait(10)
            return AIMessage("done")

    async def call() -> str:
        task = asyncio.create_task(Slow().ainvoke("x"))
        assert await asyncio.to_thread(began.wait, 10)
        go_on.set()
        return (await asyncio.wait_for(task, 10)).text

    assert asyncio.run(call()) == "done"


@both
def test_a_model_that_raises_stop_iteration_does_not_hang(driver: Driver) -> None:
    def stop() -> Any:
        raise StopIteration

    with pytest.raises((StopIteration, RuntimeError)):
        driver.invoke(Gives(given=stop), "cat")
    with pytest.raises((StopIteration, RuntimeError)):
        driver.stream(GivesPieces(given=stop), "cat")


# ---- the page's example, with names of our own


class FirstLetters(BaseChatModel):
    """Says the first `n` letters of the last message."""

    model_name: str
    n: int

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        message = AIMessage(
            content=messages[-1].content[: self.n], additional_kwargs={}, response_metadata={"time_in_seconds": 3}
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
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


@both
def test_the_custom_model_of_the_pages_works_as_printed(driver: Driver) -> None:
    model = FirstLetters(n=3, model_name="my_custom_model")

    answer = driver.invoke(
        model, [HumanMessage(content="hello!"), AIMessage(content="Hi there human!"), HumanMessage(content="Meow!")]
    )
    chunks = driver.stream(model, "cat")

    assert answer.content == "Meo"
    assert answer.response_metadata == {"time_in_seconds": 3}
    assert driver.invoke(model, "hello").content == "hel"
    assert "".join(f"{chunk.content}|" for chunk in chunks) == "c|a|t||"
    assert chunks[-1].response_metadata == {"time_in_sec": 3}


def test_a_simple_model_is_one_method_that_gives_a_text() -> None:
    class Shout(SimpleChatModel):
        @property
        def _llm_type(self) -> str:
            return "shout"

        def _call(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> str:
            return str(messages[-1].text.upper()) + str(kwargs.get("mark", ""))

    for driver in DRIVERS:
        assert driver.invoke(Shout(), "cat", mark="!").text == "CAT!"
        assert [chunk.text for chunk in driver.stream(Shout(), "cat")] == ["CAT"]


def test_a_simple_model_whose_call_gives_no_text_is_an_error_that_names_the_method() -> None:
    class Mute(SimpleChatModel):
        given: Any = None

        @property
        def _llm_type(self) -> str:
            return "mute"

        def _call(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> str:
            return cast("str", self.given() if callable(self.given) else self.given)

    for driver in DRIVERS:
        for given, what in ((None, "NoneType"), (b"a", "bytes"), (_coroutine, "coroutine")):
            with pytest.raises(PluginHookError, match=rf"mute: Mute\._call gave {what}\. It has to give a string\."):
                driver.invoke(Mute(given=given), "cat")


# ---- what methods may give


@both
@pytest.mark.parametrize(
    "given",
    [
        lambda: AIMessage("a"),
        lambda: AIMessageChunk("a"),
        lambda: ChatResult(generations=[ChatGeneration(message=AIMessage("a"))]),
        lambda: ChatResult(generations=[ChatGeneration(message=AIMessageChunk("a"))]),
    ],
)
def test_an_answer_may_be_a_result_or_simply_a_message(given: Any, driver: Driver) -> None:
    assert type(driver.invoke(Gives(given=given), "x")) is AIMessage
    assert driver.invoke(Gives(given=given), "x").text == "a"
    assert [chunk.text for chunk in driver.stream(Gives(given=given), "x")] == ["a"]


def test_facts_beside_an_answer_are_in_its_metadata() -> None:
    generation = ChatGeneration(message=AIMessage("a", response_metadata={"x": 1}), generation_info={"x": 0, "y": 2})
    piece = ChatGenerationChunk(
        message=AIMessageChunk("a", response_metadata={"x": 1}), generation_info={"x": 0, "y": 2}
    )

    answer = Gives(given=lambda: ChatResult(generations=[generation])).invoke("x")
    first, *_ = GivesPieces(given=lambda: iter([piece])).stream("x")

    assert answer.response_metadata == first.response_metadata == {"x": 1, "y": 2}


def test_everything_in_a_whole_answer_is_in_its_one_chunk() -> None:
    answer = AIMessage(
        [{"type": "text", "text": "a"}],
        id="msg_1",
        additional_kwargs={"x": 1},
        response_metadata={"y": 2},
        tool_calls=[{"id": "a", "name": "look", "args": {"z": 1}}],
        usage_metadata={"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
    )

    (chunk,) = Gives(given=lambda: answer).stream("x")

    assert (chunk.content, chunk.id, chunk.additional_kwargs) == (answer.content, "msg_1", {"x": 1})
    assert (chunk.response_metadata, chunk.usage_metadata) == ({"y": 2}, answer.usage_metadata)
    assert chunk.tool_calls == answer.tool_calls


async def _coroutine() -> AIMessage:
    return AIMessage("a")


WRONG: list[tuple[Any, str]] = [
    (lambda: "a", "str"),
    (lambda: None, "NoneType"),
    (lambda: HumanMessage("a"), "HumanMessage"),
    (lambda: ChatResult(generations=[]), "a ChatResult without generations"),
    (lambda: ChatResult(generations=[ChatGeneration(message=HumanMessage("a"))]), "HumanMessage"),
    (_coroutine, "coroutine"),
]


@pytest.mark.parametrize(("given", "what"), WRONG)
def test_a_wrong_answer_is_an_error_that_names_the_method(given: Any, what: str) -> None:
    hint = r"It has to give a ChatResult or an AIMessage\."

    for driver in DRIVERS:
        for ask in (driver.invoke, driver.stream):
            with pytest.raises(PluginHookError, match=rf"test:whole-1: Gives._generate gave {what}\. {hint}"):
                ask(Gives(given=given), "x")
    for ask in (DRIVERS[1].invoke, DRIVERS[1].stream):
        with pytest.raises(PluginHookError, match=rf"GivesNative._agenerate gave {what}\. {hint}"):
            ask(GivesNative(given=given), "x")


def _agives(*pieces: Any) -> Any:
    async def source() -> AsyncIterator[Any]:
        for piece in pieces:
            yield piece

    return source


@pytest.mark.parametrize(
    ("pieces", "what"), [(["a"], "str"), ([AIMessage("a")], "AIMessage"), ([None], "NoneType"), ([], "no chunk at all")]
)
def test_a_wrong_piece_is_an_error_that_names_the_method(pieces: list[Any], what: str) -> None:
    hint = "It has to give ChatGenerationChunk or AIMessageChunk"

    for driver in DRIVERS:
        with pytest.raises(PluginHookError, match=rf"GivesPieces._stream gave {what}\. {hint}"):
            driver.stream(GivesPieces(given=lambda: iter(pieces)), "x")
    with pytest.raises(PluginHookError, match=rf"GivesPiecesNative._astream gave {what}\. {hint}"):
        DRIVERS[1].stream(GivesPiecesNative(given=_agives(*pieces)), "x")


@pytest.mark.parametrize(("given", "what"), [(lambda: None, "NoneType"), (_coroutine, "coroutine")])
def test_a_stream_that_is_none_is_an_error_that_names_the_method(given: Any, what: str) -> None:
    with pytest.raises(PluginHookError, match=rf"GivesPieces._stream gave {what}\."):
        DRIVERS[0].stream(GivesPieces(given=given), "x")
    with pytest.raises(PluginHookError, match=rf"GivesPiecesNative._astream gave {what}\."):
        DRIVERS[1].stream(GivesPiecesNative(given=given), "x")


def test_a_stream_may_be_any_iterable() -> None:
    assert [chunk.text for chunk in GivesPieces(given=lambda: [AIMessageChunk("a")]).stream("x")] == ["a", ""]


@both
def test_a_message_that_the_model_keeps_is_not_changed_by_an_answer(driver: Driver) -> None:
    kept = AIMessage("a", response_metadata={"x": 1})
    result = ChatResult(generations=[ChatGeneration(message=kept, generation_info={"y": 2})])
    model = Gives(given=lambda: result, seed=1, on_unsupported="allow")  # type: ignore[call-arg]  # a standard setting

    first, second = driver.invoke(model, "x"), driver.invoke(model, "x")

    assert kept == AIMessage("a", response_metadata={"x": 1})
    assert first.id != second.id
    assert first.response_metadata == {"x": 1, "y": 2, "unsupported_settings": ["seed"]}


def test_a_message_of_an_author_s_own_class_keeps_its_class_and_its_fields() -> None:
    class Marked(AIMessage):
        __slots__ = ()

    answer = Gives(given=lambda: Marked("a", additional_kwargs={"x": 1})).invoke("x")

    assert type(answer) is Marked
    assert (answer.text, answer.additional_kwargs) == ("a", {"x": 1})
    assert answer.id is not None


@both
def test_a_message_of_the_conversation_may_be_the_answer_and_is_not_changed(driver: Driver) -> None:
    asked = AIMessage("a")

    class Returns(Whole):
        def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            return messages[-1]

    assert driver.invoke(Returns(), [asked]).id is not None
    assert asked.id is None


@both
@pytest.mark.parametrize(
    "fields", [{}, {"response_metadata": {"x": 1}}, {"usage_metadata": {"input_tokens": 1, "output_tokens": 0}}]
)
@pytest.mark.parametrize("text", ["", "a"])
def test_a_chunk_that_is_yielded_twice_and_in_two_streams_is_not_changed(
    text: str, fields: dict[str, Any], driver: Driver
) -> None:
    kept = AIMessageChunk(text, **fields)
    before = kept.model_dump()

    class Keeps(PiecesNative):
        def pieces(self, text: str) -> Iterator[Any]:
            yield from [kept, AIMessageChunk("b"), kept, kept]

    first, second = driver.stream(Keeps(), "x"), driver.stream(Keeps(), "x")

    assert kept.model_dump() == before
    for chunks in (first, second):
        assert len({chunk.id for chunk in chunks}) == 1
        assert [chunk.chunk_position for chunk in chunks] == [None] * (len(chunks) - 1) + ["last"]
        assert sum(chunks[1:], chunks[0]).text == f"{text}b{text}{text}"
    assert first[0].id != second[0].id


# ---- how streams end


@both
@pytest.mark.parametrize("kind", STREAMING)
@pytest.mark.parametrize("at_most", [1, 2])
def test_abandoning_a_stream_closes_its_source_at_once(kind: type[Pieces], at_most: int, driver: Driver) -> None:
    model = kind()

    chunks = driver.stream(model, "cat", at_most=at_most)

    assert len(chunks) == at_most
    assert model.closed == ["GeneratorExit"]


@both
@pytest.mark.parametrize("kind", STREAMING)
def test_a_stream_that_is_read_to_its_end_is_closed_by_itself(kind: type[Pieces], driver: Driver) -> None:
    model = kind()

    driver.stream(model, "cat")

    assert model.closed == ["end"]


def test_a_stream_that_nobody_reads_asks_nobody() -> None:
    model = Pieces()

    model.stream("cat")
    model.astream("cat")

    assert model.heard == []


class Breaks(PiecesNative):
    """Breaks in mid-stream."""

    error: Any

    def pieces(self, text: str) -> Iterator[Any]:
        yield AIMessageChunk(text[:1], id="msg_1")
        yield AIMessageChunk(text[1:2], response_metadata={"x": 1})
        raise self.error


@both
def test_an_error_in_mid_stream_carries_what_had_arrived(driver: Driver) -> None:
    model = Breaks(error=StreamBrokenError("It broke."))

    with pytest.raises(StreamBrokenError) as caught:
        driver.stream(model, "cat")

    assert caught.value is model.error
    assert caught.value.partial == AIMessageChunk("ca", id="msg_1", response_metadata={"x": 1})
    assert (caught.value.provider, caught.value.model) == ("test", "whole-1")
    assert model.closed == ["StreamBrokenError"]


@both
def test_an_error_that_brings_its_own_partial_keeps_it(driver: Driver) -> None:
    error = ProviderError("It broke.", partial=AIMessageChunk("own"), provider="other")

    with pytest.raises(ProviderError) as caught:
        driver.stream(Breaks(error=error), "cat")

    assert caught.value.partial == AIMessageChunk("own")
    assert caught.value.provider == "other"


@both
def test_an_error_before_anything_arrived_has_no_partial(driver: Driver) -> None:
    def fail() -> Any:
        raise ProviderError("No.")

    for ask in (driver.invoke, driver.stream):
        with pytest.raises(ProviderError) as caught:
            ask(Gives(given=fail), "cat")
        assert caught.value.partial is None
        assert caught.value.provider == "test"


@both
def test_an_exception_that_is_not_ours_reaches_the_caller_as_it_is(driver: Driver) -> None:
    with pytest.raises(KeyError, match="mine"):
        driver.stream(Breaks(error=KeyError("mine")), "cat")


@both
def test_an_exception_that_is_not_ours_has_a_note_of_where_it_came_from_and_of_what_had_arrived(driver: Driver) -> None:
    error = KeyError("mine")

    for _ in range(2):
        with pytest.raises(KeyError):
            driver.stream(Breaks(error=error), "cat")
    with pytest.raises(ZeroDivisionError) as caught:
        driver.invoke(Gives(given=lambda: 1 / 0), "cat")

    assert error.__notes__ == ["chatplug: test:whole-1; what had arrived: 2 characters"]
    assert caught.value.__notes__ == ["chatplug: test:whole-1"]


@pytest.mark.parametrize("is_stream", [True, False])
def test_cancelling_a_task_ends_its_call_at_once(is_stream: bool) -> None:
    ended: list[str] = []

    class Waits(WholeNative):
        async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
            await self.wait()

        async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            yield AIMessageChunk("a")
            await self.wait()

        async def wait(self) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise

    async def read() -> None:
        if is_stream:
            async for _ in Waits().astream("x"):
                pass
        else:
            await Waits().ainvoke("x")

    async def call() -> None:
        task = asyncio.create_task(read())
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 10)

    asyncio.run(call())

    assert ended == ["cancelled"]


def test_cancelling_a_stream_that_waits_for_a_thread_closes_the_source_when_the_thread_is_done() -> None:
    began, go_on, closed = threading.Event(), threading.Event(), threading.Event()

    class Slow(Pieces):
        def pieces(self, text: str) -> Iterator[Any]:
            try:
                began.set()
                assert go_on.wait(10)
                yield AIMessageChunk("a")
                yield AIMessageChunk("b")
            finally:
                closed.set()

    async def read() -> None:
        async for _ in Slow().astream("x"):
            pass

    async def call() -> None:
        task = asyncio.create_task(read())
        assert await asyncio.to_thread(began.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 10)
        assert not closed.is_set()
        go_on.set()

    asyncio.run(call())

    assert closed.wait(10)


# ---- what a call may say


@both
def test_stop_is_the_model_s_unless_the_call_says_otherwise(driver: Driver) -> None:
    model = PiecesNative(stop="." if driver is DRIVERS[0] else ["."])  # type: ignore[arg-type]  # a text is as good as a list

    for ask in (driver.invoke, driver.stream):
        ask(model, "x")
        ask(model, "x", stop="!")
        ask(model, "x", stop=["a", "b"])
        ask(model, "x", stop=[])

    assert [stop for stop, _ in model.heard] == [["."], ["!"], ["a", "b"], []] * 2


@both
def test_settings_of_one_call_reach_the_model(driver: Driver) -> None:
    model = PiecesNative()

    for ask in (driver.invoke, driver.stream):
        ask(model, "x", temperature=0, colour="red")

    assert [settings for _, settings in model.heard] == [{"temperature": 0, "colour": "red"}] * 2


@pytest.mark.parametrize("ask", ["invoke", "ainvoke", "stream", "astream"])
def test_bad_input_is_refused_before_anything_is_sent(ask: str) -> None:
    model = Whole()

    def call(*args: Any) -> None:
        result = getattr(model, ask)(*args)
        if ask == "ainvoke":
            asyncio.run(result)

    with pytest.raises(MessageError, match=r"test:whole-1: messages\[0\] is int"):
        call([3])
    with pytest.raises(ConfigError, match=r"config has no key 'tag'. Did you mean 'tags'\?"):
        call("x", {"tag": []})
    assert model.heard == []


def test_one_model_serves_many_streams_at_once() -> None:
    model = PiecesNative()

    async def read(text: str) -> str:
        return "".join([chunk.text async for chunk in model.astream(text)])

    async def call() -> list[str]:
        return await asyncio.gather(*(read(text * 5) for text in "abcdef"))

    assert asyncio.run(call()) == [text * 5 for text in "abcdef"]
    streams = [model.stream("ab"), model.stream("cd")]
    assert [chunk.text for pair in zip(*streams, strict=True) for chunk in pair] == ["a", "c", "b", "d", "", ""]


# ---- settings


class Tuned(Whole):
    """Has settings of its own, one of them a key."""

    temperature: float | None = None
    key: SecretStr | None = Field(default=None, alias="api_key")
    depth: int = 1


def test_an_unknown_setting_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(SettingsError, match=r"There is no setting 'temprature'. Did you mean 'temperature'\?"):
        Tuned(temprature=1)  # type: ignore[call-arg]  # the mistake under test
    with pytest.raises(SettingsError, match=r"There is no setting 'zzz'. Settings are .*temperature"):
        Tuned(zzz=1)  # type: ignore[call-arg]  # the mistake under test


@pytest.mark.parametrize(
    "settings",
    [
        {"depth": "sk-secret"},
        {"api_key": ["sk-secret"]},
        {"sk": "sk-secret"},
        {"depth": {"x": "sk-secret"}},
        {"on_unsupported": "sk-secret"},
        {"stop": [3, "sk-secret"], "tags": "sk-secret"},
        {"callbacks": ["sk-secret"]},
    ],
)
def test_an_error_about_a_setting_never_shows_its_value(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as caught:
        Tuned(**settings)

    assert "secret" not in f"{caught.value} {caught.value!r} {caught.value.__dict__} {caught.value.__cause__}"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_wrong_setting_is_named() -> None:
    with pytest.raises(SettingsError, match="The setting 'depth' is wrong"):
        Tuned(depth="deep")  # type: ignore[arg-type]  # the mistake under test


def test_a_setting_may_be_given_by_its_alias_and_by_its_name() -> None:
    for model in (Tuned(api_key="sk-1"), Tuned(key="sk-1")):  # type: ignore[call-arg, arg-type]  # pydantic takes both
        assert model.key is not None
        assert model.key.get_secret_value() == "sk-1"
        assert "sk-1" not in repr(model)


def test_a_model_shows_the_settings_that_were_made() -> None:
    assert repr(Tuned(temperature=0)) == "Tuned(temperature=0.0)"
    assert repr(Tuned()) == "Tuned()"


@both
def test_a_standard_setting_that_cannot_be_honoured_is_told_once_and_listed_on_each_answer(driver: Driver) -> None:
    class Plain(PiecesNative):
        pass

    with pytest.warns(UnsupportedSettingWarning, match=r"Plain cannot honour 'seed'\. It is ignored\.") as told:
        model = Plain(seed=1)  # type: ignore[call-arg]  # a standard setting that this model has no field for
    again = Plain(seed=2)  # type: ignore[call-arg]  # as above; a second warning would be an error

    assert [warning.filename for warning in told] == [__file__]
    assert model.unsupported_settings == ["seed"]
    assert driver.invoke(again, "x").response_metadata["unsupported_settings"] == ["seed"]
    *_, last = driver.stream(again, "x")
    assert last.response_metadata == {"model_name": "whole-1", "unsupported_settings": ["seed"]}
    assert last.chunk_position == "last"


def test_a_list_on_an_answer_is_not_the_model_s_own() -> None:
    model = Pieces(seed=1, on_unsupported="allow")  # type: ignore[call-arg]  # as above

    model.invoke("x").response_metadata["unsupported_settings"].append("mine")
    list(model.stream("x"))[-1].response_metadata["unsupported_settings"].append("mine")

    assert model.unsupported_settings == ["seed"]


def test_a_standard_setting_that_cannot_be_honoured_may_be_an_error_or_allowed() -> None:
    with pytest.raises(SettingsError, match=r"Whole cannot honour 'max_tokens', 'seed'. Leave it out"):
        Whole(seed=1, max_tokens=1, on_unsupported="raise")  # type: ignore[call-arg]  # as above
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Whole(timeout=1, on_unsupported="allow").unsupported_settings == ["timeout"]  # type: ignore[call-arg]  # as above


def test_a_warning_about_a_setting_points_at_whoever_asked_for_the_model() -> None:
    class Own(Whole):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)

    class Plugin:
        @chatplug.hookimpl
        def chatplug_create_model(self, settings: Any) -> Any:
            return Own(**settings)

    module = ModuleType("chatplug_test_warning")
    vars(module)["plugin"] = Plugin()
    sys.modules[module.__name__] = module
    manager = PluginManager({"own": [Declaration("own", f"{module.__name__}:plugin", "dist-a", "1.0")]})

    with pytest.warns(UnsupportedSettingWarning) as by_name:
        chatplug.init("own:x", seed=1, plugins=manager)
    with pytest.warns(UnsupportedSettingWarning) as by_class:
        Own(timeout=1)
    with pytest.warns(UnsupportedSettingWarning) as by_call:
        Strict().invoke("x", rate_limiter=1)
    del sys.modules[module.__name__]

    source = Path(__file__).read_text(encoding="utf-8").splitlines()
    told = [*by_name, *by_class, *by_call]
    assert [warning.filename for warning in told] == [__file__] * 3
    assert [source[warning.lineno - 1].strip() for warning in told] == [
        'chatplug.init("own:x", seed=1, plugins=manager)',
        "Own(timeout=1)",
        'Strict().invoke("x", rate_limiter=1)',
    ]


# ---- the settings of one call


class Strict(Tuned, PiecesNative):
    """Says which settings a call may have."""

    call_settings: ClassVar = frozenset({"temperature"})


@both
@pytest.mark.parametrize(
    ("stop", "complaint"),
    [
        ([1], r"^test:whole-1: stop\[0\] is int\. Give a text, or a list of texts\.$"),
        (["a", None], r"stop\[1\] is NoneType"),
        (3, "stop is int"),
        ({"a": 1}, "stop is dict"),
    ],
)
def test_a_stop_that_is_no_list_of_texts_is_refused_before_the_model_is_asked(
    stop: Any, complaint: str, driver: Driver
) -> None:
    model = Pieces()

    for ask in (driver.invoke, driver.stream):
        with pytest.raises(SettingsError, match=complaint):
            ask(model, "cat", stop=stop)

    assert model.heard == []


@both
def test_a_class_that_says_nothing_of_the_settings_of_a_call_is_given_all_of_them(driver: Driver) -> None:
    model = Pieces()

    driver.invoke(model, "cat", logprobs=True, seed=1)
    driver.stream(model, "cat", logprobs=True, seed=1)

    assert model.heard == [(None, {"logprobs": True, "seed": 1})] * 2


@both
@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"temprature": 1}, r"There is no setting 'temprature' of a call\. Did you mean 'temperature'\?"),
        ({"zzz": 1}, r"There is no setting 'zzz' of a call\. A call has stop, temperature\."),
        ({"depth": 1}, r"'depth' is no setting of a call\. It is fixed when the model is made"),
    ],
)
def test_a_class_that_says_which_settings_a_call_has_is_given_no_other(
    settings: dict[str, Any], complaint: str, driver: Driver
) -> None:
    model = Strict()

    for ask in (driver.invoke, driver.stream):
        with pytest.raises(SettingsError, match=complaint):
            ask(model, "cat", **settings)

    assert model.heard == []


@both
def test_a_standard_setting_that_a_call_cannot_have_is_answered_as_when_the_model_was_made(driver: Driver) -> None:
    class Fresh(Strict):
        pass

    with pytest.warns(UnsupportedSettingWarning, match=r"Fresh cannot honour 'seed'\. It is ignored\."):
        answer = driver.invoke(Fresh(), "cat", seed=1, temperature=0)
    allowing = Fresh(on_unsupported="allow")
    *_, last = driver.stream(allowing, "cat", seed=1, timeout=None, max_tokens=1)

    assert answer.response_metadata["unsupported_settings"] == ["seed"]
    assert last.response_metadata["unsupported_settings"] == ["max_tokens", "seed"]
    assert allowing.heard == [(None, {})]
    assert "unsupported_settings" not in driver.invoke(allowing, "cat").response_metadata
    with pytest.raises(SettingsError, match=r"cannot honour 'seed'\. Leave it out"):
        driver.invoke(Fresh(on_unsupported="raise"), "cat", seed=1)


def test_a_standard_setting_that_is_none_is_not_given() -> None:
    assert Whole(seed=None, timeout=None).unsupported_settings == []  # type: ignore[call-arg]  # as above


def test_settings_errors_are_the_caller_s() -> None:
    assert issubclass(SettingsError, InvalidRequestError)
    assert issubclass(SettingsError, ChatplugError)


WAYS: list[Callable[[Any], Any]] = [
    copy.copy,
    copy.deepcopy,
    lambda model: model.model_copy(),
    lambda model: pickle.loads(pickle.dumps(model)),  # noqa: S301  # written on the same line
]


@pytest.mark.parametrize("way", WAYS)
def test_a_model_survives_a_copy_and_another_process(way: Any) -> None:
    model = Tuned(temperature=0, api_key="sk-1", seed=1, tags=["a"], on_unsupported="allow")  # type: ignore[call-arg, arg-type]  # as above
    model.set_origin("mine", "tuned-1")

    copied = way(model)

    assert copied == model
    assert copied.key == SecretStr("sk-1")
    assert (copied.provider, copied.model_id, copied.unsupported_settings) == ("mine", "tuned-1", ["seed"])
    assert copied.invoke("x").text == "x"


def test_a_model_says_who_it_is() -> None:
    model = Tuned(name="my run")

    assert (model.provider, model.model_id) == ("test", "whole-1")
    assert model.identifying_params == {"model_name": "whole-1", "_type": "test"}
    assert (model.get_name(), Tuned().get_name()) == ("my run", "Tuned")


def test_a_class_without_generate_is_no_model() -> None:
    class Nothing(BaseChatModel):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Nothing()  # type: ignore[abstract]  # the mistake under test


def test_a_kind_may_be_said_plainly_in_the_body_of_a_class() -> None:
    # As a program without types writes it: type checkers want what the base class has, a property.
    body: dict[str, Any] = {"__module__": __name__, "_llm_type": "plain", "_call": lambda *_, **__: "hi"}
    kind: Any = type("Plain", (SimpleChatModel,), body)

    model = kind()

    assert (model._llm_type, model.provider, model.identifying_params) == ("plain", "plain", {"_type": "plain"})
    assert model.model_copy()._llm_type == "plain"


def test_a_kind_that_nobody_says_is_asked_for() -> None:
    class Silent(SimpleChatModel):
        def _call(self, *args: Any, **kwargs: Any) -> str:
            return "hi"

    with pytest.raises(TypeError, match="_llm_type"):
        Silent()  # type: ignore[abstract]  # that is what is tried
