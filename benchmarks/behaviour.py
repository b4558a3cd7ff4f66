"""What chatplug and its peers do where it is not time that counts: `python -m benchmarks.behaviour` asks and prints.

Each is asked in its own environment, as `python -m benchmarks peers --make-environment` makes it, by
`subjects/behaviour_of.py`, and in fresh processes for what an import does.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import environment, server
from benchmarks.measure import ROOT
from benchmarks.peers import SUBJECTS, installed

ROWS = {
    "loops": "one object in three event loops, one after the other",
    "in_a_loop": "a synchronous call where a loop runs",
    "short": "a stream that ends unfinished is an error",
    "partial": "the error of a broken stream holds what had come",
    "left": "what a listener hears of a stream that is left",
    "network": "hosts that an import asks",
    "plugins": "plugins of others imported to ask one of 500",
}
_NETWORK = """
import json, socket
asked = []
def refuse(host, *rest, **more):
    asked.append(host[0] if isinstance(host, tuple) else host)
    raise OSError("no network")
socket.getaddrinfo = refuse
{statement}
print("ANSWER", ", ".join(sorted({{str(host) for host in asked}})) or "none")
"""
_PLUGINS = {
    "chatplug": (
        "chatplug.providers",
        """
from chatplug import hookimpl
from chatplug.language_models import FakeListChatModel
@hookimpl
def chatplug_create_model(provider, model, settings):
    return FakeListChatModel(responses=["hi"])
""",
        "import chatplug\nassert chatplug.init('bench_7:x').invoke('hi').text == 'hi'",
    ),
    "llm": (
        "llm",
        """
import llm
class Model(llm.Model):
    model_id = __name__
    def execute(self, prompt, stream, response, conversation):
        yield "hi"
@llm.hookimpl
def register_models(register):
    register(Model())
""",
        "import llm\nassert llm.get_model('bench_7').prompt('hi').text() == 'hi'",
    ),
}
"""Where plugins of others are found: their entry-point group, a plugin, and how one of them is asked."""
_NUMBER = 500


def answers(name: str, python: str, url: str) -> dict[str, str]:
    """What one peer does, by question."""
    command = [python, "-m", "benchmarks.subjects.behaviour_of", name, url]
    given: dict[str, str] = json.loads(_said(command, "ANSWERS"))
    subject = importlib.import_module(f"benchmarks.subjects.{SUBJECTS[name]}")
    given["network"] = _said([python, "-I", "-c", _NETWORK.format(statement=subject.IMPORT)], "ANSWER")
    given["plugins"] = _plugins(name, python)
    return given


def _plugins(name: str, python: str) -> str:
    if name not in _PLUGINS:
        return "no discovery"
    group, module, statement = _PLUGINS[name]
    with tempfile.TemporaryDirectory() as place:
        for number in range(_NUMBER):
            plugin = f"bench_{number}"
            folder = Path(place, f"{plugin}-1.0.dist-info")
            folder.mkdir()
            (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {plugin}\nVersion: 1.0\n")
            (folder / "RECORD").write_text("")
            (folder / "entry_points.txt").write_text(f"[{group}]\n{plugin} = {plugin}\n")
            Path(place, f"{plugin}.py").write_text(module)
        code = f"import sys\nsys.path.append({place!r})\n{statement}\n"
        code += "print('ANSWER', sum(name.startswith('bench_') for name in sys.modules))"
        return _said([python, "-I", "-c", code], "ANSWER")


def _said(command: list[str], mark: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    found = [line.partition(" ")[2] for line in done.stdout.splitlines() if line.startswith(f"{mark} ")]
    if not found:
        raise SystemExit(f"{' '.join(command[:4])} said nothing.\n{done.stderr[-2000:]}")
    return found[-1]


def main() -> None:
    """Print the table."""
    pythons = environment.peers()
    if len(pythons) < len(SUBJECTS):
        print("Peers are missing; python -m benchmarks peers --make-environment makes them.", file=sys.stderr)
    with server.running() as url:
        columns = {name: answers(name, python, url) for name, python in pythons.items()}
    heads = [f"{name} {installed(name, python).version}" for name, python in pythons.items()]
    print(f"|  | {' | '.join(heads)} |\n| --- |{' --- |' * len(heads)}")
    for row, about in ROWS.items():
        print(f"| {about} | {' | '.join(column[row] for column in columns.values())} |")


if __name__ == "__main__":
    main()
