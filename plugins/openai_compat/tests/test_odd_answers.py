"""Answers that are nearly right: errors in mid-stream, half characters, fields of other kinds, keys repeated."""

from __future__ import annotations

import copy
import json
import random
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chatplug_openai_compat.decode import decode_answer
from chatplug_openai_compat.errors import error_from_answer, error_from_event
from chatplug_openai_compat.fields import read_usage
from chatplug_openai_compat.json_text import read_json
from chatplug_openai_compat.stream import StreamReader

import chatplug
from chatplug.errors import (
    BadRequestError,
    ChatplugError,
    InvalidResponseError,
    OverloadedError,
    ProviderError,
    RateLimitError,
    ServerError,
)
from chatplug.messages import AIMessage, AIMessageChunk, message_chunk_to_message
from chatplug.wire import is_array, is_object

KEY = "sk-not-to-be-seen-1234"
HELLO = b'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\n'
STOP = b'data: {"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


def http(body: bytes, kind: str = "text/event-stream", status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def read(body: bytes) -> AIMessage:
    reader = StreamReader("tiny", error_from_event)
    chunks: list[AIMessageChunk] = [*reader.feed(body), *reader.end()]
    message = message_chunk_to_message(sum(chunks[1:], chunks[0]))
    assert isinstance(message, AIMessage)
    return message


def asking(server: Any, **settings: Any) -> Any:
    return chatplug.init(
        "openai_compat:tiny", base_url=server.base_url, api_key=KEY, timeout=5, max_retries=0, **settings
    )


FAILED = {
    "an error beside choices": (
        event({"choices": [{"delta": {"content": "lo"}}], "error": {"message": "Full.", "type": "overloaded_error"}}),
        OverloadedError,
        "Hello",
    ),
    "an error beside empty choices": (
        event({"choices": [], "error": {"message": "No", "code": 429}}),
        RateLimitError,
        "Hel",
    ),
    "an object that is an error": (
        event({"object": "error", "message": "Too long.", "type": "BadRequestError", "code": 400}),
        BadRequestError,
        "Hel",
    ),
    "an event named error": (b"event: error\n" + event({"message": "Full.", "code": 503}), OverloadedError, "Hel"),
    "an event named error in words": (b"event: error\ndata: out of memory\n\n", ServerError, "Hel"),
    "an error that says its status beside": (
        b"event: error\n" + event({"error": {"message": "No", "code": "tool_use_failed", "status_code": 400}}),
        BadRequestError,
        "Hel",
    ),
    "an error that is the caller's by its type": (
        event({"error": {"message": "No", "type": "invalid_request_error"}}),
        BadRequestError,
        "Hel",
    ),
    "an error of too many requests by its type": (
        event({"error": {"message": "No", "type": "rate_limit_error", "code": None}}),
        RateLimitError,
        "Hel",
    ),
    "a finish reason that is error": (
        event({"choices": [{"delta": {"content": "lo"}, "finish_reason": "error"}]}),
        ServerError,
        "Hello",
    ),
}


@pytest.mark.parametrize("case", FAILED)
def test_an_error_in_mid_stream_is_raised_in_whatever_form_it_comes_and_keeps_what_had_arrived(
    canned: Callable[[bytes], Any], case: str
) -> None:
    body, kind, arrived = FAILED[case]

    with pytest.raises(ProviderError) as caught:
        list(asking(canned(http(HELLO + body + STOP + DONE))).stream("Hello"))

    assert type(caught.value) is kind
    assert caught.value.partial is not None
    assert caught.value.partial.text == arrived
    assert caught.value.hint


@pytest.mark.parametrize(
    "more",
    [{"error": {"message": "Full.", "code": 503}}, {"object": "error", "message": "Full.", "code": 503}],
)
def test_an_error_beside_the_choices_of_a_whole_answer_is_an_error(
    canned: Callable[[bytes], Any], more: dict[str, Any]
) -> None:
    body = {"choices": [{"message": {"content": "Hel"}, "finish_reason": "stop"}], **more}

    with pytest.raises(OverloadedError, match=r"Full\. Try again later\."):
        asking(canned(http(json.dumps(body).encode(), "application/json"))).invoke("Hello")


def test_a_whole_answer_that_finished_by_an_error_is_an_error(canned: Callable[[bytes], Any]) -> None:
    body = {"choices": [{"message": {"content": "Hel"}, "finish_reason": "error", "error": {"code": 502}}]}

    with pytest.raises(ServerError):
        asking(canned(http(json.dumps(body).encode(), "application/json"))).invoke("Hello")


CUT = b"x" * 185 + KEY.encode() + b"y" * 3000
SHOWN = {
    "a body that is no JSON": http(b"x" * 70 + KEY.encode(), "application/json"),
    "a long body that is no JSON": http(b"x" * 1990 + KEY.encode(), "application/json"),
    "a refusal in words": http(CUT, "text/plain", "400 No"),
    "a page with a long title": http(b"<title>" + CUT, "text/html", "502 No"),
    "an event that is no JSON": http(HELLO + b"data: " + CUT + b"\n\n"),
    "an event that is an error in words": http(b"event: error\ndata: " + CUT + b"\n\n"),
    "a code, a type and names of fields": http(
        json.dumps({"error": {"message": KEY, "code": KEY, "type": KEY, KEY: [KEY]}}).encode(),
        "application/json",
        "400 No",
    ),
    "a request id": http(b"{}", "application/json", f"400 No\r\nx-request-id: {KEY}"),
}


@pytest.mark.parametrize("case", SHOWN)
@pytest.mark.parametrize("space", ["", "\n"])
def test_a_key_that_the_server_repeats_is_shown_nowhere_and_not_in_part(
    canned: Callable[[bytes], Any], case: str, space: str
) -> None:
    model = chatplug.init(
        "openai_compat:tiny", base_url=canned(SHOWN[case]).base_url, api_key=KEY + space, timeout=5, max_retries=0
    )

    with pytest.raises(ProviderError) as caught:
        list(model.stream("Hello"))

    assert KEY[:9] not in "".join(traceback.format_exception(caught.value)) + repr(caught.value.__dict__)
    assert caught.value.hint


@pytest.mark.parametrize(
    "odd",
    [
        {"choices": [{"delta": {"tool_calls": [{"index": [1], "function": {"name": "f", "arguments": ""}}]}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"name": 5}}]}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": 0, "id": 5, "function": {"name": "f"}}]}}]},
        {"choices": [{"delta": {"tool_calls": "x"}}]},
        {"choices": ["x"]},
        {"choices": 5},
        [1],
    ],
)
def test_a_field_of_another_kind_in_a_stream_is_an_error_that_keeps_what_had_arrived(
    canned: Callable[[bytes], Any], odd: Any
) -> None:
    with pytest.raises(InvalidResponseError) as caught:
        list(asking(canned(http(HELLO + event(odd) + STOP))).stream("Hello"))

    assert caught.value.partial is not None
    assert caught.value.partial.text == "Hel"


