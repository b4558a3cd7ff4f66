"""Ids of tool calls that the one who gets them would refuse.

The rules differ: what one provider makes, another may not accept. An id that does not fit is replaced by one that is
made from it and from nothing else, so the same call has the same id in each message, each request and each process.
The messages keep their own ids; nothing has to be mapped back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

__all__ = ["ANTHROPIC_IDS", "MISTRAL_IDS", "OPENAI_IDS", "ToolCallIdRule", "mapped_id"]

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(slots=True, frozen=True)
class ToolCallIdRule:
    """Which ids a provider accepts, and what those look like that are made for it."""

    pattern: str
    """A regular expression that a whole id has to match."""
    prefix: str = "call_"
    """How a made id begins."""
    digits: int = 24
    """How many letters and digits follow; 24 of them are 143 bits."""

    def accepts(self, identity: str) -> bool:
        """Whether an id can go as it is."""
        return _compiled(self.pattern).fullmatch(identity) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


# "tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'" (status 400 of the Messages API, reported 2025-07 to
# 2026-07). Ids of 128 characters were accepted in 2026-09.
ANTHROPIC_IDS = ToolCallIdRule(r"[a-zA-Z0-9_-]+")
"""What Anthropic's messages accept."""
# "must be a-z, A-Z, 0-9, with a length of 9" (status 400 of Mistral's API, reported 2024-07 to 2026-06). Nine of 62
# digits are 53 bits: among a thousand calls two get the same id once in ten billion conversations.
MISTRAL_IDS = ToolCallIdRule(r"[a-zA-Z0-9]{9}", prefix="", digits=9)
"""What Mistral's chat completions accept."""
# "Invalid 'messages[10].tool_calls[0].id': string too long. Expected a string with maximum length 40" (status 400 of
# chat completions, reported 2025-03 to 2025-12).
OPENAI_IDS = ToolCallIdRule(r"(?s:.{0,40})")
"""What OpenAI's chat completions accept."""


def mapped_id(identity: str, rule: ToolCallIdRule) -> str:
    """An id that fits the rule: the same where it fits already, else one made from it.

    >>> mapped_id("call_1", ANTHROPIC_IDS)
    'call_1'
    >>> mapped_id("functions.look:0", ANTHROPIC_IDS)
    'call_jqtEhGcQxH99d78z5Kbutqg3'
    >>> mapped_id("functions.look:0", MISTRAL_IDS)
    'jqtEhGcQx'
    """
    if rule.accepts(identity):
        return identity
    from hashlib import sha256

    number = int.from_bytes(sha256(identity.encode("utf-8", "surrogatepass")).digest(), "big")
    made = ""
    for _ in range(rule.digits):
        number, digit = divmod(number, len(_DIGITS))
        made += _DIGITS[digit]
    return rule.prefix + made
