"""A zoo of annotations, each with a strategy for its values."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, Optional, Union
from uuid import UUID

from hypothesis import strategies as st
from pydantic import AnyUrl, BaseModel, Field, Json, StringConstraints, create_model
from typing_extensions import TypedDict

__all__ = ["RECURSIVE", "STRICT_CANNOT", "ZOO", "Tree", "holding"]


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 9


class Mixed(enum.Enum):
    ONE = 1
    TWO = "two"


class Actor(BaseModel):
    """Somebody who plays."""

    name: str
    role: str | None = Field(default=None, description="Whom they play")


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    name: str


class Point(TypedDict):
    x: Annotated[int, ..., "To the right"]
    y: NotRequired[int]


class Partial(TypedDict, total=False):
    """All of it may be left out."""

    a: str
    b: list[Point]


@dataclass
class Box:
    """A box."""

    width: int
    labels: list[str] = field(default_factory=list[str])


class Pair(NamedTuple):
    first: int
    second: str


class Tree(BaseModel):
    """A tree."""

    title: str
    children: list[Tree] = []


class Left(BaseModel):
    right: Optional[Right] = None  # noqa: UP045  # as older programs write it


class Right(BaseModel):
    left: Left | None = None


class Aliased(BaseModel):
    from_: str = Field(alias="from")
    properties: dict[str, int] = {}


class Titled(BaseModel):
    title: str
    description: str
    type: str
    required: bool


texts = st.text(max_size=12)
integers = st.integers(-(2**53), 2**53)
floats = st.floats(allow_nan=False, allow_infinity=False)
actors = st.builds(Actor, name=texts, role=st.none() | texts)
points = st.fixed_dictionaries({"x": integers}, optional={"y": integers})
partials = st.fixed_dictionaries({}, optional={"a": texts, "b": st.lists(points, max_size=2)})
boxes = st.builds(Box, width=integers, labels=st.lists(texts, max_size=2))
trees: st.SearchStrategy[Tree] = st.recursive(
    st.builds(Tree, title=texts),
    lambda inner: st.builds(Tree, title=texts, children=st.lists(inner, max_size=2)),
    max_leaves=6,
)
lefts = st.recursive(st.builds(Left), lambda inner: st.builds(Left, right=st.builds(Right, left=inner)), max_leaves=3)
whole_seconds = st.datetimes(timezones=st.just(timezone.utc), min_value=datetime(1971, 1, 1)).map(  # noqa: DTZ001, UP017
    lambda moment: moment.replace(microsecond=0)
)

ZOO: Mapping[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "text": (str, texts),
    "integer": (int, integers),
    "number": (float, floats),
    "boolean": (bool, st.booleans()),
    "nothing": (None, st.none()),
    "optional": (Optional[int], st.none() | integers),  # noqa: UP045  # as older programs write it
    "optional_default": (Annotated[int | None, Field(default=None)], st.none() | integers),
    "union": (int | str, integers | texts),
    "union_of_lists": (list[int] | list[str], st.lists(integers, min_size=1) | st.lists(texts, min_size=1)),
    "literal": (Literal["a", "b"], st.sampled_from(["a", "b"])),
    "literal_one": (Literal["only"], st.just("only")),
    "literal_mixed": (Literal[1, "one"] | None, st.sampled_from([1, "one", None])),
    "enum": (Color, st.sampled_from(Color)),
    "enum_of_numbers": (Level, st.sampled_from(Level)),
    "enum_mixed": (Mixed, st.sampled_from(Mixed)),
    "list": (list[int], st.lists(integers, max_size=5)),
    "list_of_anything": (list[Any], st.lists(integers | texts, max_size=3)),
    "list_of_models": (list[Actor], st.lists(actors, max_size=3)),
    "list_bounded": (Annotated[list[str], Field(min_length=1, max_length=3)], st.lists(texts, min_size=1, max_size=3)),
    "sequence": (Sequence[str], st.lists(texts, max_size=3)),
    "set": (set[int], st.sets(integers, max_size=4)),
    "frozenset": (frozenset[str], st.frozensets(texts, max_size=4)),
    "tuple": (tuple[int, str], st.tuples(integers, texts)),
    "tuple_open": (tuple[int, ...], st.lists(integers, max_size=4).map(tuple)),
    "named_tuple": (Pair, st.builds(Pair, integers, texts)),
    "dict": (dict[str, int], st.dictionaries(texts, integers, max_size=3)),
    "dict_of_models": (dict[str, Actor], st.dictionaries(texts, actors, max_size=2)),
    "dict_of_anything": (dict[str, Any], st.dictionaries(texts, integers, max_size=3)),
    "mapping": (Mapping[str, bool], st.dictionaries(texts, st.booleans(), max_size=3)),
    "nested_lists": (list[list[list[int]]], st.lists(st.lists(st.lists(integers, max_size=2), max_size=2), max_size=2)),
    "model": (Actor, actors),
    "optional_model": (Actor | None, st.none() | actors),
    "models_told_apart": (
        Annotated[Cat | Dog, Field(discriminator="kind")],
        st.builds(Cat, lives=integers) | st.builds(Dog, name=texts),
    ),
    "models_by_shape": (Union[Cat, Dog], st.builds(Cat, lives=integers) | st.builds(Dog, name=texts)),  # noqa: UP007
    "typed_dict": (Point, points),
    "typed_dict_open": (Partial, partials),
    "dataclass": (Box, boxes),
    "recursive": (Tree, trees),
    "recursive_list": (list[Tree], st.lists(trees, max_size=2)),
    "mutually_recursive": (Left, lefts),
    "aliased": (Aliased, st.builds(Aliased, **{"from": texts, "properties": st.dictionaries(texts, integers)})),
    "named_like_keywords": (
        Titled,
        st.builds(Titled, title=texts, description=texts, type=texts, required=st.booleans()),
    ),
    "described": (Annotated[str, Field(description="What it is")], texts),
    "bounded": (Annotated[int, Field(ge=0, lt=10)], st.integers(0, 9)),
    "multiple": (Annotated[int, Field(multiple_of=5)], st.integers(-20, 20).map(lambda number: number * 5)),
    "pattern": (Annotated[str, StringConstraints(pattern=r"^[a-z]+$")], st.from_regex(r"\A[a-z]+\Z")),
    "long_text": (Annotated[str, Field(min_length=3)], st.text(min_size=3, max_size=9)),
    "datetime": (datetime, whole_seconds),
    "date": (date, st.dates()),
    "time": (time, st.times().map(lambda moment: moment.replace(microsecond=0, fold=0))),
    "duration": (timedelta, st.integers(0, 10**6).map(lambda seconds: timedelta(seconds=seconds))),
    "uuid": (UUID, st.uuids()),
    "decimal": (Decimal, st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-999, max_value=999)),
    "url": (AnyUrl, st.just(AnyUrl("https://example.org/"))),
    "bytes": (bytes, texts.map(str.encode)),
    "json": (Json[list[int]], st.lists(integers, max_size=3)),
    "anything": (Any, integers | texts | st.none()),
    "default": (Annotated[int, Field(default=7)], integers),
    "examples": (Annotated[str, Field(examples=["Bern"])], texts),
}

RECURSIVE = ("recursive", "recursive_list", "mutually_recursive")

STRICT_CANNOT = {
    "list_of_anything",
    "tuple",
    "named_tuple",
    "dict",
    "dict_of_models",
    "dict_of_anything",
    "mapping",
    "aliased",
    "anything",
}
"""What cannot be said strictly."""


def holding(name: str) -> type[BaseModel]:
    """A class with one field, `value`, of an annotation of the zoo."""
    annotation = ZOO[name][0]
    made: type[BaseModel] = create_model(f"Holding_{name}", __doc__=f"Holds {name}.", value=(annotation, ...))
    if name in ("optional_default", "default"):
        made = create_model(f"Holding_{name}", __doc__=f"Holds {name}.", value=annotation)
    return made
