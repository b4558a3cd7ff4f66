"""What authors of plugins and of programs test with; each name is imported on first use.

The conformance kit and the contract of transports need pytest, `chatplug.testing.strategies` needs hypothesis: both
come with the extra `testing`. The rest needs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatplug.testing.conformance import ChatModelConformance, HttpChatModelConformance
    from chatplug.testing.fakes import FakeCall, FakeChatModel, FakeListChatModel, GenericFakeChatModel
    from chatplug.testing.http_server import Exchange, LoopbackServer
    from chatplug.testing.real_providers import RealProviderError, RealProviders
    from chatplug.testing.recording_handler import Heard, RecordingHandler
    from chatplug.testing.transport_contract import TransportContract

__all__ = [
    "ChatModelConformance",
    "Exchange",
    "FakeCall",
    "FakeChatModel",
    "FakeListChatModel",
    "GenericFakeChatModel",
    "Heard",
    "HttpChatModelConformance",
    "LoopbackServer",
    "RealProviderError",
    "RealProviders",
    "RecordingHandler",
    "TransportContract",
]

_HOMES = {
    "ChatModelConformance": "conformance",
    "Exchange": "http_server",
    "FakeCall": "fakes",
    "FakeChatModel": "fakes",
    "FakeListChatModel": "fakes",
    "GenericFakeChatModel": "fakes",
    "Heard": "recording_handler",
    "HttpChatModelConformance": "conformance",
    "LoopbackServer": "http_server",
    "RealProviderError": "real_providers",
    "RealProviders": "real_providers",
    "RecordingHandler": "recording_handler",
    "TransportContract": "transport_contract",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
