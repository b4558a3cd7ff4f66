"""What authors of plugins and transports test with; each name is imported on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatplug.testing.http_server import Exchange, LoopbackServer
    from chatplug.testing.transport_contract import TransportContract

__all__ = ["Exchange", "LoopbackServer", "TransportContract"]

_HOMES = {
    "Exchange": "http_server",
    "LoopbackServer": "http_server",
    "TransportContract": "transport_contract",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
