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
    from chatplug.output_parsers.parser import BaseOutputParser
    from chatplug.output_parsers.text import StrOutputParser
    from chatplug.output_parsers.tool_calls import (
        JsonOutputKeyToolsParser,
        JsonOutputToolsParser,
        PydanticToolsParser,
    )

__all__ = [
    "BaseOutputParser",
    "JsonOutputKeyToolsParser",
    "JsonOutputParser",
    "JsonOutputToolsParser",
    "OutputParserException",
    "PydanticOutputParser",
    "PydanticToolsParser",
    "StrOutputParser",
    "parse_json_markdown",
    "parse_partial_json",
]

_HOMES = {
    "BaseOutputParser": "parser",
    "JsonOutputKeyToolsParser": "tool_calls",
    "JsonOutputParser": "json_text",
    "JsonOutputToolsParser": "tool_calls",
    "PydanticOutputParser": "json_text",
    "PydanticToolsParser": "tool_calls",
    "StrOutputParser": "text",
    "parse_json_markdown": "json_text",
    "parse_partial_json": "json_text",
}


def __getattr__(name: str) -> Any:
    if name == "OutputParserException":
        # The name under which it is known.
        from chatplug.errors import OutputParsingError

        return OutputParsingError
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: Any = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
