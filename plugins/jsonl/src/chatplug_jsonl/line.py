"""A run as one line of JSON, without secrets."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from chatplug.callbacks import Run

__all__ = ["line_of"]

HIDDEN = "[secret]"

# What keys of well-known services look like, and what has a name that secrets have. The first group is kept. They are
# looked for in JSON, so none of them may take a quotation mark or a backslash with it.
_SECRETS = [
    re.compile(r"()\b(?:sk|pk|rk|gsk|xai|hf|r8|nvapi|pplx|ghp|gho|glpat|xoxb|xoxp)[-_][A-Za-z0-9_\-]{12,}"),
    re.compile(r"()\bAIza[A-Za-z0-9_\-]{30,}"),
    re.compile(r"()\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(r"()\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]*"),
    re.compile(r"(\b(?:Bearer|Basic) +)[A-Za-z0-9._~+/\-]{8,}=*", re.IGNORECASE),
    re.compile(
        r'("(?:[\w-]*[_-])?(?:api[_-]?key|authorization|password|passwd|secret|access[_-]?token)" *: *")'
        r'[^"\\]*(?:\\.[^"\\]*)*(?=")',
        re.IGNORECASE,
    ),
]


def line_of(run: Run, *, contents: bool) -> bytes:
    """The run as JSON in UTF-8, with a newline at its end and none inside.

    Args:
        run: A run that has ended.
        contents: Whether to write what was asked and what came of it.
    """
    facts: dict[str, Any] = {
        "id": str(run.id),
        "parent_id": None if run.parent_id is None else str(run.parent_id),
        "kind": run.kind,
        "name": run.name,
        "status": run.status,
        "start": datetime.fromtimestamp(run.start, UTC).isoformat(),
        "seconds": _rounded(run.duration),
        "seconds_to_first_token": _rounded(run.time_to_first_token),
        "provider": run.provider,
        "model": run.model,
        "usage": run.usage,
        "usage_status": run.usage_status if run.kind == "chat_model" else None,
        "retries": run.retries,
        "tags": list(run.tags),
        "metadata": dict(run.metadata),
        "error": None if run.error is None else {"type": type(run.error).__name__, "text": str(run.error)},
    }
    if contents:
        facts["inputs"], facts["output"] = run.inputs, run.output
    text = json.dumps(_plain(facts), ensure_ascii=False, separators=(",", ":"))
    for pattern in _SECRETS:
        text = pattern.sub(rf"\1{HIDDEN}", text)
    # Half a surrogate has no form in UTF-8; in JSON it has one.
    return text.encode("utf-8", "backslashreplace") + b"\n"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)


def _plain(value: Any, levels: int = 50) -> Any:
    """A value as JSON has it; of what has no form in JSON its `repr`."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else repr(value)  # JSON knows no infinity
    if not levels:
        return "..."
    if isinstance(value, dict):
        items = cast("dict[object, object]", value).items()
        return {name if isinstance(name, str) else repr(name): _plain(one, levels - 1) for name, one in items}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(one, levels - 1) for one in cast("list[object]", value)]
    dump = getattr(value, "model_dump", None)
    if dump is not None and not isinstance(value, type):
        return _plain(dump(mode="json"), levels - 1)
    return repr(value)
