"""Where keys and other values of the environment come from, and how they are kept out of texts.

This is the only module that reads `os.environ`. Keys are handled as pydantic's `SecretStr`, which prints as
asterisks; `redact` takes them out of texts that others wrote.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import SecretStr

__all__ = ["environment_with", "is_secret_name", "masked", "read_secret", "read_variable", "redact"]

_MASK = "**********"
_SHORTEST = 4


def read_variable(name: str) -> str | None:
    """The value of an environment variable; None where it is not set or empty."""
    return os.environ.get(name) or None


def read_secret(name: str) -> SecretStr | None:
    """The value of an environment variable as a `SecretStr`; None where it is not set or empty."""
    value = read_variable(name)
    if value is None:
        return None
    from pydantic import SecretStr

    return SecretStr(value)


def environment_with(**variables: str) -> dict[str, str]:
    """The environment of this process and these variables, for a process that it starts."""
    return {**os.environ, **variables}


_SECRET_NAMES = ("api_key", "password", "secret", "token")
"""How names of settings end whose value is a secret."""


def is_secret_name(name: str) -> bool:
    """Whether a setting of this name holds a secret.

    >>> is_secret_name("api_key"), is_secret_name("max_tokens")
    (True, False)
    """
    return name.endswith(_SECRET_NAMES)


def masked(settings: Mapping[str, object]) -> dict[str, object]:
    """The settings as they may be shown: those that hold a secret by their name are asterisks.

    >>> masked({"api_key": "sk-12345", "seed": 3})
    {'api_key': '**********', 'seed': 3}
    """
    return {name: _MASK if is_secret_name(name) else value for name, value in settings.items()}


def redact(text: str, secrets: Iterable[SecretStr | None]) -> str:
    """The text with each secret replaced by asterisks.

    A provider may repeat a key in its error message. Secrets of fewer than four characters are left: they
    guard nothing, and taking them out would garble the text.

    >>> from pydantic import SecretStr
    >>> redact("Invalid key sk-12345.", [SecretStr("sk-12345")])
    'Invalid key **********.'
    """
    # Without the space around it, which a key that was read from a file has and no answer repeats.
    values = (secret.get_secret_value().strip() for secret in secrets if secret is not None)
    # The longest first: a secret may begin with another one.
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= _SHORTEST:
            text = text.replace(value, _MASK)
    return text
