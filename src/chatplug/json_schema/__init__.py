"""What a value must look like: JSON Schema, from classes and from functions."""

from __future__ import annotations

from chatplug.json_schema.docstring import Docstring, read_docstring
from chatplug.json_schema.frozen import FrozenDict, FrozenList, frozen
from chatplug.json_schema.generate import adapter_of, class_schema, is_schema_class, json_copy, plain_name, schema_name
from chatplug.json_schema.signature import Signature, read_signature
from chatplug.json_schema.strict import strict_schema

__all__ = [
    "Docstring",
    "FrozenDict",
    "FrozenList",
    "Signature",
    "adapter_of",
    "class_schema",
    "frozen",
    "is_schema_class",
    "json_copy",
    "plain_name",
    "read_docstring",
    "read_signature",
    "schema_name",
    "strict_schema",
]
