"""The pages of docs/providers, one for each row of the gateway table: `python -m tools.providers FOLDER` writes them.

A page says what is known of the provider and where from, what of it was verified with recorded traffic, and what was
not. A test compares the pages with what this makes.
"""

from __future__ import annotations

import sys
import textwrap
from collections import Counter
from pathlib import Path
from typing import Any

from chatplug_openai_compat.gateway import GENERIC, Gateway, gateway_names, gateway_of
from chatplug_openai_compat.server import server_of

from tools.recordings import load

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "providers"
OVERVIEW = ROOT / "docs" / "providers.md"
RECORDED_AS = {"alibaba": "dashscope", "azure": "azure_openai"}
"""Who was recorded under another name than the row's."""
REAL = {
    "llamacpp": "The tests talk to a real llama.cpp server (`tests/integration`): calls and streams, settings, several "
    "requests at once, errors, the list of models, and a server that is killed in mid-stream; here also tools, JSON "
    "schemas, likelihoods and reasoning.",
}
FEATURES: dict[str, tuple[str, ...]] = {
    "streams": ("stream",),
    "tool calls": ("out:tool-call",),
    "several tool calls in one answer": ("out:parallel-tool-calls",),
    "a choice of tools other than auto": (
        "in:tool_choice=any",
        "in:tool_choice=function",
        "in:tool_choice=none",
        "in:tool_choice=required",
    ),
    "results of tools": ("in:tool-result",),
    "answers in a JSON schema": ("in:json_schema",),
    "answers in JSON": ("in:json_object",),
    "images": ("in:image",),
    "documents": ("in:document",),
    "audio": ("in:audio",),
    "reasoning": ("out:reasoning-field", "out:reasoning_content", "out:reasoning_details", "out:think-tags"),
    "reasoning sent back": ("in:reasoning-echo",),
    "citations": ("out:citations",),
    "likelihoods of tokens": ("out:logprobs",),
    "more answers than one": ("out:n",),
    "refusals": ("out:refusal",),
    "tokens from a cache": ("out:usage=cache-read",),
    "errors": ("out:error",),
}
"""What can be verified, and the features of recordings that show it."""
INSTALL = "pip install chatplug-openai-compat"
HOW = (
    "Each answer is read into the message that its raw events say, streams at eight ways of splitting their bytes, and "
    "OpenAI's own client agrees on text, tool calls, tokens and finish reason."
)
GUIDE = (
    f"Comes with `{INSTALL}`. What all providers of this package have in common is in "
    "[the guide](../how-to/openai-compatible.md)."
)


def row_of(provider: str) -> str:
    """The row that a recorded provider belongs to."""
    name = RECORDED_AS.get(provider, provider)
    return name if name in gateway_names() else GENERIC


def by_row(folder: Path) -> dict[str, list[Any]]:
    """The recordings of chat completions, for each row."""
    found: dict[str, list[Any]] = {name: [] for name in gateway_names()}
    for rec in load(folder).load(folder, where={"endpoint": "chat"}).values():
        found[row_of(rec.provider)].append(rec)
    return found


def page(gateway: Gateway, recordings: list[Any]) -> str:
    """The page of one provider."""
    parts = [
        f"# `{gateway.name}`: {gateway.title}",
        GUIDE,
        example(gateway, recordings),
        "## What is known\n\n" + facts(gateway, recordings),
        "## Verified\n\n" + verified(gateway, recordings),
        "## Not verified\n\n" + not_verified(gateway, recordings),
        "<!-- Written by `python -m tools.providers`; a test compares. -->",
    ]
    return "\n\n".join(map(wrapped, parts)) + "\n"


def wrapped(part: str) -> str:
    """A part of a page with its prose in lines of at most 120 letters; tables and blocks stay as they are."""
    lines = part.splitlines()
    if any(line.startswith("```") for line in lines):
        return part
    return "\n".join(
        line if line.startswith("|") else textwrap.fill(line, 120, break_long_words=False, break_on_hyphens=False)
        for line in lines
    )


def example(gateway: Gateway, recordings: list[Any]) -> str:
    """A model made, as a block that is run."""
    models = Counter(rec.model for rec in recordings if rec.model and not rec.model.startswith("/"))
    model = min(models, key=lambda name: (-models[name], name)) if models else "MODEL"
    settings: list[str] = []
    shown = gateway.base_url
    if shown is None:
        shown = "https://my-resource.openai.azure.com" if gateway.api_version else "http://127.0.0.1:8080/v1"
        settings.append(f'base_url="{shown}"')
    if "127.0.0.1" not in shown:
        settings.append('api_key="..."')
    arguments = ", ".join([f'"{gateway.name}:{model}"', *settings])
    url = server_of(gateway, shown, None).chat(model)
    lines = ["import chatplug", "", f"model = chatplug.init({arguments})", "print(model.common.url)", f"#> {url}"]
    return "\n".join(["```python", *lines, "```"])


