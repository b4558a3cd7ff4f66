"""Strict schemas: what a provider demands that promises to follow a schema to the letter.

OpenAI's rules (as its own client for JavaScript holds them, openai/openai-node#1997, 2026-07): every object is closed,
every property is required; no `default`, `oneOf`, `allOf`, `not` or conditions, `uniqueItems`, nothing beside a `$ref`.
A limit that cannot be said as a keyword is said in the description, so that the model knows it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from chatplug.errors import SchemaError
from chatplug.wire.shape import is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["strict_schema"]

_UNSAID = ("minLength", "maxLength", "uniqueItems", "minProperties", "maxProperties", "minContains", "maxContains")
"""Limits that strict schemas have no keyword for."""
_DROPPED = ("default", "examples", "discriminator", "readOnly", "writeOnly", "deprecated", "$schema")
_IMPOSSIBLE = {
    "not": "says what a value is not",
    "if": "has a condition",
    "dependentRequired": "has properties that depend on others",
    "dependentSchemas": "has properties that depend on others",
    "patternProperties": "has properties without fixed names",
    "propertyNames": "has properties without fixed names",
    "prefixItems": "has a list whose places have kinds of their own (a tuple)",
    "unevaluatedProperties": "has properties without fixed names",
    "contains": "says what a list contains somewhere",
}
_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})


def strict_schema(schema: Mapping[str, Any], *, keep_limits: bool = False) -> dict[str, Any]:
    """The schema in the form that strict providers want; the one that was given stays as it is.

    What it accepts, the given schema accepts as well, but for limits that are left to the description.

    Args:
        schema: The schema.
        keep_limits: Whether a limit that would be left to the description is a reason to have no strict schema.

    Raises:
        SchemaError: If a part of it cannot be said strictly, such as an object whose names are not fixed.
    """
    made = _strict(schema, "")
    if keep_limits and _has_limits(schema):
        raise SchemaError("A strict schema would leave limits to the description.", hint=_HINT)
    if made.get("type") != "object" or "anyOf" in made:
        raise SchemaError("A strict schema has to be an object at its root.", hint=_HINT)
    return made


_HINT = "Change the type, or say strict=False."


def _has_limits(schema: Any) -> bool:
    """Whether a schema has a keyword that strict schemas have not; names of properties are no keywords."""
    if not is_object(schema):
        return is_array(schema) and any(map(_has_limits, schema))
    for key, value in schema.items():
        if key in ("properties", "$defs", "definitions") and is_object(value):
            is_found = any(map(_has_limits, value.values()))
        else:
            is_found = key in _UNSAID or (key == "format" and value not in _FORMATS)
            is_found = is_found or (key not in _VALUES and _has_limits(value))
        if is_found:
            return True
    return False


_VALUES = frozenset({"const", "default", "enum", "examples"})
"""Keywords that hold values, not schemas."""


def _strict(schema: Any, path: str) -> dict[str, Any]:
    if schema is True or schema == {}:
        raise _cannot(path, "may be anything")
    if not is_object(schema):
        raise _cannot(path, "is no schema")
    for keyword, reason in _IMPOSSIBLE.items():
        if keyword in schema:
            raise _cannot(path, reason)
    made = {key: value for key, value in schema.items() if key not in _DROPPED}
    _merge_all_of(made, path)
    if "oneOf" in made:
        made["anyOf"] = made.pop("oneOf")
    if "anyOf" in made:
        made["anyOf"] = [_strict(part, f"{path}/anyOf/{index}") for index, part in enumerate(made["anyOf"])]
    for keyword in ("$defs", "definitions"):
        if keyword in made:
            made[keyword] = {name: _strict(part, f"{path}/{keyword}/{name}") for name, part in made[keyword].items()}
    _close(made, path)
    if "items" in made:
        made["items"] = _strict(made["items"], f"{path}/items")
    elif made.get("type") == "array":
        raise _cannot(path, "is a list of anything")
    _tell_limits(made, schema)
    if "$ref" in made:
        beside = {key: value for key, value in made.items() if key not in ("$ref", "$defs", "definitions")}
        if beside:
            reference = {"$ref": made.pop("$ref")}
            made = {"anyOf": [reference], **made}
    return made


def _close(made: dict[str, Any], path: str) -> None:
    """Close an object, and require all that it has."""
    if made.get("type") != "object" and "properties" not in made:
        return
    if made.get("additionalProperties") not in (None, False):
        raise _cannot(path, "has properties without fixed names")
    properties = made.get("properties", {})
    if "properties" not in made and "additionalProperties" not in made:
        raise _cannot(path, "is an object of which nothing is known")
    made["type"] = "object"
    made["properties"] = {name: _strict(part, f"{path}/properties/{name}") for name, part in properties.items()}
    made["required"] = list(properties)
    made["additionalProperties"] = False


def _merge_all_of(made: dict[str, Any], path: str) -> None:
    parts = made.pop("allOf", None)
    if parts is None:
        return
    if not is_array(parts) or len(parts) != 1 or not is_object(parts[0]):
        raise _cannot(path, "joins several schemas (allOf)")
    for key, value in parts[0].items():
        made.setdefault(key, value)


def _tell_limits(made: dict[str, Any], schema: dict[str, Any]) -> None:
    """Move what strict schemas have no keyword for to the description."""
    limits = [(key, made.pop(key)) for key in _UNSAID if key in made]
    if "format" in made and made["format"] not in _FORMATS:
        limits.append(("format", made.pop("format")))
    if schema.get("default") is not None:
        limits.append(("default", schema["default"]))
    if limits:
        said = "; ".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in limits)
        made["description"] = f"{made['description']} ({said})" if made.get("description") else f"({said})"


def _cannot(path: str, reason: str) -> SchemaError:
    return SchemaError(f"The schema cannot be strict: {path or 'its root'} {reason}.", hint=_HINT)
