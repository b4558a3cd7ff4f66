"""What real models answered to requests for tools and for structure, read by the parsers that stand behind a model."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chatplug_openai_compat.decode import decode_answer
from chatplug_openai_compat.errors import error_from_event
from chatplug_openai_compat.json_text import read_json
from chatplug_openai_compat.stream import StreamReader
from jsonschema import Draft202012Validator

from chatplug.errors import OutputError, OutputRefusedError
from chatplug.messages import AIMessage, AIMessageChunk, message_chunk_to_message
from chatplug.output_parsers import JsonOutputToolsParser
from chatplug.output_parsers.structured import StructuredAnswerParser
from tools.recordings import load

pytestmark = pytest.mark.recordings

SPLITS = ["event", "bytes:7", "random:2:512"]


@pytest.fixture(scope="module")
def replay(recordings: Path) -> Any:
    return load(recordings)


def chunks_of(rec: Any, split: str) -> Iterator[AIMessageChunk]:
    reader = StreamReader("recorded", error_from_event, think_tags=True)
    for piece in rec.pieces(split):
        yield from reader.feed(piece)
    yield from reader.end()


def message_of(rec: Any, split: str = "whole") -> AIMessage:
    if rec.kind == "body":
        message = decode_answer(read_json(rec.data), "recorded", think_tags=True).generations[0].message
    else:
        chunks = list(chunks_of(rec, split))
        message = message_chunk_to_message(sum(chunks[1:], chunks[0]))
    assert isinstance(message, AIMessage)
    return message


def schema_of(rec: Any) -> Any:
    form: Any = rec.request["response_format"] if rec.request else None
    return form["json_schema"]["schema"] if form and form["type"] == "json_schema" else None


def test_every_recorded_answer_to_a_schema_is_read_and_valid(replay: Any) -> None:
    parser = StructuredAnswerParser()
    read = refused = 0

    for rec in replay.load(where={"endpoint": "chat", "status": 200, "feature": "in:json_schema"}).values():
        schema, message = schema_of(rec), message_of(rec)
        if schema is None or message.tool_calls:
            continue
        try:
            value = parser.invoke(message)
        except OutputRefusedError:
            refused += 1
            continue
        validator: Any = Draft202012Validator(schema)
        validator.validate(value)
        read += 1
        if rec.kind == "sse":
            for split in SPLITS:
                assert list(parser.transform(chunks_of(rec, split)))[-1] == value, rec.id

    assert read > 20


def test_every_recorded_answer_in_json_mode_is_read(replay: Any) -> None:
    parser = StructuredAnswerParser(include_raw=True)
    found: list[Any] = []

    for rec in replay.load(where={"endpoint": "chat", "status": 200, "feature": "in:json_object"}).values():
        message = message_of(rec)
        if not message.tool_calls and message.text:
            answer = parser.invoke(message)
            assert answer["parsing_error"] is None or isinstance(answer["parsing_error"], OutputError)
            found.append(answer["parsed"])

    assert len(found) > 5
    assert sum(isinstance(value, dict) for value in found) >= len(found) - 1


def test_every_recorded_tool_call_is_given_by_the_parser_whole_and_while_it_arrives(replay: Any) -> None:
    parser = JsonOutputToolsParser(return_id=True)
    calls = streams = 0

    for rec in replay.load(where={"endpoint": "chat", "status": 200, "feature": "out:tool-call"}).values():
        message = message_of(rec)
        expected = [{"args": call["args"], "type": call["name"], "id": call["id"]} for call in message.tool_calls]
        assert parser.invoke(message) == expected
        calls += len(expected)
        if rec.kind == "sse":
            streams += 1
            for split in SPLITS:
                values = list(parser.transform(chunks_of(rec, split)))
                assert values[-1] == expected, rec.id
                assert all(len(before) <= len(after) for before, after in itertools.pairwise(values))

    assert calls > 150
    assert streams > 20