def facts(gateway: Gateway, recordings: list[Any]) -> str:
    """The row as a table for readers."""
    sent = {name for rec in recordings for name in rec.headers}
    limits = [name for name in gateway.rate_limits.values() if name.replace("*", "remaining") in sent]
    rows = [
        ("address", f"`{gateway.base_url}`" if gateway.base_url else "you say where: `base_url`"),
        ("variables of the address", _code(gateway.base_url_variables)),
        ("variables of the key", _code(gateway.key_variables)),
        ("header of the key", f"`{gateway.key_header}`" if gateway.key_header != "authorization" else ""),
        ("dated versions", _dated(gateway)),
        ("settings under another name", _names(gateway)),
        ("settings that it does not take", _code(gateway.unsupported)),
        ("choices of tools that it knows", ", ".join(gateway.tool_choice) if len(gateway.tool_choice) < 4 else ""),
        ("tokens of a stream", "come unasked" if gateway.usage == "unasked" else "are asked for"),
        ("reasoning", _reasoning(gateway)),
        (
            "ids of tool calls",
            "nine letters and digits; others are mapped" if gateway.tool_call_ids == "mistral" else "",
        ),
        ("name of a request", f"header `{gateway.request_id}`" if gateway.request_id in sent else ""),
        ("rate limits", f"headers {_code(limits)}" if limits else ""),
        ("model names that need no provider", _code([f"{name}..." for name in gateway.models])),
    ]
    told = ["| what | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows if value)]
    where = ", ".join(source if source == "recorded" else f"<{source}>" for source in gateway.sources)
    return "\n".join(told) + f"\n\nFrom {where.replace('recorded', 'recorded traffic')}, looked up {gateway.checked}."


def _code(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _dated(gateway: Gateway) -> str:
    if not gateway.api_version:
        return ""
    return f"`api_version`, or `{gateway.api_version['variable']}`; then at `{gateway.api_version['path']}`"


def _names(gateway: Gateway) -> str:
    names = ", ".join(f"`{ours}` as `{theirs}`" for ours, theirs in gateway.names.items())
    since = gateway.api_version.get("names_since")
    return f"{names}; not in versions before {since}" if since else names


def _reasoning(gateway: Gateway) -> str:
    fields = _code(gateway.reasoning)
    return f"{fields}, or text between `<think>` tags" if gateway.think_tags else fields


def verified(gateway: Gateway, recordings: list[Any]) -> str:
    """What recorded traffic shows, counted."""
    if not recordings:
        return "\n\n".join(filter(None, [REAL.get(gateway.name), "Nothing is recorded of it."]))
    answers = [rec for rec in recordings if rec.status == 200]
    refused = Counter(rec.status for rec in recordings if rec.status != 200)
    told = [
        f"{len(recordings)} recordings: {sum(not rec.stream for rec in answers)} whole answers, "
        f"{sum(rec.stream for rec in answers)} streams"
        + "".join(f", {count} with status {status}" for status, count in sorted(refused.items()))
        + ".",
        f"{HOW} {sum(rec.request is not None for rec in recordings)} requests are sent as the real client sent them.",
    ]
    others = sorted({rec.provider for rec in recordings})
    if gateway.name == GENERIC:
        told.append(f"Recorded of {', '.join(others)}.")
    counts = counted(recordings)
    rows = [
        "| seen | recordings |",
        "| --- | ---: |",
        *(f"| {name} | {count} |" for name, count in counts.items() if count),
    ]
    told.append("\n".join(rows))
    return "\n\n".join(filter(None, [*told, REAL.get(gateway.name)]))


def counted(recordings: list[Any]) -> dict[str, int]:
    """How many recordings show each feature."""
    return {name: sum(not marks.isdisjoint(rec.features) for rec in recordings) for name, marks in _MARKS.items()}


_MARKS = {name: frozenset(marks) for name, marks in FEATURES.items()}


def not_verified(gateway: Gateway, recordings: list[Any]) -> str:
    """What no recording shows."""
    if not recordings:
        real = " but for what the real server shows" if gateway.name in REAL else ""
        return f"Everything{real}: the facts are what the pages named above say, or are as at OpenAI."
    missing = [name for name, count in counted(recordings).items() if not count]
    more = (
        "What no traffic shows is as the pages above say, or as at OpenAI: the settings that it does not take, for one."
    )
    return f"No recording shows: {', '.join([*missing, 'an answer of status 5xx'])}.\n\n{more}"


def overview(recordings: dict[str, list[Any]]) -> str:
    """The page that lists all providers of the package."""
    rows = ["| provider | | key | recordings |", "| --- | --- | --- | ---: |"]
    for name, found in recordings.items():
        gateway = gateway_of(name)
        rows.append(
            f"| [`{name}`](providers/{name}.md) | {gateway.title} | `{gateway.key_variables[0]}` | {len(found)} |"
        )
    return "\n".join(
        [
            "# Providers of OpenAI's wire",
            "",
            wrapped(
                f"`{INSTALL}` brings these. Each is a row of facts, with their source; its page says what was verified "
                "with recorded traffic, and what was not. A server that is not here is reached as `openai_compat` with "
                "its `base_url`, or under [a name of your own](how-to/name-providers.md)."
            ),
            "",
            *rows,
            "",
            "```{toctree}",
            ":hidden:",
            ":glob:",
            "",
            "providers/*",
            "```",
            "",
            "<!-- Written by `python -m tools.providers`; a test compares. -->",
            "",
        ]
    )


def pages(folder: Path) -> dict[Path, str]:
    """Every page, by its path."""
    recordings = by_row(folder)
    made = {PAGES / f"{name}.md": page(gateway_of(name), found) for name, found in recordings.items()}
    return {OVERVIEW: overview(recordings), **made}


if __name__ == "__main__":
    PAGES.mkdir(exist_ok=True)
    for path, text in pages(Path(sys.argv[1])).items():
        path.write_text(text, encoding="utf-8")
