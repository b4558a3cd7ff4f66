"""Parsers of texts and JSON, whole and while they arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, ClassVar, Literal

import pytest
from pydantic import BaseModel, field_validator

from chatplug.errors import OutputParsingError
from chatplug.messages import AIMessage, AIMessageChunk, BaseMessage, tool_call_chunk
from chatplug.output_parsers import (
    BaseOutputParser,
    JsonOutputKeyToolsParser,
    JsonOutputParser,
    JsonOutputToolsParser,
    OutputParserException,
    PydanticOutputParser,
    PydanticToolsParser,
    StrOutputParser,
    parse_json_markdown,
    parse_partial_json,
)


class Movie(BaseModel):
    title: str
    year: int
    mood: Literal["dark", "light"] = "dark"


def invoke(how: str, parser: BaseOutputParser[Any], value: Any) -> Any:
    return parser.invoke(value) if how == "sync" else asyncio.run(parser.ainvoke(value))


def transform(how: str, parser: BaseOutputParser[Any], pieces: list[Any]) -> list[Any]:
    if how == "sync":
        return list(parser.transform(iter(pieces)))

    async def source() -> AsyncIterator[Any]:
        for piece in pieces:
            yield piece

    async def collect() -> list[Any]:
        return [value async for value in parser.atransform(source())]

    return asyncio.run(collect())


both = pytest.mark.parametrize("how", ["sync", "async"])


def chunks(*texts: str) -> list[AIMessageChunk]:
    return [AIMessageChunk(text) for text in texts]


# ---- text


@both
def test_the_text_of_a_message_comes_as_it_arrives(how: str) -> None:
    parser = StrOutputParser()
    blocks = AIMessage([{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "Meow"}])

    assert invoke(how, parser, blocks) == "Meow"
    assert transform(how, parser, chunks("Me", "", "ow")) == ["Me", "ow"]
    assert transform(how, parser, chunks("", "")) == [""]


@both
def test_a_parser_of_ones_own_writes_parse_alone(how: str) -> None:
    class Words(BaseOutputParser[list[str]]):
        separator: str = " "

        def parse(self, text: str) -> list[str]:
            return text.split(self.separator)

    parser = Words(separator="-")

    assert invoke(how, parser, "a-b") == ["a", "b"]
    assert transform(how, parser, chunks("a-", "b")) == [["a", "b"]]


@both
def test_what_is_no_message_is_refused(how: str) -> None:
    with pytest.raises(OutputParsingError, match="was given int"):
        invoke(how, StrOutputParser(), 7)


# ---- JSON


@both
def test_json_is_given_each_time_it_has_grown(how: str) -> None:
    pieces = chunks("Sure: ```json\n{", '"a', '": "x', 'y"', ', "b": [1', ", 2", "]}", "\n```")

    values = transform(how, JsonOutputParser(), pieces)

    assert values == [
        {},
        {"a": "x"},
        {"a": "xy"},
        {"a": "xy", "b": []},
        {"a": "xy", "b": [1]},
        {"a": "xy", "b": [1, 2]},
    ]
    assert invoke(how, JsonOutputParser(), "".join(chunk.text for chunk in pieces)) == values[-1]


@both
@pytest.mark.parametrize("text", ["[1, 2]", "7", '"x"', "true", "null", "-1.5"])
def test_json_may_be_any_value(how: str, text: str) -> None:
    expected = {"[1, 2]": [1, 2], "7": 7, '"x"': "x", "true": True, "null": None, "-1.5": -1.5}[text]

    assert invoke(how, JsonOutputParser(), text) == expected
    assert transform(how, JsonOutputParser(), chunks(*text))[-1] == expected


@both
@pytest.mark.parametrize(
    ("text", "partial"), [("", None), ("No JSON.", None), ('{"a": 1, "b": ', {"a": 1}), ("<think>{}", None)]
)
def test_no_json_is_an_error_with_the_text_and_what_could_be_read(how: str, text: str, partial: Any) -> None:
    message = AIMessageChunk(text)

    for read in (
        lambda: invoke(how, JsonOutputParser(), message),
        lambda: transform(how, JsonOutputParser(), [message]),
    ):
        with pytest.raises(OutputParserException) as caught:
            read()

        assert caught.value.llm_output == text
        assert caught.value.raw == message
        assert caught.value.partial == partial
        assert isinstance(caught.value, ValueError)


def test_markdown_and_partial_json_are_read_by_functions_too() -> None:
    assert parse_json_markdown('```json\n{"a": [1]}\n```') == {"a": [1]}
    assert parse_partial_json('{"a": [1, 2') == {"a": [1, 2]}
    assert parse_partial_json('{"a": {"b": "x') == {"a": {"b": "x"}}
    assert parse_partial_json("12") == 12
    assert parse_partial_json('{"a": tr') == {}
    with pytest.raises(OutputParsingError, match="No JSON"):
        parse_partial_json("x")
    with pytest.raises(OutputParsingError, match="nothing"):
        parse_partial_json(" ")


def test_the_schema_is_told_in_the_format_instructions() -> None:
    told = PydanticOutputParser(pydantic_object=Movie).get_format_instructions()

    assert '"year": {"type": "integer"}' in told
    assert JsonOutputParser().get_format_instructions()
    with pytest.raises(NotImplementedError, match="StrOutputParser"):
        StrOutputParser().get_format_instructions()


# ---- instances


@both
def test_instances_are_given_as_soon_as_what_has_arrived_makes_one(how: str) -> None:
    pieces = chunks('{"year": 20', '10, "ti', 'tle": "In', "ception", '", "mood": "li', 'ght"}')

    values = transform(how, PydanticOutputParser(pydantic_object=Movie), pieces)

    assert values == [
        Movie(title="In", year=2010),
        Movie(title="Inception", year=2010),
        Movie(title="Inception", year=2010, mood="light"),
    ]


@both
def test_an_object_that_makes_no_instance_is_an_error_that_says_why(how: str) -> None:
    parser = PydanticOutputParser(pydantic_object=Movie)

    for read in (
        lambda: invoke(how, parser, '{"title": 7}'),
        lambda: transform(how, parser, chunks('{"title"', ": 7}")),
    ):
        with pytest.raises(OutputParsingError, match=r"no Movie: title: .*; year: Field required") as caught:
            read()

        assert caught.value.partial == {"title": 7}


# ---- tool calls


def call_chunks(*fragments: str, name: str = "Movie", index: int = 0) -> list[AIMessageChunk]:
    first = tool_call_chunk(name=name, args="", id=f"call_{index}", index=index)
    parts = [first, *(tool_call_chunk(args=fragment, index=index) for fragment in fragments)]
    return [AIMessageChunk("", tool_call_chunks=[part]) for part in parts]


CALLS = AIMessage(
    "",
    tool_calls=[
        {"name": "Movie", "args": {"title": "Up", "year": 2009}, "id": "call_0"},
        {"name": "other", "args": {"x": 1}, "id": "call_1"},
    ],
)


@both
def test_tool_calls_as_dicts(how: str) -> None:
    assert invoke(how, JsonOutputToolsParser(), CALLS) == [
        {"args": {"title": "Up", "year": 2009}, "type": "Movie"},
        {"args": {"x": 1}, "type": "other"},
    ]
    first = JsonOutputToolsParser(first_tool_only=True, return_id=True)
    assert invoke(how, first, CALLS) == {"args": {"title": "Up", "year": 2009}, "type": "Movie", "id": "call_0"}
    assert invoke(how, JsonOutputToolsParser(), AIMessage("no")) == []
    assert invoke(how, first, AIMessage("no")) is None


@both
def test_tool_calls_of_one_name(how: str) -> None:
    assert invoke(how, JsonOutputKeyToolsParser(key_name="other"), CALLS) == [{"x": 1}]
    assert invoke(how, JsonOutputKeyToolsParser(key_name="other", first_tool_only=True), CALLS) == {"x": 1}
    assert invoke(how, JsonOutputKeyToolsParser(key_name="absent", first_tool_only=True), CALLS) is None
    with_id = JsonOutputKeyToolsParser(key_name="other", return_id=True)
    assert invoke(how, with_id, CALLS) == [{"args": {"x": 1}, "id": "call_1", "type": "other"}]


@both
def test_tool_calls_as_instances(how: str) -> None:
    class other(BaseModel):  # noqa: N801  # its name is the tool's
        x: int

    parser = PydanticToolsParser(tools=[Movie, other])

    assert invoke(how, parser, CALLS) == [Movie(title="Up", year=2009), other(x=1)]
    assert invoke(how, PydanticToolsParser(tools=[Movie, other], first_tool_only=True), CALLS).title == "Up"
    with pytest.raises(OutputParsingError, match=r"The model called 'other'. The parser knows Movie"):
        invoke(how, PydanticToolsParser(tools=[Movie]), CALLS)


@both
def test_tool_calls_are_given_as_they_grow(how: str) -> None:
    pieces = call_chunks('{"ti', 'tle": "U', 'p", "year": 2', "009}")

    as_json = transform(how, JsonOutputKeyToolsParser(key_name="Movie", first_tool_only=True), pieces)
    instances = transform(how, PydanticToolsParser(tools=[Movie], first_tool_only=True), pieces)

    assert as_json == [{}, {"title": "U"}, {"title": "Up"}, {"title": "Up", "year": 2009}]
    assert instances == [Movie(title="Up", year=2009)]


@both
def test_a_call_whose_arguments_cannot_be_read_is_an_error(how: str) -> None:
    for message in (AIMessage("", tool_calls=[]), sum_of(call_chunks('{"title": "U'))):
        if not message.tool_calls:
            continue
        with pytest.raises(OutputParsingError, match="arguments of the call of 'Movie' cannot be read"):
            invoke(how, JsonOutputToolsParser(), message)
    with pytest.raises(OutputParsingError, match="cannot be read") as caught:
        transform(how, JsonOutputToolsParser(), call_chunks('{"title": "U'))
    assert caught.value.llm_output == '{"title": "U'


def sum_of(pieces: list[AIMessageChunk]) -> AIMessageChunk:
    return sum(pieces[1:], pieces[0])


@both
@pytest.mark.parametrize("value", ["text", BaseMessage("x")])
def test_what_has_no_tool_calls_is_refused(how: str, value: Any) -> None:
    if isinstance(value, str):
        assert invoke(how, JsonOutputToolsParser(), value) == []  # a text is a piece of a message without calls
    else:
        with pytest.raises(OutputParsingError, match="has no tool calls"):
            invoke(how, JsonOutputToolsParser(), value)


class Counted(BaseModel):
    """Counts how much of it was validated."""

    items: list[str] = []
    seen: ClassVar[list[int]] = []

    @field_validator("items")
    @classmethod
    def _count(cls, items: list[str]) -> list[str]:
        cls.seen.append(len(items))
        return items


@pytest.mark.parametrize("as_calls", [False, True])
def test_a_long_answer_is_validated_in_proportion_to_its_length(as_calls: bool) -> None:
    work: list[int] = []
    for size in (1000, 4000):
        pieces = ['{"items": [', *(f'"item {number}", ' for number in range(size)), '"last"]}']
        Counted.seen.clear()

        if as_calls:
            parser: BaseOutputParser[Any] = PydanticToolsParser(tools=[Counted], first_tool_only=True)
            values = list(parser.transform(iter(call_chunks(*pieces, name="Counted"))))
        else:
            values = list(PydanticOutputParser(pydantic_object=Counted).transform(iter(chunks(*pieces))))

        assert len(values[-1].items) == size + 1
        work.append(sum(Counted.seen))
        assert work[-1] < 70 * size
        assert len(values) > 100

    assert work[1] < 5 * work[0]


class Shout(BaseOutputParser[str]):
    def parse(self, text: str) -> str:
        if not text.isupper():
            raise OutputParserException("Not loud.")
        return text


@both
@pytest.mark.parametrize("parser", [PydanticOutputParser(pydantic_object=Movie), Shout()])
def test_the_error_of_any_parser_holds_the_answer(how: str, parser: Any) -> None:
    message = AIMessageChunk("quiet")

    for read in (lambda: invoke(how, parser, message), lambda: transform(how, parser, [message])):
        with pytest.raises(OutputParserException) as caught:
            read()
        assert caught.value.raw == message
