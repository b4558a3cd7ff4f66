"""Chunks added up, for the tests of this folder."""

from __future__ import annotations

from chatplug.messages import AIMessageChunk


def joined(*chunks: AIMessageChunk) -> AIMessageChunk:
    whole = AIMessageChunk()
    for chunk in chunks:
        whole = whole + chunk
    return whole
