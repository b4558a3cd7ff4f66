"""Classes as JSON Schema: pydantic's own, without the titles it makes up, and with what annotations and docstrings say.

Each class is read once. What is given away is a copy, since callers put things into it.
"""

from __future__ import annotations

import re
import typing
from dataclasses import is_dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import typing_extensions
from pydantic import BaseModel, TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError, PydanticUserError
from pydantic.json_schema import GenerateJsonSchema

from chatplug.errors import SchemaError
from chatplug.json_schema.docstring import read_docstring
from chatplug.json_schema.names import hints_of, names_around
from chatplug.wire.shape import is_array, is_class, is_object

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaWarningKind
    from pydantic_core.core_schema import CoreSchema, DataclassSchema, TypedDictSchema
    from typing_extensions import TypeIs

__all__ = [
    "adapter_of",
    "class_schema",
    "is_schema_class",
    "json_copy",
    "plain_name",
    "schema_name",
    "text_in_annotation",
]


def is_schema_class(value: object) -> TypeIs[type[Any]]:
    """Whether a value is a class that describes an object: pydantic's, a TypedDict or a dataclass."""
    if not is_class(value):
        return False
    return issubclass(value, BaseModel) or typing_extensions.is_typeddict(value) or is_dataclass(value)


def schema_name(cls: type) -> str:
    """The name of a class, as providers allow names: letters, digits, `_` and `-`, 64 at most."""
    title = getattr(cls, "model_config", {}).get("title") if issubclass(cls, BaseModel) else None
    return plain_name(title or cls.__name__)


def plain_name(name: str) -> str:
    """A name in the letters that providers allow."""
    return re.sub(r"[^a-zA-Z0-9_-]+", "_", name).strip("_")[:64]


def class_schema(cls: type) -> dict[str, Any]:
    """The JSON Schema of a class, a copy of one's own; `title` is its name and `description` its docstring.

    Args:
        cls: A pydantic class, a TypedDict or a dataclass.

    Raises:
        SchemaError: If the class holds something that JSON Schema cannot say.
    """
    mark = getattr(cls, "__pydantic_core_schema__", None)
    with _lock:
        known = _made.get(cls)
    if known is None or known[0] is not mark:
        # A class that was rebuilt has another core schema.
        known = (mark, _read(cls))
        with _lock:
            _made[cls] = known
    copied: dict[str, Any] = json_copy(known[1])
    return copied


def adapter_of(cls: type[Any]) -> TypeAdapter[Any]:
    """What validates a TypedDict or a dataclass; made once."""
    with _lock:
        adapter = _adapters.get(cls)
    if adapter is None:
        adapter = TypeAdapter(cls)
        if not adapter.pydantic_complete:
            adapter.rebuild(_types_namespace=names_around())
        with _lock:
            _adapters[cls] = adapter
    return adapter


_adapters: WeakKeyDictionary[type, TypeAdapter[Any]] = WeakKeyDictionary()
_made: WeakKeyDictionary[type, tuple[object, dict[str, Any]]] = WeakKeyDictionary()
_lock = Lock()


def _read(cls: type[Any]) -> dict[str, Any]:
    try:
        if issubclass(cls, BaseModel):
            schema = cls.model_json_schema(schema_generator=_Generator)
        else:
            schema = adapter_of(cls).json_schema(schema_generator=_Generator)
    except (PydanticInvalidForJsonSchema, PydanticSchemaGenerationError) as error:
        reason = error.message.partition("\n")[0]
        raise SchemaError(
            f"{cls.__name__} has no JSON Schema: {reason}",
            hint="Use types that JSON can hold, or give pydantic a schema for it (WithJsonSchema).",
        ) from error
    except PydanticUserError as error:
        raise SchemaError(f"{cls.__name__} cannot be read: {error.message.partition(chr(10))[0]}") from error
    return tidied(schema, name=cls.__name__)


