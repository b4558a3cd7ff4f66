"""What a docstring says of a function, and of each of its arguments.

Three styles are read, each as its own documentation describes it: Google's (`Args:`), numpydoc's (`Parameters` with a
line of dashes) and reST's (`:param city: ...`). Whatever else is there stays in the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from inspect import cleandoc

__all__ = ["Docstring", "read_docstring"]


@dataclass(slots=True)
class Docstring:
    """A docstring, taken apart."""

    text: str = ""
    """All of it but the list of arguments."""
    arguments: dict[str, str] = field(default_factory=dict[str, str])
    """What is said of each argument, on one line."""


_GOOGLE = re.compile(
    r"(Args|Arguments|Parameters|Params|Attributes|Keyword Args|Keyword Arguments|Other Parameters):\s*"
)
_NUMPY = re.compile(r"(Parameters|Other Parameters|Attributes)\s*")
_REST = re.compile(r":(?:param|parameter|arg|argument|key|keyword|ivar)\s+(?:[^:]*\s)?\*{0,2}(\w+)\s*:\s*(.*)")
_REST_TYPE = re.compile(r":(?:type|vartype)\s+\w+\s*:")
_REST_FIELD = re.compile(r":\w+[^:]*:")
_GOOGLE_ARGUMENT = re.compile(r"\*{0,2}(\w+)\s*(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?\s*:(?:\s+(.*)|\s*)$")
_NUMPY_ARGUMENT = re.compile(r"\*{0,2}(\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?::.*)?$")


def read_docstring(doc: str | None) -> Docstring:
    """A docstring, taken apart.

    >>> read_docstring('''The weather.
    ...
    ...     Args:
    ...         city: Where,
    ...             in any language.
    ...     ''')
    Docstring(text='The weather.', arguments={'city': 'Where, in any language.'})
    """
    lines = cleandoc(doc or "").splitlines()
    found = Docstring()
    kept: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        following = lines[at + 1] if at + 1 < len(lines) else ""
        if _GOOGLE.fullmatch(line) and following.startswith((" ", "\t")):
            at = _read_google(lines, at + 1, found.arguments)
        elif _NUMPY.fullmatch(line) and re.fullmatch(r"-{3,}\s*", following):
            at = _read_numpy(lines, at + 2, found.arguments)
        elif _REST.match(line) or _REST_TYPE.match(line):
            at = _read_rest(lines, at, found.arguments)
        else:
            kept.append(line)
            at += 1
    found.text = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()
    return found


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _read_google(lines: list[str], at: int, arguments: dict[str, str]) -> int:
    """Read the arguments below `Args:`; gives the line after them."""
    depth = _indent(lines[at])
    name = ""
    while at < len(lines) and (not lines[at].strip() or _indent(lines[at]) >= depth):
        text = lines[at].strip()
        match = _GOOGLE_ARGUMENT.match(text) if text and _indent(lines[at]) == depth else None
        if match:
            name = match[1]
            arguments[name] = match[2] or ""
        elif text and name:
            arguments[name] = f"{arguments[name]} {text}".strip()
        at += 1
    return at


def _read_numpy(lines: list[str], at: int, arguments: dict[str, str]) -> int:
    """Read the arguments below `Parameters` and its dashes; gives the line after them."""
    names: list[str] = []
    while at < len(lines):
        line = lines[at]
        if line.strip() and _indent(line) == 0:
            match = _NUMPY_ARGUMENT.match(line)
            is_title = at + 1 < len(lines) and re.fullmatch(r"-{3,}\s*", lines[at + 1])
            if match is None or is_title:
                break
            names = [name.strip().lstrip("*") for name in match[1].split(",")]
            arguments.update(dict.fromkeys(names, ""))
        elif line.strip():
            for name in names:
                arguments[name] = f"{arguments[name]} {line.strip()}".strip()
        at += 1
    return at


def _read_rest(lines: list[str], at: int, arguments: dict[str, str]) -> int:
    """Read one `:param name: text`, which may go on on the next lines; gives the line after it."""
    match = _REST.match(lines[at])
    at += 1
    more: list[str] = []
    while at < len(lines) and lines[at].strip() and not _REST_FIELD.match(lines[at]) and lines[at][0] in " \t":
        more.append(lines[at].strip())
        at += 1
    if match:
        arguments[match[1]] = " ".join([match[2].strip(), *more]).strip()
    return at
