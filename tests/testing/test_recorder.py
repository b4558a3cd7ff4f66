"""Record and replay: the same answers without the server, no secret in the file, a miss that says what is missing."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import httpx
import pytest

import chatplug
from chatplug.errors import ProviderConnectionError, RateLimitError
from chatplug.http import DefaultTransport, Request
from chatplug.language_models import BaseChatModel
from chatplug.testing import Exchange, FakeAnswer, FakeTransport, LoopbackServer, Recorder, RecordingMissError

KEY = "sk-very-secret-0123456789"


def answer(request: Exchange) -> None:
    """An echo that speaks chat completions, and repeats the key that it was given."""
    body = json.loads(request.body)
    text = f"{body['messages'][-1]['content']} for {request.headers.get('authorization', '')}"
    if not body.get("stream"):
        told = {"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}
        request.answer(json.dumps(told).encode(), headers=["Content-Type: application/json", "Set-Cookie: id=secret"])
        return
    request.begin(headers=["Content-Type: text/event-stream"])
    for piece in (text[:3], text[3:]):
        request.piece(b"data: %s\n\n" % json.dumps({"choices": [{"delta": {"content": piece}}]}).encode())
    request.piece(b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n')
    request.piece(b"data: [DONE]\n\n")
    request.end()


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer(answer) as server:
        yield server


def model_at(url: str, key: str = KEY, **settings: Any) -> BaseChatModel:
    return chatplug.init("openai_compat:tiny", base_url=f"{url}/v1", api_key=key, **settings)


async def _acollect(model: BaseChatModel) -> str:
    return "".join([chunk.text async for chunk in model.astream("Hello")])


WAYS: dict[str, Callable[[BaseChatModel], str]] = {
    "invoke": lambda model: model.invoke("Hello").text,
    "stream": lambda model: "".join(chunk.text for chunk in model.stream("Hello")),
    "ainvoke": lambda model: asyncio.run(model.ainvoke("Hello")).text,
    "astream": lambda model: asyncio.run(_acollect(model)),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_was_recorded_is_replayed_without_the_server(way: str, server: LoopbackServer, tmp_path: Path) -> None:
    path = tmp_path / "new" / "hello.json"
    with Recorder(path, mode="new"):
        recorded = WAYS[way](model_at(server.url))
    asked = server.requests

    with Recorder(path):
        replayed = WAYS[way](model_at(server.url))

    assert recorded == f"Hello for Bearer {KEY}"
    assert replayed == f"Hello for Bearer {'*' * len(KEY)}"
    assert server.requests == asked == 1


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_recording_serves_both_ways(way: str, server: LoopbackServer, tmp_path: Path) -> None:
    path = tmp_path / "hello.json"
    with Recorder(path, mode="new"):
        WAYS[way](model_at(server.url))

    with Recorder(path):
        replayed = WAYS["stream" if way == "astream" else "astream"](model_at(server.url))

    assert replayed.startswith("Hello for ")


def test_no_secret_is_written_down(server: LoopbackServer, tmp_path: Path) -> None:
    path = tmp_path / "hello.json"
    with Recorder(path, mode="new", secrets=["hunter22"]) as recorder:
        model = model_at(server.url)
        model.invoke(f"My key is {KEY}, my word hunter22")
        list(model.stream("Hello"))
        DefaultTransport().request(
            Request("POST", f"{server.url}/x?api_key={KEY}x&page=2", {}, b'{"messages":[{"content":"a"}]}')
        )
        assert len(recorder.tape) == 3

    text = path.read_text(encoding="utf-8")

    assert not [secret for secret in (KEY, "hunter22", "id=secret") if secret in text]
    assert "page=2" in text


def test_another_key_finds_the_same_recording(server: LoopbackServer, tmp_path: Path) -> None:
    path = tmp_path / "hello.json"
    with Recorder(path, mode="new"):
        model_at(server.url).invoke("Hello")

    with Recorder(path):
        assert model_at(server.url, "sk-of-the-test-run").invoke("Hello").text.startswith("Hello for ")


def test_a_miss_shows_the_nearest_recording_and_the_difference(server: LoopbackServer, tmp_path: Path) -> None:
    path = tmp_path / "hello.json"
    with Recorder(path, mode="new"):
        model_at(server.url).invoke("Hello")
        model_at(server.url).invoke("Something else entirely, and much longer")

    with Recorder(path), pytest.raises(RecordingMissError) as caught:
        model_at(server.url).invoke("Hallo")

    said = str(caught.value)
    assert "/v1/chat/completions is not recorded in" in said
    assert "--chatplug-record=new" in said
    assert '-        "content": "Hello"' in said
    assert '+        "content": "Hallo"' in said
    assert KEY not in said


def test_what_is_asked_more_often_than_recorded_is_a_miss(server: LoopbackServer, tmp_path: Path) -> None:
    path = tmp_path / "hello.json"
    with Recorder(path, mode="new"):
        model_at(server.url).invoke("Hello")

    with Recorder(path):
        model_at(server.url).invoke("Hello")
        with pytest.raises(RecordingMissError, match=r"was recorded once in .*, and is asked once more"):
            model_at(server.url).invoke("Hello")
    with Recorder(tmp_path / "nothing.json"), pytest.raises(RecordingMissError, match="holds nothing"):
        model_at(server.url).invoke("Hello")


def test_refusals_and_broken_lines_are_replayed_as_they_were(tmp_path: Path) -> None:
    turns = chain(["refuse"], repeat("hang up"))

    def fail(request: Exchange) -> None:
        if next(turns) == "refuse":
            request.answer(b'{"error": {"message": "slow down"}}', status=429, headers=["Retry-After: 7"])
        else:
            request.hang_up()

    path = tmp_path / "failures.json"
    told: list[list[str]] = []
    with LoopbackServer(fail) as server:
        for mode in ("new", "replay"):
            with Recorder(path, mode=mode):
                model = model_at(server.url, max_retries=0)
                with pytest.raises(RateLimitError) as refused:
                    model.invoke("Hello")
                with pytest.raises(ProviderConnectionError) as broken:
                    model.invoke("Hello")
                told.append([str(refused.value), str(broken.value), str(refused.value.retry_after)])

    assert told[0] == told[1]
    assert told[0][2] == "7.0"


def test_a_stream_that_was_left_ends_where_its_reader_left(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "left.json", mode="new")
    request = Request("GET", "http://nowhere")
    with recorder.wrap(FakeTransport(lambda request: FakeAnswer([b"a", b"b"]))).stream(request) as stream:
        next(iter(stream))
    recorder.tape.save()

    pieces = iter(Recorder(tmp_path / "left.json").wrap(FakeTransport(lambda request: b"")).stream(request))

    assert next(pieces) == b"a"
    with pytest.raises(RecordingMissError, match="its reader left here"):
        next(pieces)


def test_pieces_come_as_fast_as_is_asked_for(tmp_path: Path) -> None:
    times = iter([0.0, 0.5, 0.75])
    path = tmp_path / "slow.json"
    recorder = Recorder(path, mode="new", clock=lambda: next(times))
    inner = FakeTransport(lambda request: FakeAnswer([b"a", b"b"]))
    list(recorder.wrap(inner).stream(Request("GET", "http://nowhere")))
    recorder.tape.save()

    at_once = Recorder(path).played(Request("GET", "http://nowhere"))
    twice = Recorder(path, speed=2).played(Request("GET", "http://nowhere"))

    assert at_once is not None
    assert twice is not None
    assert list(at_once.steps) == [b"a", b"b"]
    assert list(twice.steps) == [0.25, b"a", 0.125, b"b"]


def test_everything_is_recorded_anew_when_it_is_asked_for(server: LoopbackServer, tmp_path: Path) -> None:
    path = tmp_path / "hello.json"
    for _ in range(2):
        with Recorder(path, mode="all"):
            model_at(server.url).invoke("Hello")

    assert len(json.loads(path.read_text(encoding="utf-8"))["recordings"]) == 1
    assert server.requests == 2


def test_a_client_of_the_user_s_own_is_recorded_once(server: LoopbackServer, tmp_path: Path) -> None:
    path = tmp_path / "httpx.json"
    with httpx.Client(trust_env=False) as client:
        with Recorder(path, mode="new"):
            model_at(server.url, http_client=client).invoke("Hello")
        with Recorder(path):
            assert model_at(server.url, http_client=client).invoke("Hello").text.startswith("Hello for ")

    assert len(json.loads(path.read_text(encoding="utf-8"))["recordings"]) == 1
    assert server.requests == 1


def test_afterwards_everything_is_as_it_was(server: LoopbackServer, tmp_path: Path) -> None:
    before = dict(vars(DefaultTransport))
    with Recorder(tmp_path / "x.json", mode="new"):
        pass

    assert dict(vars(DefaultTransport)) == before
    assert not (tmp_path / "x.json").exists()
    assert model_at(server.url).invoke("Hello").text.endswith(KEY)


def texts(path: Path) -> list[str]:
    """What the recorded requests said, in order."""
    recordings: list[Any] = json.loads(path.read_text(encoding="utf-8"))["recordings"] if path.exists() else []
    return [recording["request"]["body"]["messages"][-1]["content"] for recording in recordings]


def test_blocks_may_end_in_any_order(server: LoopbackServer, tmp_path: Path) -> None:
    before = dict(vars(DefaultTransport))
    first, second = (Recorder(tmp_path / name, mode="new") for name in ("first", "second"))
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    model_at(server.url).invoke("Hello")
    second.__exit__(None, None, None)

    assert dict(vars(DefaultTransport)) == before
    assert (texts(tmp_path / "first"), texts(tmp_path / "second")) == ([], ["Hello"])


def test_an_inner_block_takes_the_calls_that_are_in_it(server: LoopbackServer, tmp_path: Path) -> None:
    with Recorder(tmp_path / "outer", mode="new"):
        model_at(server.url).invoke("one")
        with Recorder(tmp_path / "inner", mode="new"):
            model_at(server.url).invoke("two")
        model_at(server.url).invoke("three")

    assert (texts(tmp_path / "outer"), texts(tmp_path / "inner")) == (["one", "three"], ["two"])


def test_blocks_at_once_in_threads_do_not_hear_each_other(server: LoopbackServer, tmp_path: Path) -> None:
    both_are_in = threading.Barrier(4, timeout=20)

    def record(name: str) -> None:
        with Recorder(tmp_path / name, mode="new"):
            both_are_in.wait()
            for _ in range(5):
                model_at(server.url).invoke(name)
            both_are_in.wait()

    threads = [threading.Thread(target=record, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert {name: texts(tmp_path / name) for name in "abcd"} == {name: [name] * 5 for name in "abcd"}


async def test_blocks_at_once_in_tasks_do_not_hear_each_other(server: LoopbackServer, tmp_path: Path) -> None:
    both_are_in = asyncio.Barrier(2)

    async def record(name: str) -> None:
        with Recorder(tmp_path / name, mode="new"):
            await both_are_in.wait()
            await model_at(server.url).ainvoke(name)
            await both_are_in.wait()

    await asyncio.gather(record("a"), record("b"))

    assert (texts(tmp_path / "a"), texts(tmp_path / "b")) == (["a"], ["b"])


def test_a_thread_of_its_own_is_recorded_too(server: LoopbackServer, tmp_path: Path) -> None:
    with Recorder(tmp_path / "x", mode="new"):
        thread = threading.Thread(target=model_at(server.url).invoke, args=("Hello",))
        thread.start()
        thread.join(30)

    assert texts(tmp_path / "x") == ["Hello"]


def test_a_block_that_fails_leaves_everything_as_it_was(server: LoopbackServer, tmp_path: Path) -> None:
    before, path = dict(vars(DefaultTransport)), tmp_path / "x"
    with Recorder(path, mode="new"):
        model_at(server.url).invoke("kept")

    def fail() -> None:
        with Recorder(path, mode="all"):
            model_at(server.url).invoke("another")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert dict(vars(DefaultTransport)) == before
    assert texts(path) == ["kept"]


def test_a_stream_that_is_open_at_the_end_of_the_block_is_one_that_was_left(
    server: LoopbackServer, tmp_path: Path
) -> None:
    with Recorder(tmp_path / "x", mode="new"):
        stream = model_at(server.url).stream("Hello")
        next(stream)

    (recording,) = json.loads((tmp_path / "x").read_text(encoding="utf-8"))["recordings"]
    assert recording["answer"]["left"] is True


def test_a_wrapped_transport_in_a_block_is_recorded_once(server: LoopbackServer, tmp_path: Path) -> None:
    with Recorder(tmp_path / "x", mode="new") as recorder:
        recorder.wrap(DefaultTransport()).request(
            Request("POST", f"{server.url}/v1", {}, b'{"messages":[{"content":"a"}]}')
        )

    assert texts(tmp_path / "x") == ["a"]


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text('{"format": 99, "recordings": []}')

    with pytest.raises(ValueError, match="record it again"):
        Recorder(path)
