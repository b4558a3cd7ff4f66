"""Which transport sends a model's requests; the only way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatplug.http import default_transport

if TYPE_CHECKING:
    from chatplug.http import Transport

__all__ = ["transport_for"]


def transport_for(http_client: Any, http_async_client: Any) -> Transport:
    """The user's own clients where there are any, else the transport that all models of the process share."""
    if http_client is None and http_async_client is None:
        return default_transport()
    from chatplug.http import HttpxTransport

    return HttpxTransport(http_client, http_async_client)
