"""How many tokens a call took, and how two of them add up."""

from __future__ import annotations

import sys
from typing import cast

from chatplug.messages.content import plain_copy

if sys.version_info >= (3, 12):
    from typing import TypedDict
else:  # pydantic reads the kind of `typing` from 3.12 on, and brings the other one
    from typing_extensions import TypedDict

__all__ = ["InputTokenDetails", "OutputTokenDetails", "UsageMetadata", "add_usage"]


class InputTokenDetails(TypedDict, total=False):
    """Where the input tokens went. A missing key means that the provider did not say."""

    audio: int
    """Tokens of audio."""
    cache_creation: int
    """Tokens written to the provider's cache."""
    cache_read: int
    """Tokens read from the provider's cache."""


class OutputTokenDetails(TypedDict, total=False):
    """Where the output tokens went. A missing key means that the provider did not say."""

    audio: int
    """Tokens of audio."""
    reasoning: int
    """Tokens of reasoning, whether or not the reasoning itself is shown."""


class _Counts(TypedDict):
    input_tokens: int
    output_tokens: int
    total_tokens: int


class UsageMetadata(_Counts, total=False):
    """The tokens of one call, as the provider counted them."""

    input_token_details: InputTokenDetails
    """Where the input tokens went."""
    output_token_details: OutputTokenDetails
    """Where the output tokens went."""


def add_usage(left: UsageMetadata | None, right: UsageMetadata | None) -> UsageMetadata:
    """The sum of two usages; what neither of them counts stays absent.

    >>> add_usage({"input_tokens": 3, "output_tokens": 1, "total_tokens": 4}, None)
    {'input_tokens': 3, 'output_tokens': 1, 'total_tokens': 4}
    """
    if left is None or right is None:
        only = left or right
        return _copy(only) if only else UsageMetadata(input_tokens=0, output_tokens=0, total_tokens=0)
    total = _copy(left)
    _add(cast("dict[str, object]", total), cast("dict[str, object]", right))
    return total


def _copy(usage: UsageMetadata) -> UsageMetadata:
    return cast("UsageMetadata", plain_copy(usage))


def _add(total: dict[str, object], more: dict[str, object]) -> None:
    for key, value in more.items():
        have = total.get(key)
        if isinstance(have, dict) and isinstance(value, dict):
            _add(cast("dict[str, object]", have), cast("dict[str, object]", value))
        elif isinstance(have, (int, float)) and isinstance(value, (int, float)):
            total[key] = have + value
        elif have is None:
            total[key] = plain_copy(value)
