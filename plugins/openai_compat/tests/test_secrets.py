"""Whatever of a model's settings may hold a secret holds a canary here, and none of them is seen anywhere."""

from __future__ import annotations

import json
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import chatplug
from chatplug.callbacks import BaseCallbackHandler
from chatplug.errors import AuthenticationError
from chatplug.language_models import BaseChatModel
from chatplug.testing import Recorder, RecordingHandler

CANARIES = (
    "canary-key-1",
    "canary-query-2",
    "canary-header-3",
    "canary-parameter-4",
    "canary-field-5",
    "canary-field-9",
)
OF_A_CALL = ("canary-call-6", "canary-call-7", "canary-call-8")
ALL = (*CANARIES, *OF_A_CALL)
ANSWER = {"choices": [{"message": {"content": "Hi!"}, "finish_reason": "stop"}]}
CALL: dict[str, Any] = {
    "extra_headers": {"x-portal-key": "canary-call-6"},
    "extra_query": {"sig": "canary-call-7"},
    "extra_body": {"guard": {"apiKey": "canary-call-8"}, "top_k": 5},
}


def reply(status: str, body: object) -> bytes:
    text = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
    return head.encode() + text


def made(base_url: str, **settings: Any) -> BaseChatModel:
    return chatplug.init(
        "openai_compat:tiny",
        base_url=f"{base_url}?tenant=1&key=canary-query-2",
        api_key="canary-key-1",
        extra_headers={"Authorization-2": "canary-header-3"},
        extra_query={"access_token": "canary-parameter-4"},
        extra_body={
            "mcp": [{"url": "http://tools/", "headers": {"x-any": "canary-field-5"}}],
            "password": "canary-field-9",
        },
        max_retries=0,
        **settings,
    )


def seen(text: str) -> list[str]:
    return [canary for canary in ALL if canary in text]


def pickled(model: BaseChatModel) -> BaseChatModel:
    made: BaseChatModel = pickle.loads(pickle.dumps(model))  # noqa: S301  # our own
    return made


def ways_to_show(model: BaseChatModel) -> Iterator[str]:
    bound = model.bind(**CALL).with_config(metadata={"token": "canary-call-8"})
    for one in (model, bound, model.model_copy(), pickled(model)):
        yield repr(one)
        yield str(one)
    yield repr(model.model_dump())
    yield repr(model.model_dump(mode="json", include={"base_url", "extra_body", "extra_query"}))
    yield model.model_dump_json()
    yield repr(model.identifying_params)
    yield repr(bound | model)


def test_no_way_to_show_a_model_shows_a_secret_of_its_settings() -> None:
    shown = list(ways_to_show(made("http://127.0.0.1:9/v1")))

    assert [seen(text) for text in shown] == [[] for _ in shown]


def test_what_is_no_secret_is_still_shown() -> None:
    model = made("http://127.0.0.1:9/v1", prompt_cache_key="cats")

    dumped = model.model_dump()

    assert dumped["prompt_cache_key"] == "cats"
    assert dumped["base_url"] == "http://127.0.0.1:9/v1?tenant=**********&key=**********"
    assert dumped["extra_body"]["mcp"][0]["url"] == "http://tools/"
    assert "base_url='http://127.0.0.1:9/v1?tenant=**********&key=**********'" in repr(model)


def test_secrets_are_sent_by_the_model_its_copy_and_what_was_pickled(canned: Callable[[bytes], Any]) -> None:
    server = canned(reply("200 OK", ANSWER))
    model = made(server.base_url)

    for one in (model, model.model_copy(), pickled(model)):
        one.invoke("Hello", **CALL)

    for request in server.requests:
        assert [canary for canary in ALL if canary.encode() not in request] == []
    assert len(server.requests) == 3


def test_no_handler_no_log_and_no_answer_shows_a_secret_that_was_sent(
    canned: Callable[[bytes], Any], caplog: pytest.LogCaptureFixture
) -> None:
    server = canned(reply("200 OK", ANSWER))
    handler = RecordingHandler()

    with caplog.at_level(logging.DEBUG):
        answer = made(server.base_url).invoke("Hello", {"callbacks": [handler]}, **CALL)

    assert handler.heard
    assert seen(f"{handler.heard!r} {caplog.text} {answer!r} {answer.model_dump_json()}") == []


class Failure(BaseCallbackHandler):
    """Keeps what it hears of a run that failed."""

    def __init__(self) -> None:
        self.heard = ""

    def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
        self.heard += f"{error!r} {vars(error)} {kwargs}"


def test_no_error_repeats_a_secret_even_where_the_server_does(canned: Callable[[bytes], Any]) -> None:
    server = canned(reply("401 No", {"error": {"message": f"Wrong: {' '.join(ALL)}, My App."}}))
    handler = Failure()
    handler.policy = "required"

    with pytest.raises(AuthenticationError, match="My App") as caught:
        made(server.base_url).invoke("Hello", {"callbacks": [handler]}, **CALL)

    told = "".join(traceback.format_exception(caught.value))
    assert seen(f"{told} {vars(caught.value)} {handler.heard}") == []


def test_no_secret_is_in_a_recording(canned: Callable[[bytes], Any], tmp_path: Path) -> None:
    repeated = {"choices": [{"message": {"content": " ".join(ALL)}, "finish_reason": "stop"}]}
    model = made(canned(reply("200 OK", repeated)).base_url)

    with Recorder(tmp_path / "tape.json", mode="new"):
        model.invoke("Hello", **CALL)
    with Recorder(tmp_path / "tape.json"):
        replayed = model.invoke("Hello", **CALL)

    assert seen((tmp_path / "tape.json").read_text(encoding="utf-8")) == []
    assert "*" in replayed.text
