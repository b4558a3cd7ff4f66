"""The picture of a terminal session in the README: `python -m tools.picture` runs it and draws what it prints.

The commands run in a pseudo-terminal, as a user's would, where nothing is installed but chatplug, its command, the
provider `echo` and a plugin that is broken. With `--check` nothing is written, and the exit code is 1 where the picture
is no longer what the commands print; a test does the same.
"""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path
from sysconfig import get_path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "_static" / "session.svg"
SESSION = (
    "chatplug plugins",
    'chatplug run echo:n17 "Plugins for chat, found when they are asked for."',
    'echo "Meow!" | chatplug run echo:n3 --system "You are a cat."',
    'chatplug run ecko:n3 "Meow!"',
    'chatplug run echo:n3 "Meow!" -o temprature=0',
    'chatplug run acme:large "Meow!"',
)
"""What is typed."""
COLUMNS, ROWS = 88, 40
INSTALLED = ("chatplug", "chatplug_echo")
"""Which of our own distributions are there."""
BROKEN = {
    "chatplug_acme-0.3.1.dist-info/METADATA": "Metadata-Version: 2.1\nName: chatplug-acme\nVersion: 0.3.1\n",
    "chatplug_acme-0.3.1.dist-info/entry_points.txt": "[chatplug.providers]\nacme = chatplug_acme\n",
    "chatplug_acme-0.3.1.dist-info/RECORD": "",
    "chatplug_acme.py": "import acme_sdk\n",
}
"""A plugin whose SDK is missing."""
# A dark window on any page, so it is as readable on a light one as on a dark one.
THEME = TerminalTheme(
    (22, 27, 34),
    (230, 237, 243),
    [
        *((72, 79, 88), (255, 123, 114), (63, 185, 80), (210, 153, 34)),
        *((88, 166, 255), (188, 140, 255), (57, 197, 207), (177, 186, 196)),
    ],
)
# Fonts that are on the reader's machine: a page that shows the picture asks no other host for anything.
SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" class="rich-terminal" viewBox="0 0 {width} {height}" role="img">
<title>A terminal session with chatplug</title>
<style>
.{unique_id}-matrix, .{unique_id}-title {{
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px;
}}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""


def install(folder: Path) -> dict[str, str]:
    """Make an environment in a folder; the variables of a shell in it."""
    site, programs = folder / "site", folder / "bin"
    site.mkdir()
    programs.mkdir()
    for path in Path(get_path("purelib")).iterdir():
        is_ours = path.name.startswith("chatplug")
        if path.suffix != ".pth" and (not is_ours or path.name.partition("-")[0] in INSTALLED):
            (site / path.name).symlink_to(path)
    for name, text in BROKEN.items():
        (site / name).parent.mkdir(exist_ok=True)
        (site / name).write_text(text, encoding="utf-8")
    # -S: without the packages of the environment that this runs in.
    command = f'#!/bin/sh\nexec "{sys.executable}" -S -m chatplug "$@"\n'
    (programs / "chatplug").write_text(command, encoding="utf-8")
    (programs / "chatplug").chmod(0o755)
    sources = [site, ROOT / "src", ROOT / "plugins" / "echo" / "src"]
    return {
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "PATH": os.pathsep.join([str(programs), os.defpath]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join(map(str, sources)),
        "TERM": "xterm-256color",
    }


def printed(command: str, folder: Path, variables: dict[str, str]) -> str:
    """What a command prints on a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    with subprocess.Popen(
        ["sh", "-c", command],
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ):
        os.close(theirs)
        data = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    return data.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError as error:  # Linux says so when nobody writes any more
        if error.errno != errno.EIO:
            raise
        return b""


def picture() -> str:
    """The session as SVG."""
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w", encoding="utf-8"), force_terminal=True)  # noqa: SIM115
    with console.file, tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        variables = install(folder)
        for number, command in enumerate(SESSION):
            if number:
                console.print()
            console.print(Text.assemble(("$ ", "green"), (command, "bold")), soft_wrap=False)
            console.print(Text.from_ansi(printed(command, folder, variables).rstrip("\n")))
        return console.export_svg(title="chatplug", theme=THEME, code_format=SVG, unique_id="chatplug")


def main() -> int:
    """Write the picture, or say that it is out of date."""
    drawn = picture()
    if sys.argv[1:] != ["--check"]:
        PICTURE.write_text(drawn, encoding="utf-8")
    elif PICTURE.read_text(encoding="utf-8") != drawn:
        print(f"{PICTURE.relative_to(ROOT)} is not what the commands print: python -m tools.picture draws it anew.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
