"""What functions take."""

from __future__ import annotations

import functools
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field
from typing_extensions import Doc

from chatplug.errors import SchemaError
from chatplug.json_schema import class_schema, read_signature


def properties(function: Any, **how: Any) -> dict[str, Any]:
    made: dict[str, Any] = class_schema(read_signature(function, **how).model)["properties"]
    return made


def test_an_argument_is_described_by_its_annotation_or_by_the_docstring() -> None:
    def function(
        a: Annotated[str, "from the text"],
        b: Annotated[str, Field(description="from the field")],
        c: Annotated[str, Doc("from Doc")],
        d: str,
        e: str = Field(default="x", description="from the default"),
    ) -> None:
        """Do it.

        Args:
            a: not this
            b: not this
            c: not this
            d: from the docstring
            e: not this
        """

    said = {name: part["description"] for name, part in properties(function).items()}

    assert said == {
        "a": "from the text",
        "b": "from the field",
        "c": "from Doc",
        "d": "from the docstring",
        "e": "from the default",
    }


def test_parameters_may_have_the_names_of_pydantics_own_methods() -> None:
    def function(copy: int, schema: str, _hidden: int, model_config: str, json: bool = True) -> None: ...

    signature = read_signature(function)
    checked = signature.model(copy=1, schema="s", _hidden=2, model_config="m")

    assert list(properties(function)) == ["copy", "schema", "_hidden", "model_config", "json"]
    assert list(checked.model_dump(by_alias=True).values()) == [1, "s", 2, "m", True]


def test_what_has_no_annotation_may_be_anything_and_a_list_of_arguments_is_left_out() -> None:
    def function(a: Any, *rest: int, b: Any = 2) -> None:
        """Do it."""

    function.__annotations__ = {}

    assert properties(function) == {"a": {}, "b": {"default": 2}}


def test_further_arguments_by_name_are_open() -> None:
    def function(a: int, **more: str) -> None: ...

    schema = class_schema(read_signature(function).model)

    assert schema["additionalProperties"] == {"type": "string"}
    assert read_signature(function).model(a=1, z="x").model_extra == {"z": "x"}


def test_what_a_partial_has_filled_in_is_no_argument() -> None:
    def function(a: int, b: int, c: int) -> None:
        """Add."""

    signature = read_signature(functools.partial(function, 1, c=3))

    assert signature.name == "function"
    assert signature.doc.text == "Add."
    assert list(signature.model.model_fields) == ["b"]


def test_methods_and_objects_that_can_be_called_have_signatures() -> None:
    class Adder:
        """Adds."""

        def __call__(self, a: int) -> int:
            return a

        def method(self, b: int) -> int:
            return b

    assert read_signature(Adder()).name == "Adder"
    assert read_signature(Adder()).doc.text == "Adds."
    assert list(properties(Adder())) == ["a"]
    assert list(properties(Adder().method)) == ["b"]


def test_a_class_of_the_function_around_is_found() -> None:
    class Local(BaseModel):
        x: int

    def function(value: Local) -> None: ...

    assert properties(function) == {"value": {"$ref": "#/$defs/Local"}}


def test_a_name_that_cannot_be_found_is_an_error_that_says_what_to_do() -> None:
    def function(value: Any) -> None: ...

    function.__annotations__ = {"value": "Nowhere"}
    with pytest.raises(SchemaError, match=r"cannot be found: Nowhere.*TYPE_CHECKING"):
        read_signature(function)


def test_a_default_that_json_cannot_hold_is_kept_out_of_the_schema() -> None:
    nothing = object()

    def function(value: Any = nothing) -> None: ...

    assert properties(function) == {"value": {}}
    assert read_signature(function).model().value is nothing  # type: ignore[attr-defined]  # made from the function
