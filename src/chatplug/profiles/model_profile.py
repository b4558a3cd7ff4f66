"""`ModelProfile`: facts about a model, each a key that may be missing.

A missing key means that nobody has said, which is neither yes nor no: what a model can do is asked with `.get()`, and
an answer of None is a third answer. The names are langchain-core's (1.8) where it has the fact; the others are marked.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from chatplug.wire.shape import is_array, is_object

if sys.version_info >= (3, 12):
    from typing import TypedDict
else:  # pydantic reads the kind of `typing` from 3.12 on, and brings the other one
    from typing_extensions import TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FIELDS", "PRICES", "ModelProfile", "PriceTier", "faults"]


class PriceTier(TypedDict, total=False):
    """What tokens cost in a request whose input is longer than a limit; what is missing costs what it does below it."""

    above_input_tokens: int
    """The tier begins with one input token more than this."""
    input_price: float
    output_price: float
    cache_read_price: float
    cache_write_price: float
    reasoning_price: float
    audio_input_price: float
    audio_output_price: float


class ModelProfile(TypedDict, total=False):
    """What is known of a model. A missing key means unknown.

    Prices are in US dollars for a million tokens. Dates are ISO 8601, at least year and month.
    """

    # ---- what it is

    name: str
    """Its name for people, such as `GPT-4.1`."""
    status: str
    """`alpha`, `beta`, `active`, `deprecated` (works, and has an end) or `retired` (is no longer answered)."""
    release_date: str
    """When it was released."""
    last_updated: str
    """When it was last changed."""
    retirement_date: str
    """When it stops, or stopped, to answer. Not in langchain-core."""
    successor: str
    """The model that its provider recommends instead. Not in langchain-core."""
    open_weights: bool
    """Whether anybody can have its weights."""
    knowledge_date: str
    """The end of what it was trained on. Not in langchain-core."""

    # ---- what it takes

    context_window: int
    """The most tokens of a request and its answer together. Not in langchain-core."""
    max_input_tokens: int
    """The most tokens of a request."""
    text_inputs: bool
    """Whether it takes text."""
    image_inputs: bool
    """Whether it takes images."""
    image_url_inputs: bool
    """Whether it takes an image by its address."""
    pdf_inputs: bool
    """Whether it takes PDF files."""
    audio_inputs: bool
    """Whether it takes sound."""
    video_inputs: bool
    """Whether it takes films."""
    image_tool_message: bool
    """Whether the result of a tool may hold an image."""
    pdf_tool_message: bool
    """Whether the result of a tool may hold a PDF file."""
    attachment: bool
    """Whether it takes files at all."""
    temperature: bool
    """Whether it takes a temperature."""
    mid_conversation_system_messages: bool
    """Whether a system message after the first turn stays where it is."""
    mid_conversation_tools: bool
    """Whether tools can be added by a message in the middle of a conversation."""

    # ---- what it gives

    max_output_tokens: int
    """The most tokens of an answer, its reasoning included."""
    text_outputs: bool
    """Whether it gives text."""
    image_outputs: bool
    """Whether it gives images."""
    audio_outputs: bool
    """Whether it gives sound."""
    video_outputs: bool
    """Whether it gives films."""
    reasoning_output: bool
    """Whether it reasons before it answers."""
    reasoning_effort_levels: list[str]
    """How hard it can be told to reason; empty where that cannot be chosen."""
    reasoning_effort_default: str
    """How hard it reasons when it is not told."""

    # ---- tools and structured output

    tool_calling: bool
    """Whether it calls tools."""
    tool_choice: bool
    """Whether it can be told that it has to call a tool, or which."""
    tool_choice_modes: list[Literal["auto", "none", "any", "tool"]]
    """What it can be told: to choose itself, to call none, to call some tool, to call a certain one. Not in
    langchain-core."""
    parallel_tool_calls: bool
    """Whether it can call several tools in one answer. Not in langchain-core."""
    tool_call_streaming: bool
    """Whether tool calls arrive in pieces while they are written."""
    structured_output: bool
    """Whether the provider itself holds the answer to a JSON Schema."""
    structured_output_methods: list[Literal["json_schema", "function_calling", "json_mode"]]
    """The ways to a structured answer, the best first. Not in langchain-core."""

    # ---- what it costs; none of it is in langchain-core

    input_price: float
    """A million input tokens."""
    output_price: float
    """A million output tokens."""
    cache_read_price: float
    """A million input tokens that come from the provider's cache."""
    cache_write_price: float
    """A million input tokens that are written to the provider's cache."""
    reasoning_price: float
    """A million tokens of reasoning, where they do not cost what other output does."""
    audio_input_price: float
    """A million input tokens of sound."""
    audio_output_price: float
    """A million output tokens of sound."""
    price_tiers: list[PriceTier]
    """What long requests cost."""


