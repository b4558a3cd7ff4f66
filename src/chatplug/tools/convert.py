"""Whatever describes a tool, in the form that OpenAI made known, and as JSON Schema.

    {"type": "function", "function": {"name": ..., "description": ..., "parameters": {JSON Schema}}}

What only one provider knows, such as a search on its servers, goes through as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast, get_origin

from chatplug.errors import SchemaError
from chatplug.json_schema import class_schema, is_schema_class, json_copy, read_signature, schema_name, strict_schema
from chatplug.tools.arguments import callable_name
from chatplug.tools.definition import BaseTool
from chatplug.wire.shape import is_mapping, is_object

__all__ = ["ToolLike", "convert_to_json_schema", "convert_to_openai_function", "convert_to_openai_tool", "tool_name"]

ToolLike: TypeAlias = BaseTool | Callable[..., Any] | type | Mapping[str, Any]
"""What a tool can be described by: a tool, a function, a class, or a dict in one of the known forms."""

_KINDS = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
"""The types of JSON Schema."""


def convert_to_openai_tool(tool: ToolLike, *, strict: bool | None = None) -> dict[str, Any]:
    """A tool as OpenAI's wire describes it; a provider's own tool is given as it is.

    Args:
        tool: A tool, a function, a pydantic class, a TypedDict, a dataclass, a JSON Schema with a title, or a tool as
            OpenAI, Anthropic, Bedrock or MCP describe it.
        strict: Whether the model has to follow the schema to the letter; None leaves it to the provider.

    Raises:
        SchemaError: If it is none of these, or its schema cannot be strict and has to be.

    >>> def weather(city: str) -> str:
    ...     '''The weather in a city.'''
    >>> convert_to_openai_tool(weather)["function"]["description"]
    'The weather in a city.'
    """
    if is_mapping(tool) and _is_providers_own(tool):
        own: dict[str, Any] = json_copy(dict(tool))
        return own
    function = convert_to_openai_function(tool, strict=strict)
    return {"type": "function", "function": function, **_beside(tool)}


def convert_to_openai_function(function: ToolLike, *, strict: bool | None = None) -> dict[str, Any]:
    """The part of `convert_to_openai_tool` that is called `function`: name, description, parameters.

    Args:
        function: As for `convert_to_openai_tool`.
        strict: Whether the model has to follow the schema to the letter; None leaves it to the provider.

    Raises:
        SchemaError: If it is nothing that describes a function, or its schema cannot be strict and has to be.
    """
    made = _function(function)
    if strict is None:
        return made
    if strict:
        made["parameters"] = strict_schema(made.get("parameters") or {"type": "object", "properties": {}})
    return {**made, "strict": strict}


def convert_to_json_schema(schema: ToolLike, *, strict: bool | None = None) -> dict[str, Any]:
    """The JSON Schema of what describes an object, with its name as `title`.

    Args:
        schema: As for `convert_to_openai_tool`; a JSON Schema is given back as a copy.
        strict: Whether to give it the form that strict providers want.

    Raises:
        SchemaError: If it is none of these, or cannot be strict and has to be.
    """
    if is_mapping(schema) and _is_json_schema(schema):
        made: dict[str, Any] = json_copy(dict(schema))
    else:
        function = _function(schema)
        made = {"title": function["name"]}
        if function.get("description"):
            made["description"] = function["description"]
        made.update(function.get("parameters") or {"type": "object", "properties": {}})
    return strict_schema(made) if strict else made


def tool_name(tool: Mapping[str, Any]) -> str | None:
    """The name by which a converted tool is called; None where its provider names it."""
    function = tool.get("function")
    name = function.get("name") if is_object(function) else tool.get("name")
    return name if isinstance(name, str) else None


def _function(value: object) -> dict[str, Any]:
    if is_mapping(value):
        return _from_mapping(dict(value))
    if isinstance(value, BaseTool):
        schema = value.tool_call_schema
        parameters = json_copy(schema) if is_object(schema) else class_schema(cast("type", schema))
        return _made(value.name, value.description, parameters)
    if is_schema_class(value):
        schema = class_schema(value)
        return _made(schema_name(value), schema.get("description"), schema)
    if get_origin(value) is not None:
        raise SchemaError(f"{value} is no object with named parts.", hint="Make it a field of a class, and give that.")
    if isinstance(value, type) or not callable(value):
        what = f"The class {value.__name__}" if isinstance(value, type) else type(value).__name__
        raise SchemaError(f"{what} does not describe a tool.", hint=_HINT)
    signature = read_signature(value)
    return _made(callable_name(signature.name), signature.doc.text, class_schema(signature.model))


_HINT = "Give a tool, a function, a pydantic class, a TypedDict, a dataclass, or a dict such as a JSON Schema."


def _made(name: str, description: str | None, schema: Mapping[str, Any]) -> dict[str, Any]:
    parameters = {key: value for key, value in schema.items() if key not in ("title", "description")}
    return {"name": name, "description": description or "", "parameters": parameters}


def _from_mapping(value: dict[str, Any]) -> dict[str, Any]:
    """A function in one of the forms that are known as dicts."""
    inner = value.get("function") if value.get("type") == "function" else value.get("toolSpec")
    if is_object(inner):
        return _from_mapping(inner)
    value = json_copy(value)
    if isinstance(value.get("name"), str):
        made: dict[str, Any] = {key: value[key] for key in ("name", "description", "strict") if key in value}
        schema = next((value[key] for key in _SCHEMA_KEYS if key in value), None)
        if is_object(schema):
            made["parameters"] = schema.get("json", schema)
        return made
    if isinstance(value.get("title"), str) and _is_json_schema(value):
        return _made(value["title"], value.get("description"), value)
    keys = ", ".join(map(repr, list(value)[:5])) or "nothing"
    what = "has no title, which would be its name" if _is_json_schema(value) else "is none that describes a tool"
    raise SchemaError(f"A dict with {keys} {what}.", hint="Give a JSON Schema with a title, or a tool with a name.")


_SCHEMA_KEYS = ("parameters", "input_schema", "inputSchema")
"""Where OpenAI, Anthropic, and Bedrock or MCP keep the JSON Schema."""
_KNOWN = frozenset({"description", "function", "name", "strict", "toolSpec", "type", *_SCHEMA_KEYS})


def _beside(tool: object) -> dict[str, Any]:
    """What a tool has beside its function, such as Anthropic's `cache_control`: its provider will know it."""
    if isinstance(tool, BaseTool):
        extras: dict[str, Any] = json_copy(tool.extras or {})
        return extras
    if not is_mapping(tool) or _is_json_schema(tool):
        return {}
    return {key: json_copy(part) for key, part in tool.items() if key not in _KNOWN}


def _is_json_schema(value: Mapping[str, Any]) -> bool:
    if "name" in value:
        return False
    kind = value.get("type")
    return kind in _KINDS or (kind is None and any(key in value for key in ("properties", "$ref", "anyOf", "allOf")))


def _is_providers_own(value: Mapping[str, Any]) -> bool:
    """Whether a dict is a tool that only its provider knows: of a type of its own, or a key with its settings."""
    kind = value.get("type")
    if isinstance(kind, str) and kind != "function" and kind not in _KINDS:
        # Anthropic's word for a tool of the caller's.
        return not (kind == "custom" and "input_schema" in value)
    if _is_json_schema(value):
        return False
    return len(value) == 1 and "toolSpec" not in value and all(isinstance(part, Mapping) for part in value.values())