def test_a_call_whose_name_is_a_number_is_an_error() -> None:
    call = {"id": "a", "function": {"name": 5, "arguments": "{}"}}

    with pytest.raises(InvalidResponseError, match="'name' is int"):
        decode_answer({"choices": [{"message": {"tool_calls": [call]}}]}, "tiny")


def test_an_id_that_is_no_text_is_kept_beside_the_message() -> None:
    plain = decode_answer({"id": 5, "choices": [{"message": {"content": "Hi"}}]}, "tiny").generations[0].message
    streamed = read(event({"id": 5, "choices": [{"delta": {"content": "Hi"}}]}) + STOP)

    assert plain.id is None
    assert plain.response_metadata["id"] == streamed.response_metadata["id"] == 5


FILTERED = {"content_filter_results": {"hate": {"filtered": False}}, "content_filter_offsets": {"check_offset": 44}}


@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_a_filter_says_between_the_pieces_is_a_fact_and_takes_nothing_back(place: int) -> None:
    # Azure's asynchronous filter (its page "Content streaming", 2026-11).
    blank = {"id": "", "object": "", "created": 0, "model": "", "usage": None}
    said = event({**blank, "choices": [{"index": 0, "finish_reason": None, **FILTERED}]})
    head: dict[str, Any] = {"id": "c1", "created": 7, "model": "gpt-x"}
    parts = [
        event({**blank, "choices": [], "prompt_filter_results": []}),
        event({**head, "choices": [{"index": 0, "delta": {"content": "Hel"}, "finish_reason": None}]}),
        event({**head, "choices": [{"index": 0, "delta": {"content": "lo"}, "finish_reason": None}]}),
        event({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
    ]
    parts.insert(place + 2, said)

    message = read(b"".join(parts) + DONE)

    assert (message.text, message.id) == ("Hello", "c1")
    facts = {"model_name": "gpt-x", "created": 7, "finish_reason": "stop", **FILTERED}
    assert {name: message.response_metadata[name] for name in facts} == facts


def test_a_delta_that_is_null_says_nothing() -> None:
    assert read(HELLO + event({"choices": [{"index": 0, "delta": None, "finish_reason": None}]}) + STOP).text == "Hel"


@pytest.mark.parametrize(
    "usage", [{"completion_tokens": 2}, {"prompt_tokens": 2}, {"prompt_tokens": True, "completion_tokens": 1}, [1], "x"]
)
def test_tokens_that_are_not_counted_are_absent_and_the_usage_stays_as_it_came(usage: Any) -> None:
    message = read(HELLO + STOP + event({"choices": [], "usage": usage}) + DONE)

    assert read_usage(usage) is None
    assert message.usage_metadata is None
    assert message.response_metadata["token_usage"] == usage


def test_details_of_another_kind_do_not_hide_the_counts() -> None:
    usage = read_usage({"prompt_tokens": 2, "completion_tokens": 1, "prompt_tokens_details": "x"})

    assert usage == {"input_tokens": 2, "output_tokens": 1, "total_tokens": 3}


@pytest.mark.parametrize(
    ("texts", "whole"),
    [
        (["a\\ud83d", "\\ude00b"], "a\U0001f600b"),
        (["a\\ud83d", "b"], "a\ufffdb"),
        (["a\\ud83d"], "a\ufffd"),
        (["\\ude00b", "c"], "\ufffdbc"),
        (["\\ud83d\\ude00", "\\ud83d", "\\ud83d\\ude00"], "\U0001f600\ufffd\U0001f600"),
    ],
)
def test_halves_of_a_character_are_joined_across_events_and_a_lone_one_is_replaced(
    texts: list[str], whole: str
) -> None:
    events = [
        f'data: {{"id":"c1","choices":[{{"index":0,"delta":{{"content":"{text}"}}}}]}}\n\n'.encode() for text in texts
    ]

    assert read(HELLO + b"".join(events) + STOP + DONE).text == f"Hel{whole}"


def test_half_a_character_in_a_whole_answer_is_replaced() -> None:
    body = read_json(b'{"choices":[{"message":{"content":"a\\ud83d b \\ud83d\\ude00"}}]}')

    assert decode_answer(body, "tiny").generations[0].text == "a\ufffd b \U0001f600"


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "text/event-stream"])
def test_a_whole_answer_where_a_stream_was_asked_for_is_given_as_one_chunk(
    canned: Callable[[bytes], Any], kind: str
) -> None:
    body = {
        "id": "c1",
        "model": "m",
        "choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 2, "completion_tokens": 1},
    }

    chunks = list(asking(canned(http(json.dumps(body, indent=1).encode(), kind))).stream("Hello"))

    assert [chunk.text for chunk in chunks] == ["Hi"]
    assert chunks[0].id == "c1"
    assert chunks[0].chunk_position == "last"
    assert chunks[0].usage_metadata == {"input_tokens": 2, "output_tokens": 1, "total_tokens": 3}
    assert chunks[0].response_metadata["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<!doctype html><title>Welcome</title>", "a web page (Welcome)"),
        (b"", "an empty body"),
        (b": ping\n\n", "not an event stream"),
        (b'{"choices":[]}', "no choices"),
    ],
)
def test_a_stream_without_any_event_is_an_answer_of_another_form(
    canned: Callable[[bytes], Any], body: bytes, words: str
) -> None:
    with pytest.raises(InvalidResponseError) as caught:
        list(asking(canned(http(body))).stream("Hello"))

    assert words in str(caught.value)
    assert caught.value.hint


