"""Which transport sends a model's requests, and what sends them again; the only way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatplug.errors import SettingsError
from chatplug.http import Retrier, TransportOptions, default_transport

if TYPE_CHECKING:
    from chatplug.http import Transport
    from chatplug_openai_compat.network_settings import NetworkSettings

__all__ = ["retrier_of", "transport_of"]

_OPTIONS = ("ca", "client_cert", "client_key", "max_connections")


def transport_of(settings: NetworkSettings) -> Transport:
    """The transport over the user's own clients; where there are none, the one that models of equal settings share.

    Raises:
        SettingsError: If a client is none or of the wrong kind, or is to be given what it has to bring itself.
    """
    given: dict[str, Any] = {name: value for name in _OPTIONS if (value := getattr(settings, name)) is not None}
    if settings.proxy is not None:
        given["proxy"] = settings.proxy.get_secret_value()
    if settings.http_client is None and settings.http_async_client is None:
        return default_transport(TransportOptions(**given) if given else None)
    if given:
        raise SettingsError(
            f"The setting {next(iter(given))!r} cannot be given to a client of your own.",
            hint="Make the client with it: those of httpx take proxy, verify, cert and limits.",
        )
    from chatplug.http import HttpxTransport

    try:
        return HttpxTransport(settings.http_client, settings.http_async_client)
    except TypeError as error:
        name = "http_async_client" if "AsyncClient" in str(error).partition(" got ")[0] else "http_client"
        raise SettingsError(
            f"The setting {name!r} is wrong: {error}", hint="Give httpx.Client() or httpx.AsyncClient()."
        ) from None


def retrier_of(settings: NetworkSettings) -> Retrier:
    """What sends a model's requests again.

    Raises:
        SettingsError: If the one that was given is none.
    """
    retrier = _USUAL if settings.retrier is None else settings.retrier
    if not isinstance(retrier, Retrier):
        raise SettingsError(
            f"The setting 'retrier' is wrong: it is {type(retrier).__name__}.", hint="Give a chatplug.http.Retrier."
        )
    return retrier if settings.max_retries is None else retrier.of(settings.max_retries)


_USUAL = Retrier()
