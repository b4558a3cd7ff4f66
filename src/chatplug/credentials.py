"""Where keys and other values of the environment come from, and how they are kept out of texts.

This is the only module that reads `os.environ`. Keys are handled as pydantic's `SecretStr`, which prints as
asterisks; `redact` takes them out of texts that others wrote.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import SecretStr

__all__ = ["environment_with", "read_secret", "read_variable", "redact"]

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
