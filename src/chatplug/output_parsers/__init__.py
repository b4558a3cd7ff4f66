"""What a model answered, as values: text, JSON, instances of classes, tool calls; while they arrive."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatplug.errors import OutputParsingError as OutputParserException
    from chatplug.output_parsers.json_text import (
        JsonOutputParser,
        PydanticOutputParser,
        parse_json_markdown,
        parse_partial_json,
    )
    from chatplug.output_parsers.json_text import JsonOutputParser as SimpleJsonOutputParser
    from chatplug.output_parsers.lists import (
        CommaSeparatedListOutputParser,
        ListOutputParser,
        MarkdownListOutputParser,
        NumberedListOutputParser,
    )
    from chatplug.output_parsers.parser import BaseOutputParser
    from chatplug.output_parsers.text import StrOutputParser
    from chatplug.output_parsers.tool_calls import (
        JsonOutputKeyToolsParser,
        JsonOutputToolsParser,
        PydanticToolsParser,
    )

__all__ = [
    "BaseOutputParser",
    "CommaSeparatedListOutputParser",
    "JsonOutputKeyToolsParser",
    "JsonOutputParser",
    "JsonOutputToolsParser",
    "ListOutputParser",
    "MarkdownListOutputParser",
    "NumberedListOutputParser",
    "OutputParserException",
    "PydanticOutputParser",
    "PydanticToolsParser",
    "SimpleJsonOutputParser",
    "StrOutputParser",
    "parse_json_markdown",
    "parse_partial_json",
]

_HOMES = {
    "BaseOutputParser": "parser",
    "CommaSeparatedListOutputParser": "lists",
    "JsonOutputKeyToolsParser": "tool_calls",
    "JsonOutputParser": "json_text",
    "JsonOutputToolsParser": "tool_calls",
    "ListOutputParser": "lists",
    "MarkdownListOutputParser": "lists",
    "NumberedListOutputParser": "lists",
    "PydanticOutputParser": "json_text",
    "PydanticToolsParser": "tool_calls",
    "StrOutputParser": "text",
    "parse_json_markdown": "json_text",
    "parse_partial_json": "json_text",
}


# Other names under which they are known.
_ALSO = {"OutputParserException": "OutputParsingError", "SimpleJsonOutputParser": "JsonOutputParser"}


def __getattr__(name: str) -> Any:
    if name in _ALSO:
        return getattr(import_module("chatplug.errors" if name.endswith("Exception") else __name__), _ALSO[name])
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: Any = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
