"""Which transport sends a model's requests; the only way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatplug.errors import SettingsError
from chatplug.http import default_transport

if TYPE_CHECKING:
    from chatplug.http import Transport

__all__ = ["transport_for", "transport_of"]


def transport_of(http_client: Any, http_async_client: Any) -> Transport | None:
    """The transport over the user's own clients; None where there are none.

    Raises:
        SettingsError: If one of them is no client, or of the wrong kind.
    """
    if http_client is None and http_async_client is None:
        return None
    from chatplug.http import HttpxTransport

    try:
        return HttpxTransport(http_client, http_async_client)
    except TypeError as error:
        name = "http_async_client" if "AsyncClient" in str(error).partition(" got ")[0] else "http_client"
        raise SettingsError(
            f"The setting {name!r} is wrong: {error}", hint="Give httpx.Client() or httpx.AsyncClient()."
        ) from None


def transport_for(own: Transport | None) -> Transport:
    """The user's own transport where there is one, else the one that all models of the process share."""
    return default_transport() if own is None else own
