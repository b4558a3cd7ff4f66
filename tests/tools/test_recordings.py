"""The tool calls that real models of every provider made: each is read, and held against the schema of its tool."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, SchemaError

from chatplug.messages import AIMessage
from chatplug.output_parsers import JsonOutputToolsParser
from chatplug.tools import convert_to_openai_tool
from chatplug.wire import PartialJSON, is_array, is_object
from tests.tools.test_convert import tools_of

pytestmark = pytest.mark.recordings


def calls_in(value: Any) -> Iterator[tuple[str, Any]]:
    """The tool calls in a whole answer, in whichever provider's form: name and arguments, a text or a dict."""
    if is_array(value):
        for item in value:
            yield from calls_in(item)
    elif is_object(value):
        name, kind = value.get("name"), value.get("type")
        if kind == "tool_use" and isinstance(name, str):
            yield name, value.get("input")
        elif isinstance(name, str) and isinstance(value.get("arguments"), str | dict):
            yield name, value["arguments"]
        elif is_object(value.get("functionCall")):
            yield value["functionCall"].get("name"), value["functionCall"].get("args") or {}
        elif is_object(value.get("toolUse")):
            yield value["toolUse"].get("name"), value["toolUse"].get("input")
        else:
            for item in value.values():
                yield from calls_in(item)


def calls_in_stream(sse: Any) -> Iterator[tuple[str, Any]]:
    """The tool calls of a stream in Anthropic's form, and those that any other form tells whole."""
    open_calls: dict[Any, tuple[str, list[str]]] = {}
    for line in sse.splitlines() if isinstance(sse, str) else ():
        try:
            event: Any = json.loads(line.removeprefix("data:")) if line.startswith("data:") else None
        except ValueError:
            continue
        if not is_object(event):
            continue
        block, delta = event.get("content_block"), event.get("delta")
        if is_object(block) and block.get("type") == "tool_use":
            open_calls[event.get("index")] = (str(block.get("name")), [])
        elif is_object(delta) and delta.get("type") == "input_json_delta" and event.get("index") in open_calls:
            open_calls[event.get("index")][1].append(delta["partial_json"])
        elif event.get("type") in ("response.output_item.done", None) and "choices" not in event:
            yield from calls_in(event)
    for name, pieces in open_calls.values():
        yield name, "".join(pieces)


def schemas_of(recording: Any) -> dict[str, Any]:
    converted = map(convert_to_openai_tool, tools_of(recording))
    functions = [tool["function"] for tool in converted if "function" in tool]
    return {function["name"]: function.get("parameters") for function in functions}


def test_every_recorded_call_is_read_and_fits_the_converted_schema_of_its_tool(recordings: Path) -> None:
    seen = checked = 0
    providers: set[str] = set()
    misfits: list[str] = []

    for path in sorted(recordings.glob("*/**/*.json")):
        recording = json.loads(path.read_text(encoding="utf-8"))
        response = recording.get("response") if is_object(recording) else None
        if not is_object(response):
            continue
        schemas = schemas_of(recording)
        for name, given in [*calls_in(response.get("body")), *calls_in_stream(response.get("sse"))]:
            seen += 1
            text = given if isinstance(given, str) else json.dumps(given)
            args = read_in_pieces(text)
            if not is_object(args) or not isinstance(name, str):
                continue  # a tool that takes no JSON, or a fragment of Google's
            message = AIMessage("", tool_calls=[{"name": name, "args": args, "id": "call_1"}])
            assert JsonOutputToolsParser().invoke(message) == [{"args": args, "type": name}]
            schema = schemas.get(name)
            if schema and is_json_schema(schema):
                checked += 1
                providers.add(path.relative_to(recordings).parts[0])
                if not Draft202012Validator(schema).is_valid(args):
                    misfits.append(f"{path.name}: {name} {args}")

    assert seen > 480
    assert checked > 350
    assert len(providers) >= 15
    # Models that nothing holds to the letter miss it now and then.
    assert len(misfits) < checked / 50, "\n".join(misfits)


def is_json_schema(schema: Any) -> bool:
    """Whether it is one; Google has types of its own, in capitals or as numbers."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError:
        return False
    return True


def read_in_pieces(text: str) -> Any:
    """The arguments, read as they arrive; the same as of the whole."""
    parser = PartialJSON()
    for at in range(0, len(text), 5):
        parser.feed(text[at : at + 5])
    try:
        whole = json.loads(text or "{}")
    except ValueError:
        return None
    if text:
        parser.end()
        assert parser.value() == whole
    return whole
