"""The table of gateways: what is different about each provider, as facts and not as code.

`gateways.toml` has a table for each provider. Only the one that is asked for is parsed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from chatplug.errors import SettingsError, nearest
from chatplug.wire import is_array

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

__all__ = ["GENERIC", "Gateway", "gateway_names", "gateway_of"]

GENERIC = "openai_compat"
"""The row of a server that nobody described."""
_EVERY_CHOICE = ("auto", "none", "required", "named")
_LIMITS = {"requests": "x-ratelimit-*-requests", "tokens": "x-ratelimit-*-tokens"}


@dataclass(slots=True, frozen=True, kw_only=True)
class Gateway:
    """One row of the table; the file says what each fact means."""

    name: str
    title: str
    base_url: str | None = None
    base_url_variables: tuple[str, ...] = ()
    key_variables: tuple[str, ...] = ()
    key_header: str = "authorization"
    path: str = ""
    api_version: Mapping[str, str] = field(default_factory=dict[str, str])
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    usage: Literal["stream_options", "unasked"] = "stream_options"
    reasoning: tuple[str, ...] = ("reasoning_content",)
    think_tags: bool = True
    tool_choice: tuple[str, ...] = _EVERY_CHOICE
    tool_call_ids: Literal["openai", "mistral"] = "openai"
    unsupported: tuple[str, ...] = ()
    request_id: str = "x-request-id"
    rate_limits: Mapping[str, str] = field(default_factory=_LIMITS.copy)
    models: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    checked: date | None = None


@cache
def gateway_of(name: str) -> Gateway:
    """The row of a provider.

    Raises:
        SettingsError: If the table has no such row.
    """
    head = f"\n[{name}]\n"
    text = _text()
    start = text.find(head)
    if start < 0:
        names = gateway_names()
        raise SettingsError(
            f"There is no gateway {name!r}.", hint=nearest(name, names) or f"There are {', '.join(names)}."
        )
    # The other rows are not parsed: that would take longer than all else that a model's first call needs of the table.
    end = text.find("\n[", start + len(head))
    import tomllib

    row: dict[str, Any] = tomllib.loads(text[start : end if end >= 0 else None])[name]
    facts: dict[str, Any] = {fact: tuple(value) if is_array(value) else value for fact, value in row.items()}
    return Gateway(name=name, **facts)


def gateway_names() -> list[str]:
    """The names of all rows, in the order of the table."""
    return [line[1:-1] for line in _text().splitlines() if line.startswith("[")]


def _text() -> str:
    return Path(__file__).with_name("gateways.toml").read_text(encoding="utf-8")
