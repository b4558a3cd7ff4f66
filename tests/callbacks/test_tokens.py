"""How the chunks of a stream are heard: each once and in order, whatever of it is found out once for all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from itertools import zip_longest
from typing import Any

import pytest

from chatplug.callbacks import BaseCallbackHandler, flush
from chatplug.callbacks.audience import Audience
from chatplug.callbacks.dispatch import deliver
from chatplug.callbacks.listener import listener_of
from chatplug.messages import AIMessageChunk
from chatplug.outputs import ChatGenerationChunk
from tests.callbacks.observing import END, SECONDS, START, TOKEN, Held, Observing
from tests.callbacks.recording import AsyncRecording, Recording
from tests.language_models.models import Driver, GivesPieces, GivesPiecesNative, Pieces, PiecesNative, both

TEXT = "a long way to Tipperary"


class Later(Observing):
    """Gives what is to be awaited from methods that are no coroutine functions."""

    async def keep_later(self, name: str, args: Any, kwargs: Any) -> None:
        self.keep(name, args, kwargs)

    def on_llm_new_token(self, *args: Any, **kwargs: Any) -> Any:
        return self.keep_later(TOKEN, args, kwargs) if args[0] in "aeiou" else self.keep(TOKEN, args, kwargs)


class AnnouncingSome(PiecesNative):
    """Announces every other chunk itself."""

    with_chunk: bool = True

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Iterator[Any]:
        for number, chunk in enumerate(super()._stream(messages)):
            if number % 2 and isinstance(chunk, ChatGenerationChunk):
                run_manager.on_llm_new_token(chunk.text, **({"chunk": chunk} if self.with_chunk else {}))
            yield chunk

    async def _astream(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        number = 0
        async for chunk in super()._astream(messages):
            if number % 2 and isinstance(chunk, ChatGenerationChunk):
                await run_manager.on_llm_new_token(chunk.text, **({"chunk": chunk} if self.with_chunk else {}))
            number += 1
            yield chunk


@both
@pytest.mark.parametrize("kind", [Recording, AsyncRecording, Observing, Later])
def test_each_chunk_of_a_long_stream_is_heard_once_and_in_order(kind: type[Any], driver: Driver) -> None:
    handler = kind()

    chunks = driver.stream(PiecesNative(), TEXT, {"callbacks": [handler], "tags": ["x"]})

    tokens = [(args, facts) for name, args, facts in handler.heard if name == TOKEN]
    assert [args for args, _ in tokens] == [(letter,) for letter in TEXT] + [("",)]
    assert [facts["chunk"] for _, facts in tokens] == [ChatGenerationChunk(message=chunk) for chunk in chunks]
    start = handler.heard[0][2]
    for _, facts in tokens:
        assert {**facts, "chunk": None} == {
            "run_id": start["run_id"],
            "parent_run_id": None,
            "tags": ["x"],
            "chunk": None,
        }


@both
@pytest.mark.parametrize("kind", [Recording, AsyncRecording])
@pytest.mark.parametrize("with_chunk", [True, False])
def test_a_model_that_announces_some_chunks_is_heard_once_with_each(
    with_chunk: bool, kind: type[Recording], driver: Driver
) -> None:
    handler = kind()

    driver.stream(AnnouncingSome(with_chunk=with_chunk), TEXT, {"callbacks": [handler]})

    assert handler.tokens == [*TEXT, ""]


@both
def test_announcements_that_nobody_hears_are_not_kept(driver: Driver) -> None:
    managers: list[Any] = []

    class Keeps(AnnouncingSome):
        def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Iterator[Any]:
            managers.append(run_manager)
            return super()._stream(messages, stop, run_manager)

        def _astream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            managers.append(run_manager)
            return super()._astream(messages, stop, run_manager)

    class Ends(BaseCallbackHandler):
        def on_run_end(self, run: Any) -> None:
            runs.append(run)

    runs: list[Any] = []
    driver.stream(Keeps(), TEXT, {"callbacks": [Ends()]})

    assert len(managers[0].announced) == 0
    assert runs[0].time_to_first_token is not None


@both
def test_two_runs_whose_chunks_wait_in_one_queue_are_heard_in_order_and_each_in_its_own_context(driver: Driver) -> None:
    mine: ContextVar[str] = ContextVar("mine", default="nobody's")
    found: list[tuple[str, str]] = []

    class Sets(Held):
        def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
            super().on_chat_model_start()
            mine.set(messages[0][0].text)

        def on_llm_new_token(self, token: str, **kwargs: Any) -> None:
            super().on_llm_new_token()
            found.append((mine.get(), token))

    handler, model = Sets(), Pieces()
    config: Any = {"callbacks": [handler]}
    for _ in zip_longest(model.stream("abc", config), model.stream("xyz", config)):
        pass
    driver.stream(PiecesNative(), "123", config)
    handler.gate.set()

    assert flush(SECONDS)
    interleaved = [("abc", "a"), ("xyz", "x"), ("abc", "b"), ("xyz", "y"), ("abc", "c"), ("xyz", "z")]
    assert found == [*interleaved, ("abc", ""), ("xyz", ""), ("123", "1"), ("123", "2"), ("123", "3"), ("123", "")]
    assert mine.get() == "nobody's"


def test_a_handler_that_fails_at_some_of_the_chunks_that_wait_hears_the_others() -> None:
    class Odd(Held):
        def on_llm_new_token(self, token: str, **kwargs: Any) -> Any:
            super().on_llm_new_token(token)
            if token == "a":
                raise LookupError
            return self.later() if token == "b" else None

        async def later(self) -> None:
            raise LookupError

    handler = Odd()
    for _ in Pieces().stream("abc" * 20, {"callbacks": [handler]}):
        pass
    handler.gate.set()

    assert flush(SECONDS)
    assert handler.names == [START, *[TOKEN] * 61, END]
    report = listener_of(handler).report()
    assert (report.failed, report.dropped, report.is_aside) == (40, 0, False)


def test_a_handler_hears_the_text_that_came_whatever_the_caller_does_with_the_chunk() -> None:
    handler = Held()

    for chunk in Pieces().stream("cat", {"callbacks": [handler]}):
        chunk.content = "dog"
    handler.gate.set()

    assert flush(SECONDS)
    assert [args for name, args, _ in handler.heard if name == TOKEN] == [("c",), ("a",), ("t",), ("",)]


def test_what_a_handler_does_to_its_chunk_no_other_handler_sees() -> None:
    class Takes(Recording):
        def on_llm_new_token(self, *args: Any, **kwargs: Any) -> None:
            super().on_llm_new_token(*args, **kwargs)
            kwargs["chunk"].generation_info = {"mine": True}
            kwargs["chunk"].message = None

    first, second = Takes(), Recording()

    chunks = list(Pieces().stream("cat", {"callbacks": [first, second]}))

    heard = [facts["chunk"] for name, _, facts in second.heard if name == TOKEN]
    assert heard == [ChatGenerationChunk(message=chunk) for chunk in chunks]


def test_a_handler_that_is_told_while_it_hears_is_heard_in_a_context_beside_its_own() -> None:
    depth: ContextVar[int] = ContextVar("depth", default=0)
    found: list[tuple[str, int]] = []

    class Asks(BaseCallbackHandler):
        run_inline = True

        def on_text(self, text: str, **kwargs: Any) -> None:
            depth.set(depth.get() + 1)
            if text == "outer":
                deliver(audience, ("on_text", ("inner",), {}))
            found.append((text, depth.get()))

    audience = Audience([Asks()])

    deliver(audience, ("on_text", ("outer",), {}))
    deliver(audience, ("on_text", ("after",), {}))

    assert found == [("inner", 2), ("outer", 1), ("after", 2)]
    assert depth.get() == 0


@both
def test_the_last_chunk_says_so_though_one_before_it_did(driver: Driver) -> None:
    def pieces() -> list[Any]:
        return [AIMessageChunk("a"), AIMessageChunk("b", chunk_position="last"), AIMessageChunk("c")]

    async def apieces() -> AsyncIterator[Any]:
        for piece in pieces():
            yield piece

    is_async = repr(driver) == "async"
    model = GivesPiecesNative(given=apieces) if is_async else GivesPieces(given=pieces)

    chunks = driver.stream(model, "x")

    assert "".join(chunk.text for chunk in chunks) == "abc"
    assert chunks[-1].chunk_position == "last"


@both
@pytest.mark.parametrize("identity", ["its own", None])
def test_fragments_of_calls_and_texts_among_them_are_heard_once_and_add_up(
    identity: str | None, driver: Driver
) -> None:
    def fragment(args: str, name: str | None = None) -> AIMessageChunk:
        call: Any = {"name": name, "args": args, "id": name, "index": 0}
        return AIMessageChunk("", id=identity, tool_call_chunks=[call])

    def pieces() -> list[Any]:
        texts = [AIMessageChunk("so", id=identity), AIMessageChunk("on", id="another")]
        both_at_once = AIMessageChunk("!", id=identity, tool_call_chunks=[{"name": None, "args": "}", "index": 0}])
        return [fragment('{"a"', "f"), fragment(": "), texts[0], fragment("1"), texts[1], both_at_once]

    async def apieces() -> AsyncIterator[Any]:
        for piece in pieces():
            yield piece

    handler = Recording()
    is_async = repr(driver) == "async"
    model = GivesPiecesNative(given=apieces) if is_async else GivesPieces(given=pieces)

    chunks = driver.stream(model, "x", {"callbacks": [handler]})

    assert handler.tokens == ["", "", "so", "", "on", "!", ""]
    assert len({chunk.id for chunk in chunks}) == 1
    whole = AIMessageChunk()
    for chunk in chunks:
        whole = whole + chunk
    assert (whole.content, [call["args"] for call in whole.tool_calls]) == ("soon!", [{"a": 1}])
    assert handler.heard[-1][1][0].generations[0][0].message.tool_calls == whole.tool_calls
