"""What a plugin says about itself before it is imported."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

__all__ = [
    "COMMANDS",
    "EXTENSIONS",
    "GROUPS",
    "MODELS",
    "PROVIDERS",
    "Declaration",
    "distribution_key",
    "fault_of",
    "plain_name",
    "printable",
    "remedy",
    "target_of",
    "who",
]

PROVIDERS = "chatplug.providers"
"""The entry-point group in which plugins declare their providers."""
MODELS = "chatplug.models"
"""The group for the beginnings of model names: `gpt- = module:provider`."""
EXTENSIONS = "chatplug.extensions"
"""The group for what is heard whatever the provider: handlers and converters."""
COMMANDS = "chatplug.commands"
"""The group for subcommands of the command line."""
GROUPS = (PROVIDERS, MODELS, EXTENSIONS, COMMANDS)
"""Every group of the host."""


class Declaration(NamedTuple):
    """One entry point of one distribution."""

    name: str
    """What is declared: in the group of providers, the provider's name."""
    value: str
    """Where it is: `module` or `module:attribute`."""
    distribution: str
    """Who declares it: the distribution's name."""
    version: str
    """The distribution's version."""
    group: str = PROVIDERS
    """The entry-point group."""
    folder: str = ""
    """The distribution's metadata folder; empty where it is no plain folder."""
    requires: str = ""
    """Which versions of chatplug the distribution asks for, as in `>=0.1,<0.2`; empty for any."""

    def load(self) -> object:
        """Import the module and give the object; the only place where a plugin's code begins to run.

        Raises:
            ValueError: If the value does not name a module.
        """
        module, attributes = target_of(self.value)
        loaded: object = import_module(module)
        for attribute in attributes:
            loaded = getattr(loaded, attribute)
        return loaded


def target_of(value: str) -> tuple[str, list[str]]:
    """The module that an entry point names, and the attributes to follow in it; extras mean nothing.

    Raises:
        ValueError: If it names none.

    >>> target_of("package.module:object.attribute")
    ('package.module', ['object', 'attribute'])
    """
    plain, bracket, extras = value.partition("[")
    module, _, attributes = plain.partition(":")
    module, attributes = module.rstrip(), attributes.strip()
    words = f"{module}{attributes}".replace(".", "").replace("_", "")
    if not module or (words and not words.isalnum()) or (bracket and not extras.rstrip().endswith("]")):
        raise ValueError(f"{value!r} names no module")
    return module, [part for part in attributes.split(".") if part]


def plain_name(provider: str) -> str:
    """A provider's name in the one way that counts: `OpenAI-Compat` is `openai_compat`."""
    return provider.strip().lower().replace("-", "_")


def distribution_key(name: str) -> str:
    """A distribution's name in the one way that counts: `Chatplug.Echo` is `chatplug_echo`."""
    key = name.lower().replace("-", "_").replace(".", "_")
    while "__" in key:
        key = key.replace("__", "_")
    return key


def printable(text: str) -> str:
    r"""The text without what a terminal would obey; lines stay.

    >>> printable("red: \x1b[31m")
    'red: ?[31m'
    """
    return "".join([letter if letter.isprintable() or letter in "\t\n" else "?" for letter in text])


def fault_of(group: str, name: str) -> str:
    """Why nobody could ask for a name; empty where there is nothing wrong with it."""
    if not plain_name(name):
        return "its name is empty"
    if group == PROVIDERS and ":" in name:
        return "a colon in its name would end it"
    if not name.isprintable():
        return "its name has control characters"
    return ""


def who(declaration: Declaration) -> str:
    """A plugin as it is named in texts."""
    return f"{declaration.distribution} {declaration.version}"


def remedy(declaration: Declaration) -> str:
    """What to do about a plugin that is broken."""
    return f"Upgrade or uninstall {declaration.distribution}."
