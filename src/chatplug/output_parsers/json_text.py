"""JSON in the text of an answer: `JsonOutputParser` and `PydanticOutputParser`, and what they read it with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel
from pydantic_core import from_json

from chatplug.json_schema import class_schema
from chatplug.messages import AIMessage
from chatplug.output_parsers.parser import BaseOutputParser, Reader, added, unreadable
from chatplug.output_parsers.validated import Partials, validated
from chatplug.wire import ABSENT, JSONInText, PartialJSON

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chatplug.messages import BaseMessage

__all__ = ["JsonOutputParser", "PydanticOutputParser", "parse_json_markdown", "parse_partial_json"]

M = TypeVar("M", bound=BaseModel)


def parse_json_markdown(text: str) -> Any:
    r"""The JSON value in a text: alone, in a Markdown fence, in prose, behind a `<think>` block.

    Raises:
        OutputParsingError: If there is none, or it is not whole.

    >>> parse_json_markdown('Here you are:\n```json\n{"city": "Bern"}\n```')
    {'city': 'Bern'}
    """
    found = JSONInText()
    found.feed(text)
    if found.is_whole:
        return found.value()
    try:
        # A number, a word or a text in quotes has no mark by which it could be found in prose.
        return from_json(text.strip(), allow_inf_nan=False)
    except ValueError:
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
        raise unreadable(
            f"No JSON in the answer: {shown!r}", None, text=text, partial=found.value(), hint=_HINT
        ) from None


_SHOWN = 200
_HINT = "Ask for it in the prompt, or use model.with_structured_output(...)."


def parse_partial_json(text: str) -> Any:
    """The value of JSON that may end half-way, as far as it goes.

    Raises:
        OutputParsingError: If it is not the beginning of a JSON value.

    >>> parse_partial_json('{"city": "Be')
    {'city': 'Be'}
    """
    parser = PartialJSON(allow_control_characters=True)
    parser.feed(text)
    value, is_json = parser.value(), parser.error is None
    # A number at the end is taken as it is; of a word only the whole is a value.
    parser.end()
    if parser.error is None:
        value = parser.value()
    if value is ABSENT or not is_json:
        raise unreadable(f"No JSON: {parser.error or 'there is nothing'}", None, text=text)
    return value


class _Growing(Reader[Any]):
    """Gives a value each time it has grown."""

    def __init__(self, parser: JsonOutputParser) -> None:
        self._parser = parser
        self._found = JSONInText()
        self._seen = 0
        self._last: Any = _NOTHING
        self._message: BaseMessage | None = None

    def feed(self, message: BaseMessage) -> Iterable[Any]:
        self._message = added(self._message, message)
        found = self._found
        found.feed(message.text)
        if found.changes == self._seen:
            return ()
        self._seen = found.changes
        self._last = found.value()
        return () if self._last is None else (self._last,)

    def end(self) -> Iterable[Any]:
        message = self._message or AIMessage("")
        value = self._found.value() if self._found.is_whole else self._parser.parse_message(message)
        return () if self._last is not _NOTHING and self._last == value else (value,)


_NOTHING: Any = object()


class JsonOutputParser(BaseOutputParser[Any]):
    """The JSON value in an answer, as it grows: a dict or a list, with what has arrived of it.

    Each value of a stream takes the place of the one before. A text is given as far as it has come, a number when it is
    whole.

    >>> list(JsonOutputParser().transform(iter(['{"city": "Be', 'rn"}'])))
    [{'city': 'Be'}, {'city': 'Bern'}]
    """

    pydantic_object: type[BaseModel] | None = None
    """A class whose schema `get_format_instructions` tells; the values are not checked against it."""

    def parse(self, text: str) -> Any:
        """The JSON value in a text.

        Raises:
            OutputParsingError: If there is none, or it is not whole.
        """
        return parse_json_markdown(text)

    def reader(self) -> Reader[Any]:
        """What gives the value each time it has grown."""
        return _Growing(self)

    def get_format_instructions(self) -> str:
        """What to tell a model, so that it answers in JSON, of this schema if there is one."""
        if self.pydantic_object is None:
            return "Answer with a JSON object and nothing else."
        schema = json.dumps(class_schema(self.pydantic_object), ensure_ascii=False)
        return f"Answer with a JSON object and nothing else. It has to be valid against this JSON Schema:\n\n{schema}"


class _Validated(Reader[M], Generic[M]):
    """Gives an instance each time that what has arrived makes one."""

    def __init__(self, parser: PydanticOutputParser[M]) -> None:
        self._parser = parser
        self._found = JSONInText(only_objects=True)
        self._partials: Partials[M] = Partials(parser.pydantic_object)
        self._message: BaseMessage | None = None

    def feed(self, message: BaseMessage) -> Iterable[M]:
        self._message = added(self._message, message)
        text = message.text
        self._found.feed(text)
        return self._partials.after(text, self._found.changes, self._found.value)

    def end(self) -> Iterable[M]:
        if not self._found.is_whole:
            return (self._parser.parse_message(self._message or AIMessage("")),)
        value = self._found.value()
        made = validated(self._parser.pydantic_object, value, self._message)
        return () if self._partials.is_last(value) else (made,)


class PydanticOutputParser(BaseOutputParser[M], Generic[M]):
    """The JSON object in an answer, as an instance of a pydantic class.

    A stream gives instances as soon as what has arrived makes one, and as it grows.
    """

    pydantic_object: type[M]
    """The class."""

    def parse(self, text: str) -> M:
        """The instance that a text stands for.

        Raises:
            OutputParsingError: If there is no JSON object in it, or none that makes an instance.
        """
        return validated(self.pydantic_object, _object(text), None, text=text)

    def reader(self) -> Reader[M]:
        """What gives an instance each time that what has arrived makes one."""
        return _Validated(self)

    def get_format_instructions(self) -> str:
        """What to tell a model, so that it answers in JSON of this schema."""
        return JsonOutputParser(pydantic_object=self.pydantic_object).get_format_instructions()


def _object(text: str) -> Any:
    found = JSONInText(only_objects=True)
    found.feed(text)
    return found.value() if found.is_whole else parse_json_markdown(text)
