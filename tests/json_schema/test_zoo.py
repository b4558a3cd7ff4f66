"""The zoo of annotations: pydantic's own JSON Schema, and whatever is valid for the one is valid for the other."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, TypeAdapter

from chatplug.errors import SchemaError
from chatplug.json_schema import class_schema, read_signature, strict_schema
from chatplug.output_parsers import PydanticOutputParser
from chatplug.wire import is_object
from tests.json_schema.zoo import RECURSIVE, STRICT_CANNOT, ZOO, holding

CLASSES = {name: holding(name) for name in ZOO}
some = pytest.mark.parametrize("name", ZOO)
few = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])


def without_titles(schema: Any) -> Any:
    """The same schema without pydantic's titles, wherever a schema may stand in it."""
    if not is_object(schema):
        return schema
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            kept[key] = {name: without_titles(part) for name, part in value.items()}
        elif key in ("items", "additionalProperties", "contentSchema"):
            kept[key] = without_titles(value)
        elif key in ("anyOf", "oneOf", "allOf", "prefixItems"):
            kept[key] = [without_titles(part) for part in value]
        elif key != "title":
            kept[key] = value
    return kept


def encoded(instance: BaseModel) -> str:
    return instance.model_dump_json(by_alias=True, round_trip=True)


def split(text: str, cuts: list[int]) -> list[str]:
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[start:end] for start, end in itertools.pairwise(places)]


def test_the_zoo_is_large() -> None:
    assert len(ZOO) >= 40


@some
def test_the_schema_is_pydantics_without_the_titles_that_it_makes_up(name: str) -> None:
    cls = CLASSES[name]

    schema = class_schema(cls)

    described = {"dataclass", "typed_dict", "typed_dict_open"}  # which say more than pydantic reads
    expected = without_titles(cls.model_json_schema())
    found = without_titles(schema)
    if name in described:
        for definition in (*expected["$defs"].values(), *found["$defs"].values()):
            definition.pop("description", None)
            for part in definition["properties"].values():
                part.pop("description", None)
    assert found == expected


@some
def test_the_schema_is_valid_and_has_no_title_but_its_name(name: str) -> None:
    schema = class_schema(CLASSES[name])

    Draft202012Validator.check_schema(schema)
    assert schema["title"] == CLASSES[name].__name__
    assert schema["type"] == "object"
    assert "title" not in schema["properties"]["value"]


@some
def test_a_function_takes_what_a_class_holds(name: str) -> None:
    def function(value: Any) -> None:
        """Take it."""

    function.__annotations__ = {"value": ZOO[name][0]}
    # What the default is a function says beside its annotation, but pydantic reads it there too.

    schema = class_schema(read_signature(function).model)

    expected = class_schema(CLASSES[name])
    assert schema["properties"] == expected["properties"]
    assert schema.get("$defs") == expected.get("$defs")
    assert schema.get("required") == expected.get("required")


@some
def test_a_schema_is_made_once_and_given_as_a_copy(name: str) -> None:
    first = class_schema(CLASSES[name])

    first["properties"]["value"]["description"] = "spoilt"
    first.pop("title")

    assert class_schema(CLASSES[name]) != first


@some
def test_a_strict_schema_is_closed_requires_everything_and_says_nothing_that_is_not_allowed(name: str) -> None:
    schema = class_schema(CLASSES[name])

    if name in STRICT_CANNOT:
        with pytest.raises(SchemaError, match=r"cannot be strict: /"):
            strict_schema(schema)
        return
    strict = strict_schema(schema)

    Draft202012Validator.check_schema(strict)
    for part in parts(strict):
        assert not {"default", "oneOf", "allOf", "not", "patternProperties", "discriminator"} & part.keys()
        assert "$ref" not in part or len(part) == 1
        if part.get("type") == "object":
            assert part["additionalProperties"] is False
            assert part["required"] == list(part["properties"])


def parts(schema: Any) -> list[dict[str, Any]]:
    """Every schema within a schema."""
    if not is_object(schema):
        return []
    found = [schema]
    for key in ("properties", "$defs"):
        for part in schema.get(key, {}).values():
            found += parts(part)
    for part in schema.get("anyOf", ()):
        found += parts(part)
    return found + parts(schema.get("items"))


@pytest.mark.parametrize("name", RECURSIVE)
def test_what_is_recursive_stays_a_reference(name: str) -> None:
    schema = class_schema(CLASSES[name])

    assert "$ref" in json.dumps(schema["$defs"])


@some
@few
@given(data=st.data())
def test_a_value_is_valid_and_its_json_is_read_again_at_any_split(name: str, data: st.DataObject) -> None:
    cls = CLASSES[name]
    value = data.draw(ZOO[name][1])
    instance = cls.model_validate({"value": value}) if name != "json" else cls(value=json.dumps(value))
    text = encoded(instance)
    cuts = data.draw(st.lists(st.integers(0, 500), max_size=8))

    read = list(PydanticOutputParser(pydantic_object=cls).transform(iter(split(text, cuts))))

    again: Any = read[-1]
    if name not in ("set", "frozenset"):  # which have no order
        assert encoded(again) == text
    if name not in ("union", "literal_mixed", "enum_mixed"):  # 1 and "1" may change places where both are allowed
        assert again == instance
    if name != "bytes":  # a format that no validator knows
        Draft202012Validator(class_schema(cls)).validate(json.loads(text))


@some
@few
@given(data=st.data())
def test_a_value_that_is_written_out_in_full_is_valid_against_the_strict_schema(name: str, data: st.DataObject) -> None:
    cls = CLASSES[name]
    value = data.draw(ZOO[name][1])
    instance = cls.model_validate({"value": value}) if name != "json" else cls(value=json.dumps(value))
    whole = json.loads(encoded(instance))
    may_be_short = name in ("typed_dict", "typed_dict_open")  # a strict answer has no key that is not there

    if name not in STRICT_CANNOT and not (may_be_short and whole["value"].keys() < {"x", "y"} | {"a", "b"}):
        Draft202012Validator(strict_schema(class_schema(cls))).validate(whole)


def test_the_schema_of_a_class_that_was_rebuilt_is_made_anew() -> None:
    class Late(BaseModel):
        value: int

    before = class_schema(Late)
    Late.model_fields["value"].description = "More"
    Late.model_rebuild(force=True)

    assert class_schema(Late)["properties"]["value"] == {"type": "integer", "description": "More"}
    assert before["properties"]["value"] == {"type": "integer"}


def test_what_json_cannot_say_is_an_error_that_names_the_class() -> None:
    class Odd(BaseModel, arbitrary_types_allowed=True):
        value: TypeAdapter[int]

    with pytest.raises(SchemaError, match="Odd has no JSON Schema"):
        class_schema(Odd)
