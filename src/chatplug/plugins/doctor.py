"""What works of what is installed, what does not, and what to do about it.

Each distribution is imported in a process of its own, within a time limit: whatever a plugin does there, it does to
nobody else, and it is known who did it. What can be seen without importing (a name that two claim, metadata that
cannot be read, a plugin that is kept out) is seen without.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

from chatplug.plugins.declaration import COMMANDS, EXTENSIONS, MODELS, PROVIDERS, Declaration, plain_name, printable
from chatplug.plugins.index import default_index
from chatplug.plugins.placing import provider_behind
from chatplug.plugins.troubles import default_troubles
from chatplug.plugins.trust import trust

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from chatplug.plugins.index import Installed
    from chatplug.plugins.troubles import Troubled
    from chatplug.plugins.trust import Trust

__all__ = ["BROKEN", "KEPT_OUT", "WORKS", "Report", "examine", "homeless", "strangers"]

WORKS, BROKEN, KEPT_OUT = "works", "broken", "kept out"
_LOADED = (PROVIDERS, EXTENSIONS, COMMANDS)
"""The groups whose entry points are imported some day; those of models only name a provider."""
_NOISY = "It writes to standard output when it is imported, where programs expect their own."


class Report(NamedTuple):
    """How one distribution is."""

    distribution: str
    """Its name."""
    version: str
    """Its version; empty where that cannot be read."""
    state: str
    """`works`, `broken` or `kept out`."""
    groups: Mapping[str, list[str]]
    """What it declares: names, by the entry-point group without `chatplug.`."""
    seconds: float | None
    """How long its plugins took to be imported, pluggy and pydantic apart; None where they were not."""
    error: str
    """The first thing that is wrong with it; empty if nothing is."""
    fix: str
    """What to do about that."""
    handlers: list[dict[str, str]]
    """The handlers that hear every run of a process: `handler` is the class, `policy` what it may do to a call."""
    troubles: list[Troubled]
    """What handlers of it went through in any process."""


def examine(limit: float = 30.0, at_once: int | None = None) -> list[Report]:
    """Look at everything that is installed.

    Args:
        limit: Seconds that the plugins of one distribution may take to be imported.
        at_once: How many processes run at a time; as many as there are processors unless told otherwise.
    """
    installed, held = default_index().installed(), trust()
    owned: dict[tuple[str, str], list[Declaration]] = {}
    for names in installed.groups.values():
        for found in names.values():
            for one in found:
                owned.setdefault((one.distribution, one.version), []).append(one)
    reports = [
        Report(
            fault.distribution,
            fault.version,
            BROKEN,
            {},
            None,
            _begun(fault.reason),
            _reinstall(fault.distribution),
            [],
            [],
        )
        for fault in installed.faults
        if (fault.distribution, fault.version) not in owned
    ]
    waiting: SimpleQueue[list[Declaration]] = SimpleQueue()
    for who in owned:
        waiting.put(owned[who])

    def work() -> None:
        with suppress(Empty):
            while True:
                reports.append(_report(waiting.get_nowait(), installed, held, limit))

    threads = [Thread(target=work, daemon=True) for _ in range(at_once or os.cpu_count() or 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(reports, key=lambda report: report.distribution.lower())


def strangers() -> list[str]:
    """The names in allow-lists that nobody has who is installed, each with its list."""
    known = {
        one.distribution
        for names in default_index().installed().groups.values()
        for found in names.values()
        for one in found
    }
    return [
        f"{listed.where} names {name!r}, which is not installed."
        for listed in trust().allowed
        for name in listed.names
        if not any(listed._replace(names=(name,)).has(one) for one in known)
    ]


def homeless() -> list[Troubled]:
    """What handlers went through that no plugin gave: programs brought them."""
    return default_troubles().known(())


def _report(own: list[Declaration], installed: Installed, held: Trust, limit: float) -> Report:
    """How one distribution is, by what it declares."""
    name, version = own[0].distribution, own[0].version
    groups: dict[str, list[str]] = {}
    for one in own:
        groups.setdefault(one.group.partition(".")[2], []).append(one.name)
    refused = held.refusal(own[0])
    if not refused[0] and held.lock:
        refused = held.lock.difference(own[0])
    if refused[0]:
        return Report(name, version, KEPT_OUT, groups, None, _begun(refused[0]), refused[1], [], [])
    seconds, error, fix, handlers = _imported([one for one in own if one.group in _LOADED], limit)
    if not error:
        error, fix = _seen(own, installed, held)
    is_broken = bool(error) and error != _NOISY
    troubles = [one for one in default_troubles().known(own) if one.distribution]
    return Report(name, version, BROKEN if is_broken else WORKS, groups, seconds, error, fix, handlers, troubles)


def _seen(own: list[Declaration], installed: Installed, held: Trust) -> tuple[str, str]:
    """What is wrong with a distribution that need not be imported to be seen, and what to do."""
    providers = installed.groups[PROVIDERS]
    for one in own:
        name = plain_name(one.name)
        rivals = held.those_let_in(providers[name]) if one.group == PROVIDERS else []
        if len(rivals) > 1:
            told = ", ".join(f"{rival.distribution} {rival.version} ({rival.value})" for rival in rivals)
            return (
                f"The provider {one.name!r} is claimed {len(rivals)} times: {told}.",
                "Uninstall all but one of them.",
            )
        if one.group == MODELS and not provider_behind(one, providers):
            told = f"The model name {one.name!r} stands for no provider of its own ({one.value})."
            return told, f"Upgrade {one.distribution}, or tell its author."
    for fault in installed.faults:
        if (fault.distribution, fault.version) == (own[0].distribution, own[0].version):
            return _begun(fault.reason), f"Upgrade {fault.distribution}, or tell its author."
    return "", ""


def _imported(own: list[Declaration], limit: float) -> tuple[float | None, str, str, list[dict[str, str]]]:
    """How long it took to import a distribution's plugins, what went wrong, what to do, and the handlers they give."""
    if not own:
        return None, "", "", []
    once = {(one.group, one.value): one for one in own}
    descriptor, file = tempfile.mkstemp(suffix=".txt")
    os.close(descriptor)
    try:
        ended, printed = _run(file, list(once.values()), limit)
        with open(file, encoding="utf-8") as report:
            lines: list[dict[str, Any]] = [json.loads(line) for line in report if line.endswith("\n")]
    finally:
        os.unlink(file)
    uninstall = f"Upgrade or uninstall {own[0].distribution}."
    failed = next((line for line in lines if "error" in line), None)
    if failed is not None:
        return None, failed["error"], failed["fix"] or uninstall, []
    if not lines or "done" not in lines[-1]:
        last = lines[-1] if lines else {"value": "chatplug"}
        where, doing = last.get("value", "its plugins"), last.get("doing", "was imported")
        return None, f"While {where} {doing} the process {ended}.", uninstall, []
    seconds = sum(line.get("seconds", 0.0) for line in lines)
    handlers = [one for line in lines for one in line.get("handlers", ())]
    return seconds, _NOISY if printed else "", "Tell its author." if printed else "", handlers


_CHILD = """
import json, sys
sys.path[:], arguments = json.loads(sys.stdin.readline())
from chatplug.plugins.examination import main
main(*arguments)
"""


def _run(file: str, own: Iterable[Declaration], limit: float) -> tuple[str, bool]:
    """Import plugins in a process of their own: how it ended, and whether it wrote to standard output."""
    order = json.dumps([sys.path, [file, list(own)]]) + "\n"
    # A file and no pipe: what a plugin has started may hold its output open for longer than anybody waits.
    with (
        tempfile.TemporaryFile() as output,
        subprocess.Popen(
            [sys.executable, "-c", _CHILD],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process,
    ):
        try:
            process.communicate(order, timeout=limit)
        except subprocess.TimeoutExpired:
            process.kill()
            ended = f"had not ended after {limit:g} seconds"
        else:
            code = process.returncode
            ended = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        process.wait()
        return ended, os.fstat(output.fileno()).st_size > 0


def _begun(reason: str) -> str:
    """A reason as a sentence of its own."""
    text = printable(reason).rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."


def _reinstall(distribution: str) -> str:
    return f"Reinstall or uninstall {distribution}."
