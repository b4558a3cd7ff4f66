"""Where keys and other values of the environment come from, and how they are kept out of texts.

This is the only module that reads `os.environ`. Keys are handled as pydantic's `SecretStr`, which prints as
asterisks. Where a secret may stand in a plain setting, in an address or in a field of the body, `shown` knows it by its
name; `redact` takes secrets out of texts that others wrote.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, TypeGuard, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic import SecretStr

__all__ = [
    "environment_with",
    "is_secret_name",
    "read_secret",
    "read_variable",
    "redact",
    "secrets_of",
    "shown",
    "shown_address",
]

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


# Compiled when they are first needed: this module is imported with the first model.
_WORD = r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+"
_SECRET_ANYWHERE = frozenset(
    {
        "apikey",
        "authorization",
        "cookie",
        "cookies",
        "connectionstring",
        "credential",
        "credentials",
        "passcode",
        "passphrase",
        "passwd",
        "password",
        "passwords",
        "pwd",
        "secret",
        "secrets",
    }
)
_SECRET_AT_THE_END = frozenset({"auth", "bearer", "jwt", "key", "keys", "sig", "signature", "token"})
_SECRET_TOKENS = frozenset({"access", "api", "auth", "bearer", "refresh", "session"})
"""What stands before `tokens` where they open something; most are counted."""
_OF_A_SECRET = frozenset({"pem", "string", "value"})
"""What a name may have behind the word that says that it is secret."""
_NO_SECRET_KEYS = frozenset({"cache", "client", "foreign", "idempotency", "partition", "primary", "sort"})
"""What stands before `key` where the key opens nothing; `client_key` is the name of a file."""
_ALL_WITHIN = frozenset({"header", "headers", "query"})
"""How names of settings end that hold many values, of which any may be a secret."""
_ADDRESSES = frozenset({"address", "endpoint", "host", "proxies", "proxy", "server", "uri", "url"})
_ADDRESS = r"([A-Za-z][A-Za-z0-9+.-]*://)?([^/?#\s]*)([^?#\s]*)(\?[^#\s]*)?(#\S*)?"


def is_secret_name(name: str) -> bool:
    """Whether a setting, a header or a parameter of this name holds a secret.

    >>> [is_secret_name(name) for name in ("api_key", "X-Auth-Token", "accessToken", "api_key_2")]
    [True, True, True, True]
    >>> [is_secret_name(name) for name in ("max_tokens", "prompt_cache_key", "client_key")]
    [False, False, False]
    """
    words = [word.lower() for word in re.findall(_WORD, name)]
    if not _SECRET_ANYWHERE.isdisjoint(words) or words[-2:] == ["connection", "string"]:
        return True
    while words and (words[-1].isdigit() or words[-1] in _OF_A_SECRET):  # one of several, as `api_key_2`
        words.pop()
    if not words:
        return False
    if words[-1] == "tokens":
        return not _SECRET_TOKENS.isdisjoint(words[-2:-1])
    if words[-1] in ("key", "keys") and len(words) > 1 and words[-2] in _NO_SECRET_KEYS:
        return False
    return words[-1] in _SECRET_AT_THE_END


def shown(value: Any, name: str = "") -> Any:
    """A setting as it may be shown: a copy in which asterisks stand for what may be a secret.

    These are texts and numbers under a name that says so (`is_secret_name`), at any depth; all headers, and all
    parameters of a query; and what `shown_address` leaves out of an address. Names below `properties`, as JSON Schema
    has it, are names of fields and hide nothing. What is no text, number, dict, list, tuple or set is left as it is.

    Args:
        value: The value of a setting, or several in a dict.
        name: The setting's name.

    >>> shown({"seed": 3, "auth": {"kind": "basic", "password": "meow"}})
    {'seed': 3, 'auth': {'kind': '**********', 'password': '**********'}}
    >>> shown("https://me:meow@host/v1?api-version=1&key=meow", "base_url")
    'https://**********@host/v1?api-version=**********&key=**********'
    """
    return _shown(value, name, is_hidden=False)


def _shown(value: Any, name: str, *, is_hidden: bool) -> Any:
    is_hidden = is_hidden or is_secret_name(name)
    if isinstance(value, (str, bytes, bytearray, int, float)):
        if is_hidden and value and not isinstance(value, bool):
            return _MASK
        return shown_address(value, name) if isinstance(value, str) else value
    if isinstance(value, (dict, list, tuple)):
        within = _within(cast("Any", value), name, is_hidden=is_hidden)
        items = [_shown(item, key, is_hidden=hidden) for key, item, hidden in within]
        if isinstance(value, dict):
            return dict(zip(cast("Iterable[Any]", value), items, strict=True))
        return tuple(items) if isinstance(value, tuple) else items
    if isinstance(value, (set, frozenset)):
        kind: Any = type(cast("object", value))
        return kind(_shown(item, "", is_hidden=is_hidden) for item in cast("Any", value))
    return value


def _within(value: Any, name: str, *, is_hidden: bool) -> Iterator[tuple[str, Any, bool]]:
    """Each value in a dict, a list, a tuple or a set, with its name and whether it is hidden."""
    is_hidden = is_hidden or _last_word(name) in _ALL_WITHIN
    if not _is_dict(value):
        yield from (("", item, is_hidden) for item in value)
    elif name == "properties":
        yield from (("", item, False) for item in value.values())
    else:
        yield from ((str(key), item, is_hidden) for key, item in value.items())


def _is_dict(value: object) -> TypeGuard[dict[Any, Any]]:
    return isinstance(value, dict)


def _last_word(name: str) -> str:
    words: list[str] = re.findall(_WORD, name)
    return words[-1].lower() if words else ""


def shown_address(text: str, name: str = "") -> str:
    """An address with asterisks for user and password, for each value of its query, and for its fragment.

    Where there is no telling what of it is the host, only the scheme is left. Any other text is given back.

    Args:
        text: An address, or any other text.
        name: The name of the setting: where it says that this is an address, it need not begin with a scheme.

    >>> shown_address("postgres://me:meow@db/cats?sslmode=on")
    'postgres://**********@db/cats?sslmode=**********'
    >>> shown_address("me:meow@proxy:3128", "proxy")
    '**********@proxy:3128'
    """
    if "://" not in text and _last_word(name) not in _ADDRESSES:
        return text
    parts = re.fullmatch(_ADDRESS, text.strip())
    if parts is None or (parts[1] is None and _last_word(name) not in _ADDRESSES):
        return text
    scheme, authority, path, query, fragment = (part or "" for part in parts.groups())
    if not (scheme or query or "@" in authority):
        return text
    userinfo, at, host = authority.rpartition("@")
    port = "" if host.endswith("]") else host.rpartition(":")[2] if ":" in host else ""
    if (port and not port.isdigit()) or "@" in (query + fragment).partition("/")[0]:
        return f"{scheme}..."
    user = _MASK + at if userinfo else at
    return "".join((scheme, user, host, path, _shown_query(query), f"#{_MASK}" if fragment else ""))


def _shown_query(query: str) -> str:
    named = (part.partition("=") for part in query[1:].split("&") if part)
    shown = "&".join(f"{name}{equals}{_MASK}" if equals else _MASK for name, equals, _ in named)
    return f"?{shown}" if query else ""


def secrets_of(value: Any, name: str = "") -> Iterator[SecretStr]:
    """The texts in a setting for which `shown` has asterisks, but for addresses; to take them out of texts.

    >>> [secret.get_secret_value() for secret in secrets_of({"user": "tom", "auth": {"token": "meow"}})]
    ['meow']
    """
    return _secrets_of(value, name, is_hidden=False)


def _secrets_of(value: Any, name: str, *, is_hidden: bool) -> Iterator[SecretStr]:
    is_hidden = is_hidden or is_secret_name(name)
    if isinstance(value, str):
        if is_hidden and value:
            from pydantic import SecretStr

            yield SecretStr(value)
    elif isinstance(value, (dict, list, tuple, set, frozenset)):
        for key, item, within in _within(cast("Any", value), name, is_hidden=is_hidden):
            yield from _secrets_of(item, key, is_hidden=within)


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
