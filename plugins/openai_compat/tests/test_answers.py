"""What an answer says besides its text: reasoning, reasons, likelihoods, headers, and more answers than one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from chatplug_openai_compat.decode import decode_answer
from chatplug_openai_compat.encode import encode
from chatplug_openai_compat.errors import error_from_event
from chatplug_openai_compat.gateway import gateway_of
from chatplug_openai_compat.stream import StreamReader
from chatplug_openai_compat.think_tags import ThinkTags
from hypothesis import example, given
from hypothesis import strategies as st

import chatplug
from chatplug.callbacks import BaseCallbackHandler
from chatplug.language_models import ChatRequest
from chatplug.messages import AIMessage, AIMessageChunk, HumanMessage, message_chunk_to_message

TEXTS = st.lists(st.sampled_from(["<think>", "</think>", "<", "th", "/think>", "\n", " ", "a", "Hm."]), max_size=12)


def event(delta: dict[str, Any], **choice: Any) -> bytes:
    body = {"id": "c1", "choices": [{"index": 0, "delta": delta, **choice}]}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


STOP = event({}, finish_reason="stop") + b"data: [DONE]\n\n"


def streamed(body: bytes, provider: str = "openai_compat") -> AIMessage:
    reader = StreamReader(provider, error_from_event, think_tags=True)
    chunks: list[AIMessageChunk] = [*reader.feed(body), *reader.end()]
    message = message_chunk_to_message(sum(chunks[1:], chunks[0]))
    assert isinstance(message, AIMessage)
    return message


def whole(message: dict[str, Any], provider: str = "openai_compat", **choice: Any) -> AIMessage:
    body = {"id": "c1", "choices": [{"index": 0, "finish_reason": "stop", "message": message, **choice}]}
    answer = decode_answer(body, provider, think_tags=True).generations[0].message
    assert isinstance(answer, AIMessage)
    return answer


def http(body: bytes, kind: str = "application/json", more: str = "") -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


# ---- reasoning


@given(TEXTS)
@example(["<think>", "<", "\n", "/think>"])
def test_reasoning_between_tags_is_the_same_at_any_split_and_nothing_of_it_is_lost(pieces: list[str]) -> None:
    text = "".join(pieces)
    at_once = whole({"content": text})

    in_pieces = streamed(b"".join(event({"content": piece}) for piece in pieces if piece) + STOP)

    assert in_pieces.content == at_once.content
    assert in_pieces.additional_kwargs == at_once.additional_kwargs
    assert in_pieces.response_metadata.get("think_tags") == at_once.response_metadata.get("think_tags")
    tags = ThinkTags()
    begun, rest = tags.feed(text), tags.end()
    # The tags go before the space does: without the space in it, `<\n/think>` would be a tag that the text never had.
    kept = "".join(text.replace("<think>", "", 1).replace("</think>", "", 1).split())
    if tags.between is not None:
        assert "".join((begun[0] + rest[0] + begun[1] + rest[1]).split()) == kept
    else:
        assert at_once.content == text


@pytest.mark.parametrize(
    ("text", "reasoning", "answer"),
    [
        ("<think>Hm.</think>\n\nYes.", "Hm.", "Yes."),
        (" \n<think>\nHm.\n</think>Yes. <think>no</think>", "\nHm.\n", "Yes. <think>no</think>"),
        ("<think>", None, ""),
        ("<think>Hm.", "Hm.", ""),
        ("Yes. <think>Hm.</think>", None, "Yes. <think>Hm.</think>"),
        ("<thinking>Hm.</thinking>", None, "<thinking>Hm.</thinking>"),
        ("<thi", None, "<thi"),
    ],
)
def test_only_a_text_that_begins_with_the_tag_begins_with_reasoning(
    text: str, reasoning: str | None, answer: str
) -> None:
    message = whole({"content": text})

    assert message.content == answer
    assert message.additional_kwargs.get("reasoning_content") == reasoning


def test_reasoning_that_came_in_the_text_goes_back_in_the_text_and_only_to_whom_it_came_from() -> None:
    text = "<think>Hm.</think>\n\nYes."
    for answer in (whole({"content": text}, "groq"), streamed(event({"content": text}) + STOP, "groq")):
        request = ChatRequest(model="m", messages=[HumanMessage("Hello"), answer])

        back, no_loss = encode(request, gateway_of("groq"))
        elsewhere, losses = encode(request, gateway_of("huggingface"))

        assert json.loads(back)["messages"][1] == {"role": "assistant", "content": text}
        assert no_loss == []
        assert json.loads(elsewhere)["messages"][1] == {"role": "assistant", "content": "Yes."}
        assert [loss.kind for loss in losses] == ["reasoning"]


def test_who_wants_the_tags_in_the_text_says_so(canned: Callable[[bytes], Any]) -> None:
    body = b'{"choices":[{"finish_reason":"stop","message":{"content":"<think>Hm.</think>Yes."}}]}'
    model = chatplug.init("openai_compat:m", base_url=canned(http(body)).base_url, think_tags=False)

    assert model.invoke("Hello").content == "<think>Hm.</think>Yes."


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_is_a_block_whatever_the_server_calls_it_and_stays_as_it_came(name: str) -> None:
    answers = [
        whole({"content": "Yes.", name: "Hm. So."}),
        streamed(event({name: "Hm. "}) + event({name: "So."}) + event({"content": "Yes."}) + STOP),
    ]

    for answer in answers:
        assert answer.additional_kwargs == {name: "Hm. So."}
        assert answer.content_blocks == [
            {"type": "reasoning", "reasoning": "Hm. So."},
            {"type": "text", "text": "Yes."},
        ]


def test_details_of_reasoning_add_up_and_go_back_as_they_came() -> None:
    text = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
    body = b"".join(
        [
            event({"content": "", "reasoning": "Hm. ", "reasoning_details": [{**text, "text": "Hm. "}]}),
            event({"content": "", "reasoning": "So.", "reasoning_details": [{**text, "text": "So."}]}),
            event({"content": "", "reasoning_details": [{**text, "signature": "Ab=="}]}),
            event({"content": "Yes."}),
        ]
    )
    details = [{**text, "text": "Hm. So.", "signature": "Ab=="}]

    answer = streamed(body + STOP, "openrouter")
    sent = json.loads(encode(ChatRequest(model="m", messages=[answer]), gateway_of("openrouter"))[0])

    assert answer.additional_kwargs == {"reasoning": "Hm. So.", "reasoning_details": details}
    assert sent["messages"][0]["reasoning_details"] == details


# ---- facts


@pytest.mark.parametrize(
    ("said", "meant"),
    [("eos", "stop"), ("max_tokens", "length"), ("tool_use", "tool_calls"), ("model_length", "length")],
)
def test_a_finish_reason_is_said_in_the_common_words_and_what_came_is_kept(said: str, meant: str) -> None:
    for answer in (
        whole({"content": "Hi"}, finish_reason=said),
        streamed(event({"content": "Hi"}) + event({}, finish_reason=said) + b"data: [DONE]\n\n"),
    ):
        metadata = answer.response_metadata
        assert (metadata["finish_reason"], metadata["raw_finish_reason"]) == (meant, said)


def test_a_finish_reason_in_the_common_words_is_not_said_twice() -> None:
    assert "raw_finish_reason" not in whole({"content": "Hi"}).response_metadata


def test_likelihoods_are_told_and_those_of_a_stream_add_up() -> None:
    tokens: list[dict[str, Any]] = [
        {"token": token, "logprob": -0.5, "bytes": None, "top_logprobs": []} for token in ("Hel", "lo")
    ]
    pieces = [event({"content": token["token"]}, logprobs={"content": [token], "refusal": None}) for token in tokens]

    answers = [
        whole({"content": "Hello"}, logprobs={"content": tokens, "refusal": None}),
        streamed(b"".join(pieces) + STOP),
    ]

    for answer in answers:
        assert answer.response_metadata["logprobs"]["content"] == tokens


def test_more_answers_than_one_are_more_generations_for_those_who_hear_the_end(canned: Callable[[bytes], Any]) -> None:
    choices = [{"index": i, "finish_reason": "stop", "message": {"content": text}} for i, text in enumerate("AB")]
    heard: list[str] = []

    class Ear(BaseCallbackHandler):
        def on_llm_end(self, response: Any, **kwargs: Any) -> None:
            heard.extend(generation.text for generation in response.generations[0])

    server = canned(http(json.dumps({"choices": choices}).encode()))
    model = chatplug.init("openai_compat:m", base_url=server.base_url, n=2, callbacks=[Ear()])

    assert model.invoke("Hello").text == "A"
    assert heard == ["A", "B"]
    assert b'"n":2' in server.requests[0]


def test_the_other_answers_of_a_stream_are_kept_and_add_up() -> None:
    def other(delta: dict[str, Any], **choice: Any) -> bytes:
        body = {"id": "c1", "choices": [{"index": 1, "delta": delta, **choice}]}
        return b"data: " + json.dumps(body).encode() + b"\n\n"

    body = [event({"content": "A"}), other({"content": "B"}), event({"content": "a"}), other({"content": "b"})]

    answer = streamed(b"".join([*body, other({}, finish_reason="length"), STOP]))

    assert answer.content == "Aa"
    assert answer.additional_kwargs["choices"] == [{"index": 1, "delta": {"content": "Bb"}, "finish_reason": "length"}]


LIMITS = "x-ratelimit-remaining-requests: 9\r\nx-ratelimit-limit-tokens: 1000\r\nopenai-processing-ms: 12\r\n"


@pytest.mark.parametrize("way", ["invoke", "stream"])
@pytest.mark.parametrize(
    ("provider", "header"), [("openai_compat", "x-request-id"), ("mistral", "mistral-correlation-id")]
)
def test_the_name_of_the_request_and_the_rate_limits_are_on_the_answer(
    canned: Callable[[bytes], Any], provider: str, header: str, way: str
) -> None:
    body, kind = (
        (b'{"choices":[{"finish_reason":"stop","message":{"content":"Hi"}}]}', "application/json")
        if way == "invoke"
        else (event({"content": "Hi"}) + STOP, "text/event-stream")
    )
    server = canned(http(body, kind, f"{header}: req-1\r\nset-cookie: secret=1\r\n{LIMITS}"))
    model = chatplug.init(f"{provider}:m", base_url=server.base_url, api_key="k")

    chunks = [model.invoke("Hello")] if way == "invoke" else list(model.stream("Hello"))

    metadata = chunks[0].response_metadata
    assert metadata["request_id"] == "req-1"
    assert metadata["headers"] == {
        "x-ratelimit-remaining-requests": "9",
        "x-ratelimit-limit-tokens": "1000",
        "openai-processing-ms": "12",
    }


def test_a_refusal_is_kept_and_goes_back() -> None:
    answer = streamed(event({"refusal": "I ca"}) + event({"refusal": "nnot."}) + STOP)

    sent = json.loads(encode(ChatRequest(model="m", messages=[answer]), gateway_of("groq"))[0])

    assert answer.additional_kwargs["refusal"] == "I cannot."
    assert sent["messages"][0]["refusal"] == "I cannot."


def test_audio_that_the_model_speaks_adds_up_and_is_a_block() -> None:
    pieces: list[dict[str, Any]] = [
        {"audio": {"id": "audio_1", "transcript": "Hel"}},
        {"audio": {"transcript": "lo"}},
        {"audio": {"data": "QUJD"}},
        {"audio": {"data": "REVG"}},
        {"audio": {"expires_at": 1700000000}},
    ]
    audio = {"id": "audio_1", "transcript": "Hello", "data": "QUJDREVG", "expires_at": 1700000000}

    for answer in (
        streamed(b"".join(event(piece) for piece in pieces) + STOP),
        whole({"content": None, "audio": audio}),
    ):
        sent = json.loads(encode(ChatRequest(model="m", messages=[answer]), gateway_of("openai_compat"))[0])

        assert answer.additional_kwargs["audio"] == audio
        block = answer.content_blocks[0]
        assert (block["type"], block.get("base64"), block.get("id")) == ("audio", "QUJDREVG", "audio_1")
        assert sent["messages"][0]["audio"] == {"id": "audio_1"}


def test_images_that_the_model_draws_are_blocks() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}

    answer = whole({"content": "There.", "images": [image]})

    assert answer.content_blocks == [
        {"type": "text", "text": "There."},
        {"type": "image", "base64": "QUJD", "mime_type": "image/png"},
    ]


def test_citations_of_a_search_are_annotations_of_the_text() -> None:
    cited = {"url": "https://a.example", "title": "A", "start_index": 0, "end_index": 3, "content": "Yes, it is."}
    given_ = {"type": "url_citation", "url_citation": cited}

    for answer in (
        whole({"content": "Yes", "annotations": [given_]}),
        streamed(event({"content": "Yes"}) + event({"annotations": [given_]}) + STOP),
    ):
        assert answer.content_blocks == [
            {
                "type": "text",
                "text": "Yes",
                "annotations": [
                    {
                        "type": "citation",
                        "url": "https://a.example",
                        "title": "A",
                        "start_index": 0,
                        "end_index": 3,
                        "cited_text": "Yes, it is.",
                    }
                ],
            }
        ]
        assert answer.additional_kwargs["annotations"] == [given_]
