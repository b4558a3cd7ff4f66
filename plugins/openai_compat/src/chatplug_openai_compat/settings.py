"""What the user may set, and where it comes from when it is not set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import PrivateAttr, SecretStr

from chatplug.credentials import secrets_of
from chatplug.errors import SettingsError
from chatplug.http import Timeout, public_url
from chatplug_openai_compat.body_settings import BODY, BodySettings
from chatplug_openai_compat.encode import not_honoured
from chatplug_openai_compat.gateway import GENERIC, Gateway, gateway_of
from chatplug_openai_compat.network_settings import NetworkSettings
from chatplug_openai_compat.server import Server, key_headers, key_of, server_of
from chatplug_openai_compat.transport import retrier_of, transport_of

if TYPE_CHECKING:
    from typing import Self

    from chatplug.http import Retrier, Transport

__all__ = ["OpenAICompatSettings", "checked_timeout"]


class Common(NamedTuple):
    """What all requests of a model have in common, made once."""

    gateway: Gateway
    """What is known of the provider."""
    server: Server
    """Where it is."""
    asked: str
    """The name by which it is asked for the model."""
    url: str
    """Where chat completions are asked for."""
    headers: dict[str, str]
    stream_headers: dict[str, str]
    secrets: Sequence[SecretStr | None]
    """What no error may show: the key, and what else looks like one by its name."""
    settings: Mapping[str, Any]
    """The settings of the body that were given."""
    timeout: Timeout
    transport: Transport
    """What sends them."""
    retrier: Retrier
    """What sends them again."""


class OpenAICompatSettings(BodySettings, NetworkSettings):
    """The settings of every model whose server speaks OpenAI's chat completions.

    A model that has been made keeps its settings; `model_copy(update={...})` makes another one.
    """

    model: str
    """The model's name, as the server knows it; on Azure the name of the deployment, unless that is given apart."""
    gateway: str = GENERIC
    """The provider's row in `gateways.toml`; `chatplug.init` chooses it by the provider's name."""
    base_url: str | None = None
    """Where the server is, up to and with `/v1`; None for the provider's own address, or the variable of its row."""
    api_key: SecretStr | None = None
    """The key; None for the variable of the provider's row, empty for none. A server on a local address needs none."""
    api_version: str | None = None
    """On Azure the dated version of the API, and with it the address of the deployment; None for the variable
    `OPENAI_API_VERSION`, or the newer API without dates. Sent as `api-version` wherever it is given."""
    azure_deployment: str | None = None
    """On Azure the deployment that answers, where it has another name than the model; None where it has the same."""
    think_tags: bool | None = None
    """Whether a text that begins with `<think>` begins with reasoning, to be kept apart; None as the row says."""
    _common: Common = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Find out at once what would make every call fail."""
        super().model_post_init(context)
        gateway = gateway_of(self.gateway)
        if self.think_tags is not None:
            gateway = replace(gateway, think_tags=self.think_tags)
        server, asked = server_of(gateway, self.base_url, self.api_version), self.azure_deployment or self.model
        self.base_url = server.url
        # As it is sent, so that it is found where a server repeats it.
        self.api_key = key_of(gateway, self.api_key, server)
        more = plain_headers(self.extra_headers)
        headers = {"content-type": "application/json", "accept": "application/json"}
        headers.update(key_headers(gateway, self.api_key), **more)
        stream_headers = {**headers, "accept": "text/event-stream", **more}
        self._common = Common(
            gateway=server.known(gateway),
            server=server,
            asked=asked,
            url=server.chat(asked, self.extra_query),
            headers=headers,
            stream_headers=stream_headers,
            secrets=(self.api_key, *server.secrets, *secrets_in(self.__dict__)),
            settings={name: value for name in BODY if (value := getattr(self, name)) is not None},
            timeout=checked_timeout(self.timeout) if self.timeout is not None else Timeout(),
            transport=transport_of(self),
            retrier=retrier_of(self),
        )

    @property
    def common(self) -> Common:
        """What all requests have in common."""
        # Asked for by its name, a private attribute takes longer than the body takes to encode (pydantic 2.14).
        common: Common = (self.__pydantic_private__ or {})["_common"]
        return common

    def _not_honoured(self, call: Mapping[str, Any] | None = None) -> list[str]:
        common = self.common
        if call is None:
            return not_honoured(common.settings, common.gateway)
        found = not_honoured({**common.settings, **call}, common.gateway)
        return [name for name in found if name in call]

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with some settings changed, checked as when the model was made."""
        given: dict[str, Any] = {}
        if deep:
            own = self.model_fields_set.difference(self.shared_settings)
            given = {name: deepcopy(getattr(self, name)) for name in own}
        return self.remade({**given, **(update or {})})

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
        shown = dict(super().__repr_args__())
        first = [name for name in ("model", "gateway", "base_url") if name in shown]
        yield from ((name, shown.pop(name)) for name in first)
        yield from shown.items()

    @property
    def public_address(self) -> str:
        """Where the server is, without a query, which may hold a key."""
        return public_url(self.base_url or "")


def checked_timeout(value: object) -> Timeout:
    """The limits that a setting stands for."""
    try:
        return Timeout.of(value)  # type: ignore[arg-type]  # checked by it
    except (TypeError, ValueError) as error:
        raise SettingsError(f"The setting 'timeout' is wrong: {error}") from None


def plain_headers(headers: Mapping[str, SecretStr] | None) -> dict[str, str]:
    """Headers as they are sent.

    Raises:
        SettingsError: If a value cannot be one; it is not shown.
    """
    made: dict[str, str] = {}
    for name, secret in (headers or {}).items():
        value = secret.get_secret_value().strip()
        if not value.isprintable():
            raise SettingsError(f"The header {name!r} of extra_headers holds a line break or a control character.")
        made[name.lower()] = value
    return made


def secrets_in(settings: Mapping[str, Any]) -> list[SecretStr]:
    """What is secret by its name among headers, parameters and fields of one's own; the rest may stand in errors."""
    headers: Mapping[str, SecretStr] = settings.get("extra_headers") or {}
    found = [value for name, value in headers.items() if any(word in name.lower() for word in _SECRET)]
    for name in ("extra_body", "extra_query"):
        found += secrets_of(settings.get(name))
    return found


_SECRET = ("auth", "cookie", "key", "secret", "token")
