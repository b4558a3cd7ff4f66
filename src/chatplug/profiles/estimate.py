"""How many tokens a request takes, before anybody has counted them.

No tokenizer is asked: the length of the texts says it, with an error bar. Measured on recorded requests of some thirty
providers (`tests/profiles/test_estimate.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from pydantic_core import to_json

from chatplug.messages import AIMessage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chatplug.messages import BaseMessage
    from chatplug.profiles.cost import Cost

__all__ = ["Estimate", "Length", "estimate_length", "least_tokens"]

METHOD = "characters"

# Bytes of UTF-8 for a token. English has 4 to 5, code and numbers 2 to 3, long white space many more; of other scripts
# a token holds one letter or two, of old tokenizers less than one.
_MOST_BYTES = 8
_USUAL_BYTES, _LEAST_BYTES = 4, 2
_USUAL_BYTES_OF_OTHERS, _LEAST_BYTES_OF_OTHERS = 3.5, 1
# What a chat template adds for each message, and for the list of tools, which some providers explain at length.
_USUAL_OF_A_MESSAGE, _MOST_OF_A_MESSAGE = 4, 12
_MOST_OF_TOOLS = 800
_MOST_OF_A_TEMPLATE = 100


@dataclass(slots=True, frozen=True)
class Estimate:
    """How many tokens a request takes, and what it costs."""

    tokens: int
    """About how many input tokens."""
    low: int
    """Hardly fewer than these."""
    high: int
    """Hardly more than these, if nothing was left out."""
    method: str
    """How they were counted: `characters`, or `model` where the model counts itself."""
    uncounted: tuple[str, ...] = ()
    """What the request holds that takes tokens and is not counted: `image`, `audio`, `video`, `file`."""
    most_output: int | None = None
    """The most tokens of the answer; None where nothing limits it."""
    cost_low: Cost | None = None
    """What the input costs at the least; None where the prices are unknown."""
    cost_high: Cost | None = None
    """What input and answer cost at the most; None where the prices are unknown, or nothing limits the answer."""


@dataclass(slots=True, frozen=True)
class Length:
    """How long a request is."""

    messages: int
    plain: int
    """Letters of ASCII."""
    others: int
    """Bytes of all other letters."""
    tools: int = 0
    """Letters of the tools' descriptions."""
    uncounted: tuple[str, ...] = ()

    def tokens(self) -> int:
        """About how many tokens it takes."""
        of_text = self.plain / _USUAL_BYTES + self.others / _USUAL_BYTES_OF_OTHERS + self.tools / _USUAL_BYTES
        return ceil(of_text) + _USUAL_OF_A_MESSAGE * self.messages

    def low(self) -> int:
        """Hardly fewer than these."""
        return least_tokens(self.plain + self.others)

    def high(self) -> int:
        """Hardly more than these."""
        of_text = (self.plain + self.tools) / _LEAST_BYTES + self.others / _LEAST_BYTES_OF_OTHERS
        added = _MOST_OF_A_MESSAGE * self.messages + _MOST_OF_A_TEMPLATE + (_MOST_OF_TOOLS if self.tools else 0)
        return ceil(of_text) + added


def least_tokens(size: int) -> int:
    """The fewest tokens that so many bytes of text take."""
    return size // _MOST_BYTES


def estimate_length(messages: Iterable[BaseMessage], *described: object) -> Length:
    """How long a request is.

    Args:
        messages: The conversation.
        *described: What else goes with it as JSON: tools, a schema.
    """
    count, texts, uncounted = 0, list[str](), dict[str, None]()
    for message in messages:
        count += 1
        if isinstance(message.content, str):
            texts.append(message.content)
        else:
            for block in message.content_blocks:
                if block["type"] in ("image", "audio", "video", "file"):
                    uncounted[block["type"]] = None
                else:
                    texts.append(str(block.get("text") or block.get("reasoning") or ""))
        if isinstance(message, AIMessage):
            texts.extend(f"{call['name']}{_json(call['args'])}" for call in message.tool_calls)
    text = "".join(texts)
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    plain = size if text.isascii() else sum(map(str.isascii, text))
    tools = sum(len(_json(one)) for one in described if one)
    return Length(count, plain, size - plain, tools, tuple(uncounted))


def _json(value: object) -> str:
    """A value as JSON; what is no JSON counts as its name does."""
    return to_json(value, fallback=lambda other: getattr(other, "__name__", "") or type(other).__name__).decode()
