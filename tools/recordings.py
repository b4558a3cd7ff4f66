"""How much of the recorded traffic the project reads, endpoint by endpoint: `python -m tools.recordings FOLDER`.

The table stands in docs/recordings.md, and a test compares it with what this prints.
"""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from chatplug_openai_compat.decode import decode_answer
from chatplug_openai_compat.errors import error_from_answer, error_from_event
from chatplug_openai_compat.json_text import read_json
from chatplug_openai_compat.stream import StreamReader

from chatplug.errors import InvalidResponseError, ProviderError, StreamBrokenError
from chatplug.messages import export_messages, import_messages

FORMATS = {"chat": "openai", "messages": "anthropic"}
NOT_SPOKEN = "no plugin speaks it yet"


@cache
def load(folder: Path) -> ModuleType:
    """The module beside the recordings that reads and serves them."""
    spec = importlib.util.spec_from_file_location("replay", folder / "replay.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["replay"] = module
    spec.loader.exec_module(module)
    return module


def reads_answer(rec: Any) -> bool:
    """Whether an answer of chat completions is read: into messages, or into an error of the tree."""
    try:
        if rec.status != 200:
            raise error_from_answer(rec.status, rec.headers, rec.data, "http://127.0.0.1/v1/chat/completions")
        if rec.kind == "sse":
            reader = StreamReader("recorded", error_from_event)
            return bool([*reader.feed(rec.data), *reader.end()])
        body = read_json(rec.data)
        if body.get("error"):
            raise error_from_event(body)
        return bool(decode_answer(body, "recorded").generations)
    except (InvalidResponseError, StreamBrokenError):
        return False
    except ProviderError:
        return True


def reads_request(rec: Any) -> bool:
    """Whether a conversation comes in and goes out again."""
    form = FORMATS[rec.endpoint]
    value = rec.request if form == "anthropic" else rec.request["messages"]
    return bool(export_messages(import_messages(value, form), form).value)


def table(folder: Path) -> str:
    """The table, in Markdown."""
    recordings = list(load(folder).load(folder).values())
    totals = Counter(rec.endpoint for rec in recordings)
    lines = [
        "| endpoint | recordings | conversations read and written | answers read | not read |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    for endpoint, total in sorted(totals.items(), key=lambda item: (-item[1], item[0])):
        mine = [rec for rec in recordings if rec.endpoint == endpoint]
        asked = [rec for rec in mine if rec.request is not None and endpoint in FORMATS]
        requests = f"{sum(map(reads_request, asked))} of {len(asked)}" if asked else "0"
        answers = f"{sum(map(reads_answer, mine))} of {total}" if endpoint == "chat" else "0"
        why = "" if endpoint == "chat" else f"answers: {NOT_SPOKEN}" if endpoint in FORMATS else NOT_SPOKEN
        lines.append(f"| `{endpoint}` | {total} | {requests} | {answers} | {why} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(Path(sys.argv[1])))
