"""A message as a value: dumped, read back, copied, and a field of pydantic models.

Messages are no pydantic models (docs/decisions/0005), and behave like some: the methods have pydantic's names, and a
model or a FastAPI body may have fields of message types. Such a field takes messages and what `model_dump` made of
them; `BaseMessage` takes every kind, told apart by `type`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic_core import core_schema, from_json, to_json

from chatplug.errors import MessageError, nearest
from chatplug.messages.content import plain_copy
from chatplug.messages.tool_call import InvalidToolCall, ToolCall, ToolCallChunk
from chatplug.messages.usage import UsageMetadata

if TYPE_CHECKING:
    from collections.abc import Callable, Container
    from typing import Self

    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

__all__ = ["Value"]


class Value:
    """Something with fields, which can be told as plain data and made from it."""

    __slots__ = ()

    type: ClassVar[str]
    """What tells the data of one class from that of another."""

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        """The names of the fields, the most telling first."""
        raise NotImplementedError

    @classmethod
    def _blank(cls) -> Self:
        """One whose fields are not set yet."""
        return cls.__new__(cls)

    def model_dump(
        self,
        *,
        mode: Literal["python", "json"] = "python",
        include: Container[str] | None = None,
        exclude: Container[str] = (),
        exclude_none: bool = False,
    ) -> dict[str, Any]:
        """The value as plain data: its type and its fields, in copies.

        Args:
            mode: `json` for data that has a JSON form only; a `ToolMessage.artifact` may be anything.
            include: Names of the fields to tell, `type` among them; None for all.
            exclude: Names of fields to leave out.
            exclude_none: Whether fields that are None are left out.
        """
        told: dict[str, Any] = {"type": self.type}
        told.update((field, plain_copy(getattr(self, field))) for field in self.field_names())
        kept = {
            field: value
            for field, value in told.items()
            if (include is None or field in include) and field not in exclude and not (exclude_none and value is None)
        }
        return from_json(to_json(kept)) if mode == "json" else kept

    def model_dump_json(self, *, indent: int | None = None) -> str:
        """The value as JSON text."""
        return to_json(self.model_dump(), indent=indent).decode()

    @classmethod
    def model_validate(cls, value: Mapping[str, Any] | Value) -> Self:
        """The value that `model_dump` made this data from; with the class of its `type`, if that is a subclass.

        Raises:
            MessageError: If the data is another class's, or has unknown fields.
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, Value):
            raise MessageError(f"{type(value).__name__} is no {cls.__name__}.", hint=f"Give a {cls.__name__}.")
        if not isinstance(value, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without types
            raise MessageError(
                f"No {cls.__name__} can be made of {type(value).__name__}.", hint="Give what `model_dump` gave."
            )
        fields = dict(value)
        made = _class_of(cls, fields.pop("type", cls.type))
        for field in fields:
            if field not in made.field_names():
                raise MessageError(
                    f"{made.__name__} has no field {field!r}.",
                    hint=nearest(field, made.field_names()) or f"Fields are {', '.join(made.field_names())}.",
                )
        told: Self = made(**fields)
        return told

    @classmethod
    def model_validate_json(cls, text: str | bytes) -> Self:
        """The value that `model_dump_json` made this text from.

        Raises:
            MessageError: If the text is no JSON, or as `model_validate`.
        """
        try:
            value = from_json(text)
        except ValueError as error:
            raise MessageError(f"No {cls.__name__} can be read: {error}.", hint="Give JSON text.") from None
        return cls.model_validate(value)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, with some fields changed.

        Args:
            update: Fields to change, by name.
            deep: Whether containers are copied too; otherwise the copy shares them.
        """
        copied = self._blank()
        for field in self.field_names():
            value = getattr(self, field)
            setattr(copied, field, plain_copy(value) if deep else value)
        for field, value in (update or {}).items():
            if field not in self.field_names():
                raise MessageError(
                    f"{type(self).__name__} has no field {field!r}.", hint=nearest(field, self.field_names())
                )
            setattr(copied, field, value)
        return copied

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        """The JSON Schema of what `model_dump` makes."""
        from pydantic import TypeAdapter

        return TypeAdapter(cls).json_schema()

    def __copy__(self) -> Self:
        return self.model_copy()

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.model_dump())

    @classmethod
    def _read_checked(cls, value: Mapping[str, Any], check: Callable[[object], object]) -> Self:
        """What `model_validate` makes of data that is right; the checks alone would lose a provider's own keys."""
        check(value)
        return cls.model_validate(value)

    @classmethod
    def __get_pydantic_core_schema__(cls, _: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.json_or_python_schema(
            python_schema=core_schema.no_info_plain_validator_function(cls.model_validate),
            json_schema=core_schema.no_info_wrap_validator_function(cls._read_checked, _schema(cls, handler)),
            serialization=core_schema.plain_serializer_function_ser_schema(Value.model_dump),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.JsonOrPythonSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema["json_schema"]), "title": cls.__name__}


def _restore(cls: type[Value], fields: dict[str, Any]) -> Value:
    return cls.model_validate(fields)


def _classes(cls: type[Value]) -> dict[str, type[Value]]:
    """A class and those derived from it that have a type of their own, by that type."""
    found = {cls.type: cls} if "type" in vars(cls) else {}
    for derived in cls.__subclasses__():
        found = {**_classes(derived), **found}
    return found


def _class_of(cls: type[Any], kind: object) -> type[Any]:
    if kind == cls.type:
        return cls
    found = _classes(cls).get(kind) if isinstance(kind, str) else None
    if found is None:
        raise MessageError(
            f"A message of type {kind!r} is no {cls.__name__}.", hint=f"Its data has the type {cls.type!r}."
        )
    return found


def _schema(cls: type[Value], handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
    """What the data of a class, or of any derived from it, looks like."""
    kinds = _classes(cls)
    if cls.type in kinds and cls.__subclasses__() and not _is_abstract(cls):
        kinds = {cls.type: cls}
    shapes = {kind: _shape(one, handler) for kind, one in kinds.items() if not _is_abstract(one)}
    if len(shapes) == 1:
        return next(iter(shapes.values()))
    return core_schema.tagged_union_schema(shapes, discriminator="type")


def _is_abstract(cls: type[Value]) -> bool:
    return cls.type == "base"


def _shape(cls: type[Value], handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
    fields = {
        field: core_schema.typed_dict_field(handler.generate_schema(_KINDS[field]), required=field in _NEEDED)
        for field in cls.field_names()
    }
    kind = core_schema.with_default_schema(core_schema.literal_schema([cls.type]), default=cls.type)
    return core_schema.typed_dict_schema(
        {"type": core_schema.typed_dict_field(kind, required=False), **fields}, extra_behavior="forbid"
    )


_NEEDED = frozenset({"content", "role", "tool_call_id"})
_KINDS: dict[str, Any] = {
    "additional_kwargs": dict[str, Any],
    "artifact": Any,
    "chunk_position": Literal["last"] | None,
    "content": str | list[str | dict[str, Any]],
    "id": str | None,
    "invalid_tool_calls": list[InvalidToolCall],
    "name": str | None,
    "response_metadata": dict[str, Any],
    "role": str,
    "status": Literal["success", "error"],
    "tool_call_chunks": list[ToolCallChunk],
    "tool_call_id": str,
    "tool_calls": list[ToolCall],
    "usage_metadata": UsageMetadata | None,
}
"""What each field of a message holds, for pydantic."""