def test_any_status_of_success_is_a_success(canned: Callable[[bytes], Any]) -> None:
    body = b'{"choices":[{"message":{"content":"Hi"}}]}'

    assert asking(canned(http(body, "application/json", "201 Made"))).invoke("Hello").text == "Hi"
    assert "".join(c.text for c in asking(canned(http(HELLO + STOP, status="203 Ok"))).stream("Hello")) == "Hel"


@pytest.mark.parametrize(
    ("code", "kind", "named", "status"),
    [
        (400, "exceed_context_size_error", "exceed_context_size_error", 400),
        ("model_not_found", "invalid_request_error", "model_not_found", None),
        ("²", None, "²", None),
        (429, None, "429", 429),
        ("9" * 5000, None, "9" * 5000, None),
        (True, None, None, None),
    ],
)
def test_the_code_of_an_error_is_what_says_most(code: Any, kind: Any, named: str | None, status: int | None) -> None:
    error = error_from_event({"error": {"message": "No..", "code": code, "type": kind}})

    assert error.code == named
    assert error.status == status
    assert "error: No.. " in f"{error} "


# ---- each field of a recorded answer, replaced by each kind of JSON

KINDS: list[Any] = [None, True, 0, -1.5, "", "x", [], [1], ["x"], {}, {"x": 1}, [{}], [[]]]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, item in value.items() if is_object(value) else enumerate(value) if is_array(value) else ():
        yield from places(item, (*path, key))


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    whole = copy.deepcopy(value)
    inner = whole
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = new
    return whole


