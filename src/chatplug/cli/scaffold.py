"""The files of a new distribution: templates with a few names filled in; pure but for reading them.

A template's path and text have `$name` and its kin, see `Names`; `package` in a path stands for the package's name, and
`.txt` at the end keeps tools from taking a template for what it is a template of.
"""

from __future__ import annotations

import re
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Literal, NamedTuple

from chatplug import __version__
from chatplug.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

__all__ = ["Kind", "Names", "names_of", "written"]

Kind = Literal["provider", "small", "callbacks", "converter"]
"""Which templates; `small` is a provider in one module."""

_GROUPS: dict[Kind, str] = {
    "provider": "providers",
    "small": "providers",
    "callbacks": "extensions",
    "converter": "extensions",
}
_DESCRIPTIONS: dict[Kind, str] = {
    "provider": "The provider `{}` for chatplug.",
    "small": "The provider `{}` for chatplug.",
    "callbacks": "The callbacks `{}` for chatplug.",
    "converter": "The message format `{}` for chatplug.",
}


class Names(NamedTuple):
    """What the templates leave open."""

    name: str
    """The provider's, or the entry point's: `acme`."""
    NAME: str
    """For variables of the environment: `ACME`."""
    cls: str
    """For classes: `Acme`."""
    package: str
    """`chatplug_acme`."""
    distribution: str
    """`chatplug-acme`."""
    description: str
    """One line, without the characters that would end a string."""
    group: str
    """The entry-point group, behind `chatplug.`."""
    extra: str
    """The extra of chatplug that it needs, in brackets; empty for none."""
    version: str
    """The versions of chatplug that it is made for, behind `>=`."""


def names_of(kind: Kind, name: str) -> Names:
    """What a name stands for in the templates.

    Raises:
        InvalidRequestError: If it is no name for a provider.

    >>> names_of("provider", "blue-whale").distribution
    'chatplug-blue-whale'
    """
    plain = name.strip().lower().replace("-", "_").removeprefix("chatplug_")
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", plain):
        raise InvalidRequestError(
            f"{name!r} is no name for a plugin.", hint="Take letters, digits and underscores, as in blue_whale."
        )
    minor = int(__version__.split(".")[1])
    return Names(
        name=plain,
        NAME=plain.upper(),
        cls="".join(part.capitalize() for part in plain.split("_")),
        package=f"chatplug_{plain}",
        distribution=f"chatplug-{plain.replace('_', '-')}",
        description=_DESCRIPTIONS[kind].format(plain),
        group=_GROUPS[kind],
        extra="[http]" if kind == "provider" else "",
        version=f"0.{minor},<0.{minor + 1}",
    )


def written(kind: Kind, names: Names) -> dict[str, str]:
    """The text of each file, by its path in the new folder."""
    templates = files("chatplug.cli") / "templates"
    found: dict[str, str] = {}
    for path, text in (*_templates(templates / "common", ""), *_templates(templates / kind, "")):
        place = path.removesuffix(".txt").replace("/package/", f"/{names.package}/")
        found[place] = Template(text).substitute(names._asdict())
    return found


def _templates(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        path = f"{prefix}{item.name}"
        if item.is_dir():
            yield from _templates(item, f"{path}/")
        elif path.endswith(".txt"):
            yield path, item.read_text(encoding="utf-8")