PRICES = (
    "input_price",
    "output_price",
    "cache_read_price",
    "cache_write_price",
    "reasoning_price",
    "audio_input_price",
    "audio_output_price",
)
"""The fields that are prices, which a tier may have too."""

# A model has had no more than 10 million tokens of context (2026-11). What is beyond these is no fact but an accident.
_MOST_TOKENS = 10**10
_MOST_DOLLARS = 10**6
_LONGEST_TEXT = 500


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_TEXT


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= _MOST_TOKENS


def _is_price(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= _MOST_DOLLARS


def _is_texts(value: object) -> bool:
    return is_array(value) and all(_is_text(item) for item in value)


def _is_tiers(value: object) -> bool:
    return is_array(value) and all(_is_tier(item) for item in value)


def _is_tier(value: object) -> bool:
    if not is_object(value) or not _is_count(value.get("above_input_tokens")):
        return False
    return all(name == "above_input_tokens" or (name in PRICES and _is_price(item)) for name, item in value.items())


_KINDS: Mapping[str, tuple[str, Callable[[object], bool]]] = {
    "str": ("a text", _is_text),
    "bool": ("true or false", _is_flag),
    "int": ("a number of tokens", _is_count),
    "float": ("a price in dollars", _is_price),
    "list[PriceTier]": ("a list of price tiers", _is_tiers),
}
_LIST = ("a list of texts", _is_texts)


def _fields() -> Iterator[tuple[str, tuple[str, Callable[[object], bool]]]]:
    for name, annotation in ModelProfile.__annotations__.items():
        # Python keeps it as a ForwardRef, or as the text that it was written as.
        yield name, _KINDS.get(str(getattr(annotation, "__forward_arg__", annotation)), _LIST)


FIELDS: Mapping[str, tuple[str, Callable[[object], bool]]] = dict(_fields())
"""Every field of `ModelProfile`, what its value is in words, and whether a value is one."""


def faults(profile: Mapping[str, Any], *, own_keys: bool = False) -> Iterator[tuple[str, str]]:
    """What is wrong with the facts of a model: the field, and a sentence about it.

    Args:
        profile: The facts.
        own_keys: Whether a user gives them: keys that are no fields are allowed, unless one is nearly the name of a
            field, and None takes a fact away.

    >>> for name, sentence in faults({"max_input_tokens": "many", "tool_caling": True}):
    ...     print(name, sentence)
    max_input_tokens is 'many', not a number of tokens
    tool_caling is no field; did you mean 'tool_calling'?
    """
    from difflib import get_close_matches

    for name, value in profile.items():
        if name in FIELDS:
            kind, is_right = FIELDS[name]
            if not is_right(value) and not (own_keys and value is None):
                yield name, f"is {_shown(value)}, not {kind}"
            continue
        near = get_close_matches(str(name), list(FIELDS), n=1, cutoff=0.9 if own_keys else 0.6)
        if near:
            yield name, f"is no field; did you mean {near[0]!r}?"
        elif not own_keys:
            yield name, "is no field"


def _shown(value: object) -> str:
    """A wrong value, short enough for a line."""
    if isinstance(value, (str, int, float, bool)) or value is None:
        try:
            text = repr(value)
        except ValueError:  # an integer of more digits than Python writes
            return "a huge number"
        return text if len(text) <= 60 else f"{text[:50]}..."  # a line's worth
    return f"a {type(value).__name__}"