@pytest.fixture(scope="module")
def recorded(recordings: Path) -> list[Any]:
    files = sorted(recordings.glob("*/*.chat-*.json"))
    assert len(files) > 300
    return random.Random(7).sample(files, 120)


@pytest.mark.recordings
def test_no_recorded_answer_changed_in_one_field_ends_in_another_error_than_ours(recorded: list[Path]) -> None:
    dice = random.Random(8)
    tried = 0
    for file in recorded:
        body = json.loads(file.read_text())["response"].get("body")
        if not isinstance(body, dict) or len(json.dumps(body)) > 20_000:
            continue
        for path in dice.sample(found := list(places(body)), min(12, len(found))):
            for new in KINDS:
                data = json.dumps(changed(body, path, new)).encode()
                try:
                    message = decode_answer(read_json(data), "tiny").generations[0].message
                    assert isinstance(message, AIMessage)
                    _ = (message.text, message.tool_calls, message.content_blocks, repr(message))
                except ChatplugError:
                    pass
                assert isinstance(error_from_answer(400, {}, data, "http://x"), ProviderError)
                tried += 1
    assert tried > 1000


@pytest.mark.recordings
def test_no_recorded_stream_changed_in_one_field_ends_in_another_error_than_ours(recordings: Path) -> None:
    dice = random.Random(9)
    files = sorted(recordings.glob("*/*.chat-stream.*.json"))
    assert len(files) > 100
    tried = 0
    for file in dice.sample(files, 60):
        data = str(json.loads(file.read_text())["response"].get("sse") or "").replace("\r\n", "\n")
        events = [line[6:] for line in data.split("\n") if line.startswith("data: {")][-12:]
        for number in dice.sample(range(len(events)), min(3, len(events))):
            parsed = json.loads(events[number])
            for path in dice.sample(found := list(places(parsed)), min(6, len(found))):
                mutated = list(events)
                mutated[number] = json.dumps(changed(parsed, path, dice.choice(KINDS)))
                try:
                    message = read("".join(f"data: {line}\n\n" for line in mutated).encode() + DONE)
                    _ = (message.text, message.tool_calls, message.content_blocks, repr(message))
                except ChatplugError:
                    pass
                tried += 1
    assert tried > 300