def tidied(schema: dict[str, Any], *, name: str) -> dict[str, Any]:
    """A generated schema whose root is no reference and whose definitions do not repeat their names."""
    definitions = schema.get("$defs", {})
    reference = schema.get("$ref")
    if reference is not None:
        root = definitions[reference.removeprefix("#/$defs/")]
        schema = {**json_copy(root), **{key: value for key, value in schema.items() if key != "$ref"}}
        schema["$defs"] = definitions
    for key, definition in definitions.items():
        if definition.get("title") == key:
            del definition["title"]
    schema.setdefault("title", name)
    return schema


class _Generator(GenerateJsonSchema):
    """Pydantic's generator, which also reads what TypedDicts and dataclasses say of their fields."""

    ignored_warning_kinds: set[JsonSchemaWarningKind] = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012  # as pydantic declares it

    def field_title_should_be_set(self, schema: CoreSchema | Any) -> bool:
        """Never: the title would be the name once more."""
        return False

    def typed_dict_schema(self, schema: TypedDictSchema) -> dict[str, Any]:
        """The schema of a TypedDict, with the texts and defaults of its annotations."""
        made = super().typed_dict_schema(schema)
        cls = schema.get("cls")
        if cls is not None:
            self._describe(self._target(made), cls)
        return made

    def dataclass_schema(self, schema: DataclassSchema) -> dict[str, Any]:
        """The schema of a dataclass, with the texts of its annotations and its docstring."""
        made = super().dataclass_schema(schema)
        self._describe(self._target(made), schema["cls"])
        return made

    def _target(self, made: dict[str, Any]) -> dict[str, Any]:
        """What a schema stands for, where it is a reference."""
        return self.resolve_ref_schema(made) if "$ref" in made else made

    def _describe(self, made: dict[str, Any], cls: type) -> None:
        properties: dict[str, dict[str, Any]] = made.get("properties", {})
        doc = read_docstring(_own_doc(cls))
        if doc.text:
            made["description"] = doc.text
        hints = hints_of(cls)
        for name, part in properties.items():
            text, default = text_in_annotation(hints.get(name))
            text = text or doc.arguments.get(name)
            if text:
                part.setdefault("description", text)
            if default is not _NONE and "required" in made:
                part.setdefault("default", default)
                made["required"] = [other for other in made["required"] if other != name]
        if made.get("required") == []:
            del made["required"]


def _own_doc(cls: type) -> str | None:
    doc = cls.__doc__
    # dataclasses write one themselves, which is the signature; a TypedDict without one shows dict's.
    made_up = is_dataclass(cls) and doc is not None and doc.startswith(f"{cls.__name__}(")
    return None if made_up or doc == dict.__doc__ else doc


_NONE: Any = object()


def text_in_annotation(annotation: Any) -> tuple[str | None, Any]:
    """What `Annotated` says in words, and its default where it has one.

    `Annotated[str, "text"]`, `Annotated[str, ..., "text"]` (required), `Annotated[str, "default", "text"]` and
    `Annotated[str, Doc("text")]` are read; what pydantic reads itself is left to it.
    """
    while typing_extensions.get_origin(annotation) in (typing.Required, typing.NotRequired):
        annotation = typing_extensions.get_args(annotation)[0]
    if typing_extensions.get_origin(annotation) is not typing.Annotated:
        return None, _NONE
    said = list(annotation.__metadata__)
    texts = [item.documentation for item in said if isinstance(item, typing_extensions.Doc)]
    if texts:
        return texts[-1], _NONE
    if len(said) == 2 and isinstance(said[1], str):
        return said[1], _NONE if said[0] is ... else said[0]
    texts = [item for item in said if isinstance(item, str)]
    return (texts[-1] if texts else None), _NONE


def json_copy(value: Any) -> Any:
    """A copy of plain JSON, containers and all."""
    if is_object(value):
        return {key: json_copy(item) for key, item in value.items()}
    if is_array(value):
        return [json_copy(item) for item in value]
    return value
