"""Whatever a server does instead of answering, the caller gets one error of the tree, and keeps what had arrived."""

from __future__ import annotations

import asyncio
import json
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest

import chatplug
from chatplug.errors import (
    AuthenticationError,
    BadRequestError,
    ChatplugError,
    CredentialsError,
    InvalidResponseError,
    MessageError,
    NotFoundError,
    OverloadedError,
    ProviderConnectionError,
    ProviderError,
    ProviderTimeoutError,
    RateLimitError,
    ServerError,
    SettingsError,
    StreamBrokenError,
)
from chatplug.language_models import BaseChatModel

KEY = "sk-not-to-be-seen-1234"
HELLO = b'data: {"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\n'


def answer(body: bytes, kind: str = "application/json", status: str = "200 OK", more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{more}\r\n".encode() + body


def events(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n" + body


def invoke(model: BaseChatModel) -> object:
    return model.invoke("Hello")


def ainvoke(model: BaseChatModel) -> object:
    return asyncio.run(model.ainvoke("Hello"))


def stream(model: BaseChatModel) -> object:
    return list(model.stream("Hello"))


def astream(model: BaseChatModel) -> object:
    async def collect() -> list[Any]:
        return [chunk async for chunk in model.astream("Hello")]

    return asyncio.run(collect())


every_way = pytest.mark.parametrize("ask", [invoke, ainvoke, stream, astream])
streaming = pytest.mark.parametrize("ask", [stream, astream])

WEB_PAGE = b"<!doctype html><html><title>Welcome</title></html>"
WHOLE = {
    "a web page": (answer(WEB_PAGE, "text/html"), InvalidResponseError, "web page (Welcome)"),
    "a web page that says JSON": (answer(WEB_PAGE), InvalidResponseError, "web page (Welcome)"),
    "a web page with 404": (answer(WEB_PAGE, "text/html", "404 Not Found"), NotFoundError, "base_url"),
    "an empty body": (answer(b""), InvalidResponseError, "an empty body"),
    "JSON cut short": (answer(b'{"id":"c1","choices":[{"mess'), InvalidResponseError, "is not"),
    "no UTF-8": (answer(b'{"choices":[{"message":{"content":"\xff"}}]}'), InvalidResponseError, "is not"),
    "a list": (answer(b"[]"), InvalidResponseError, ""),
    "no choices": (answer(b'{"choices":[]}'), InvalidResponseError, ""),
    "a choice that is a number": (answer(b'{"choices":[1]}'), InvalidResponseError, ""),
    "content that is a number": (answer(b'{"choices":[{"message":{"content":1}}]}'), InvalidResponseError, ""),
    "a call that is a number": (answer(b'{"choices":[{"message":{"tool_calls":[1]}}]}'), InvalidResponseError, ""),
    "a refused key": (
        answer(json.dumps({"error": {"message": f"Wrong key {KEY}!", "code": None}}).encode(), status="401 No"),
        AuthenticationError,
        "Wrong key ****",
    ),
    "too many requests": (
        answer(b'{"error":"slow down"}', status="429 No", more="retry-after: 7\r\n"),
        RateLimitError,
        "wait 7 s",
    ),
    "an error in a form of its own": (
        answer(json.dumps({"errors": [{"message": f"No {KEY}", "code": 7003}]}).encode(), status="400 No"),
        BadRequestError,
        'answered 400: {"errors": [{"message": "No ****',
    ),
    "a failure": (answer(b"oops", "text/plain", "500 Oops"), ServerError, "oops"),
    "an overload": (answer(b"", "text/plain", "529 Full"), OverloadedError, "529"),
    "a redirect": (
        answer(b"", status="307 Over there", more="location: https://elsewhere.example/v1?token=1\r\n"),
        InvalidResponseError,
        "redirects to elsewhere.example",
    ),
    "an error with status 200": (answer(b'{"error":{"message":"no","code":429}}'), RateLimitError, "no"),
    "a hang-up": (b"", ProviderConnectionError, "without an answer"),
    "no HTTP": (b"SSH-2.0-OpenSSH_9\r\n", ProviderConnectionError, "not HTTP"),
    "a body cut short": (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n{}",
        ProviderConnectionError,
        "cut short",
    ),
}


@every_way
@pytest.mark.parametrize("case", WHOLE)
def test_an_answer_that_is_none_ends_in_one_error_that_names_model_and_remedy(
    canned: Callable[[bytes], Any], ask: Callable[[BaseChatModel], object], case: str
) -> None:
    reply, kind, words = WHOLE[case]
    model = chatplug.init("openai_compat:tiny", base_url=canned(reply).base_url, api_key=KEY, timeout=5, max_retries=0)

    with pytest.raises(ChatplugError) as caught:
        ask(model)

    error = caught.value
    assert isinstance(error, kind)
    assert str(error).startswith("openai_compat:tiny: ")
    assert words in str(error)
    assert "\n" not in str(error)
    assert KEY not in "".join(traceback.format_exception(error)) + repr(error.__dict__)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301  # our own


BROKEN = {
    "in the middle of an event": (events(HELLO + b'data: {"id":"c1","obj'), StreamBrokenError),
    "between two events, without a finish reason": (events(HELLO), StreamBrokenError),
    "before its announced length": (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9999\r\n\r\n" + HELLO,
        StreamBrokenError,
    ),
    "in the middle of a chunk": (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        + f"{len(HELLO):x}\r\n".encode()
        + HELLO
        + b"\r\nfff\r\ndata",
        StreamBrokenError,
    ),
    "by invalid UTF-8": (events(HELLO + b'data: {"choices":[{"delta":{"content":"\xff"}}]}\n\n'), InvalidResponseError),
    "by an event that is no JSON": (events(HELLO + b"data: <html>\n\n"), InvalidResponseError),
    "by an event that is no object": (events(HELLO + b"data: null\n\n"), InvalidResponseError),
    "by a choice without a delta": (events(HELLO + b'data: {"choices":[{}]}\n\n'), InvalidResponseError),
    "by content that is a number": (
        events(HELLO + b'data: {"choices":[{"delta":{"content":7}}]}\n\n'),
        InvalidResponseError,
    ),
    "by an error object": (
        events(HELLO + b'data: {"error":{"message":"Full.","type":"overloaded_error"}}\n\n'),
        OverloadedError,
    ),
    "by an error object with a status": (
        events(HELLO + b'data: {"error":{"message":"Slowly!","code":429}}\n\n'),
        RateLimitError,
    ),
}


@streaming
@pytest.mark.parametrize("case", BROKEN)
def test_a_stream_that_is_broken_off_raises_an_error_that_holds_what_had_arrived(
    canned: Callable[[bytes], Any], ask: Callable[[BaseChatModel], object], case: str
) -> None:
    reply, kind = BROKEN[case]
    model = chatplug.init("openai_compat:tiny", base_url=canned(reply).base_url, api_key=KEY, timeout=5, max_retries=0)

    with pytest.raises(ProviderError) as caught:
        ask(model)

    assert isinstance(caught.value, kind)
    assert caught.value.partial is not None
    assert caught.value.partial.text == "Hel"
    assert str(caught.value).startswith("openai_compat:tiny: ")


@streaming
def test_a_stream_with_a_finish_reason_is_whole_without_a_done_line_and_without_its_last_blank_line(
    canned: Callable[[bytes], Any], ask: Callable[[BaseChatModel], object]
) -> None:
    end = b'data: {"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
    model = chatplug.init("openai_compat:tiny", base_url=canned(events(HELLO + end)).base_url, timeout=5, max_retries=0)

    chunks: Any = ask(model)

    assert "".join(chunk.text for chunk in chunks) == "Hel"
    assert chunks[-1].chunk_position == "last"


@every_way
def test_the_key_is_sent_in_the_authorization_header_and_nowhere_else(
    canned: Callable[[bytes], Any], ask: Callable[[BaseChatModel], object]
) -> None:
    server = canned(b"")
    model = chatplug.init("openai_compat:tiny", base_url=server.base_url, api_key=KEY, timeout=5, max_retries=0)

    with pytest.raises(ProviderConnectionError):
        ask(model)

    sent = server.requests[0]
    assert sent.lower().count(b"\r\nauthorization: bearer " + KEY.encode()) == 1
    assert sent.count(KEY.encode()) == 1
    assert KEY not in repr(model) + str(model) + str(model.model_dump()) + str(model.identifying_params)


@every_way
def test_a_server_that_is_not_there_is_an_error_that_asks_whether_it_runs(
    ask: Callable[[BaseChatModel], object],
) -> None:
    model = chatplug.init("openai_compat:tiny", base_url="http://127.0.0.1:9/v1", max_retries=0)

    with pytest.raises(ProviderConnectionError, match=r"127\.0\.0\.1:9 .*Is the server running\?"):
        ask(model)


@every_way
def test_a_server_that_never_answers_is_left_after_the_timeout(ask: Callable[[BaseChatModel], object]) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        model = chatplug.init(
            "openai_compat:tiny", base_url=f"http://127.0.0.1:{silent.getsockname()[1]}/v1", timeout=0.2, max_retries=0
        )

        with pytest.raises(ProviderTimeoutError, match=r"within 0\.2 s") as caught:
            ask(model)

    assert caught.value.phase == "read"


@pytest.mark.parametrize(
    ("settings", "kind", "words"),
    [
        ({}, SettingsError, "Give base_url"),
        ({"base_url": "https://api.example.com/v1"}, CredentialsError, "api.example.com needs a key"),
        ({"base_url": "ftp://127.0.0.1/v1"}, SettingsError, "not an http address"),
        ({"base_url": "http://user:word@127.0.0.1/v1"}, SettingsError, "holds a user or a password"),
        ({"base_url": "http://127.0.0.1/v1", "api_key": f"{KEY}\nx"}, CredentialsError, "line break"),
        ({"base_url": "http://127.0.0.1/v1", "timeout": -1}, SettingsError, "timeout"),
        ({"base_url": "http://127.0.0.1/v1", "max_tokens": 0}, SettingsError, "'max_tokens'"),
        ({"base_url": "http://127.0.0.1/v1", "temprature": 1}, SettingsError, "Did you mean 'temperature'?"),
    ],
)
def test_a_wrong_setting_is_found_when_the_model_is_made_and_its_value_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], kind: type[ChatplugError], words: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)

    with pytest.raises(kind) as caught:
        chatplug.init("openai_compat:tiny", **settings)

    assert words in str(caught.value)
    assert KEY not in str(caught.value)
    assert "word@" not in str(caught.value)


def test_settings_come_from_the_environment_where_they_are_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", "https://api.example.com/v1/")

    model: Any = chatplug.init("openai_compat:tiny")

    assert model.base_url == "https://api.example.com/v1"
    assert model.api_key.get_secret_value() == KEY
    assert KEY not in repr(model)


def test_a_message_that_the_wire_has_no_place_for_is_refused_before_anything_is_sent() -> None:
    model = chatplug.init("openai_compat:tiny", base_url="http://127.0.0.1:9/v1", max_retries=0)

    with pytest.raises(MessageError, match=r"messages\[1\].content\[0\], a block of type 'hologram'"):
        model.invoke(["Hello", ("user", [{"type": "hologram"}])])
    with pytest.raises(MessageError, match="JSON"):
        model.invoke("\ud800")
    with pytest.raises(SettingsError, match="no setting 'foo' of a call"):
        model.invoke("Hello", foo=1)
