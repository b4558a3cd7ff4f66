"""Where a provider's server is, and with which key it is asked; found out at once, before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

from pydantic import SecretStr

from chatplug.credentials import read_secret, read_variable, secrets_of
from chatplug.errors import CredentialsError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from chatplug_openai_compat.gateway import Gateway

__all__ = ["Server", "key_headers", "key_of", "server_of"]

_ENDPOINT = "/chat/completions"
_MODEL = "{model}"
_VERSION = "api-version"


@dataclass(slots=True, frozen=True)
class Server:
    """The address of a server, checked."""

    base: SplitResult
    """The address as the user gave it, up to and with `/v1`."""
    path: str
    """The path of the API; `{model}` in it stands for the model's name."""
    query: Mapping[str, str]
    """What every request's address has behind the `?`, besides what the user wrote there."""

    @property
    def url(self) -> str:
        """The address as it was given."""
        return self.base.geturl()

    def address(self, endpoint: str, model: str = "", query: Mapping[str, Any] | None = None) -> str:
        """The address of one of the server's endpoints.

        Args:
            endpoint: The rest of the path: `/models`.
            model: The model that is asked, for servers that want it in the path.
            query: What to add behind the `?`.
        """
        path = self.path.replace(_MODEL, quote(model, safe=""))
        if not model:
            # Endpoints that are about no model stand beside those that are.
            path = self.path.partition("/deployments/")[0]
        more = {**self.query, **{name: _plain(value) for name, value in (query or {}).items()}}
        parts = self.base._replace(path=path + endpoint)
        if more:
            given = [
                (name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in more
            ]
            parts = parts._replace(query=urlencode([*given, *more.items()]))
        return parts.geturl()

    def chat(self, model: str, query: Mapping[str, Any] | None = None) -> str:
        """Where chat completions are asked for."""
        return self.address(_ENDPOINT, model, query)

    def known(self, gateway: Gateway) -> Gateway:
        """What is known of the provider at this server's version of the API."""
        version, since = self.query.get(_VERSION, ""), gateway.api_version.get("names_since", "")
        return replace(gateway, names={}) if version and version < since else gateway

    @property
    def secrets(self) -> list[SecretStr]:
        """What is secret, by its name, in the query of the address as it was given."""
        return list(secrets_of(dict(parse_qsl(self.base.query))))

    @property
    def depends_on_model(self) -> bool:
        """Whether the address of chat completions names the model."""
        return _MODEL in self.path


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def server_of(gateway: Gateway, base_url: str | None, api_version: str | None) -> Server:
    """Where the server is: as given, or as the provider's variables say, or where the provider is known to be.

    Raises:
        SettingsError: If nothing says it, or it is no http address.
    """
    url = base_url or _first(gateway.base_url_variables) or gateway.base_url
    if url is None:
        name = gateway.base_url_variables[0]
        raise SettingsError(
            "Nothing says where the server is.",
            hint=f"Give base_url, {'up to and with /v1, ' if not gateway.path else ''}or set {name}.",
        )
    parts = _checked_url(url)
    parts = parts._replace(path=parts.path.rstrip("/").removesuffix(_ENDPOINT))
    dated = gateway.api_version
    version = api_version or (read_variable(dated["variable"]) if dated else None)
    path = parts.path or (dated["path"] if version and dated else gateway.path)
    return Server(parts, path, {_VERSION: version} if version else {})


def key_of(gateway: Gateway, given: SecretStr | None, server: Server) -> SecretStr | None:
    """The key as it is sent; None where none was given and the server is in the own network.

    Raises:
        CredentialsError: If a key is needed and there is none, or it cannot be one.
    """
    secret = given
    if secret is None:
        secret = next((found for name in gateway.key_variables if (found := read_secret(name))), None)
    host = server.base.hostname or ""
    if secret is None and not _is_local(host):
        raise CredentialsError(
            f"{host} needs a key, and none was given.",
            hint=f"Give api_key, or set {gateway.key_variables[0]}; if this server needs none, give an empty api_key.",
        )
    return None if secret is None else SecretStr(_checked_key(secret))


def key_headers(gateway: Gateway, secret: SecretStr | None) -> dict[str, str]:
    """The header that holds the key; none where there is no key."""
    key = secret.get_secret_value() if secret is not None else ""
    if not key:
        return {}
    return {gateway.key_header: f"Bearer {key}" if gateway.key_header == "authorization" else key}


def _first(variables: Iterable[str]) -> str | None:
    return next((value for name in variables if (value := read_variable(name))), None)


def _checked_url(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        is_http = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, is_http = urlsplit(""), False
    if not is_http:
        raise SettingsError("base_url is not an http address.", hint="For example: http://127.0.0.1:8080/v1")
    if parts.username or parts.password:
        raise SettingsError("base_url holds a user or a password.", hint="Give the key as api_key.")
    return parts._replace(fragment="")


def _checked_key(secret: SecretStr) -> str:
    key = secret.get_secret_value().strip()
    if not (key.isascii() and key.isprintable()):
        raise CredentialsError("The key holds a line break or a character that no key has.", hint="Copy it again.")
    return key


def _is_local(host: str) -> bool:
    """Whether a host is this machine or in a private network, where servers commonly ask for no key."""
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    from ipaddress import ip_address

    try:
        return ip_address(host).is_private
    except ValueError:
        # A name without a dot is one of the own network: a container, a machine next door.
        return "." not in host
