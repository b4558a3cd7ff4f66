"""Reasoning that a server sends as text, between `<think>` and `</think>`; pure.

It stands at the beginning of an answer or nowhere. What separates it from the text is kept, so that the answer can go
back as it came.
"""

from __future__ import annotations

__all__ = ["MARK", "OPEN", "ThinkTags", "with_tags"]

MARK = "think_tags"
"""Where `response_metadata` says that reasoning came in the text: the space between it and the text."""
OPEN, _CLOSE = "<think>", "</think>"


class ThinkTags:
    """Text in, reasoning and text out; any split of the text gives the same."""

    __slots__ = ("_held", "_state", "between")

    def __init__(self) -> None:
        self._held = ""
        self._state = "before"
        self.between: str | None = None
        """The space between reasoning and text, known when the text begins; None where there was no reasoning."""

    @property
    def is_done(self) -> bool:
        """Whether all that comes from now on is text."""
        return self._state == "after"

    def feed(self, text: str) -> tuple[str, str]:
        """The reasoning and the text that are known now that this is here."""
        held, self._held = self._held + text, ""
        if self._state == "before":
            bare = held.lstrip()
            if OPEN.startswith(bare) and len(bare) < len(OPEN):
                self._held = held
                return "", ""
            if not bare.startswith(OPEN):
                self._state = "after"
                return "", held
            self._state = "inside"
            held = bare[len(OPEN) :]
        reasoning = ""
        if self._state == "inside":
            reasoning, closed, held = held.partition(_CLOSE)
            if not closed:
                half = _half(reasoning)
                self._held = reasoning[len(reasoning) - half :] if half else ""
                return reasoning[: len(reasoning) - half], ""
            self._state = "between"
            self.between = ""
        if self._state == "between":
            bare = held.lstrip()
            self.between = (self.between or "") + held[: len(held) - len(bare)]
            if not bare:
                return reasoning, ""
            self._state = "after"
            held = bare
        return reasoning, held

    def end(self) -> tuple[str, str]:
        """What is left when nothing more comes."""
        held, self._held = self._held, ""
        if self._state == "inside":
            self.between = ""
            return held, ""
        return "", held


def _half(text: str) -> int:
    """How many letters at the end of a text may be the beginning of the closing tag."""
    return next((size for size in range(len(_CLOSE) - 1, 0, -1) if text.endswith(_CLOSE[:size])), 0)


def with_tags(reasoning: str, between: str, text: str) -> str:
    """Reasoning and text as they came.

    >>> with_tags("Hm.", "  ", "Yes.")
    '<think>Hm.</think>  Yes.'
    """
    return f"{OPEN}{reasoning}{_CLOSE}{between}{text}"
