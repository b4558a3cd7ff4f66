"""What the user may set, and where it comes from when it is not set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, PrivateAttr, SecretStr

from chatplug.credentials import read_secret, read_variable
from chatplug.errors import CredentialsError, SettingsError
from chatplug.http import Timeout, public_url
from chatplug.language_models import BaseChatModel
from chatplug_openai_compat.transport import transport_of

if TYPE_CHECKING:
    from typing import Self

    from chatplug.http import Transport

__all__ = ["BASE_URL_VARIABLE", "KEY_VARIABLE", "OpenAICompatSettings"]

BASE_URL_VARIABLE = "OPENAI_BASE_URL"
KEY_VARIABLE = "OPENAI_API_KEY"
_ENDPOINT = "/chat/completions"
_CLIENTS = ("http_client", "http_async_client")


class Common(NamedTuple):
    """What all requests of a model have in common, made once."""

    url: str
    """Where chat completions are asked for."""
    headers: dict[str, str]
    stream_headers: dict[str, str]
    timeout: Timeout
    transport: Transport | None
    """What sends them, where the user brought a client."""


class OpenAICompatSettings(BaseChatModel):
    """The settings of every model whose server speaks OpenAI's chat completions.

    The wire format is documented at https://platform.openai.com/docs/api-reference/chat. A model that has been made
    keeps its settings; `model_copy(update={...})` makes another one.
    """

    model: str
    """The model's name, as the server knows it."""
    base_url: str | None = None
    """Where the server is, up to and with `/v1`; None for the variable `OPENAI_BASE_URL`."""
    api_key: SecretStr | None = None
    """The key; None for the variable `OPENAI_API_KEY`, empty for none. A server on a local address needs none."""
    temperature: Annotated[float, Field(ge=0)] | None = None
    """How freely the model chooses: 0 is the most repeatable; None leaves it to the server."""
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    """The most tokens that an answer may have; None leaves it to the server."""
    timeout: float | Mapping[str, float | None] | None = None
    """Seconds to wait for a connection and between two pieces of an answer, or a dict with any of `connect`, `read`
    and `total`; None for 10 seconds to connect and 300 seconds of silence."""
    http_client: Any = Field(default=None, exclude=True, repr=False)
    """A client of `httpx` or `httpx2` to send synchronous requests with, instead of chatplug's own."""
    http_async_client: Any = Field(default=None, exclude=True, repr=False)
    """An asynchronous client of `httpx` or `httpx2`, instead of chatplug's own."""

    _url: str = PrivateAttr(default="")
    _common: Common = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Find out at once what would make every call fail."""
        super().model_post_init(context)
        url = self.base_url or read_variable(BASE_URL_VARIABLE)
        if url is None:
            raise SettingsError(
                "Nothing says where the server is.",
                hint=f"Give base_url, up to and with /v1, or set {BASE_URL_VARIABLE}.",
            )
        parts = _checked_url(url)
        path = parts.path.rstrip("/").removesuffix(_ENDPOINT)
        self._url = parts._replace(path=path).geturl()
        self.base_url = self._url
        if self.api_key is None:
            self.api_key = read_secret(KEY_VARIABLE)
            if self.api_key is None and not _is_local(parts.hostname or ""):
                raise CredentialsError(
                    f"{parts.hostname} needs a key, and none was given.",
                    hint=f"Give api_key, or set {KEY_VARIABLE}; if this server needs none, say api_key=''.",
                )
        key = _checked_key(self.api_key)
        if self.api_key is not None:
            # As it is sent, so that it is found where a server repeats it.
            self.api_key = SecretStr(key)
        headers = {"content-type": "application/json", "accept": "application/json"}
        if key:
            headers["authorization"] = f"Bearer {key}"
        timeout = checked_timeout(self.timeout) if self.timeout is not None else Timeout()
        stream_headers = {**headers, "accept": "text/event-stream"}
        transport = transport_of(self.http_client, self.http_async_client)
        self._common = Common(self.endpoint(), headers, stream_headers, timeout, transport)

    @property
    def common(self) -> Common:
        """What all requests have in common."""
        # Asked for by its name, a private attribute takes longer than the body takes to encode (pydantic 2.14).
        common: Common = (self.__pydantic_private__ or {})["_common"]
        return common

    def endpoint(self, path: str = _ENDPOINT) -> str:
        """The address of one of the server's endpoints."""
        parts = urlsplit(self._url)
        return parts._replace(path=parts.path + path).geturl()

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with some settings changed, checked as when the model was made."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        if deep:
            # A client is a connection to somewhere; two copies share it.
            given = {name: value if name in _CLIENTS else deepcopy(value) for name, value in given.items()}
        copied = type(self)(**{**given, **(update or {})})
        known = copied.unsupported_settings
        known += [name for name in self.unsupported_settings if name not in known]
        if self._origin is not None:
            copied.set_origin(self._origin[0], copied.model)
        return copied

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            # Until `_common` is there the model is still being made.
            if name in type(self).model_fields and "_common" in (self.__pydantic_private__ or {}):
                raise SettingsError(
                    f"The setting {name!r} of a model cannot be changed once it is made.",
                    hint=f"Make another one: model.model_copy(update={{{name!r}: ...}}).",
                )
            super().__setattr__(name, value)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, self.public_address if name == "base_url" else value

    @property
    def public_address(self) -> str:
        """Where the server is, without a query, which may hold a key."""
        return public_url(self._url)


def checked_timeout(value: object) -> Timeout:
    """The limits that a setting stands for."""
    try:
        return Timeout.of(value)  # type: ignore[arg-type]  # checked by it
    except (TypeError, ValueError) as error:
        raise SettingsError(f"The setting 'timeout' is wrong: {error}") from None


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


def _checked_key(secret: SecretStr | None) -> str:
    key = secret.get_secret_value().strip() if secret is not None else ""
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
