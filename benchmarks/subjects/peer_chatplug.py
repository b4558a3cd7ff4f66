"""chatplug's `openai_compat`, for the group `peers`."""

from __future__ import annotations

from typing import Any

IMPORT = "import chatplug"
COLD = """
import chatplug
model = chatplug.init("openai_compat:gpt-4o-mini", base_url=URL, api_key="sk-benchmark")
text = model.invoke(QUESTION).text
"""


def cases(base_url: str) -> dict[str, Any]:
    """The cases, over the server at this address: `invoke` and `stream`, chunks added with `+`."""
    from benchmarks.subjects import wire_chatplug

    return wire_chatplug.cases(base_url)
