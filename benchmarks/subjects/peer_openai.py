"""The openai SDK, on which the other peers stand, for the group `peers`."""

from __future__ import annotations

from typing import Any

IMPORT = "import openai"
COLD = """
import openai
client = openai.OpenAI(base_url=URL, api_key="sk-benchmark")
messages = [{"role": "user", "content": QUESTION}]
text = client.chat.completions.create(model="gpt-4o-mini", messages=messages).choices[0].message.content
"""


def cases(base_url: str) -> dict[str, Any]:
    """The cases, over the server at this address: `chat.completions.create`, the texts of deltas added."""
    from benchmarks.subjects import wire_openai

    return wire_openai.cases(base_url)
